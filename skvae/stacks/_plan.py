"""Which rows, weights and random numbers the members of a stack get in each step."""

from itertools import accumulate

import torch
from torch.nn.utils.rnn import pad_sequence

from skvae.training import derive_generator


class Plan:
    """The rows of all members in one table, and their order.

    M members, B rows of a batch. Members with fewer rows than others are padded.

    Parameters
    ----------
    members : list of Member
        Of one signature: they have as many batches, of which only the last ones differ
        in size.
    """

    def __init__(self, members):
        self.members = members
        self.device, self.dtype = members[0].rows.device, members[0].rows.dtype
        self._join_tables()
        self._batches = None

    def _join_tables(self):
        """Put all tables below one another, and remember where each begins."""
        tables = {id(member.rows): member.rows for member in self.members}
        batches = [rows.take(torch.arange(len(rows.table))) for rows in tables.values()]
        self.x = torch.cat([batch.x for batch in batches])
        self.condition = self.seen = None
        if batches[0].condition is not None and batches[0].condition.shape[-1]:
            self.condition = torch.cat([batch.condition for batch in batches])
        if batches[0].seen is not None:
            self.seen = torch.cat([batch.seen for batch in batches])
        starts = accumulate((len(batch.x) for batch in batches), initial=0)
        self.starts = dict(zip(tables, starts, strict=False))

    def positions(self, epoch=None):
        """Return the members' positions in the table, (M, n).

        They are those of an epoch, or of the held-out rows.
        """
        found = [m.positions(self.starts[id(m.rows)], epoch) for m in self.members]
        return pad_sequence(found, batch_first=True).to(self.device)

    def rows(self, order):
        """Return the rows at positions (M, B), (M, B, ...).

        Also return their conditions, or None, and which cells are observed, or None.
        """
        flat, shape = order.flatten(), order.shape
        return [
            None if values is None else values.index_select(0, flat).unflatten(0, shape)
            for values in (self.x, self.condition, self.seen)
        ]

    def batches(self):
        """Return the columns, the weights and the mask of each batch of an epoch."""
        if self._batches is None:
            self._batches, start = [], 0
            for sizes in zip(*(member.batches for member in self.members), strict=True):
                stop = start + max(sizes)
                self._batches.append((slice(start, stop), *self._weights(sizes)))
                start = stop
        return self._batches

    def _weights(self, sizes):
        """Return the weight of each row in a loss, and a mask; 1 / B and None if equal.

        Rows of the padding count nothing.
        """
        if len({*sizes}) == 1:
            return 1 / sizes[0], None
        mask = self.mask(sizes, max(sizes))  # (M, B)
        weights = mask / mask.sum(1, keepdim=True)
        return weights.unsqueeze(-1).to(self.dtype), mask

    def mask(self, sizes, width):
        """Return which of the rows are not padding, float64 (M, B)."""
        sizes = torch.tensor(sizes, device=self.device)
        places = torch.arange(width, device=self.device)
        return (places < sizes[:, None]).double()

    def normals(self, n_latents, kind, stream, epoch=0):
        """Yield the standard normal variates of each batch, (M, B, K), or None.

        Members of one seed and as many rows share their variates, which are drawn once.
        """
        drawers, which = {}, []
        for member in self.members:
            key = member.net.seed, tuple(getattr(member, kind))
            if key not in drawers:
                drawers[key] = derive_generator(key[0], stream, epoch, self.device)
            which.append(list(drawers).index(key))
        which = torch.tensor(which, device=self.device)
        for step in range(len(key[1])):
            yield self._drawn(drawers, step, which, n_latents) if n_latents else None

    def _drawn(self, drawers, step, which, n_latents):
        like = {"dtype": self.dtype, "device": self.device}
        found = [
            torch.randn((sizes[step], n_latents), generator=generator, **like)
            for (_, sizes), generator in drawers.items()
        ]
        if len(found) == 1:
            return found[0].expand(len(self.members), -1, -1)
        return pad_sequence(found, batch_first=True).index_select(0, which)  # (M, B, K)
