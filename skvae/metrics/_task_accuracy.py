"""Whether a classifier can tell the task from the latents."""

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
    """Cross-validated accuracy with which the task is told from the latents.

    Takes any transformer, as it needs no posterior. Latents that tell nothing give
    about the share of the largest task, which ``return_chance`` gives beside it.

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
        Folds, stratified by the task.
    n_rows : int, default=2000
        A subset is drawn where `X` has more.
    random_state : int, RandomState or None, default=0
        Of the subset and of the folds.
    return_chance : bool, default=False
        Also give the share of the largest task.

    Returns
    -------
    float, or (float, float)
        The accuracy, and with ``return_chance`` that of always saying the largest task.

    Raises
    ------
    ValueError
        If nothing says the task, there is a single one, a task has fewer rows than
        there are folds, an argument is not allowed, or `X` has other columns than in
        fit.

    See Also
    --------
    task_information : In nats, and at most what a perfect classifier could use.

    Notes
    -----
    A scorer as `task_information` is.

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
    for name, value in (("n_splits", n_splits), ("n_rows", n_rows)):
        check_parameter(name, value, at_least_two, owner)
    random = check_random_state(random_state)
    tasks = task_labels(estimator, X, task, owner)
    Z = np.asarray(latents_of(estimator, X, tasks, owner))
    if len(Z) > n_rows:
        Z, tasks = resample(
            Z, tasks, replace=False, n_samples=n_rows, random_state=random
        )
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
