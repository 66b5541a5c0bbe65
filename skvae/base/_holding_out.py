"""Split the rows of a fit into those to train on and those to hold out."""

import numpy as np
from skorch.utils import data_from_dataset
from torch.utils.data import Dataset, Subset

from skvae._kinds import cut
from skvae.inputs import ConditionedColumns, Given
from skvae.training import HoldOut, Rows

KEYS = ("X", "condition", "y", "sample_weight")


def split_rows(estimator, rows, y=None):
    """Apply the ``train_split`` of an estimator's net.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        With its net and what the columns learned.
    rows : Rows
        All rows of the fit.
    y : array-like or None
        What was passed to `fit`; for splits that are stratified.

    Returns
    -------
    train : Rows
    valid : Rows or None

    Raises
    ------
    ValueError
        If the split does not return such rows.
    """
    split = estimator.net_.train_split
    if not split:
        if estimator.early_stopping:
            raise ValueError(
                "early_stopping needs rows to hold out, but net_params sets "
                f"train_split={split!r}. Set early_stopping=False, or leave it out."
            )
        return rows, None
    if isinstance(split, HoldOut) and len(rows) == 1:
        raise ValueError("early_stopping holds rows out, but n_samples = 1.")
    try:
        found = split(rows) if y is None else split(rows, y)
    except TypeError as error:
        raise ValueError(
            f"train_split={cut(split)} cannot be called: {error}"
        ) from error
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ValueError(f"train_split must return two datasets. Got {cut(found)}.")
    train, valid = (_as_rows(estimator, rows, part) for part in found)
    if train is None or train.table is not rows.table or len(train) == 0:
        raise ValueError("train_split must return some rows of X as its first dataset.")
    return train, valid


def _as_rows(estimator, rows, part):
    """Return a part of the rows, or rows of a user, as `Rows`."""
    if part is None or isinstance(part, Rows):
        return part
    if isinstance(part, Subset) and isinstance(part.dataset, Rows):
        positions = np.asarray(part.indices, dtype=int)
        if len(positions) == 0:
            raise ValueError("train_split returns no rows.")
        return part.dataset.subset(positions)
    X, given = _contents(part)
    if given.condition is not None and not isinstance(
        estimator._columns, ConditionedColumns
    ):
        raise ValueError(f"{type(estimator).__name__} takes no condition.")
    try:
        table = estimator._columns.table(estimator, X, given)
        estimator.likelihood_.check(table.x, estimator._columns.names)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The held-out rows of train_split: {error}") from error
    return Rows(table, rows.device, rows.dtype, **estimator._units())


def _contents(part):
    """Return the X of a dataset, and what it holds beside it, as a `Given`."""
    X, y = part, None
    if isinstance(part, Dataset):
        try:
            X, y = data_from_dataset(part)
        except AttributeError as error:
            raise ValueError(
                "train_split must return rows like X, or a skorch Dataset of them. "
                f"Got {type(part).__name__}."
            ) from error
    beside = {} if y is None else {"y": y}
    if not isinstance(X, dict):
        return X, Given(**beside)
    if "X" not in X or not X.keys() <= {*KEYS}:
        raise ValueError(
            f"A dict of held-out rows has the key 'X' and maybe {', '.join(KEYS[1:])}. "
            f"Got {sorted(map(str, X))}."
        )
    beside |= {name: value for name, value in X.items() if name != "X"}
    return X["X"], Given(**beside)
