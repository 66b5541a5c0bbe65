"""Datasets and data loaders of torch as sources of rows.

The rows of an item are its first entry, if it is a tuple, list or dict of several, such
as (x, y). Every item becomes one row of numbers.
"""

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, SequentialSampler

ROWS = 1024  # per block


class DatasetItems:
    """A map-style dataset.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Returns one row for each position.
    block_size : int, optional
        Rows per block.
    """

    def __init__(self, dataset, block_size=None):
        self.dataset, self.block_size = dataset, block_size or ROWS
        whole, rest = divmod(len(dataset), self.block_size)
        self.sizes = [self.block_size] * whole + [rest] * bool(rest)

    def read(self, block):
        start = block * self.block_size
        positions = range(start, start + self.sizes[block])
        return np.stack([_row(self.dataset[i]) for i in positions])


class IteratedItems:
    """A data loader, or a dataset that can only be iterated, in the order it has.

    It is iterated once to count the rows.

    Parameters
    ----------
    items : DataLoader or IterableDataset
        Yields batches or rows.
    block_size : int, optional
        Rows per block.
    """

    sequential = True

    def __init__(self, items, block_size=None):
        if isinstance(items, DataLoader) and not _in_order(items):
            raise ValueError(
                "A DataLoader must have shuffle=False: the rows are shuffled in fit, "
                "and need the same numbers in every epoch."
            )
        self.items, self.block_size = items, block_size or ROWS
        self._next, self._blocks = 0, None
        self.sizes = [len(block) for block in self._joined()]

    def read(self, block):
        if self._blocks is None or block < self._next:
            self._next, self._blocks = 0, self._joined()
        while True:
            table = next(self._blocks)
            self._next += 1
            if self._next > block:
                return table

    def _joined(self):
        """Yield blocks of at least `block_size` rows, but for the last."""
        parts, n_rows = [], 0
        for item in self.items:
            rows = (
                _rows(item) if isinstance(self.items, DataLoader) else _row(item)[None]
            )
            parts.append(rows)
            n_rows += len(rows)
            if n_rows >= self.block_size:
                yield np.concatenate(parts)
                parts, n_rows = [], 0
        if parts:
            yield np.concatenate(parts)


def _in_order(loader):
    known = isinstance(loader.dataset, IterableDataset)
    return known or isinstance(loader.sampler, SequentialSampler)


def _first(item):
    if isinstance(item, dict):
        item = next(iter(item.values()))
    if isinstance(item, tuple | list):
        item = item[0]
    return (
        item.numpy(force=True) if isinstance(item, torch.Tensor) else np.asarray(item)
    )


def _row(item):
    return _first(item).reshape(-1)


def _rows(batch):
    values = _first(batch)
    return values.reshape(len(values), -1)
