"""Priors over the latents."""

from skvae.priors._density_ratio import DensityRatio
from skvae.priors._priors import (
    SHORTHAND,
    Prior,
    PriorModule,
    StandardNormal,
    StandardNormalModule,
    VampPrior,
    as_prior,
)

__all__ = [
    "SHORTHAND",
    "DensityRatio",
    "Prior",
    "PriorModule",
    "StandardNormal",
    "StandardNormalModule",
    "VampPrior",
    "as_prior",
]
