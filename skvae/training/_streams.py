"""Training rows that are read block by block in every epoch."""

import copy

import numpy as np
import torch

from skvae.training._batches import Rows
from skvae.training._seeds import derive_seed
from skvae.training._table import Batch


class Stream:
    """The training rows of a source that does not fit into memory.

    In every epoch, the blocks are read in a random order into a buffer. The rows of the
    full buffer are shuffled and make the next batches. Only one block and the buffer
    are in memory.

    Whatever else a net asks of its rows, such as their device, is answered by a sample.

    Parameters
    ----------
    read : callable
        Function of a block's number that returns its training rows, a `Table`, and
        their row numbers, an ndarray of int.
    sizes : ndarray of int of shape (n_blocks,)
        Number of training rows of each block.
    buffer_size : int
        Number of rows that are shuffled together.
    sample : Rows
        Some of the training rows, in memory.
    in_order : bool, default=False
        Whether blocks must be read in their order.
    **units
        ``origin`` and ``fill`` of the sample, see `Rows`.
    """

    odds = None

    def __init__(self, read, sizes, buffer_size, sample, in_order=False, **units):
        self._read, self._sizes, self._buffer_size = read, sizes, buffer_size
        self._sample, self._in_order, self._units = sample, in_order, units
        self._drawing = None  # seed of 0/1 values that are drawn once

    def __len__(self):
        return int(self._sizes.sum())

    @property
    def table(self):
        """The table of the sample."""
        return self._sample.table

    @property
    def device(self):
        """Device of the batches."""
        return self._sample.device

    @property
    def dtype(self):
        """Precision of the batches."""
        return self._sample.dtype

    @property
    def index(self):
        """Row numbers of the sample, as `take` reads them."""
        return self._sample.index

    def take(self, rows):
        """Return the batch of these rows of the sample."""
        return self._sample.take(rows)

    def shares(self):
        """Return None: every row is drawn equally often."""
        return None

    def weights(self):
        """Return None: every row has the same weight."""
        return None

    def mean_weight(self):
        """Return None: the rows have no weights."""
        return None

    def binarized(self, seed):
        """Return a stream of these rows drawn once as 0/1 values."""
        drawn = copy.copy(self)
        drawn._drawing = seed
        return drawn

    # -- batches --------------------------------------------------------------------

    def batches(self, sizes, generator=None):
        """Yield the batches of an epoch.

        Parameters
        ----------
        sizes : list of int
            Number of rows of each batch; all but the last two must be equal.
        generator : torch.Generator, optional
            Draws the order; without it the rows are in theirs.
        """
        per_window = max(1, self._buffer_size // sizes[0])
        starts = range(0, len(sizes), per_window)
        windows = [sizes[start : start + per_window] for start in starts]
        parts = self._parts(self._order(generator, len(windows)))
        buffer = Buffer(max(map(sum, windows)))
        for window in windows:
            buffer.fill(parts, sum(window))
            order = torch.arange(sum(window))
            if generator is not None:
                order = torch.randperm(len(order), generator=generator, device="cpu")
            for rows in order.split(window):
                yield self._moved(buffer.take(rows))

    def _order(self, generator, n_windows):
        """Return the numbers of the blocks in the order in which they are read."""
        blocks = np.flatnonzero(self._sizes)
        if generator is None or self._in_order or n_windows == 1:
            return blocks
        drawn = torch.randperm(len(blocks), generator=generator, device="cpu")
        return blocks[drawn.numpy()]

    def _parts(self, blocks):
        """Yield the rows of each block as a `Batch` on the CPU, in the precision."""
        for block in blocks:
            table, index = self._read(block)
            rows = Rows(table, "cpu", self.dtype, **self._units)
            if self._drawing is not None:
                rows = rows.binarized(derive_seed(self._drawing, "binarize", block))
            batch = rows.take(torch.arange(len(table)))
            yield self._complete(batch._replace(index=torch.from_numpy(index)))

    def _complete(self, batch):
        """Add flags of missing cells and modalities if other blocks have them."""
        like = self._sample.take(torch.from_numpy(self.index[:1]))
        for name in ("observed", "seen"):
            flags = getattr(like, name)
            if flags is not None and getattr(batch, name) is None:
                shape = len(batch.x), flags.shape[1]
                batch = batch._replace(**{name: torch.ones(shape, dtype=torch.bool)})
        return batch

    def _moved(self, batch):
        if self.device.type == "cpu":
            return batch
        fields = batch._asdict()
        index = fields.pop("index")
        moved = {k: v if v is None else v.to(self.device) for k, v in fields.items()}
        return Batch(**moved, index=index)


class Buffer:
    """Rows of several blocks, in memory that is used again and again.

    Parameters
    ----------
    size : int
        Most rows.
    """

    def __init__(self, size):
        self.size, self._fields, self._left = size, {}, None

    def fill(self, parts, n_rows):
        """Copy the next `n_rows` rows of an iterator of batches into it."""
        end = 0
        while end < n_rows:
            batch = next(parts) if self._left is None else self._left
            n = min(len(batch.x), n_rows - end)
            self._put(batch, n, end)
            more = n < len(batch.x)
            self._left = _some(batch, lambda value, n=n: value[n:]) if more else None
            end += n

    def _put(self, batch, n, end):
        """Copy the first n rows of a batch to a place in the buffer."""
        for name, value in batch._asdict().items():
            if value is None and name not in self._fields:
                continue
            if name not in self._fields:
                shape = self.size, *value.shape[1:]
                self._fields[name] = value.new_empty(shape)
                if value.dtype == torch.bool:  # in earlier blocks nothing was missing
                    self._fields[name].fill_(True)
            into = self._fields[name][end : end + n]
            into.copy_(True if value is None else value[:n])

    def take(self, rows):
        """Return the batch of some rows of the buffer."""
        return Batch(**{k: v.index_select(0, rows) for k, v in self._fields.items()})


def _some(batch, choose):
    fields = batch._asdict().items()
    return Batch(**{k: None if v is None else choose(v) for k, v in fields})
