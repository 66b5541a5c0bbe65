"""Columns of a table: names, selection and statistics."""

from collections.abc import Iterable
from numbers import Integral

import numpy as np


def column_names(names, n_columns):
    """Return the names to show in messages: the table's own, or ``x0``, ``x1``, ..."""
    if names is not None:
        return [str(name) for name in names]
    return [f"x{j}" for j in range(n_columns)]


def resolve_columns(columns, n_columns, names=None, frame=None):
    """Convert a selection of columns to positions.

    Parameters
    ----------
    columns : str, int, slice, callable or sequence of str, int or bool
        As in :class:`~sklearn.compose.ColumnTransformer`: names, positions (negative
        ones count from the end), a slice of either, a mask, or a function of the frame
        that returns one of these.
    n_columns : int
        Number of columns of the table.
    names : sequence of str, optional
        Their names.
    frame : DataFrame, optional
        The table, to be passed to a callable.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If a name is unknown or a position is out of range.
    """
    if callable(columns):
        columns = columns(frame)
    if isinstance(columns, slice):
        return np.arange(n_columns)[_positional(columns, names)]
    if isinstance(columns, str) or np.isscalar(columns):
        columns = [columns]
    if not isinstance(columns, Iterable):
        raise ValueError(f"{columns!r} does not select columns.")
    columns = list(columns)
    if columns and all(isinstance(c, bool | np.bool_) for c in columns):
        return _from_mask(columns, n_columns)
    return np.array([_position(c, n_columns, names) for c in columns], dtype=np.intp)


def _positional(columns, names):
    """Convert a slice of names, which includes its end, to a slice of positions."""
    start, stop = columns.start, columns.stop
    if isinstance(start, str):
        start = _position(start, None, names)
    if isinstance(stop, str):
        stop = _position(stop, None, names) + 1
    return slice(start, stop, columns.step)


def _from_mask(mask, n_columns):
    if len(mask) != n_columns:
        raise ValueError(
            f"A column mask has {len(mask)} entries for {n_columns} columns."
        )
    return np.flatnonzero(mask)


def _position(column, n_columns, names):
    if isinstance(column, str):
        known = [] if names is None else list(names)
        if column not in known:
            found = f"the columns are {known}" if known else "X has no column names"
            raise ValueError(f"No column is named {column!r}: {found}.")
        return known.index(column)
    if not isinstance(column, Integral):
        raise ValueError(f"{column!r} is neither the name nor the number of a column.")
    if not -n_columns <= column < n_columns:
        raise ValueError(f"Column {column} is out of range: X has {n_columns} columns.")
    return int(column) % n_columns


def column_statistics(X, block=4096):
    """Compute the mean, standard deviation, minimum and maximum of each column.

    The table is read in blocks, so that an array in another precision, or on disk, is
    never copied as a whole.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The table.
    block : int, default=4096
        Number of rows read at once.

    Returns
    -------
    mean, std, low, high : ndarray of shape (d,), float64
    """
    shift = X[0].astype(np.float64)  # centre near the data, or squares would cancel
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    low, high = shift.copy(), shift.copy()
    for start in range(0, len(X), block):
        rows = X[start : start + block].astype(np.float64)
        np.minimum(low, rows.min(axis=0), out=low)
        np.maximum(high, rows.max(axis=0), out=high)
        rows -= shift
        total += rows.sum(axis=0)
        squares += np.einsum("nd,nd->d", rows, rows)
    mean = total / len(X)
    variance = np.maximum(squares / len(X) - mean**2, 0.0)
    return shift + mean, np.sqrt(variance), low, high
