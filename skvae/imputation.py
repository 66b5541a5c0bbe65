"""Missing cells given the observed ones: conditional means, and draws.

Latents are drawn from the proposal of importance sampling, the posterior refined for
each row, and weighted by

    w_s ∝ p(x_o | z_s) p(z_s) / q(z_s | x_o),  Σ_s w_s = 1,

where x_o are the observed cells (Mattei & Frellsen 2019, eq. 12). Means of missing
cells are Σ_s w_s E[x_m | z_s]. A draw is one of p(x_m | z_s) with s chosen with the
probabilities w_s.
"""

import torch

from skvae.chunks import chunks
from skvae.estimates import proposal
from skvae.objectives import log_weights


def weighted_latents(module, batch, noise, n_samples):
    """Return draws of latents, (S, B, K), and their weights, (S, B), which add to 1.

    Parameters
    ----------
    module : LatentModel
        In evaluation mode.
    batch : Batch
        Rows.
    noise : Noise
        Source of the draws.
    n_samples : int
        S.
    """
    q, _ = proposal(module, batch, noise.fork())
    p, draws, log_w = module.prior(batch), [], []
    for where in chunks(module, q.mean, batch, n_samples):
        z = q.sample(noise, where.stop - where.start)  # (n, B, K)
        given_z = module.log_likelihood(z, batch)
        draws.append(z)
        log_w.append(log_weights(given_z, p.log_prob(z), q.log_prob(z)))
    return torch.cat(draws), torch.cat(log_w).double().softmax(0)


def conditional_mean(module, batch, noise, n_samples):
    """Return E[x | observed cells], or the most probable values of labels, (B, D).

    The parameters are those of `weighted_latents`.
    """
    z, weights = weighted_latents(module, batch, noise, n_samples)
    total = 0.0
    for where in chunks(module, z[0], batch, n_samples):
        p = module.likelihood(z[where], batch)
        total = total + torch.einsum("sb,sbe->be", weights[where], p.statistic.double())
    return p.typical(total).to(batch.x.dtype)


def conditional_draws(module, batch, noise, n_samples, n_draws):
    """Return draws of x given the observed cells, (B, n_draws, D).

    The first parameters are those of `weighted_latents`.
    """
    z, weights = weighted_latents(module, batch, noise, n_samples)
    uniform = noise.uniform(weights[:1], n_draws)[:, 0]  # (n_draws, B)
    ends = weights.cumsum(0).T.contiguous()  # (B, S)
    chosen = torch.searchsorted(ends, uniform.T.contiguous())
    chosen = chosen.clamp(max=n_samples - 1).T  # (n_draws, B)
    z = z[chosen, torch.arange(len(batch.x), device=z.device)]  # (n_draws, B, K)
    return module.likelihood(z, batch).sample(noise).transpose(0, 1)
