"""The iterator of skorch over the batches of an epoch."""

import torch

from skvae.training._streams import Stream


class TensorBatches:
    """Batches of a `Rows` or a `Stream`, shuffled if a generator is given.

    Weights of rows are divided by their mean, so that the mean over batches of weighted
    means is that over all rows.

    With odds, the rows to shuffle are drawn once, as many as there are: a row with a
    share of p is among n rows ⌊np⌋ or ⌈np⌉ times, and np times on average.

    Parameters
    ----------
    rows : Rows or Stream
        The rows.
    batch_size : int
        Rows per batch. A last batch of a single row joins the one before, so that a
        network with batch normalisation trains.
    generator : torch.Generator, optional
        Draws the order of the rows; without it they are not shuffled.
    """

    def __init__(self, rows, batch_size, generator=None):
        self.rows, self.batch_size, self.generator = rows, batch_size, generator
        self._drawn = None

    def __iter__(self):
        if isinstance(self.rows, Stream):
            return self.rows.batches(self.sizes(), self.generator)
        return self._of_table()

    def _of_table(self):
        order = torch.from_numpy(self.rows.index)
        if self.generator is not None:
            order = self._shuffled(self._draw(order))
        if self.rows._tensor is not None:
            order = order.to(self.rows._tensor.device)
        mean_weight = self.rows.mean_weight()
        for chunk in order.split(self.sizes()):
            batch = self.rows.take(self._part(chunk))
            if mean_weight is not None:
                weight = batch.sample_weight / mean_weight
                batch = batch._replace(sample_weight=weight)
            yield batch

    def _part(self, chunk):
        """Return the row numbers of a batch that are computed here: all of them."""
        return chunk

    def _draw(self, order):
        """Return the row numbers of an epoch, the same in all of its phases."""
        shares = self.rows.shares()
        if shares is None:
            return order
        if self._drawn is None:
            # Systematic resampling, in an order that is independent of the table's.
            mixed = self._shuffled(torch.arange(len(order)))
            ends = len(order) * torch.from_numpy(shares)[mixed].cumsum(0)
            start = torch.rand((), generator=self.generator, dtype=torch.float64)
            found = torch.searchsorted(ends, start + torch.arange(len(order)))
            self._drawn = order[mixed[found.clamp(max=len(order) - 1)]]
        return self._drawn

    def _shuffled(self, order):
        # Drawn on the CPU, so that batches are the same on a GPU.
        drawn = torch.randperm(len(order), generator=self.generator, device="cpu")
        return order[drawn]

    def sizes(self):
        """Return the number of rows of each batch."""
        n, size = len(self.rows), self.batch_size
        sizes = [size] * (n // size) + ([n % size] if n % size else [])
        if len(sizes) > 1 and sizes[-1] == 1 < size:
            sizes[-2:] = [size + 1]
        return sizes
