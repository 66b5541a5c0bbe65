"""Estimates of ln p(x) for the rows of one batch.

Each function returns an `Estimate` for the rows, in double precision.
"""

import math
from typing import NamedTuple

import torch

from skvae.annealing import annealed_log_weights
from skvae.chunks import over_chunks
from skvae.distributions import RowNoise, kl, row_keys
from skvae.refinement import refined_proposal

N_ENUMERATED = 256  # values of discrete latents up to which ln p(x) is a sum over them


class Estimate(NamedTuple):
    """What draws say about each of B rows.

    Attributes
    ----------
    value : Tensor of shape (B,)
        ln p(x), or the ELBO.
    std_error : Tensor of shape (B,)
        Its standard error due to the draws.
    effective_sample_size : Tensor of shape (B,)
        Effective number of draws.
    need : Tensor of int of shape (B,)
        What the row needs: `MORE` steps of refinement, a `SEARCH`, or nothing, 0.
    """

    value: torch.Tensor
    std_error: torch.Tensor
    effective_sample_size: torch.Tensor
    need: torch.Tensor


def row_noise(batch, seed):
    """Return noise for the rows of a batch that depends on their contents only."""
    keys, tables = row_keys(seed, batch.x, batch.condition), []
    for flags in (batch.observed, batch.seen):
        if flags is not None:  # a complete row is the same among incomplete ones
            tables.append(flags)
            some = row_keys(seed, batch.x, batch.condition, *tables)
            keys = torch.where(flags.all(-1), keys, some)
    return RowNoise(keys)


def proposal(module, batch, noise, refine=None, search=False):
    """Return the distribution over z for importance sampling, refined by some steps.

    Their default is that of the module. Also return what rows need, (B,).
    """
    n_steps = module.n_refinements if refine is None else refine
    if n_steps:
        return refined_proposal(module, batch, noise, n_steps, search)
    none = torch.zeros(len(batch.x), dtype=torch.int, device=batch.x.device)
    return module.proposal(batch), none


def importance(module, batch, noise, n_samples, refine, search=False):
    """Estimate ln p(x) from importance samples, or as a sum over all values of z."""
    q, need = proposal(module, batch, noise.fork(), refine, search)
    support = module.prior(batch).support(N_ENUMERATED)
    if support is not None:
        return _enumerated(q, module, batch, n_samples, support)

    def log_weights(q, p, where):
        return module.log_weights(q, p, batch, noise, where.stop - where.start)

    log_w = over_chunks(log_weights, q, module, batch, n_samples)  # (S, B)
    return _reduced(log_w)._replace(need=need)


def annealed(module, batch, noise, n_samples, n_temperatures):
    """Estimate ln p(x) by annealed importance sampling."""
    return _reduced(
        annealed_log_weights(module, batch, noise, n_samples, n_temperatures)
    )


class Weighted(NamedTuple):
    """What S weighted draws say about each of B rows.

    Attributes
    ----------
    value : Tensor of shape (B,)
        ln of their mean weight.
    influence : Tensor of shape (S, B)
        Weights relative to their mean, less 1.
    effective_sample_size : Tensor of shape (B,)
        (Σ w)² / Σ w².
    """

    value: torch.Tensor
    influence: torch.Tensor
    effective_sample_size: torch.Tensor


def weighted(log_w):
    """Summarise log-weights, (S, B) -> `Weighted`."""
    value = torch.logsumexp(log_w, 0) - math.log(len(log_w))
    weights = (log_w - value).exp()
    size = weights.sum(0).square() / weights.square().sum(0)
    return Weighted(value, weights - 1, size)


def _reduced(log_w):
    """Return the `Estimate` from log-weights, (S, B)."""
    found = weighted(log_w)
    size = found.effective_sample_size
    return Estimate(found.value, std_error(found.influence), size, size < 0)


def _enumerated(q, module, batch, n_samples, support):
    """Return ln Σ p(x, z) over all values of z; it has no error."""

    def log_joint(q, p, where):
        z = support[where, None]  # (n, 1, K)
        return module.log_likelihood(z, batch) + p.log_prob(z)

    joint = over_chunks(log_joint, q, module, batch, len(support))
    value = torch.logsumexp(joint, 0)
    size = torch.full_like(value, n_samples)
    return Estimate(value, torch.zeros_like(value), size, size < 0)


def elbo(module, batch, noise, n_samples):
    """Estimate the mean of ln p(x | z) − KL(q || p)."""

    def bound(q, p, where):
        z = q.sample(noise, where.stop - where.start)  # (n, B, K)
        return module.log_likelihood(z, batch) - kl(q, p, z)

    bounds = over_chunks(bound, module.posterior(batch), module, batch, n_samples)
    value = bounds.mean(0)
    size = torch.full_like(value, n_samples)
    return Estimate(value, std_error(bounds - value), size, size < 0)


def std_error(influence):
    """Return the standard error of a mean of S draws, (S, B) -> (B,)."""
    n_draws = len(influence)
    if n_draws == 1:
        return torch.full_like(influence[0], torch.nan)
    return (influence.square().sum(0) / (n_draws * (n_draws - 1))).sqrt()
