"""Held-out densities, in the usefulness benchmark."""

import time

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.mixture import GaussianMixture

from benchmarks import _useful_data as data
from benchmarks._useful_cells import build

BASELINES = ("PCA", "FactorAnalysis", "GaussianMixture")
MEASURES = ("mean", "median", "worst")
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # components of a mixture


def measure(cell, plan):
    """Return mean, median and worst of the test rows' ln p(x), in nats.

    On standardised numbers, pixels too; one-hot columns and columns that are constant
    in training are left out, because they have no density. Strictly, columns with a
    frequent value have none either: ln p(x) then grows with the smallest scale that a
    method allows. They are counted as "repeated".
    """
    table = data.load(cell.work, cell.set, plan.folder)
    split = data.split(numbers_of(table), cell.seed, plan.max_rows)
    kept = np.ptp(split.raw[0], axis=0) > 0
    split = split._replace(X=tuple(part[:, kept] for part in split.X))
    start = time.perf_counter()
    model = fitted(cell, plan, split)
    taken = time.perf_counter() - start
    values, more = log_density(model, split.X[1], cell)
    return {
        "mean": np.mean(values),
        "median": np.median(values),
        "worst": np.min(values),
        **more,
        "columns": kept.sum(),
        "repeated": sum(map(is_repeated, split.X[0].T)),
        "fit, s": taken,
    }


def is_repeated(column):
    """Return whether more than a tenth of the values are the same."""
    return np.unique(column, return_counts=True)[1].max() > 0.1 * len(column)


def numbers_of(table):
    """Return a table without its categories, whose numbers are to be standardised."""
    X = np.delete(table.X, table.categories, axis=1)
    return table._replace(X=X, categories=(), form="numbers")


def log_density(model, X, cell):
    """Return ln p(x) of each row and, for an estimate, its median effective size."""
    if cell.estimator is None:
        return model.score_samples(X), {}
    found = model.log_likelihood(X, return_diagnostics=True)
    return found.values, {"median ESS": np.median(found.effective_sample_size)}


def fitted(cell, plan, split):
    """Return the fitted model of a cell."""
    X = split.X[0]
    if cell.estimator is not None:
        return build(cell, plan, split).fit(X)
    return baseline(cell.method, cell.k, X, cell.seed)


def baseline(method, k, X, seed):
    """Return a fitted baseline; PCA keeps one direction for its noise."""
    if method == "GaussianMixture":
        return mixture(X, seed)
    if method == "PCA":
        return PCA(max(1, min(k, X.shape[1] - 1, len(X) - 1)), random_state=seed).fit(X)
    return FactorAnalysis(min(k, X.shape[1]), random_state=seed).fit(X)


def mixture(X, seed):
    """Return the mixture of Gaussians with the smallest BIC on the training rows.

    With full or diagonal covariances, and more and more components until BIC rises.
    """
    best, smallest = None, np.inf
    for shape in ("full", "diag"):
        last = np.inf
        for n in (n for n in SIZES if n < len(X)):
            model = GaussianMixture(n, covariance_type=shape, random_state=seed)
            try:
                found = model.fit(X).bic(X)
            except ValueError:  # a component has too few different rows
                break
            if found < smallest:
                best, smallest = model, found
            if found >= last:
                break
            last = found
    return best
