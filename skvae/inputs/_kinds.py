"""Check what kind of table X is, before it is converted to an array of floats.

scikit-learn's validation leaves some conversions to numpy and torch. Their errors do
not say which cell is wrong, and some conversions lose a part of the values: the
imaginary part of a tensor, the mask of a masked array, the unit of a time.
"""

from collections.abc import Mapping, Set
from decimal import Decimal
from numbers import Number, Real

import numpy as np
import torch

from skvae._columns import column_names
from skvae._validation import shortened

KINDS = (
    "an array, a data frame, a torch tensor or a list of rows, all of the same length"
)
FLOATS = (torch.float32, torch.float64)
# Types whose conversion to a float loses a part.
NOT_NUMBERS = (complex, np.complexfloating, np.datetime64, np.timedelta64, np.ndarray)


def as_table(X, name="X"):
    """Return a table of any kind as an array, a data frame or a sparse matrix.

    Tensors and lists become arrays, lazy tables are computed, and masked cells become
    NaN. Cells are not checked, see `as_numbers`.

    Parameters
    ----------
    X : object
        What was passed as a table.
    name : str, default="X"
        Its name in messages.

    Raises
    ------
    TypeError
        If it is not a table.
    ValueError
        If rows of a list have different lengths, or a tensor is complex.
    """
    if isinstance(X, torch.Tensor):
        return _from_tensor(X, name)
    X = _computed(X)
    if isinstance(X, np.ma.MaskedArray):
        return _unmasked(X)
    if _is_sparse_frame(X):
        raise TypeError(
            f"Sparse data was passed, but dense data is required. Use "
            f"{name}.sparse.to_dense()."
        )
    if hasattr(X, "shape") and not isinstance(X, type):
        return X
    return _as_array(X, name)


def _computed(X):
    """Load a lazy table of polars or dask, and a table of pyarrow."""
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):
        X = X.collect()
    if hasattr(X, "__dask_graph__"):
        X = X.compute()
    if hasattr(X, "to_pandas") and hasattr(X, "num_rows"):
        X = X.to_pandas()
    return X


def _as_array(X, name):
    """Return a list or another container of rows as an array."""
    holds_rows = hasattr(X, "__len__") or hasattr(X, "__array__")
    refused = str | bytes | type | Mapping | Set
    if isinstance(X, refused) or not (holds_rows or isinstance(X, Number | None)):
        raise TypeError(f"{name} must be {KINDS}. Got {shortened(X)} instead.")
    if isinstance(X, list | tuple) and any(isinstance(r, torch.Tensor) for r in X):
        X = [as_table(row, name) for row in X]
    try:
        array = np.asarray(X)
        # numpy would convert numbers beside strings to strings.
        return np.asarray(X, dtype=object) if array.dtype.kind in "US" else array
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} must be {KINDS}: {error}") from error


def _from_tensor(X, name):
    usable = X.layout == torch.strided and not (X.is_meta or X.is_quantized)
    if not usable or X.is_nested:
        raise TypeError(
            f"{name} must be a dense tensor with values, such as X.to_dense() or "
            f"X.dequantize(). Got a tensor of dtype {X.dtype} and layout {X.layout} on "
            f"the device {X.device.type!r} instead."
        )
    if X.is_complex():
        raise ValueError(f"Complex data not supported: {name} has dtype {X.dtype}.")
    X = X.detach().cpu().resolve_neg().resolve_conj()
    return (X.float() if X.is_floating_point() and X.dtype not in FLOATS else X).numpy()


def _unmasked(X):
    """Return a masked array with NaN in masked cells, if there are any."""
    if X.dtype.kind not in "fiubO" or not np.ma.is_masked(X):
        return X.data
    return X.astype(X.dtype if X.dtype.kind in "fO" else float).filled(np.nan)


def _is_sparse_frame(X):
    """Whether scikit-learn would convert a data frame to a sparse matrix."""
    dtypes = [str(dtype) for dtype in X.dtypes] if hasattr(X, "columns") else []
    return len(dtypes) > 0 and all(dtype.startswith("Sparse") for dtype in dtypes)


def as_numbers(X, name="X"):
    """Return a table whose cells can be converted to floats.

    Parameters
    ----------
    X : array, data frame or sparse matrix
        As returned by `as_table`.
    name : str, default="X"
        Its name in messages.

    Returns
    -------
    array, data frame or sparse matrix
        `X` itself, unless it has cells that numpy could not convert.

    Raises
    ------
    ValueError
        If a cell is a string, or a number beyond the range of double precision.
    TypeError
        If a cell or a column is not a number, as times are not.
    """
    if hasattr(X, "columns"):
        return _numeric_frame(X)
    dtype = getattr(X, "dtype", None)
    if hasattr(X, "toarray") or not isinstance(dtype, np.dtype):
        return X
    if dtype.kind in "fiubc":  # check_array has a message for complex numbers
        return X
    if X.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D array of dtype {dtype} instead: {name} "
            "must have one row per sample. Reshape your data."
        )
    columns = [_column(X[:, j], f"x{j}") for j in range(X.shape[1])]
    return np.stack(columns, axis=1) if columns else np.zeros(X.shape)


def _numeric_frame(X):
    """Return a data frame with floats in place of other kinds of cells."""
    if all(map(_is_numeric, X.dtypes)):
        return X
    names = column_names(X.columns, X.shape[1])
    by_position = X.iloc if hasattr(X, "iloc") else X
    columns = [
        _column(np.asarray(by_position[:, j]), name) for j, name in enumerate(names)
    ]
    table = np.stack(columns, axis=1)
    if hasattr(X, "iloc"):
        return type(X)(table, columns=X.columns, index=X.index)
    return type(X)(table, schema=list(X.columns))


def _is_numeric(dtype):
    """Whether scikit-learn converts a column of this dtype without loss."""
    if hasattr(dtype, "is_numeric"):  # polars
        return dtype.is_numeric()
    return getattr(dtype, "kind", None) in tuple("fiub")


def _column(values, label):
    """Return a column as numbers."""
    if values.dtype.kind in "fiub":
        return values
    if values.dtype.kind not in "SUTO":
        raise TypeError(
            f"Column {label} has dtype {values.dtype}, but the argument must be a "
            "table of numbers or of strings that are numbers. Convert it, or drop it."
        )
    cells = values.astype(object)
    return np.array([_number(v, row, label) for row, v in enumerate(cells)], float)


def _number(value, row, label):
    """Return a cell as a float, NaN if it is missing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return np.nan
    cell = f"Row {row} of column {label} is {shortened(value)}"
    try:
        if not isinstance(value, NOT_NUMBERS):
            return float(value)
    except OverflowError as error:
        raise ValueError(f"{cell}, beyond the range of float64.") from error
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        if isinstance(value, str | bytes | Real | Decimal):
            raise ValueError(
                f"{cell}: could not convert it to a number. Encode text as numbers, "
                "such as with OrdinalEncoder or OneHotEncoder, or drop the column."
            ) from error
    raise TypeError(
        f"{cell} of type {type(value).__name__}: the argument must be a table of "
        "numbers or of strings that are numbers."
    )
