"""Posteriors and latents of rows, and the tasks that estimators need for them."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_random_state, resample
from sklearn.utils.validation import check_is_fitted

from skvae._validation import Interval, check_parameter
from skvae.base import DensityMixin, condition_positions, find_model, split_model
from skvae.distributions import Noise, Normal
from skvae.inputs import Given, as_numpy
from skvae.model_selection import task_of

SEVERAL = (Interval(Integral, 2),)  # allowed numbers of rows


def draws(estimator, X, n_rows, random_state, owner, task=None):
    """Return q(z | x), p(z), a draw of z and the task of each of at most `n_rows` rows.

    The task, (n_samples,), is passed to a model that takes its condition as an
    argument.
    """
    check_parameter("n_rows", n_rows, SEVERAL, owner)
    before, model = find_model(estimator, owner)
    if not isinstance(model, DensityMixin):
        raise TypeError(
            f"{owner} needs a posterior distribution, which {type(model).__name__} "
            "does not have."
        )
    check_is_fitted(model)
    if len(X) < 2:
        raise ValueError(f"{owner} needs at least 2 rows. Got {len(X)}.")
    random = check_random_state(random_state)
    tasks = np.zeros(len(X)) if task is None else task
    X, tasks = subsample(n_rows, random, X, tasks)
    rows = X if before is None else before.transform(X)
    condition = None if task is None else condition_of(model, tasks)
    q, p = model._distributions(rows, Given(condition))
    noise = Noise.from_seed(int(random.randint(np.iinfo(np.int32).max)), q.mean.device)
    with torch.inference_mode():
        return q, p, q.sample(noise), tasks


def subsample(n_rows, random, *arrays):
    """Return at most `n_rows` rows of arrays of the same length, the same of each."""
    if len(arrays[0]) <= n_rows:
        return arrays
    return resample(*arrays, replace=False, n_samples=n_rows, random_state=random)


def same_for_all(p):
    """Whether the prior is one p(z), rather than p(z | s) for each condition."""
    return not isinstance(p, Normal)


def condition_of(model, task):
    """Return the tasks if the model takes its condition as an argument, else None."""
    conditions = getattr(model, "conditions_", None)
    if conditions is None or model.condition_columns is not None:
        return None
    return task if conditions.n_conditions else None


def task_labels(estimator, X, task, owner):
    """Return the task of each row, (n,), given or from the model's condition column.

    Raises
    ------
    ValueError
        If the task is not given and the model does not have exactly one condition
        column.
    """
    if task is not None:
        return task_of(X, task)
    before, model = split_model(estimator)
    positions = condition_positions(model)
    if positions is None or len(positions) > 1:
        found = "no" if positions is None else "several"
        raise ValueError(
            f"{owner} needs task=..., a column of X or one value per row: "
            f"{type(model).__name__} has {found} condition columns."
        )
    return task_of(X if before is None else before.transform(X), int(positions[0]))


def numbered(tasks, n_least, owner):
    """Number the tasks 0, 1, ..., whatever their values: (n,) -> (n,)."""
    names = {name: i for i, name in enumerate(dict.fromkeys(tasks.tolist()))}
    ids = np.array([names[name] for name in tasks.tolist()])
    counts = np.bincount(ids)
    if counts.min() < n_least:
        raise ValueError(
            f"{owner} needs at least {n_least} rows per task. Task "
            f"{list(names)[counts.argmin()]!r} has {counts.min()} of {len(ids)} rows."
        )
    return ids


def latents_of(estimator, X, task, owner):
    """Encode rows with any transformer: (n, d) -> (n, K).

    The task is passed to a model that takes its condition as an argument.
    """
    before, model = split_model(estimator)
    rows = X if before is None else before.transform(X)
    condition = condition_of(model, task)
    given = {} if condition is None else {"condition": condition}
    return as_numpy(model.transform(rows, **given))
