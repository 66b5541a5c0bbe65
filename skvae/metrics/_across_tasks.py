"""A scorer that measures target rows together with source rows."""

import numpy as np
from sklearn.utils import resample

from skvae.sources import join_tables, take_rows

MAX_ROWS = 2000  # of all tasks together


class AcrossTasks:
    """Scorer of target rows, evaluated together with as many rows of each source.

    Parameters
    ----------
    metric : callable
        ``(estimator, X, task=...) -> float``.
    sources : list of array-like of shape (n, n_features)
        Rows of each source task.
    """

    def __init__(self, metric, sources):
        self.metric = metric
        self.sources = sources

    def __call__(self, estimator, X, y=None):
        parts = [*self.sources, X]
        n = min(MAX_ROWS // len(parts), *map(len, parts))
        rows = [take_rows(part, subset(np.arange(len(part)), n)) for part in parts]
        task = np.repeat(np.arange(len(parts)), n)
        return self.metric(estimator, join_tables(rows), task=task)


def subset(rows, size=MAX_ROWS):
    """Draw at most `size` of the rows; the same ones in every call."""
    if len(rows) <= size:
        return rows
    return resample(rows, replace=False, n_samples=size, random_state=0)
