"""Log-likelihood of the rows of one task."""

import numpy as np

from skvae.metrics._densities import densities
from skvae.metrics._posteriors import task_labels
from skvae.sources import take_rows


def target_log_likelihood(estimator, X, y=None, *, target, task=None):
    """Mean ln p(x | s) of the rows of one task, in nats per row.

    Parameters
    ----------
    estimator : estimator
        Fitted, with a density.
    X : array-like of shape (n_samples, n_features)
        Rows of any tasks.
    y : None
        Ignored.
    target : str or number
        The task to evaluate.
    task : str, int, array-like of shape (n_samples,) or None, default=None
        Task of each row: the name or position of a column of `X`, or one value per row,
        which is passed as ``condition`` to a model without ``condition_columns``. None
        means the only column in the model's ``condition_columns``.

    Returns
    -------
    float
        At β = 1 from 64 importance samples, or the mean of ``score_samples``.

    Raises
    ------
    TypeError
        If the estimator does not have a density.
    ValueError
        If no row has the task, the tasks are not given, or `X` does not have the same
        columns as in fit.

    Notes
    -----
    ``functools.partial(target_log_likelihood, target="b")`` is a scorer for a model
    with ``condition_columns``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from skvae.metrics import target_log_likelihood
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> task = np.repeat(["a", "b"], 30)
    >>> pca = PCA(1).fit(X)
    >>> target_log_likelihood(pca, X, target="b", task=task) == pca.score(X[30:])
    True
    """
    tasks = task_labels(estimator, X, task, "target_log_likelihood")
    rows = np.flatnonzero(tasks == target)
    if len(rows) == 0:
        raise ValueError(f"No row has the target {target!r}.")
    found = densities(estimator, take_rows(X, rows), tasks[rows])
    if found is None:
        raise TypeError(f"{estimator!r} has neither log_likelihood nor score_samples.")
    return float(np.mean(found.values))
