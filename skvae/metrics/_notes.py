"""What the means of a comparison do not show, in words."""

from itertools import permutations

from skvae.inference import MIN_EFFECTIVE
from skvae.metrics._densities import SMALL, decided_by_few

MEAN, MEDIAN, OTHERS = "log_likelihood", "median_log_likelihood", "others"


def notes(each):
    """List sentences about the log-likelihoods of a comparison.

    Parameters
    ----------
    each : DataFrame
        One row per estimator and fold (or seed), in an index with these two levels.

    Returns
    -------
    notes : list of str
        Sentences, for the user.
    order : str or None
        The sentence among them that says that few rows decide the order, if it does.
    """
    mean = each.groupby(level=0, sort=False).mean()
    found = [_few_rows(row) for row in mean.itertuples() if decided_by_few(row)]
    order = _order(each[OTHERS], mean.dropna(subset=[MEAN, OTHERS]))
    low = mean.index[mean["effective_sample_size"] < MIN_EFFECTIVE]
    if order:
        found.insert(0, order)
    if len(low):
        found.append(_few_draws(low))
    return found, order


def _few_rows(row):
    return (
        f"{row.Index}: the worst 1 % of the rows lower the mean log-likelihood from "
        f"{row.others:.2f} to {row.log_likelihood:.2f} nats per row. The median is "
        f"{row.median_log_likelihood:.2f}."
    )


def _few_draws(names):
    return (
        f"{', '.join(map(str, names))}: the median effective sample size is below "
        f"{MIN_EFFECTIVE:g}, so that the log-likelihood of most rows depends on a "
        "single draw and is probably too low. Do not rely on it."
    )


def _order(others, mean):
    """Return the sentence on an order that the worst rows decide, or None."""
    pairs = permutations(mean.index, 2)
    if not any(_turned(others, mean, *pair) for pair in pairs):
        return None
    by_mean, by_others, by_median = (
        ", ".join(map(str, mean[column].sort_values(ascending=False).index))
        for column in (MEAN, OTHERS, MEDIAN)
    )
    return (
        "The worst 1 % of the rows decide which estimator has the higher mean "
        f"log-likelihood. From best to worst: {by_mean}. Without these rows: "
        f"{by_others}. By the median: {by_median}."
    )


def _turned(others, mean, better, worse):
    """Whether `better` has the higher mean only because of the worst rows.

    Without them, and in the median, `worse` must be the better one, and by more than
    two standard errors of the difference, fold by fold.
    """
    gap = others[worse] - others[better]
    error = gap.sem() if gap.count() > 1 else 0.0
    return (
        mean.loc[better, MEAN] > mean.loc[worse, MEAN]
        and mean.loc[better, MEDIAN] < mean.loc[worse, MEDIAN]
        and gap.mean() > max(SMALL, 2 * error)
    )
