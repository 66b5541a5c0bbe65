"""Priors over the latents."""

from skvae.priors._density_ratio import DensityRatio
from skvae.priors._modules import PriorModule
from skvae.priors._priors import Prior, StandardNormal, VampPrior
from skvae.priors._shorthand import SHORTHAND, as_prior

__all__ = [
    "SHORTHAND",
    "DensityRatio",
    "Prior",
    "PriorModule",
    "StandardNormal",
    "VampPrior",
    "as_prior",
]
