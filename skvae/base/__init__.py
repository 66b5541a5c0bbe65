"""The scikit-learn interface of every model."""

from skvae._parameters import Declared, parameter
from skvae.base._arrays import in_kind
from skvae.base._autoencoder import BaseAutoencoderTransformer
from skvae.base._flags import reading_flags
from skvae.base._folds import models_of_folds
from skvae.base._groups import (
    BODY,
    SIZES,
    CustomNetworks,
    Divergence,
    ImportanceWeighted,
    Latents,
)
from skvae.base._pipelines import (
    as_transformer,
    condition_positions,
    find_model,
    split_model,
)
from skvae.base._ready import ready_fits, seconds_before
from skvae.base._sklearn import REPOSITORY, SITE, page, with_callbacks
from skvae.base._vae import BaseVAETransformer, DensityMixin, mean_score, selected

__all__ = [
    "BODY",
    "REPOSITORY",
    "SITE",
    "SIZES",
    "BaseAutoencoderTransformer",
    "BaseVAETransformer",
    "CustomNetworks",
    "Declared",
    "DensityMixin",
    "Divergence",
    "ImportanceWeighted",
    "Latents",
    "as_transformer",
    "condition_positions",
    "find_model",
    "in_kind",
    "mean_score",
    "models_of_folds",
    "page",
    "parameter",
    "reading_flags",
    "ready_fits",
    "seconds_before",
    "selected",
    "split_model",
    "with_callbacks",
]
