"""What a model has learned of a task of which it has seen little."""

from functools import reduce

import numpy as np
from sklearn.base import clone
from sklearn.utils import resample

from skvae._columns import resolve_columns
from skvae.inputs import take_columns
from skvae.metrics._compare import (
    check_estimators,
    compare,
    tabulate,
)
from skvae.metrics._optional import import_frames
from skvae.metrics._posteriors import take_rows
from skvae.metrics._task_accuracy import task_accuracy
from skvae.metrics._task_information import task_information
from skvae.model_selection import FewShotTransferSplit, task_of

N_ROWS = 2000  # of all tasks together, for the metrics of the task


def transfer_report(
    estimators,
    X,
    y,
    task,
    *,
    source,
    target,
    n_target=100,
    n_splits=5,
    stratify=True,
    downstream=None,
    scoring=None,
    random_states=(0,),
    random_state=0,
    n_jobs=None,
):
    """Compare transformers that have seen much of some tasks and little of another.

    Each is fitted on all rows of the source and few of the target, and asked about the
    target's other rows, as in Takahashi et al. (2022, section 5). The splits are those
    of :class:`~skvae.model_selection.FewShotTransferSplit`, the rest is `compare`.

    Models that take conditions are given the task: those without ``condition_columns``
    get the task column there, others keep what they have. All other transformers are
    given `X` without the task column. So the densities of all are of the same columns.

    Parameters
    ----------
    estimators : dict of str to transformer
        Names and unfitted transformers or pipelines; "passthrough" stands for the
        columns themselves.
    X : array-like of shape (n_samples, n_features)
        Rows with their task.
    y : array-like of shape (n_samples,) or None
        What the latents are to predict: classes, or numbers.
    task : str or int
        The column of `X` that holds the tasks, its name or its position.
    source : str, number or list of these
        The task, or the tasks, of which there is much.
    target : str or number
        The task of which there is little.
    n_target : int, default=100
        Target rows to train on. With 0 a conditional model has not seen the task, which
        it takes only under ``handle_unknown="ignore"``.
    n_splits : int, default=5
        How often to draw them.
    stratify : bool, default=True
        Draw them with the shares of the classes `y`.
    downstream : estimator or None, default=None
        As in `compare`: it learns from the latents of all training rows.
    scoring : dict of str to scorer, default=None
        More columns, as in `compare`.
    random_states : sequence of int, default=(0,)
        Seeds of the transformers.
    random_state : int, RandomState or None, default=0
        Of the splits, which all transformers share.
    n_jobs : int or None, default=None
        Folds at a time.

    Returns
    -------
    DataFrame
        A row an estimator, with means over splits and seeds and their standard errors,
        as `compare` gives them:

        - ``log_likelihood``, ``monte_carlo_error``, and ``accuracy`` or ``r2``: of the
          target's test rows,
        - ``task_information`` and ``task_accuracy``: of these and as many rows of each
          source together, so that the first is at most ln of the number of tasks, and
          chance is one by that number in the second. Source rows are those trained on,
        - ``seconds``: of the fit.

        What does not apply is NaN. ``attrs["runs"]`` lists the numbers of every split
        and seed. Splits share rows, so their standard error is rather too small.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If an estimator cannot transform.
    ValueError
        If `estimators` or `random_states` is empty, there is no such column or task,
        the target has too few rows, or a fit fails.

    References
    ----------
    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from skvae import CVAETransformer
    >>> from skvae.metrics import transfer_report
    >>> X, y = load_digits(return_X_y=True)
    >>> task = np.arange(len(X)) % 2  # every other picture is inverted
    >>> table = np.column_stack([np.where(task[:, None], 16 - X, X) / 16, task])
    >>> report = transfer_report(
    ...     {"pca": PCA(4), "cvae": CVAETransformer(4, max_epochs=2)},
    ...     table,
    ...     y,
    ...     -1,
    ...     source=0,
    ...     target=1,
    ...     n_splits=2,
    ... )
    >>> list(report.index)
    ['pca', 'cvae']
    """
    owner = "transfer_report"
    frames = import_frames(owner)
    check_estimators(estimators, random_states, owner)
    X = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
    column = resolve_columns(task, X.shape[1], getattr(X, "columns", None), X)
    tasks = task_of(X, task)
    splitter = FewShotTransferSplit(
        source, target, n_target, n_splits, stratify, random_state
    )
    folds = list(splitter.split(X, y, tasks))
    train, _ = folds[0]
    runs = _compared(
        estimators,
        X,
        column,
        _by_task(tasks, train[tasks[train] != target]),
        scoring or {},
        y=y,
        cv=folds,
        downstream=downstream,
        random_states=random_states,
        n_jobs=n_jobs,
    )
    return tabulate(frames, list(estimators), list(runs))


def few_shot_curve(
    estimators,
    X,
    y,
    task,
    *,
    source,
    target,
    n_target=(10, 30, 100, 300),
    **settings,
):
    """Compare transformers by how many rows of the target they have seen.

    Parameters
    ----------
    estimators, X, y, task, source, target
        As in `transfer_report`.
    n_target : sequence of int, default=(10, 30, 100, 300)
        Target rows to train on.
    **settings
        Of `transfer_report`.

    Returns
    -------
    DataFrame
        The rows of `transfer_report`, one for each estimator and number, in an index
        with the levels ``estimator`` and ``n_target``; ``attrs["runs"]`` likewise.

    Raises
    ------
    ImportError, TypeError, ValueError
        As `transfer_report`; of the numbers before anything is fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from skvae.metrics import few_shot_curve
    >>> X, y = load_digits(return_X_y=True)
    >>> task = np.arange(len(X)) % 2  # every other picture is inverted
    >>> table = np.column_stack([np.where(task[:, None], 16 - X, X), task])
    >>> curve = few_shot_curve(
    ...     {"pca": PCA(8)},
    ...     table,
    ...     y,
    ...     -1,
    ...     source=0,
    ...     target=1,
    ...     n_target=(10, 300),
    ...     n_splits=2,
    ... )
    >>> few, many = curve.loc["pca", "accuracy"]
    >>> bool(few < many)
    True
    """
    frames = import_frames("few_shot_curve")
    if len(n_target) == 0:
        raise ValueError(
            "The 'n_target' parameter of few_shot_curve must not be empty."
        )
    stratify = settings.get("stratify", True)
    for n in n_target:
        splitter = FewShotTransferSplit(source, target, n, 1, stratify, 0, task)
        next(splitter.split(X, y))
    reports = {
        n: transfer_report(
            estimators, X, y, task, source=source, target=target, n_target=n, **settings
        )
        for n in n_target
    }
    runs = [{"n_target": n} | run for n in n_target for run in reports[n].attrs["runs"]]
    for report in reports.values():
        report.attrs.clear()
    table = frames.pd.concat(reports, names=["n_target", "estimator"]).swaplevel()
    table = frames.Comparison(table.reindex(list(estimators), level="estimator"))
    table.attrs["runs"] = runs
    return table


def _by_task(tasks, rows):
    """Collect the rows of each task, the same at most `N_ROWS` whenever asked."""
    names = dict.fromkeys(tasks[rows].tolist())
    return [_some(rows[tasks[rows] == name], N_ROWS) for name in names]


def _compared(estimators, X, column, sources, scoring, **settings):
    """Compare each transformer on the columns that it takes; yield the runs."""
    columns = np.arange(X.shape[1])
    for name, estimator in estimators.items():
        conditional = _conditional(estimator, column)
        seen = columns if conditional else np.delete(columns, column)
        rows = take_columns(X, seen)
        parts = [take_rows(rows, which) for which in sources]
        across = {
            metric.__name__: _AcrossTasks(metric, parts)
            for metric in (task_information, task_accuracy)
        }
        table = compare(
            {name: conditional or estimator},
            rows,
            scoring=across | scoring,
            **settings,
        )
        for run in table.attrs["runs"]:
            # It would be of other columns where the task is among them.
            del run["reconstruction_error"]
            yield run


def _conditional(estimator, column):
    """Give a copy that takes the task as its condition; None if it takes none."""
    params = {} if isinstance(estimator, str) else estimator.get_params()
    names = [name for name in params if name.split("__")[-1] == "condition_columns"]
    if not names:
        return None
    unset = {name: column.tolist() for name in names if params[name] is None}
    return clone(estimator).set_params(**unset)


class _AcrossTasks:
    """A scorer of target rows that measures them beside as many rows of each source.

    Parameters
    ----------
    metric : callable
        ``(estimator, X, task=...) -> float``.
    sources : list of array-like of shape (n, n_features)
        Rows of each source.
    """

    def __init__(self, metric, sources):
        self.metric = metric
        self.sources = sources

    def __call__(self, estimator, X, y=None):
        parts = [*self.sources, X]
        n = min(N_ROWS // len(parts), *map(len, parts))
        rows = [take_rows(part, _some(np.arange(len(part)), n)) for part in parts]
        task = np.repeat(np.arange(len(parts)), n)
        return self.metric(estimator, _stacked(rows), task=task)


def _some(rows, n):
    """Draw a subset, always the same."""
    if len(rows) <= n:
        return rows
    return resample(rows, replace=False, n_samples=n, random_state=0)


def _stacked(parts):
    """Put tables of the same columns above each other."""
    if hasattr(parts[0], "iloc"):
        return import_frames("transfer_report").pd.concat(parts)
    if hasattr(parts[0], "vstack"):  # polars
        return reduce(lambda above, below: above.vstack(below), parts)
    return np.concatenate(parts)
