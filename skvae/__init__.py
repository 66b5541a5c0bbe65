"""Variational autoencoders as scikit-learn estimators."""

from skvae._loading import load
from skvae._trusting import trusted_types
from skvae._version import __version__
from skvae.autoencoders import (
    AETransformer,
    CategoricalVAETransformer,
    MCEMTransformer,
    MPVAETransformer,
    VAETransformer,
    WakeSleepTransformer,
)
from skvae.conditional import (
    CMMATransformer,
    CVAETransformer,
    TaskInvariantVAETransformer,
)
from skvae.imputer import VAEImputer
from skvae.multimodal import (
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
)

__all__ = [
    "AETransformer",
    "CMMATransformer",
    "CVAETransformer",
    "CategoricalVAETransformer",
    "HierarchicalJMVAETransformer",
    "JMVAEGANTransformer",
    "JMVAETransformer",
    "MCEMTransformer",
    "MPVAETransformer",
    "TaskInvariantVAETransformer",
    "VAEImputer",
    "VAETransformer",
    "WakeSleepTransformer",
    "__version__",
    "load",
    "trusted_types",
]
