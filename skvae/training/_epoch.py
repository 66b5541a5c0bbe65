"""What an epoch leaves behind: its log, and the state to go back to."""

import torch


class Ledger:
    """The losses and terms of one group, a row of data a row: one table on the device.

    One table, as thousands of small tensors kept between the activations of an epoch
    would keep the memory of these from being used again.

    Parameters
    ----------
    names : list of str
        Of the columns; the loss is the first.
    partial : list of str
        Of columns that not every row has; behind the others stands 1 where one does.
    n_rows : int
        How many rows are expected; more make the table grow.
    like : Tensor
        Says which type and device.
    """

    def __init__(self, names, partial, n_rows, like):
        self.names, self.partial = names, partial
        self.ends = []  # of each batch
        self.steps = []  # which of the epoch's steps it was, of all groups
        self._table = like.new_empty((n_rows, len(names) + len(partial)))

    def add(self, columns, step):
        """Write the values of one batch, each (B,)."""
        start = self.ends[-1] if self.ends else 0
        end = start + len(columns[0])
        if end > len(self._table):
            size = (max(end, len(self._table)), len(columns))
            more = self._table.new_empty(size)
            self._table = torch.cat([self._table[:start], more])  # at least doubled
        torch.stack(columns, 1, out=self._table[start:end])
        self.ends.append(end)
        self.steps.append(step)

    def means(self):
        """Give the mean of every column over the rows, and the shares that have one."""
        return self._table[: self.ends[-1]].mean(0, dtype=torch.float64)

    def named(self, means):
        """Give means by name, each over the rows that have one; NaN if none has."""
        n = len(self.names)
        found = dict(zip(self.names, means[:n], strict=True))
        for name, share in zip(self.partial, means[n:], strict=True):
            found[name] = found[name] / share if share > 0 else float("nan")
        return found

    def last_loss(self):
        """Give the loss of the last batch, ()."""
        return self._table[self.ends[-1] - 1, 0]

    def first_bad(self):
        """Find the first batch with a non-finite value: its step, number, last column.

        The number counts from 1. The loss comes first and is made of the terms, so a
        term is named before it.
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
    """The losses of an epoch, kept on the device and read once at its end.

    Parameters
    ----------
    epoch : int
        The epoch's number, from 1.
    n_rows : int
        How many rows an epoch has.
    """

    def __init__(self, epoch, n_rows):
        self.epoch, self.n_rows = epoch, n_rows
        self._ledgers = {}  # group -> Ledger
        self._n_steps = 0

    def add(self, loss, n_rows):
        """Keep a `Loss` and its terms, without reading them."""
        value = loss.value.detach()
        ledger = self._ledgers.get(loss.group)
        if ledger is None:
            names = [_loss_name(loss.group), *loss.terms]
            ledger = Ledger(names, [*(loss.rows or ())], self.n_rows, value)
            self._ledgers[loss.group] = ledger
        terms = {name: values.detach() for name, values in loss.terms.items()}
        rows = [loss.rows[name] for name in ledger.partial]
        for name, there in zip(ledger.partial, rows, strict=True):
            terms[name] = torch.where(there, terms[name], 0)
        shares = [there.to(value.dtype) for there in rows]
        ledger.add([value.expand(n_rows), *terms.values(), *shares], self._n_steps)
        self._n_steps += 1

    def last_loss(self):
        """Give the last loss of the first group."""
        return next(iter(self._ledgers.values())).last_loss()

    def write(self, history, module):
        """Check that all is finite, then record means over rows in `history`.

        Raises
        ------
        FloatingPointError
            Naming the epoch, the first bad batch and the term.
        """
        weights = sum(p.detach().sum() for p in module.parameters())
        means = [ledger.means() for ledger in self._ledgers.values()]
        # One transfer from the device for the whole epoch.
        *numbers, total = torch.cat([*means, weights.double()[None]]).tolist()
        if not all(number - number == 0 for number in [*numbers, total]):
            self._raise()
        for ledger, width in zip(self._ledgers.values(), map(len, means), strict=True):
            for name, number in ledger.named(numbers[:width]).items():
                history.record(name, number)
            numbers = numbers[width:]

    def _raise(self):
        found = [ledger.first_bad() for ledger in self._ledgers.values()]
        _, batch, term = min(filter(None, found), default=(None, None, "weights"))
        where = f"batch {batch} of epoch" if batch else "the last step of epoch"
        raise FloatingPointError(
            f"The term {term!r} became non-finite in {where} {self.epoch}. The weights "
            "are those before this epoch. Scale the columns, lower lr, or raise the "
            "floor of the likelihood's scale."
        )


def _loss_name(group):
    return "train_loss" if group == "model" else f"{group}_loss"


class Snapshot:
    """The weights and the optimizers' state of a net, to go back to.

    Parameters
    ----------
    net : VariationalNet
        An initialised net.
    """

    def __init__(self, net):
        self.net = net

    def take(self):
        """Copy the present state."""
        self._weights = [t.detach().clone() for t in self._tensors()]
        self._states = [
            {p: _copied(state) for p, state in optimizer.state.items()}
            for optimizer in self._optimizers()
        ]

    def restore(self):
        """Go back to the copied state."""
        with torch.no_grad():
            for tensor, saved in zip(self._tensors(), self._weights, strict=True):
                tensor.copy_(saved)
        for optimizer, states in zip(self._optimizers(), self._states, strict=True):
            optimizer.state.clear()
            optimizer.state.update({p: _copied(s) for p, s in states.items()})

    def _tensors(self):
        return [*self.net.module_.parameters(), *self.net.module_.buffers()]

    def _optimizers(self):
        return [getattr(self.net, name + "_") for name in self.net._optimizers]


def _copied(state):
    return {
        key: value.clone() if isinstance(value, torch.Tensor) else value
        for key, value in state.items()
    }
