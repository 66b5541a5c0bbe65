"""How much the latents know, and how far together they are from the prior."""

import math
from typing import NamedTuple

import numpy as np
import torch

from skvae._validation import Options, check_parameter
from skvae.base import find_model
from skvae.distributions import kl, marginal_kl
from skvae.metrics._posteriors import condition_of, draws, same_for_all

CHUNK_ELEMENTS = 2**22  # latents of pairs of rows at a time


class Information(NamedTuple):
    """What the posteriors of some rows say, in nats; K latents.

    Attributes
    ----------
    n_rows : int
        n, how many were looked at.
    variance : ndarray of shape (K,)
        Of the posterior mean of each latent; of a categorical variable that of its
        probabilities, added.
    kl, marginal_kl : float, ndarray of shape (K,)
        E[KL(q(z | x) || p(z))], jointly and of each latent by itself.
    lower, upper : float
        Two bounds of I(X; Z).
    marginal_information : ndarray of shape (K,)
        The lower bound of I(X; Z_k) of each latent by itself.
    one_prior : bool
        Whether p(z) is the same for all rows, so that the divergence less I(X; Z) is
        that of q(z) from it.
    """

    n_rows: int
    variance: np.ndarray
    kl: float
    marginal_kl: np.ndarray
    lower: float
    upper: float
    marginal_information: np.ndarray
    one_prior: bool


def mutual_information(
    estimator,
    X,
    y=None,
    *,
    bound="lower",
    condition=None,
    n_rows=2000,
    random_state=0,
):
    """Bound I(X; Z), what the latents know of the rows, in nats; usable as a scorer.

    I(X; Z) = E[ln q(z | x) − ln q(z)] with the aggregated posterior q(z) = E q(z | x),
    estimated by the mean over N rows. With the row that z came from among them the
    result is a lower bound, about ln N at most; without it an upper bound, as is the
    divergence E[KL(q(z | x) || p(z))] (Poole et al. 2019, section 2). Far below ln N
    both are close to the truth.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior, or a pipeline or search with one.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : None
        Ignored.
    bound : {"lower", "upper"}, default="lower"
        Which bound.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Of each row, for a model that takes it as an argument.
    n_rows : int, default=2000
        N; a subset is drawn where `X` has more. Time grows with its square.
    random_state : int, RandomState or None, default=0
        Of the subset and of the draws.

    Returns
    -------
    float
        Nats a row.

    Raises
    ------
    TypeError
        If there is no posterior.
    ValueError
        If an argument is not allowed or `X` has other columns than in fit.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import mutual_information
    >>> X = load_digits().data[:300] / 16
    >>> vae = VAETransformer(2, max_epochs=2, random_state=0).fit(X)
    >>> 0 < mutual_information(vae, X) < mutual_information(vae, X, bound="upper")
    True
    """
    owner = "mutual_information"
    check_parameter("bound", bound, (Options(("lower", "upper")),), owner)
    found = information(estimator, X, condition, n_rows, random_state, owner)
    return getattr(found, bound)


def prior_gap(
    estimator,
    X,
    y=None,
    *,
    bound="lower",
    condition=None,
    n_rows=2000,
    random_state=0,
):
    """Bound KL(q(z) || p(z)), how far all latents are from the prior, in nats.

    The difference E[KL(q(z | x) || p(z))] − I(X; Z) (Hoffman & Johnson 2016), with the
    bounds of `mutual_information`. Where it is large, samples from the prior fall where
    no row is encoded. Usable as a scorer; smaller is better.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior and a prior, or a pipeline or search with
        one.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : None
        Ignored.
    bound : {"lower", "upper"}, default="lower"
        Which bound.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Of each row, for a model that takes it as an argument.
    n_rows : int, default=2000
        As in `mutual_information`.
    random_state : int, RandomState or None, default=0
        Of the subset and of the draws.

    Returns
    -------
    float
        Nats a row.

    Raises
    ------
    TypeError
        If there is no posterior, or a prior for every condition.
    ValueError
        If an argument is not allowed or `X` has other columns than in fit.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import prior_gap
    >>> X = load_digits().data[:300] / 16
    >>> vae = VAETransformer(2, max_epochs=2, random_state=0).fit(X)
    >>> prior_gap(vae, X) < prior_gap(vae, X, bound="upper")
    True
    """
    check_parameter("bound", bound, (Options(("lower", "upper")),), "prior_gap")
    owner = "prior_gap"
    found = information(estimator, X, condition, n_rows, random_state, owner)
    if not found.one_prior:
        raise TypeError("prior_gap needs a prior that is the same for all conditions.")
    return found.kl - (found.upper if bound == "lower" else found.lower)


def information(estimator, X, condition, n_rows, random_state, owner):
    """Find everything above at once, from one draw z ~ q(z | x) a row."""
    if condition is not None:
        _, model = find_model(estimator, owner)
        if condition_of(model, condition) is None:
            raise ValueError(
                f"{owner} was given a condition, which {type(model).__name__} does not "
                "take as an argument."
            )
    q, p, z, _ = draws(estimator, X, n_rows, random_state, owner, condition)
    with torch.inference_mode():
        return _information(q, p, z)


def _information(q, p, z):
    """From the posteriors and the prior of N rows, and one draw of each, (N, K)."""
    log_q, log_q_each = q.log_prob(z).double(), q.marginal_log_prob(z).double()
    each = marginal_kl(q, p, z).double()
    among, without, marginal = _aggregated(q, z)
    above, above_each = surplus(q, p, z), log_q_each - p.marginal_log_prob(z) - each
    total = kl(q, p, z).double().mean().item()
    upper = mean(log_q - without, above).item()
    upper = min(upper, total) if same_for_all(p) else upper
    return Information(
        n_rows=len(z),
        variance=_variance(q.mean.double(), each.shape[-1]).cpu().numpy(),
        kl=total,
        marginal_kl=each.mean(0).cpu().numpy(),
        lower=min(mean(log_q - among, above).item(), upper),
        upper=upper,
        marginal_information=mean(log_q_each - marginal, above_each).cpu().numpy(),
        one_prior=same_for_all(p),
    )


def _variance(means, n_latents):
    """Over rows, of latents whose entries lie side by side: (N, K c) -> (K,)."""
    of_entries = means.var(0, correction=0)
    return of_entries.unflatten(0, (n_latents, -1)).sum(-1)


def surplus(q, p, z):
    """What a draw's ln q(z | x) / p(z) is above its mean, the divergence: (N,)."""
    return q.log_prob(z).double() - p.log_prob(z).double() - kl(q, p, z).double()


def mean(values, control):
    """Mean over rows, less what a control variate of mean zero explains: (N, ...)."""
    centred = control - control.mean(0)
    slope = (values * centred).sum(0) / centred.square().sum(0)
    return (values - slope.nan_to_num(0.0, 0.0, 0.0) * control).mean(0)


def pairs(q, z):
    """Yield rows, and ln q(z | x) of their draws at every row: (b,) and (b, N)."""
    everywhere = torch.arange(len(z), device=z.device)
    for rows in everywhere.split(max(1, CHUNK_ELEMENTS // z.numel())):
        yield rows, q.log_prob(z[rows, None]).double()


def leave_out(joint, rows):
    """Take from each draw the row that it came from, in place: (b, N)."""
    joint[torch.arange(len(rows), device=rows.device), rows] = -torch.inf


def _aggregated(q, z):
    """ln q(z) at the draw of each of N rows, in double precision.

    Averaged over all rows, (N,), over all but the draw's own, (N,), and of each latent
    by itself over all rows, (N, K).
    """
    n_rows = len(z)
    parts = []
    for rows, joint in pairs(q, z):
        marginal = q.marginal_log_prob(z[rows, None]).double()  # (b, N, K)
        among = joint.logsumexp(1) - math.log(n_rows)
        leave_out(joint, rows)
        without = joint.logsumexp(1) - math.log(n_rows - 1)
        parts.append((among, without, marginal.logsumexp(1) - math.log(n_rows)))
    return [torch.cat(part) for part in zip(*parts, strict=True)]
