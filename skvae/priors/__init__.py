"""Priors over the latents."""

from skvae.priors._priors import (
    SHORTHAND,
    Prior,
    StandardNormal,
    VampPrior,
    as_prior,
)

__all__ = ["SHORTHAND", "Prior", "StandardNormal", "VampPrior", "as_prior"]
