"""Columns of a table: names, selection and statistics."""

from collections.abc import Iterable
from numbers import Integral

import numpy as np

from skvae._kinds import cut

FAR = 64  # least distance of two origins of a column, in its spreads


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
        try:
            columns = columns(frame)
        except TypeError as error:
            message = f"{cut(columns)} does not select columns: {error}"
            raise ValueError(message) from error
    if isinstance(columns, slice):
        found = _positional(columns, names)
        try:
            return np.arange(n_columns)[found].copy()  # not a reversed view
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{cut(columns)} does not select columns: {error}."
            ) from error
    if isinstance(columns, str) or np.isscalar(columns):
        columns = [columns]
    if not isinstance(columns, Iterable):
        raise ValueError(f"{cut(columns)} does not select columns.")
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
            raise ValueError(f"No column is named {cut(column)}: {found}.")
        return known.index(column)
    if not isinstance(column, Integral):
        raise ValueError(
            f"{cut(column)} is neither the name nor the number of a column."
        )
    if not -n_columns <= column < n_columns:
        raise ValueError(f"Column {column} is out of range: X has {n_columns} columns.")
    return int(column) % n_columns


def observed_cells(X):
    """Return which cells are not NaN, (n, d), or None if all are."""
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isnan(np.sum(X)):
            return None
    seen = ~np.isnan(X)
    return None if seen.all() else seen


def first_values(X):
    """Return the first value of each column that is not NaN, (d,)."""
    first = np.isnan(X).argmin(axis=0)
    return X[first, np.arange(X.shape[1])]


def without_holes(X):
    """Return X with missing cells filled by the first value of their column."""
    seen = observed_cells(X)
    return X if seen is None else np.where(seen, X, first_values(X))


def lowest(X):
    """Return the minimum of each column, (d,), over cells that are not NaN."""
    low = X.min(axis=0)
    return np.fmin.reduce(X, axis=0) if np.isnan(low).any() else low


def highest(X):
    """Return the maximum of each column, (d,), over cells that are not NaN."""
    high = X.max(axis=0)
    return np.fmax.reduce(X, axis=0) if np.isnan(high).any() else high


def column_statistics(X, block=4096, weight=None):
    """Compute the mean, standard deviation, minimum and maximum of each column.

    Missing cells, which are NaN, are left out.

    The table is read in blocks, so that an array in another precision, or on disk, is
    never copied as a whole.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The table.
    block : int, default=4096
        Number of rows read at once.
    weight : ndarray of shape (n,), optional
        Weights of the rows, above 0; equal by default.

    Returns
    -------
    mean, std, low, high : ndarray of shape (d,), float64
    """
    shift, mean, std, low, high = _shifted_statistics(X, block, weight)
    return shift + mean, std, low, high


def statistics_from_origin(X, weight=None):
    """Compute an origin of each column, and its statistics relative to that.

    Missing cells, which are NaN, are left out. Weights of rows are those of
    `column_statistics`.

    Returns
    -------
    origin : ndarray of shape (d,), float64
        See `origins`.
    mean, std, low, high : ndarray of shape (d,), float64
        Those of ``X - origin``.
    """
    shift, mean, std, low, high = _shifted_statistics(X, weight=weight)
    origin = origins(shift + mean, spreads(std, low, high))
    # The difference first: the sum of a large shift and a small mean would be rounded.
    return origin, (shift - origin) + mean, std, low - origin, high - origin


def spreads(std, low, high):
    """Return the unit of each column, (d,): 1 if it is constant.

    It is the standard deviation, or a tenth of the range if that is larger, so that
    rare values do not dominate.
    """
    return np.maximum(np.where(std > 0, std, 1.0), (high - low) / 10)


def origins(mean, spread):
    """Return a number near the mean of each column to subtract before a cast, (d,).

    Single precision cannot hold values whose mean is many spreads away from zero. The
    origin is the mean, rounded to a multiple of a power of two above 64 spreads. It is
    0 for all other columns, and the difference from it is exact, so that adding such a
    multiple to a column does not change what is computed.
    """
    _, exponent = np.frexp(FAR * spread)
    step = np.ldexp(1.0, exponent)
    return np.round(mean / step) * step + 0.0  # no -0.0


def _shifted_statistics(X, block=4096, weight=None):
    """Return the first row, the mean relative to it, and the other statistics."""
    seen = observed_cells(X)
    first = X[0] if seen is None else first_values(X)
    shift = first.astype(np.float64)  # centre near the data, or squares would cancel
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    low, high = shift.copy(), shift.copy()
    for start in range(0, len(X), block):
        rows = X[start : start + block].astype(np.float64)
        if seen is not None:
            rows = np.where(seen[start : start + block], rows, shift)  # adds nothing
        np.minimum(low, rows.min(axis=0), out=low)
        np.maximum(high, rows.max(axis=0), out=high)
        rows -= shift
        if weight is None:
            total += rows.sum(axis=0)
            squares += np.einsum("nd,nd->d", rows, rows)
        else:
            weights = weight[start : start + block]
            total += weights @ rows
            squares += np.einsum("n,nd,nd->d", weights, rows, rows)
    n_values = _total_weight(len(X), seen, weight)
    mean = total / n_values
    variance = np.maximum(squares / n_values - mean**2, 0.0)
    return shift, mean, np.sqrt(variance), low, high


def _total_weight(n_rows, seen, weight):
    """Return the weight of the observed cells of each column, or of all rows."""
    if weight is None:
        return n_rows if seen is None else seen.sum(axis=0)
    return weight.sum() if seen is None else weight @ seen
