"""Names and dtypes of a data frame, and frames built like it."""

import re

import narwhals as nw
import numpy as np
from sklearn import get_config

LIBRARIES = ("pandas", "polars", "pyarrow")


def wanted_output(estimator):
    """Return "default", "pandas" or "polars", as `set_output` or the settings say."""
    own = getattr(estimator, "_sklearn_output_config", {})
    return own.get("transform", get_config()["transform_output"])


def index_of(X):
    """Return the labels of the rows of a frame of pandas, None for other tables."""
    return X.index if hasattr(X, "iloc") else None


def is_known(frame):
    """Return whether a frame of narwhals is one of `LIBRARIES`."""
    return frame.implementation.name.lower() in LIBRARIES


class Template:
    """Names and dtypes of the columns of a data frame.

    Parameters
    ----------
    native : data frame
        One of pandas, polars or pyarrow; its rows are not kept.
    """

    def __init__(self, native):
        frame = nw.from_native(native, eager_only=True)
        self.library = frame.implementation.name.lower()
        self.names = list(frame.columns)
        self.dtypes = _dtypes(native, self.library)

    def build(self, columns, library=None, index=None):
        """Return a frame with these columns.

        Parameters
        ----------
        columns : list of ndarray of shape (n,)
            Values of each column.
        library : {"pandas", "polars"}, optional
            Its library; by default that of the template.
        index : pandas.Index, optional
            Labels of the rows, for pandas.
        """
        library = library or self.library
        columns = map(_within, columns, self.dtypes)
        dtypes = self.dtypes if library == self.library else [None] * len(self.names)
        parts = zip(self.names, columns, dtypes, strict=True)
        if library == "pandas":
            return _pandas(parts, self.names, index)
        if library == "polars":
            import polars as pl

            series = [_polars(pl, str(name), *part) for name, *part in parts]
            return pl.DataFrame(series)
        import pyarrow as pa

        arrays = [pa.array(_as_list(v), type=dtype) for _, v, dtype in parts]
        return pa.table(arrays, names=[str(name) for name in self.names])

    # -- files ----------------------------------------------------------------------

    def description(self):
        """Return it as plain data; dtypes that have no short name are left out."""
        names = [n if isinstance(n, str | int) else str(n) for n in self.names]
        dtypes = [_described(dtype, self.library) for dtype in self.dtypes]
        return {"library": self.library, "names": names, "dtypes": dtypes}

    @classmethod
    def from_description(cls, found, n_columns):
        """Check and restore what `description` returned."""
        if found.keys() != {"library", "names", "dtypes"}:
            raise ValueError("its data frame does not have the entries of one.")
        self = cls.__new__(cls)
        self.library, self.names = found["library"], found["names"]
        if len(self.names) != n_columns or len(found["dtypes"]) != n_columns:
            raise ValueError(f"its data frame does not have {n_columns} columns.")
        if not all(isinstance(name, str | int) for name in self.names):
            raise ValueError("its data frame has names that are not strings.")
        self.dtypes = [_dtype(entry, self.library) for entry in found["dtypes"]]
        return self


_INTEGERS = re.compile("u?int(8|16|32|64)")


def _within(values, dtype):
    """Return whole numbers, cut off at the limits of a dtype."""
    name = str(dtype).lower()
    if values.dtype.kind != "i" or not _INTEGERS.fullmatch(name):
        return values
    limits = np.iinfo(name)
    return values.clip(limits.min, min(limits.max, np.iinfo(np.int64).max))


def _dtypes(native, library):
    if library == "pyarrow":
        return list(native.schema.types)
    return list(native.dtypes)


def _as_list(values):
    if values.dtype.kind != "f":
        return values.tolist()
    return np.where(np.isnan(values), None, values).tolist()


def _pandas(parts, names, index):
    import pandas as pd

    columns = {}
    for j, (_, values, dtype) in enumerate(parts):
        column = pd.Series(values, index=index)
        columns[j] = column if dtype is None else _cast(column, dtype)
    frame = pd.DataFrame(columns, index=index)
    frame.columns = names
    return frame


def _cast(column, dtype):
    """Return a series of this dtype, or as it is if that cannot hold its values."""
    if dtype.kind in "iu" and column.dtype.kind == "f" and column.notna().all():
        column = column.round()
    try:
        return column.astype(dtype)
    except (TypeError, ValueError):
        return column


def _polars(pl, name, values, dtype):
    if dtype is None:
        return pl.Series(name, _as_list(values))
    return pl.Series(name, _as_list(values), dtype=dtype, strict=False)


# --- dtypes as plain data -------------------------------------------------------------


def _described(dtype, library):
    """Return a dtype as text, or with its categories; None if that is not possible."""
    categories = getattr(dtype, "categories", None)
    if categories is not None:
        values = [v.item() if isinstance(v, np.generic) else v for v in categories]
        if all(isinstance(value, str | int | float) for value in values):
            return {"levels": values, "ordered": bool(getattr(dtype, "ordered", False))}
        return None
    if library == "pyarrow" and hasattr(dtype, "index_type"):
        parts = {"values": str(dtype.value_type), "indices": str(dtype.index_type)}
        return parts | {"ordered": dtype.ordered}
    text = str(dtype)
    try:
        return text if _dtype(text, library) == dtype else None
    except ValueError:
        return None


def _dtype(entry, library):
    """Return the dtype that `_described` described; None if it is not known here."""
    try:
        return _DTYPE[library](entry) if entry is not None else None
    except ImportError:  # frames of another library can still be built
        return None
    except (AttributeError, TypeError) as error:
        raise ValueError(f"its data frame has an unknown dtype, {entry!r}.") from error


def _pandas_dtype(entry):
    import pandas as pd

    if isinstance(entry, dict):
        return pd.CategoricalDtype(entry["levels"], ordered=entry["ordered"])
    return pd.api.types.pandas_dtype(entry)


def _polars_dtype(entry):
    import polars as pl

    if isinstance(entry, dict):
        return pl.Enum(entry["levels"])
    dtype = getattr(pl, entry)
    if not (isinstance(dtype, type) and issubclass(dtype, pl.DataType)):
        raise TypeError(entry)
    return dtype


def _pyarrow_dtype(entry):
    import pyarrow as pa

    if not isinstance(entry, dict):
        return pa.type_for_alias(entry)
    indices, values = (pa.type_for_alias(entry[key]) for key in ("indices", "values"))
    return pa.dictionary(indices, values, entry["ordered"])


_DTYPE = {
    "pandas": _pandas_dtype,
    "polars": _polars_dtype,
    "pyarrow": _pyarrow_dtype,
}
