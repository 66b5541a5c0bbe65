"""Read tables as numbers, with errors that name the column and the row.

What numpy would convert silently, such as datetimes, is refused. What fails inside
numpy or scikit-learn is explained.
"""

from array import array
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from functools import partial
from numbers import Number

import numpy as np
from scipy.sparse import issparse

from skvae._columns import column_names
from skvae._kinds import cut, sentence
from skvae.inputs._frames import column_of, is_arrow, is_lazy, refuse_equal_names
from skvae.inputs._tensors import as_numpy, without_subclass, without_tensors

# How errors begin that numpy and pandas raise within a conversion.
OF_NUMPY = ("could not", "setting an array", "float()", "only 0-dim", "at least one")


def in_memory(X):
    """Return a table, a tensor as an array.

    Raises
    ------
    TypeError
        If it is not a table, or a lazy one.
    ValueError
        If values are masked, or as `as_numpy`.
    """
    X = as_numpy(X)
    if isinstance(X, list | tuple):
        X = without_tensors(X)
    if isinstance(X, memoryview | array):
        X = np.asarray(X)
    X, kind = without_subclass(X), type(X).__name__
    if is_lazy(X):
        raise TypeError(
            f"X must be an array or a data frame in memory. Got a {kind} instead, "
            "which is lazy: pass the result of its collect() or compute()."
        )
    _refuse_layout(X)  # first, as some sparse matrices are dicts
    refuse_equal_names(X, "X")
    if _is_no_table(X):
        raise TypeError(
            f"X must be an array, a data frame or a list of rows. Got a {kind} instead."
        )
    n_dimensions = _count_dimensions(X)
    if n_dimensions < 2:  # scikit-learn would print the values
        kind = getattr(X, "dtype", type(X).__name__)
        raise ValueError(
            f"Expected 2D array, got {n_dimensions}D array instead, of {kind}. Reshape "
            "your data to one row per sample: X.reshape(1, -1) if it is a single row."
        )
    return X


def _count_dimensions(X):
    """Return the number of dimensions of a table, as far as it is known, or 2."""
    if isinstance(X, list | range):
        return 1 if X and np.ndim(X[0]) == 0 else 2
    return len(getattr(X, "shape", (1, 1)))


def _refuse_layout(X):
    """Raise an error if a table is sparse, has masked values or holds records."""
    if issparse(X) or _is_sparse_frame(X):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required: pass "
            f"X.{'toarray' if issparse(X) else 'sparse.to_dense'}()."
        )
    if getattr(getattr(X, "dtype", None), "kind", None) == "V":
        raise TypeError("X is an array of records: pass their fields as columns.")
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        row = np.argwhere(np.ma.getmaskarray(X))[0][0]
        raise ValueError(f"X has a masked value in row {row}: pass X.filled(...).")


def _is_no_table(X):
    """Whether X cannot hold rows, or holds them in no order or as dicts."""
    if isinstance(X, type | Mapping | Set | Iterator | str | bytes):
        return True
    if isinstance(X, list | tuple):
        return any(isinstance(row, Mapping | Set) for row in X)
    holds_rows = any(hasattr(X, name) for name in ("__len__", "__array__", "shape"))
    return not holds_rows and not isinstance(X, Number | None)  # check_array explains


def _is_sparse_frame(X):
    """Whether scikit-learn would convert a data frame to a sparse matrix."""
    dtypes = X.dtypes if hasattr(X, "iloc") and hasattr(X, "columns") else ()
    names = [str(dtype) for dtype in dtypes]
    return len(names) > 0 and all(name.startswith("Sparse") for name in names)


def check_range(x, dtype, names):
    """Raise ValueError at a value that becomes infinite in the computing precision."""
    if not isinstance(dtype, str) or dtype != "float32" or x.dtype == np.float32:
        return
    limit = np.finfo(dtype).max
    # The extremes are found without a copy of the table; NaN stands for missing.
    if np.fmax.reduce(x, axis=None) > limit or np.fmin.reduce(x, axis=None) < -limit:
        row, column = np.argwhere(np.abs(x) > limit)[0]
        name = column_names(names, x.shape[1])[column]
        raise ValueError(
            f"Row {row} of column {name} is {x[row, column]:g}, beyond the range of "
            f"{dtype}. Scale the column, or set dtype='float64'."
        )


def with_na(X, convert):
    """Return ``convert(X)``; if it fails, once more with NaN in place of ``pd.NA``."""
    try:
        return convert(X)
    except TypeError:
        if hasattr(X, "notna"):
            return convert(X.where(X.notna(), np.nan))
        X = np.array(X, dtype=object)
        is_na = [type(value).__name__ == "NAType" for value in X.ravel()]
        if not any(is_na):
            raise
        X[np.reshape(is_na, X.shape)] = np.nan
        return convert(X)


@contextmanager
def explaining(X, names=None):
    """Explain why a table cannot be converted to numbers, where that is known.

    Parameters
    ----------
    X : array-like of shape (n, d)
        The table.
    names : sequence of str, optional
        Names of its columns.

    Raises
    ------
    ValueError
        If a value is infinite, a datetime or too large.
    TypeError
        If a value cannot be a number.
    """
    _refuse_datetimes(X, names)
    try:
        yield
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        text = str(error)
        if "inhomogeneous" in text:
            raise ValueError("The rows of X have different lengths.") from error
        own_words = text.startswith(("Column ", "Complex data", "The feature names"))
        if own_words or issparse(X):
            raise
        if not _is_table(X):
            _refuse_unexplained(error)
            raise
        if "contains" in text:  # infinity
            _blame(X, names, _check_finite)
        kinds = (TypeError, OverflowError, ValueError)
        kind = next((kind for kind in kinds if isinstance(error, kind)), ValueError)
        _blame(X, names, partial(_check_number, kind=kind))
        _refuse_unexplained(error)
        raise


def _refuse_unexplained(error):
    """Raise an error of skvae's own in place of one from within numpy or pandas."""
    if isinstance(error, RuntimeError | OverflowError) or str(error).startswith(
        OF_NUMPY
    ):
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"X is not a table of numbers: {error}") from error


def _is_table(X):
    return len(getattr(X, "shape", None) or np.shape(np.asarray(X, object))) == 2


def _columns(X, names):
    X = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
    labels = column_names(_own_names(X) if names is None else names, X.shape[1])
    return [(labels[j], column_of(X, j)) for j in range(X.shape[1])]


def _own_names(X):
    return X.column_names if is_arrow(X) else getattr(X, "columns", None)


def _refuse_datetimes(X, names):
    """Raise ValueError at datetimes and durations, which numpy makes numbers."""
    at = next((j for j, is_moment in enumerate(_moments(X)) if is_moment), None)
    if at is None:
        return
    name, _ = _columns(X, names)[at]
    raise ValueError(
        f"Column {name} of X holds datetimes or durations. Convert them to numbers, in "
        "a unit that suits the data."
    )


def _moments(X):
    """Return whether each column holds datetimes or durations, if it is a table."""
    if is_arrow(X):
        return [_names_moments(kind) for kind in X.schema.types]
    if hasattr(X, "columns"):
        return [_names_moments(kind) for kind in X.dtypes]
    if hasattr(X, "dtype") and X.dtype != object:
        is_table = X.dtype.kind in "mM" and X.ndim == 2
        return [True] * X.shape[1] if is_table else []
    is_scalar = not hasattr(X, "__getitem__") or getattr(X, "ndim", 1) == 0
    rows = [] if is_scalar else X[:1]  # a later one alone is missing
    first = rows[0] if len(rows) else ()
    if isinstance(first, str) or not hasattr(first, "__len__"):
        return []
    return [isinstance(value, np.datetime64 | np.timedelta64) for value in first]


def _names_moments(kind):
    return str(kind).lower().startswith(("date", "time", "duration"))


def _blame(X, names, check):
    """Raise the error of the first value that `check` refuses."""
    for name, column in _columns(X, names):
        values = np.asarray(column)
        rows = range(len(values))
        if values.dtype.kind in "biuf":
            rows = np.flatnonzero(~np.isfinite(values)).tolist()
        for row in rows:
            check(values[row], f"column {name} of X", row)


def _check_number(value, column, row, kind):
    """Raise an error if the conversion of a value raises one of this kind."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return
    try:
        float(value)
    except (TypeError, ValueError, OverflowError) as error:
        if not isinstance(error, kind):
            return
        reason = f": {error}"
    else:
        return
    if kind is OverflowError:
        reason = ", beyond the range of float64."
    elif kind is ValueError:
        reason = ", which is not a number."
    kind = TypeError if kind is TypeError else ValueError
    raise kind(f"{sentence(column)} holds {cut(value)} in row {row}{reason}") from None


def _check_finite(value, column, row):
    if isinstance(value, float | np.floating) and np.isinf(value):
        raise ValueError(f"X contains infinity: {column} is {value} in row {row}.")
