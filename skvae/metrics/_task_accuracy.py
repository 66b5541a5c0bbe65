"""Accuracy of predicting the task from the latents."""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state, resample

from skvae._validation import Interval, check_parameter
from skvae.metrics._posteriors import latents_of, numbered, task_labels


def task_accuracy(
    estimator,
    X,
    y=None,
    *,
    task=None,
    classifier=None,
    n_splits=5,
    n_rows=2000,
    random_state=0,
    return_chance=False,
):
    """Cross-validated accuracy of predicting the task from the latents.

    Works for any transformer, as it does not need a posterior. If the latents hold no
    information about the task, the accuracy is about the share of the largest task,
    which is also returned with ``return_chance``.

    Parameters
    ----------
    estimator : transformer
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Rows of all tasks.
    y : None
        Ignored.
    task : str, int, array-like of shape (n_samples,) or None, default=None
        As in `task_information`.
    classifier : classifier or None, default=None
        By default a logistic regression (``max_iter=1000``) on standardised latents.
    n_splits : int, default=5
        Number of folds, stratified by task.
    n_rows : int, default=2000
        Number of rows to use; a larger `X` is subsampled.
    random_state : int, RandomState or None, default=0
        Seed of the subsample and the folds.
    return_chance : bool, default=False
        Whether to return the share of the largest task as well.

    Returns
    -------
    float, or (float, float)
        The accuracy and, with ``return_chance``, that of always predicting the largest
        task.

    Raises
    ------
    ValueError
        If the tasks are not given, there is only one, a task has fewer rows than there
        are folds, an argument is invalid, or `X` does not have the same columns as in
        fit.

    See Also
    --------
    task_information : A lower bound on the information about the task, in nats.

    Notes
    -----
    Can be used as a scorer like `task_information`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from skvae.metrics import task_accuracy
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> task = np.where(X[:, 0] > 0, "a", "b")
    >>> task_accuracy(PCA(3).fit(X), X, task=task) > 0.9
    True
    """
    owner = "task_accuracy"
    at_least_two = (Interval(Integral, 2),)
    check_parameter("n_splits", n_splits, at_least_two, owner)
    check_parameter("n_rows", n_rows, at_least_two, owner)
    random = check_random_state(random_state)
    Z, tasks = _encoded(estimator, X, task, n_rows, random, owner)
    ids = numbered(tasks, n_splits, owner)
    if len(np.unique(ids)) == 1:
        (name,) = set(tasks.tolist())
        raise ValueError(f"{owner} needs several tasks; all rows have {name!r}.")
    if classifier is None:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=random)
    accuracy = float(cross_val_score(clone(classifier), Z, ids, cv=folds).mean())
    chance = float(np.bincount(ids).max() / len(ids))
    return (accuracy, chance) if return_chance else accuracy


def _encoded(estimator, X, task, n_rows, random, owner):
    """Return the latents and the task of each of at most `n_rows` rows."""
    tasks = task_labels(estimator, X, task, owner)
    Z = np.asarray(latents_of(estimator, X, tasks, owner))
    if len(Z) <= n_rows:
        return Z, tasks
    return resample(Z, tasks, replace=False, n_samples=n_rows, random_state=random)
