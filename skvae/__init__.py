"""Variational autoencoders as scikit-learn estimators."""

from skvae._loading import load
from skvae._version import __version__
from skvae.autoencoders import AETransformer, VAETransformer
from skvae.conditional import (
    CMMATransformer,
    CVAETransformer,
    TaskInvariantVAETransformer,
)

__all__ = [
    "AETransformer",
    "CMMATransformer",
    "CVAETransformer",
    "TaskInvariantVAETransformer",
    "VAETransformer",
    "__version__",
    "load",
]
