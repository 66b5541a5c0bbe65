"""Information in the latents about the data, and their distance from the prior."""

import math
from typing import NamedTuple

import numpy as np
import torch

from skvae._validation import Options, check_parameter
from skvae.base import find_model
from skvae.distributions import kl, marginal_kl
from skvae.metrics._posteriors import condition_of, draws, same_for_all

CHUNK_ELEMENTS = 2**22  # latents of pairs of rows per chunk


class Information(NamedTuple):
    """Information and divergences of K latents in some rows, in nats.

    Attributes
    ----------
    n_rows : int
        Number of rows used.
    variance : ndarray of shape (K,)
        Variance of the posterior mean of each latent; for a categorical variable,
        summed over its probabilities.
    kl, marginal_kl : float, ndarray of shape (K,)
        E[KL(q(z | x) || p(z))], of all latents jointly and of each alone.
    lower, upper : float
        Lower and upper bound on I(X; Z).
    marginal_information : ndarray of shape (K,)
        Lower bound on I(X; Z_k) of each latent alone.
    one_prior : bool
        Whether p(z) is the same for all rows, so that the divergence minus I(X; Z) is
        KL(q(z) || p(z)).
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
    """Bound I(X; Z), the information in the latents about the data, in nats.

    I(X; Z) = E[ln q(z | x) − ln q(z)] with the aggregated posterior q(z) = E q(z | x),
    estimated by the mean over N rows. If that mean includes the row that z was drawn
    from, the result is a lower bound, of about ln N at most. If not, it is an upper
    bound, as is the divergence E[KL(q(z | x) || p(z))] (Poole et al. 2019, section 2).
    Far below ln N, both are close to the true value. Can be used as a scorer.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior, or a pipeline or search that contains one.
    X : array-like of shape (n_samples, n_features)
        Input data.
    y : None
        Ignored.
    bound : {"lower", "upper"}, default="lower"
        Which bound to return.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Condition of each row, for a model that takes it as an argument.
    n_rows : int, default=2000
        N, the number of rows to use; a larger `X` is subsampled. Run time is quadratic
        in it.
    random_state : int, RandomState or None, default=0
        Seed of the subsample and the draws.

    Returns
    -------
    float
        Nats per row.

    Raises
    ------
    TypeError
        If the model does not have a posterior distribution.
    ValueError
        If an argument is invalid, or `X` does not have the same columns as in fit.

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
    """Bound KL(q(z) || p(z)), the gap between aggregated posterior and prior, in nats.

    It equals E[KL(q(z | x) || p(z))] − I(X; Z) (Hoffman & Johnson 2016), with the
    bounds of `mutual_information`. If it is large, samples from the prior fall where no
    row is encoded. Can be used as a scorer; smaller is better.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior and a prior, or a pipeline or search that
        contains one.
    X : array-like of shape (n_samples, n_features)
        Input data.
    y : None
        Ignored.
    bound : {"lower", "upper"}, default="lower"
        Which bound to return.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Condition of each row, for a model that takes it as an argument.
    n_rows : int, default=2000
        As in `mutual_information`.
    random_state : int, RandomState or None, default=0
        Seed of the subsample and the draws.

    Returns
    -------
    float
        Nats per row.

    Raises
    ------
    TypeError
        If the model does not have a posterior, or has a prior per condition.
    ValueError
        If an argument is invalid, or `X` does not have the same columns as in fit.

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
    """Compute `Information` from one draw z ~ q(z | x) per row."""
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
    """Compute `Information` from q(z | x) of N rows, p(z) and one draw each, (N, K)."""
    log_q, log_q_each = q.log_prob(z).double(), q.marginal_log_prob(z).double()
    each = marginal_kl(q, p, z).double()
    among, without, marginal = _aggregated(q, z)
    control = control_variate(q, p, z)
    control_each = log_q_each - p.marginal_log_prob(z) - each
    marginal_information = controlled_mean(log_q_each - marginal, control_each)
    total = kl(q, p, z).double().mean().item()
    upper = controlled_mean(log_q - without, control).item()
    upper = min(upper, total) if same_for_all(p) else upper
    return Information(
        n_rows=len(z),
        variance=_variance(q.mean.double(), each.shape[-1]).cpu().numpy(),
        kl=total,
        marginal_kl=each.mean(0).cpu().numpy(),
        lower=min(controlled_mean(log_q - among, control).item(), upper),
        upper=upper,
        marginal_information=marginal_information.cpu().numpy(),
        one_prior=same_for_all(p),
    )


def _variance(means, n_latents):
    """Sum variances over rows, (N, K c), over each latent's entries: (K,)."""
    of_entries = means.var(0, correction=0)
    return of_entries.unflatten(0, (n_latents, -1)).sum(-1)


def control_variate(q, p, z):
    """Return ln q(z | x) / p(z) at each draw minus its expectation, the KL: (N,)."""
    return q.log_prob(z).double() - p.log_prob(z).double() - kl(q, p, z).double()


def controlled_mean(values, control):
    """Return the mean over rows, (N, ...), with `control` as a control variate."""
    centred = control - control.mean(0)
    slope = (values * centred).sum(0) / centred.square().sum(0)
    return (values - slope.nan_to_num(0.0, 0.0, 0.0) * control).mean(0)


def pairwise_log_q(q, z):
    """Yield rows, (b,), and ln q(z | x) of their draws under all rows, (b, N)."""
    every_row = torch.arange(len(z), device=z.device)
    for rows in every_row.split(max(1, CHUNK_ELEMENTS // z.numel())):
        yield rows, q.log_prob(z[rows, None]).double()


def mask_own_row(joint, rows):
    """Exclude from each draw's densities, (b, N), that of its own row, in place."""
    joint[torch.arange(len(rows), device=rows.device), rows] = -torch.inf


def _aggregated(q, z):
    """Return ln q(z) at the draw of each of N rows, in double precision.

    Averaged over all rows, (N,), over all rows but the draw's own, (N,), and, for each
    latent alone, over all rows, (N, K).
    """
    n_rows = len(z)
    parts = []
    for rows, joint in pairwise_log_q(q, z):
        marginal = q.marginal_log_prob(z[rows, None]).double()  # (b, N, K)
        among = joint.logsumexp(1) - math.log(n_rows)
        mask_own_row(joint, rows)
        without = joint.logsumexp(1) - math.log(n_rows - 1)
        parts.append((among, without, marginal.logsumexp(1) - math.log(n_rows)))
    return [torch.cat(part) for part in zip(*parts, strict=True)]
