"""Arrays and sparse matrices, in memory or on disk, as sources of rows."""

import math

import numpy as np

from skvae.sources._rows import dense

BLOCK_BYTES = 2**22


class ArraySource:
    """Anything of two dimensions whose rows can be sliced.

    Parameters
    ----------
    X : array-like of shape (n, d)
        An array, a memory map, a CSR matrix, a Zarr, HDF5 or Dask array.
    block_size : int, optional
        Rows per block; by default 4 MiB of them, in whole chunks if `X` has chunks.
    """

    def __init__(self, X, block_size=None):
        if len(X.shape) != 2:
            raise ValueError(
                f"A source of rows must have two dimensions. Got the shape {X.shape}."
            )
        n_rows, width = X.shape
        if math.isnan(n_rows):
            raise ValueError(
                "The Dask array does not know its number of rows: call its "
                "compute_chunk_sizes()."
            )
        size = block_size or _block_size(X, width)
        self.X, self.width, self.block_size = X, width, size
        whole, rest = divmod(n_rows, size)
        self.sizes = [size] * whole + [rest] * bool(rest)

    def read(self, block):
        start = block * self.block_size
        return dense(self.X[start : start + self.sizes[block]])


def _block_size(X, width):
    itemsize = np.dtype(X.dtype).itemsize
    rows = max(1, BLOCK_BYTES // max(1, width * itemsize))
    chunk = _chunk_rows(X)
    return rows if chunk is None else chunk * max(1, rows // chunk)


def _chunk_rows(X):
    """Return the number of rows of a chunk on disk, or None."""
    chunks = getattr(X, "chunks", None)
    if not isinstance(chunks, tuple) or not chunks:
        return None
    rows = max(chunks[0]) if isinstance(chunks[0], tuple) else chunks[0]
    return max(1, int(rows))
