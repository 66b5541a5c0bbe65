"""Which objects are sources of rows."""

from pathlib import Path

import numpy as np
from scipy.sparse import issparse
from torch.utils.data import DataLoader, Dataset, IterableDataset

from skvae._kinds import cut
from skvae._validation import NONE, POSITIVE_INT, check_parameter
from skvae.sources._arrays import ArraySource
from skvae.sources._frames import DaskFrameSource, DatasetSource, LazyFrameSource
from skvae.sources._source import Source
from skvae.sources._torch import DatasetItems, IteratedItems

BUFFER_BYTES = 2**28  # of rows in single precision
MAPPED_BYTES = 2**30  # of a memory map from which on it is read in blocks
LIBRARIES = ("anndata", "dask", "h5py", "polars", "pyarrow", "zarr")


def as_source(X, buffer_size=None, block_size=None):
    """Return a table as a source, which is read in blocks of rows.

    Estimators do this themselves, except for arrays and for paths as strings. Call it
    to choose the sizes.

    In every epoch of `fit`, the blocks are read in a random order into a buffer. The
    rows of a full buffer are shuffled, and make the next batches. A table that fits
    into the buffer is read once. The result is then that of an array with these rows,
    to the bit.

    Parameters
    ----------
    X : object
        One of these:

        - a path: a Parquet file, or a folder of them;
        - a `pyarrow.dataset.Dataset`, a `polars.LazyFrame`, a Dask array or data frame;
        - a Zarr or HDF5 array, a `numpy.memmap` or an array;
        - a sparse matrix, such as ``adata.X``, in memory or backed by a file;
        - a torch `Dataset`, or a `DataLoader` with ``shuffle=False``;
        - any object with the members of `RowSource`.
    buffer_size : int, optional
        Number of rows that are shuffled together; 256 MiB of them in single precision
        by default. More make the order of sorted rows more random.
    block_size : int, optional
        Number of rows that are read at once, where the format leaves the choice. Those
        of Parquet are row groups, those of a Dask data frame are partitions.

    Returns
    -------
    Source

    Raises
    ------
    TypeError
        If it cannot be read in blocks of rows.
    ValueError
        If a size is not a positive int, or there are no rows.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skvae import VAETransformer
    >>> from skvae.sources import as_source
    >>> counts = sparse.random_array((500, 20), density=0.1, rng=0, format="csr")
    >>> source = as_source(counts, buffer_size=200, block_size=50)
    >>> vae = VAETransformer(2, max_epochs=2, random_state=0).fit(source)
    >>> vae.transform(source).shape
    (500, 2)
    """
    for name, value in (("buffer_size", buffer_size), ("block_size", block_size)):
        check_parameter(name, value, (POSITIVE_INT, NONE), "as_source")
    if isinstance(X, Source):
        X = X.rows
    rows = _adapted(X, block_size)
    if rows is None:
        raise TypeError(f"A {type(X).__name__} cannot be read in blocks: {cut(X)}")
    sizes = np.asarray(rows.sizes, dtype=np.int64)
    if not sizes.any():
        raise ValueError("Found array with 0 sample(s): the source has no rows.")
    if buffer_size is None:
        first = rows.read(int(np.flatnonzero(sizes)[0]))
        width = max(1, first.shape[1] if len(first.shape) > 1 else 1)
        buffer_size = max(1, BUFFER_BYTES // (4 * width))
    return Source(rows, int(buffer_size), sizes)


def source_of(X):
    """Return X as a `Source` if estimators read it in blocks, or None."""
    if isinstance(X, Source):
        return X
    is_large = isinstance(X, np.memmap) and X.nbytes >= MAPPED_BYTES and X.ndim == 2
    if not is_large and (isinstance(X, str | np.ndarray) or not _is_known(X)):
        return None
    return as_source(X)


def _is_known(X):
    """Whether an object is a source because of its type."""
    if isinstance(X, Path | Dataset | DataLoader) or issparse(X) or _is_own(X):
        return True
    library = type(X).__module__.partition(".")[0]
    if library not in LIBRARIES:
        return False
    return _adapter(X, library) is not None


def _is_own(X):
    """Whether X has the members of a `RowSource`; a data frame has others."""
    return callable(getattr(type(X), "read", None)) and hasattr(X, "sizes")


def _adapted(X, block_size):
    """Return an object as a `RowSource`, or None if it is not known."""
    if _is_own(X):
        return X
    if isinstance(X, str | Path):
        return DatasetSource.of_path(X)
    if isinstance(X, Dataset | DataLoader):
        is_map = isinstance(X, Dataset) and not isinstance(X, IterableDataset)
        return (DatasetItems if is_map else IteratedItems)(X, block_size)
    if issparse(X) or isinstance(X, np.ndarray):
        rows_are_sliced = not issparse(X) or len(X.shape) != 2  # which is refused
        return ArraySource(X if rows_are_sliced else X.tocsr(), block_size)
    adapter = _adapter(X, type(X).__module__.partition(".")[0])
    return None if adapter is None else adapter(X, block_size)


def _adapter(X, library):
    """Return a function (X, block_size) -> RowSource, or None."""
    kind = type(X)
    if library == "polars":
        return LazyFrameSource if hasattr(kind, "collect") else None
    if library == "pyarrow":
        is_dataset = hasattr(kind, "get_fragments")
        return (lambda X, _: DatasetSource(X)) if is_dataset else None
    if library == "dask" and hasattr(kind, "map_partitions"):
        return lambda X, _: DaskFrameSource(X)
    if library in LIBRARIES and all(hasattr(X, name) for name in ("shape", "dtype")):
        return ArraySource if len(X.shape) == 2 else None
    return None
