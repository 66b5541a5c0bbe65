"""Rows of blocks, which are arrays or data frames of any library."""

from collections.abc import Mapping, Set

import narwhals as nw
import numpy as np
from scipy.sparse import issparse


def take_rows(values, rows):
    """Select rows, ndarray of int, of an array, a list, a tensor or a data frame."""
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if hasattr(type(values), "column_names"):  # a table of pyarrow
        return values.take(rows)
    if isinstance(values, list | tuple):
        return [values[i] for i in rows]
    return values[rows] if hasattr(values, "__getitem__") else np.asarray(values)[rows]


def join_tables(tables):
    """Return arrays, lists or frames of the same columns as one, rows below rows."""
    if len(tables) == 1:
        return tables[0]
    frames = [
        nw.from_native(table, eager_only=True, pass_through=True) for table in tables
    ]
    if not isinstance(frames[0], nw.DataFrame):
        return np.concatenate(tables)
    return nw.concat(frames, how="vertical").to_native()


def as_array(block):
    """Return a data frame of floats of one precision as an array; others unchanged.

    Columns are much slower to convert one by one.
    """
    if isinstance(block, np.ndarray):
        return block
    frame = nw.from_native(block, eager_only=True, pass_through=True)
    dtypes = set(frame.schema.values()) if isinstance(frame, nw.DataFrame) else set()
    if len(dtypes) != 1 or not dtypes <= {nw.Float32, nw.Float64}:
        return block
    values = frame.to_numpy()
    return np.ascontiguousarray(values) if values.dtype.kind == "f" else block


def is_for_all(values, n_rows):
    """Whether values, such as None or a string, do not have one entry per row."""
    is_value = isinstance(values, str | bytes | Mapping | Set)
    is_value = is_value or not hasattr(values, "__len__")
    return is_value or getattr(values, "shape", 1) == () or len(values) != n_rows


def dense(block):
    """Return a block of a sparse matrix or a collection as an array in memory."""
    if hasattr(block, "compute"):
        block = block.compute()
    return block.toarray() if issparse(block) else np.asarray(block)
