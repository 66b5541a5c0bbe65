"""Log-likelihoods of rows, and which of the rows decide their mean."""

from typing import NamedTuple

import numpy as np

from skvae.base import DensityMixin, split_model
from skvae.inputs import as_numpy
from skvae.metrics._posteriors import condition_of

PERCENT = 1  # of the rows are called the worst, at least one row
LARGE = 0.25  # interquartile ranges; worst rows that move the mean farther are reported
SMALL = 0.1  # nats per row; smaller differences are not reported
UNSEEN = ("others", "interquartile_range")  # of `Summary`, not columns of a comparison


class Densities(NamedTuple):
    """Values of ln p(x), in nats, and how well they were estimated.

    Attributes
    ----------
    values : ndarray of shape (n,)
        ln p(x) of each row.
    mean_std_error : float
        Monte Carlo error of their mean; NaN if the values are exact.
    effective_sample_size : ndarray of shape (n,)
        Effective number of draws of each row; NaN if the values are exact.
    """

    values: np.ndarray
    mean_std_error: float
    effective_sample_size: np.ndarray


def densities(estimator, X, condition=None, n_samples=64):
    """Return `Densities` of the rows, or None if the estimator has no density.

    `condition`, (n_samples,), is passed to a model that takes it as an argument.
    """
    before, model = split_model(estimator)
    if isinstance(model, DensityMixin):
        X = X if before is None else before.transform(X)
        condition = condition_of(model, condition)
        given = {} if condition is None else {"condition": condition}
        X = as_numpy(X)
        found = model.log_likelihood(X, n_samples, return_diagnostics=True, **given)
        return Densities(found[0], found.mean_std_error, found.effective_sample_size)
    if not hasattr(estimator, "score_samples"):
        return None
    values = np.asarray(as_numpy(estimator.score_samples(X)), dtype=np.float64)
    return Densities(values, np.nan, np.full(len(values), np.nan))


class Summary(NamedTuple):
    """Summary of the values of ln p(x) of some rows, in nats.

    Attributes
    ----------
    log_likelihood, median_log_likelihood : float
        Mean and median.
    worst_rows : float
        What the worst rows add to the mean: the mean minus `others`, at most 0.
    others : float
        Mean without the worst rows; NaN if there is only one row.
    interquartile_range : float
        Distance between the quartiles of the values.
    monte_carlo_error : float
        Standard error of the mean due to the draws; NaN if the values are exact.
    effective_sample_size : float
        Median over the rows; NaN if the values are exact.
    """

    log_likelihood: float = np.nan
    median_log_likelihood: float = np.nan
    worst_rows: float = np.nan
    others: float = np.nan
    interquartile_range: float = np.nan
    monte_carlo_error: float = np.nan
    effective_sample_size: float = np.nan


def summarise(found):
    """Summarise `Densities`; without any, all entries are NaN."""
    if found is None:
        return Summary()
    values, mean = found.values, found.values.mean()
    rest = np.delete(values, worst(values))
    others = rest.mean() if len(rest) else np.nan
    with np.errstate(invalid="ignore"):  # infinities, of rows with probability 0
        low, median, high = np.percentile(values, [25, 50, 75])
        return Summary(
            log_likelihood=float(mean),
            median_log_likelihood=float(median),
            worst_rows=float(mean - others),
            others=float(others),
            interquartile_range=float(high - low),
            monte_carlo_error=float(found.mean_std_error),
            effective_sample_size=float(np.median(found.effective_sample_size)),
        )


def worst(values):
    """Return the positions of the worst 1 % of the rows, at least one, worst first."""
    n_worst = int(np.ceil(len(values) * PERCENT / 100))
    return np.argsort(values, kind="stable")[:n_worst]


def decided_by_few(found):
    """Whether the worst rows move the mean so far that users must know."""
    return -found.worst_rows > max(SMALL, LARGE * found.interquartile_range)
