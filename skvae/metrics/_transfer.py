"""Comparison of models on a task of which they have seen few rows."""

import numpy as np
from sklearn.base import clone

from skvae._columns import resolve_columns
from skvae.inputs import take_columns
from skvae.metrics._across_tasks import AcrossTasks, subset
from skvae.metrics._compare import check_estimators, compare, tabulate
from skvae.metrics._optional import import_frames
from skvae.metrics._task_accuracy import task_accuracy
from skvae.metrics._task_information import task_information
from skvae.model_selection import FewShotTransferSplit, task_of
from skvae.sources import take_rows


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
    """Compare transformers trained on many rows of some tasks and few of another.

    Each transformer is fitted on all source rows and a few target rows, and evaluated
    on the other target rows, as in Takahashi et al. (2022, section 5). The splits are
    those of :class:`~skvae.model_selection.FewShotTransferSplit`; the rest is as in
    `compare`.

    Conditional models are given the task: those without ``condition_columns`` get the
    task column, others keep their own. All other transformers are given `X` without the
    task column, so that all densities are of the same columns.

    Parameters
    ----------
    estimators : dict of str to transformer
        Unfitted transformers or pipelines by name; "passthrough" stands for the columns
        themselves.
    X : array-like of shape (n_samples, n_features)
        Input data with the task of each row.
    y : array-like of shape (n_samples,) or None
        Target to predict from the latents: classes or numbers.
    task : str or int
        Name or position of the column of `X` that holds the tasks.
    source : str, number or list of these
        Task or tasks with many rows.
    target : str or number
        Task with few rows.
    n_target : int, default=100
        Number of target rows to train on. With 0, a conditional model has not seen the
        target task, which it accepts only with ``handle_unknown="ignore"``.
    n_splits : int, default=5
        Number of splits, each with newly drawn target rows.
    stratify : bool, default=True
        Whether to draw target rows with the class shares of `y`.
    downstream : estimator or None, default=None
        As in `compare`; fitted on the latents of all training rows.
    scoring : dict of str to scorer, default=None
        Additional columns, as in `compare`.
    random_states : sequence of int, default=(0,)
        Seeds of the transformers.
    random_state : int, RandomState or None, default=0
        Seed of the splits, which all transformers share.
    n_jobs : int or None, default=None
        Number of folds to run in parallel.

    Returns
    -------
    DataFrame
        One row per estimator, with means over splits and seeds and their standard
        errors, as in `compare`:

        - ``log_likelihood`` and the columns about it, and ``accuracy`` or ``r2``: on
          the test rows of the target,
        - ``task_information`` and ``task_accuracy``: on these together with as many
          training rows of each source. The first is therefore at most ln of the number
          of tasks, and chance in the second is one over that number,
        - ``seconds``: time to fit the transformer.

        Entries that do not apply are NaN. ``attrs["runs"]`` lists the values of every
        split and seed, and ``attrs["notes"]`` what the means do not show, as in
        `compare`. Splits share rows, so the standard errors are somewhat too small.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If an estimator cannot transform.
    ValueError
        If `estimators` or `random_states` is empty, a column or task does not exist,
        the target has too few rows, or a fit fails.

    Warns
    -----
    SkvaeOutlierWarning
        As in `compare`.

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
    sources = _by_task(tasks, train[tasks[train] != target])
    settings = {
        "y": y,
        "cv": folds,
        "downstream": downstream,
        "random_states": random_states,
        "n_jobs": n_jobs,
    }
    runs = _compared(estimators, X, column, sources, scoring or {}, **settings)
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
    """Compare transformers for several numbers of target rows to train on.

    Parameters
    ----------
    estimators, X, y, task, source, target
        As in `transfer_report`.
    n_target : sequence of int, default=(10, 30, 100, 300)
        Numbers of target rows to train on.
    **settings
        Further arguments of `transfer_report`.

    Returns
    -------
    DataFrame
        The rows of `transfer_report` for each estimator and number, in an index with
        the levels ``estimator`` and ``n_target``; ``attrs["runs"]`` and
        ``attrs["notes"]`` have the number too.

    Raises
    ------
    ImportError, TypeError, ValueError
        As for `transfer_report`; the numbers are checked before anything is fitted.

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
    said = [f"n_target={n}. {s}" for n in n_target for s in reports[n].attrs["notes"]]
    table = _stacked(frames, reports, list(estimators))
    table.attrs.update(runs=runs, notes=said)
    return table


def _stacked(frames, reports, names):
    """Stack reports by estimator and number of target rows."""
    for report in reports.values():
        report.attrs.clear()
    table = frames.pd.concat(reports, names=["n_target", "estimator"]).swaplevel()
    return frames.Comparison(table.reindex(names, level="estimator"))


def _by_task(tasks, rows):
    """Return the rows of each task, as a fixed subset of limited size."""
    names = dict.fromkeys(tasks[rows].tolist())
    return [subset(rows[tasks[rows] == name]) for name in names]


def _compared(estimators, X, column, sources, scoring, **settings):
    """Compare each transformer on the columns that it takes, and yield the runs."""
    columns = np.arange(X.shape[1])
    for name, estimator in estimators.items():
        conditional = _conditional(estimator, column)
        seen = columns if conditional else np.delete(columns, column)
        rows = take_columns(X, seen)
        parts = [take_rows(rows, which) for which in sources]
        across = {
            metric.__name__: AcrossTasks(metric, parts)
            for metric in (task_information, task_accuracy)
        }
        table = compare(
            {name: conditional or estimator},
            rows,
            scoring=across | scoring,
            **settings,
        )
        for run in table.attrs["runs"]:
            # Not comparable: some models reconstruct the task column too.
            del run["reconstruction_error"]
            yield run


def _conditional(estimator, column):
    """Return a copy conditioned on the task, or None if it takes no condition."""
    params = {} if isinstance(estimator, str) else estimator.get_params()
    names = [name for name in params if name.split("__")[-1] == "condition_columns"]
    if not names:
        return None
    unset = {name: column.tolist() for name in names if params[name] is None}
    return clone(estimator).set_params(**unset)
