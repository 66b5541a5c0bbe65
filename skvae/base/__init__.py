"""The scikit-learn face of every model."""

from skvae.base._autoencoder import BaseAutoencoderTransformer
from skvae.base._parameters import BODY, VAE_PARAMETERS
from skvae.base._restoring import restore
from skvae.base._saving import plain_columns, resolved
from skvae.base._steps import as_transformer, find_model, split_model
from skvae.base._tasks import with_callbacks
from skvae.base._vae import BaseVAETransformer, as_asked

__all__ = [
    "BODY",
    "VAE_PARAMETERS",
    "BaseAutoencoderTransformer",
    "BaseVAETransformer",
    "as_asked",
    "as_transformer",
    "find_model",
    "plain_columns",
    "resolved",
    "restore",
    "split_model",
    "with_callbacks",
]
