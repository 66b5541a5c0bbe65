"""Batches taken from one table in memory.

Loading and collating single rows takes longer than the training step of a small
network. Here an epoch is one permutation, and a batch is one `index_select`.
"""

import zlib
from dataclasses import replace

import numpy as np
import torch

from skvae.training._seeds import derive_seed
from skvae.training._table import Batch, Table


class Rows:
    """The rows of a table, to be taken as batches on one device in one precision.

    On a CPU the table is not copied, even if its precision differs or it is mapped from
    disk: only batches are cast. On a GPU it is copied once if it fits.

    Parameters
    ----------
    table : Table or ndarray of shape (n, d)
        The table.
    device : torch.device
        Device of the batches.
    dtype : torch.dtype
        Precision of the batches.
    index : ndarray of int, optional
        Which rows of the table these are, all by default.
    origin : ndarray of shape (d,), optional
        What to subtract from the columns, in double precision before they are cast.
    fill : ndarray of shape (d,), optional
        What stands for missing cells, relative to the origin; 0 by default.
    odds : ndarray of shape (n,), optional
        Relative to each other, how often the rows of the table are drawn in training.

    Attributes
    ----------
    n_numbers : int
        Upper limit of the row numbers in batches: the length of the table, or of the
        source that the table is a sample of.
    """

    def __init__(
        self, table, device, dtype, index=None, origin=None, fill=None, odds=None
    ):
        table = Table.of(table)
        self.odds = odds
        self.table, self.device, self.dtype = table, torch.device(device), dtype
        self.index = np.arange(len(table)) if index is None else index
        self.whole = index is None  # all rows in their order
        self.n_numbers = len(table)
        self._beside = {
            name: self._placed(values) for name, values in table.beside().items()
        }
        self._origin = None if origin is None else torch.tensor(origin)
        self._fill = None if fill is None else torch.tensor(fill).to(device, dtype)
        # torch warns about read-only arrays, so rows of these are taken by numpy.
        self._tensor = torch.from_numpy(self.X) if _shareable(self.X) else None
        if self.device.type == "cuda" and self._fits():
            self._tensor, self._origin = self._on_device(), None

    @property
    def X(self):
        """The data, (n, d)."""
        return self.table.x

    def _placed(self, values):
        """Move a field to the device; cast numbers, but not flags."""
        tensor = _as_tensor(values).to(self.device)
        return tensor if tensor.dtype == torch.bool else tensor.to(self.dtype)

    def _fits(self):
        free, _ = torch.cuda.mem_get_info(self.device)
        return self.X.size * self.dtype.itemsize < free // 2

    def _on_device(self):
        """Copy the table to the device in the precision of batches, block by block."""
        table = torch.empty(self.X.shape, dtype=self.dtype, device=self.device)
        for start in range(0, len(table), 4096):
            block = self.X[start : start + 4096].copy()  # torch needs it writable
            table[start : start + 4096] = self._from_origin(torch.from_numpy(block))
        return table

    def _from_origin(self, x):
        """Subtract the origin from rows of the table, (B, D)."""
        return x if self._origin is None else x.double() - self._origin

    def __len__(self):
        return len(self.index)

    def subset(self, positions):
        """Return some of these rows, sharing the table."""
        part = object.__new__(Rows)
        part.__dict__.update(self.__dict__, index=self.index[positions], whole=False)
        return part

    def evenly_spaced(self, n_rows, complete=False):
        """Return at most `n_rows` of these rows, from the first to the last.

        With `complete`, rows that lack a modality are left out; none may be left.
        """
        positions = np.arange(len(self))
        if complete and self.table.observed is not None:
            positions = np.flatnonzero(self.table.observed[self.index].all(axis=1))
        at = np.linspace(0, len(positions) - 1, min(len(positions), n_rows))
        return self.subset(positions[at.astype(int)])

    def binarized(self, seed):
        """Return these rows drawn once as 0/1 values, one byte each."""
        # The seed depends on the rows, so that other rows get other draws.
        content = zlib.crc32(np.ascontiguousarray(self.X[[0, -1]]).tobytes())
        random = np.random.default_rng(derive_seed(seed, "binarize", content))
        drawn = np.empty(self.X.shape, dtype=np.uint8)
        for start in range(0, len(drawn), 4096):
            block = self.X[start : start + 4096]
            drawn[start : start + 4096] = random.random(block.shape) < block
        table = replace(self.table, x=drawn)
        rows = Rows(table, self.device, self.dtype, self.index, odds=self.odds)
        rows._fill = self._fill
        return rows

    def shares(self):
        """Return how often each row is drawn in training, (n,), or None if equally."""
        if self.odds is None:
            return None
        odds = self.odds[self.index]
        return odds / odds.sum()

    def weights(self):
        """Return the weight of each row in a mean over rows, (n,), or None if equal.

        Rows that are drawn more often weigh more.
        """
        shares, weight = self.shares(), self.table.sample_weight
        if weight is None:
            return shares
        weight = weight[self.index] * (1.0 if shares is None else shares)
        return weight / weight.sum()

    def mean_weight(self):
        """Return the mean weight of the rows that are drawn in training, or None."""
        weight = self.table.sample_weight
        if weight is None:
            return None
        return float(np.average(weight[self.index], weights=self.shares()))

    def neighbours(self, where):
        """Return the batch of a slice of the table; faster than `take`, as a view."""
        index = torch.arange(where.start, where.stop)
        if self._tensor is None:
            return self.take(index)
        # Sums differ where columns, not rows, are neighbours in memory.
        x = self._tensor[where].contiguous()
        return self._batch(x, index, lambda values: values[where])

    def take(self, rows):
        """Return the batch of these row numbers of the table, a CPU tensor (B,)."""
        if self._tensor is None:
            x = torch.from_numpy(np.take(self.X, rows.cpu().numpy(), axis=0))
        else:
            rows = rows.to(self._tensor.device)
            x = self._tensor.index_select(0, rows)  # (B, D)
        if not self._beside:
            return self._batch(x, rows, None)
        chosen = rows.to(self.device)
        return self._batch(x, rows, lambda values: values.index_select(0, chosen))

    def _batch(self, x, index, choose):
        """Return a batch of chosen rows, (B, D), and of what came beside them."""
        x = self._from_origin(x)
        if x.device != self.device or x.dtype != self.dtype:
            x = x.to(device=self.device, dtype=self.dtype)
        beside = {name: choose(values) for name, values in self._beside.items()}
        if "seen" in beside and self._fill is not None:
            x = torch.where(beside["seen"], x, self._fill)
        if "observed" in beside or "seen" in beside:
            x = x.nan_to_num(0.0)
        return Batch(x, **beside, index=index)


def _shareable(X):
    """Whether torch can use the array's memory: writable, no negative stride."""
    return X.flags.writeable and all(stride >= 0 for stride in X.strides)


def _as_tensor(X):
    return torch.from_numpy(X if _shareable(X) else X.copy())
