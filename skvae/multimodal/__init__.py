"""Models of several modalities, p(x_1, ..., x_M), with shared latents."""

from skvae.multimodal._base import BaseMultimodalTransformer
from skvae.multimodal._hierarchical import HierarchicalJMVAETransformer
from skvae.multimodal._hierarchical_module import HierarchicalJMVAE
from skvae.multimodal._jmvae import JMVAETransformer
from skvae.multimodal._jmvae_gan import JMVAEGANTransformer
from skvae.multimodal._jmvae_gan_module import JMVAEGAN
from skvae.multimodal._jmvae_module import JMVAE
from skvae.multimodal._modality import Modalities, Modality
from skvae.multimodal._presets import suzuki2018

__all__ = [
    "JMVAE",
    "JMVAEGAN",
    "BaseMultimodalTransformer",
    "HierarchicalJMVAE",
    "HierarchicalJMVAETransformer",
    "JMVAEGANTransformer",
    "JMVAETransformer",
    "Modalities",
    "Modality",
    "suzuki2018",
]
