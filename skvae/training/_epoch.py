"""What an epoch leaves behind: its log, and the state to go back to."""

import torch


class EpochLog:
    """The losses of an epoch, kept on the device and read once at its end.

    Parameters
    ----------
    epoch : int
        The epoch's number, from 1.
    """

    def __init__(self, epoch):
        self.epoch = epoch
        self._losses = {}  # group -> scalar a batch
        self._sizes = {}  # group -> rows a batch
        self._terms = {}  # name -> (group, (B,) a batch)

    def add(self, group, loss, terms, n_rows):
        """Keep the loss and the terms of one step, without reading them."""
        self._losses.setdefault(group, []).append(loss.detach())
        self._sizes.setdefault(group, []).append(n_rows)
        for name, values in terms.items():
            self._terms.setdefault(name, (group, []))[1].append(values.detach())

    def last_loss(self):
        """Give the last loss of the first group."""
        return next(iter(self._losses.values()))[-1]

    def write(self, history, module):
        """Check that all is finite, then record means over rows in `history`.

        Raises
        ------
        FloatingPointError
            Naming the epoch, the first bad batch and the term.
        """
        losses = {group: torch.stack(values) for group, values in self._losses.items()}
        terms = {name: torch.cat(values) for name, (_, values) in self._terms.items()}
        weights = sum(p.detach().sum() for p in module.parameters())
        means = [self._mean_loss(group, values) for group, values in losses.items()]
        means += [values.mean(dtype=torch.float64) for values in terms.values()]
        # One transfer from the device for the whole epoch.
        *numbers, weight_sum = torch.stack([*means, weights.double()]).tolist()
        if not all(map(_is_finite, [*numbers, weight_sum])):
            self._raise(losses, terms)
        names = [_loss_name(group) for group in losses] + list(terms)
        for name, number in zip(names, numbers, strict=True):
            history.record(name, number)

    def _mean_loss(self, group, values):
        sizes = torch.tensor(self._sizes[group], dtype=torch.float64)
        return values.double() @ (sizes / sizes.sum()).to(values.device)

    def _raise(self, losses, terms):
        batch, term = self._first_bad(losses, terms)
        where = (
            f"in batch {batch} of epoch {self.epoch}"
            if batch
            else (f"in the last step of epoch {self.epoch}")
        )
        raise FloatingPointError(
            f"The term {term!r} became non-finite {where}. The weights are those "
            "before this epoch. Scale the columns, lower lr, or raise the floor of the "
            "likelihood's scale."
        )

    def _first_bad(self, losses, terms):
        """Find the first batch (from 1) with a non-finite value, and the term."""
        found = []
        for name, (group, _) in self._terms.items():
            per_batch = terms[name].split(self._sizes[group])
            finite = torch.stack([values.isfinite().all() for values in per_batch])
            found.append((_first_false(finite), name))
        for group, values in losses.items():
            found.append((_first_false(values.isfinite()), _loss_name(group)))
        bad = [(batch, name) for batch, name in found if batch]
        return min(bad, key=lambda pair: pair[0]) if bad else (None, "weights")


def _first_false(flags):
    wrong = (~flags).nonzero()
    return int(wrong[0]) + 1 if len(wrong) else None


def _is_finite(number):
    return number - number == 0


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

    def restore(self, optimizers=True):
        """Go back to the copied state."""
        with torch.no_grad():
            for tensor, saved in zip(self._tensors(), self._weights, strict=True):
                tensor.copy_(saved)
        if optimizers:
            pairs = zip(self._optimizers(), self._states, strict=True)
            for optimizer, states in pairs:
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
