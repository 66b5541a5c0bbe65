"""What an epoch records in the history."""

from itertools import pairwise

import torch


class Ledger:
    """The losses and terms of one group, a table on the device with a row per data row.

    It is a single tensor, because thousands of small ones, allocated between the
    activations of an epoch, would keep that memory from being reused.

    Parameters
    ----------
    names : list of str
        Names of the columns; the loss is the first.
    partial : list of str
        Names of the columns that some rows lack. Each has a column of flags at the end
        of the table: 1 for rows that have the term.
    n_rows : int
        Expected number of rows; the table grows if there are more.
    like : Tensor
        A tensor with the dtype and device to use.
    """

    def __init__(self, names, partial, n_rows, like):
        self.names, self.partial = names, partial
        self.ends = []  # last row of each batch, plus one
        self.steps = []  # number of each step in the epoch, over all groups
        self._table = like.new_empty((n_rows, len(names) + len(partial)))

    def add(self, columns, step):
        """Append the values of one batch, each (B,)."""
        start = self.ends[-1] if self.ends else 0
        end = start + len(columns[0])
        if end > len(self._table):
            size = (max(end, len(self._table)), len(columns))
            more = self._table.new_empty(size)
            self._table = torch.cat([self._table[:start], more])  # at least doubled
        torch.stack(columns, 1, out=self._table[start:end])
        self.ends.append(end)
        self.steps.append(step)

    def fill_losses(self, beta):
        """Set the loss to β KL − ln p(x | z), or the latter alone."""
        loss, reconstruction, *kl = self._table.unbind(1)
        torch.neg(reconstruction, out=loss)
        for divergence in kl:
            loss.add_(divergence, alpha=beta)

    def means(self):
        """Return the mean of each column over all rows, flags included."""
        return self._table[: self.ends[-1]].mean(0, dtype=torch.float64)

    def named(self, means):
        """Return the means by name, over the rows that have the term, or NaN."""
        n = len(self.names)
        found = dict(zip(self.names, means[:n], strict=True))
        for name, share in zip(self.partial, means[n:], strict=True):
            found[name] = found[name] / share if share > 0 else float("nan")
        return found

    def last_loss(self):
        """Return the loss of the last batch, ()."""
        return self._table[self.ends[-1] - 1, 0]

    def losses(self):
        """Return the loss of each batch, (n_batches,), and their numbers of rows."""
        sizes = [end - start for start, end in pairwise([0, *self.ends])]
        losses = self._table[: self.ends[-1], 0].split(sizes)
        return torch.stack([loss.mean() for loss in losses]), sizes

    def first_bad(self):
        """Return step, batch (from 1) and name of the first non-finite value, or None.

        Terms take precedence over the loss, which is computed from them.
        """
        wrong = (~self._table[: self.ends[-1]].isfinite()).nonzero().tolist()
        if not wrong:
            return None
        row = wrong[0][0]
        batch = next(i for i, end in enumerate(self.ends, 1) if row < end)
        columns = [column for r, column in wrong if r < self.ends[batch - 1]]
        terms = [column for column in columns if column > 0]
        return self.steps[batch - 1], batch, self.names[min(terms, default=0)]


class EpochLog:
    """The losses of an epoch, kept on the device and read once at the end.

    Parameters
    ----------
    epoch : int
        The epoch's number, from 1.
    n_rows : int
        Number of rows in an epoch.
    """

    def __init__(self, epoch, n_rows):
        self.epoch, self.n_rows = epoch, n_rows
        self._ledgers = {}  # group -> Ledger
        self._n_steps = 0

    def add(self, loss, n_rows, weight=None):
        """Store an averaged `Loss` and its terms, without reading them from the device.

        `weight` are the weights of the rows, (B,), which are 1 on average.
        """
        value = loss.value.detach()
        ledger = self._ledgers.get(loss.group)
        if ledger is None:
            names = [_loss_name(loss.group), *loss.terms]
            ledger = Ledger(names, [*(loss.rows or ())], self.n_rows, value)
            self._ledgers[loss.group] = ledger
        terms = {
            name: _weighted(values.detach(), weight).expand(n_rows)
            for name, values in loss.terms.items()
        }
        rows = [loss.rows[name] for name in ledger.partial]
        for name, has_term in zip(ledger.partial, rows, strict=True):
            terms[name] = torch.where(has_term, terms[name], 0)
        flags = [_weighted(has_term.to(value.dtype), weight) for has_term in rows]
        ledger.add([value.expand(n_rows), *terms.values(), *flags], self._n_steps)
        self._n_steps += 1

    def add_terms(self, names, terms, weight=None):
        """Store the terms of a step of group "model", without the loss, (B,) each."""
        terms = [_weighted(values, weight) for values in terms]
        ledger = self._ledgers.get("model")
        if ledger is None:
            columns = [_loss_name("model"), *names]
            ledger = Ledger(columns, [], self.n_rows, terms[0])
            self._ledgers["model"] = ledger
        ledger.add([terms[0], *terms], self._n_steps)
        self._n_steps += 1

    def add_losses(self, beta):
        """Fill in minus the bound of every row, from the terms, as the loss."""
        self._ledgers["model"].fill_losses(beta)

    def losses(self):
        """Return the losses of the first group, (n_batches,), and numbers of rows."""
        return next(iter(self._ledgers.values())).losses()

    def last_loss(self):
        """Return the last loss of the first group, ()."""
        return next(iter(self._ledgers.values())).last_loss()

    def write(self, history, module):
        """Check that everything is finite, then record means over rows in `history`.

        Raises
        ------
        FloatingPointError
            If not; it names the epoch, the first such batch and the term.
        """
        weights = sum(p.detach().sum() for p in module.parameters())
        means = self._means()
        # One transfer from the device for the whole epoch.
        *numbers, total = torch.cat([*means, weights.double()[None]]).tolist()
        if not all(number - number == 0 for number in [*numbers, total]):
            self._raise()
        for ledger, width in zip(self._ledgers.values(), map(len, means), strict=True):
            for name, number in ledger.named(numbers[:width]).items():
                history.record(name, number)
            numbers = numbers[width:]

    def _means(self):
        """Return the means over rows of each ledger."""
        return [ledger.means() for ledger in self._ledgers.values()]

    def _raise(self):
        found = [ledger.first_bad() for ledger in self._ledgers.values()]
        _, batch, term = min(filter(None, found), default=(None, None, "weights"))
        where = f"batch {batch} of epoch" if batch else "the last step of epoch"
        raise FloatingPointError(
            f"The term {term!r} became non-finite in {where} {self.epoch}, which is "
            "undone. Scale the columns, lower lr, or raise the floor of the "
            "likelihood's scale."
        )


def _weighted(values, weight):
    return values if weight is None else values * weight


def _loss_name(group):
    return "train_loss" if group == "model" else f"{group}_loss"


def binarized(train, valid, seed):
    """Return `Rows` to train on and to hold out (or None), drawn once as 0/1 values."""
    drawn = train.binarized(seed)
    if valid is None:
        return drawn, None
    if valid.table is not train.table:
        return drawn, valid.binarized(seed)
    held_out = drawn.subset(slice(None))
    held_out.index = valid.index
    return drawn, held_out
