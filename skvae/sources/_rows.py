"""Rows of blocks, which are arrays or data frames of any library."""

import narwhals as nw
import numpy as np
from scipy.sparse import issparse


def take_rows(table, rows):
    """Return some rows, by their positions, of an array or a data frame."""
    if isinstance(table, list | tuple):
        return [table[row] for row in rows]
    if isinstance(table, np.ndarray):
        return table[rows]
    frame = nw.from_native(table, eager_only=True, allow_series=True)
    return frame[[int(row) for row in rows]].to_native()


def join_tables(tables):
    """Return arrays or data frames of the same columns as one, rows below rows."""
    if len(tables) == 1:
        return tables[0]
    if isinstance(tables[0], np.ndarray):
        return np.concatenate(tables)
    frames = [nw.from_native(table, eager_only=True) for table in tables]
    return nw.concat(frames, how="vertical").to_native()


def is_for_all(values, n_rows):
    """Whether values, such as None or a string, do not have one entry per row."""
    is_value = isinstance(values, str | bytes) or not hasattr(values, "__len__")
    return is_value or len(values) != n_rows


def dense(block):
    """Return a block of a sparse matrix or a collection as an array in memory."""
    if hasattr(block, "compute"):
        block = block.compute()
    return block.toarray() if issparse(block) else np.asarray(block)
