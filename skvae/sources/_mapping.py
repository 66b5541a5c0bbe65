"""Functions of a table, applied block by block."""

import inspect
from functools import wraps

import numpy as np

from skvae.sources._known import as_source, source_of
from skvae.sources._rows import is_for_all, join_tables, take_rows


def map_blocks(function, source, out=None):
    """Apply a function to each block of a source, so that no result is whole in memory.

    The answers of an estimator do not depend on the rows beside a row, so that those of
    the blocks are the answer for the whole table, up to rounding. The exceptions are
    draws with a seed, which begins again in every block.

    Parameters
    ----------
    function : callable
        A method such as ``vae.transform``, ``vae.score_samples``, ``vae.impute`` or the
        ``transform`` of a pipeline: table -> array or data frame with as many rows.
    source : object
        What `as_source` takes, or a table in memory.
    out : array-like of shape (n_samples, ...), optional
        Where to write the results, such as a `numpy.memmap`, a Zarr or an HDF5 array.

    Returns
    -------
    iterator or array-like
        The result of each block, in the order of the rows, or `out`.

    Raises
    ------
    ValueError
        If `out` has another number of rows than the source.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae import VAETransformer
    >>> from skvae.sources import as_source, map_blocks
    >>> X = np.random.default_rng(0).normal(size=(1000, 5))
    >>> vae = VAETransformer(2, max_epochs=2, random_state=0).fit(X)
    >>> source = as_source(X, block_size=400)
    >>> [Z.shape for Z in map_blocks(vae.transform, source)]
    [(400, 2), (400, 2), (200, 2)]
    >>> Z = map_blocks(vae.transform, source, out=np.empty((1000, 2)))
    >>> bool((Z == vae.transform(X)).all())
    True
    """
    source = as_source(source)
    results = (function(block) for _, block in source.blocks())
    if out is None:
        return results
    if len(out) != len(source):
        raise ValueError(f"out has {len(out)} rows, but the source has {len(source)}.")
    start = 0
    for result in results:
        out[start : start + len(result)] = result
        start += len(result)
    return out


def by_blocks(method):
    """Let a method that answers row by row take a source, which it reads in blocks."""
    signature = inspect.signature(method)

    @wraps(method)
    def answer(self, X, *args, **kwargs):
        source = source_of(X)
        if source is None:
            return method(self, X, *args, **kwargs)
        given = signature.bind(self, X, *args, **kwargs).arguments
        if given.get("n_imputations") is not None:
            raise ValueError(
                "n_imputations must be None for a source of rows: pass its blocks one "
                "by one, each with a random_state of its own."
            )
        condition = given.get("condition")
        found, beside = [], {}
        for start, block in source.blocks():
            if not is_for_all(condition, len(source)):
                rows = np.arange(start, start + len(block))
                beside = {"condition": take_rows(condition, rows)}
            found.append(method(**(given | beside | {"X": block})))
        is_plain = all(isinstance(part, np.ndarray) for part in found)
        return np.concatenate(found) if is_plain else join_tables(found)

    return answer
