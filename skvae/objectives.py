"""Bounds and their terms: pure functions, in nats, one value per row.

Nothing here reduces over rows or depends on epochs, devices or optimizers. Tensors have
the shape (B,), or (S, B) if S samples of z are drawn for each row.
"""

import math

import torch


def elbo(log_likelihood, kl, beta=1.0):
    """Evidence lower bound, E_q[ln p(x|z)] − β KL(q(z|x) || p(z)).

    β = 1: Kingma & Welling (2014), eq. 3; β ≠ 1: Higgins et al. (2017), eq. 4.

    Parameters
    ----------
    log_likelihood : Tensor of shape (B,)
        ln p(x|z) at a draw z ~ q, or its mean over several draws.
    kl : Tensor of shape (B,)
        The divergence, exact or estimated at the same draw.
    beta : float, default=1.0
        Weight of the divergence.

    Returns
    -------
    Tensor of shape (B,)
    """
    return torch.sub(log_likelihood, kl, alpha=beta)


def log_weights(log_likelihood, log_prior, log_posterior, beta=1.0):
    """ln w = ln p(x|z) + β (ln p(z) − ln q(z|x)) at draws z ~ q.

    Parameters
    ----------
    log_likelihood, log_prior, log_posterior : Tensor of shape (S, B)
        The three log-densities at each draw.
    beta : float, default=1.0
        Weight of the last two; with β = 1 the expected value of w is p(x).

    Returns
    -------
    Tensor of shape (S, B)
    """
    return log_likelihood + beta * (log_prior - log_posterior)


def importance_weighted(log_w):
    """ln (1/S) Σ_s w_s: Burda et al. (2016), eq. 8.

    In expectation a lower bound on ln p(x), which rises with S. With S = 1, it is the
    sampled ELBO.

    Parameters
    ----------
    log_w : Tensor of shape (S, B)
        From `log_weights`.

    Returns
    -------
    Tensor of shape (B,)
    """
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))
