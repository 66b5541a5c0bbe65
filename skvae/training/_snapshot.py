"""Copies of the state of a net, and of its estimator, to restore."""

from contextlib import contextmanager

import torch


class Snapshot:
    """The weights and the optimizers' state of a net.

    Parameters
    ----------
    net : VariationalNet
        An initialised net.
    """

    def __init__(self, net):
        self.net = net

    def take(self):
        """Copy the current state."""
        self._weights = [t.detach().clone() for t in self._tensors()]
        self._moved = [p.requires_grad for p in self.net.module_.parameters()]
        self._states = [
            {p: _copied(state) for p, state in optimizer.state.items()}
            for optimizer in self.net.optimizers().values()
        ]

    def restore(self):
        """Restore the copied state."""
        with torch.no_grad():
            for tensor, saved in zip(self._tensors(), self._weights, strict=True):
                tensor.copy_(saved)
        for parameter, moved in zip(
            self.net.module_.parameters(), self._moved, strict=True
        ):
            parameter.requires_grad_(moved)  # a callback may have frozen it
        optimizers = self.net.optimizers().values()
        for optimizer, states in zip(optimizers, self._states, strict=True):
            optimizer.state.clear()
            optimizer.state.update({p: _copied(s) for p, s in states.items()})

    def _tensors(self):
        return [*self.net.module_.parameters(), *self.net.module_.buffers()]


def _copied(state):
    return {
        key: value.clone() if isinstance(value, torch.Tensor) else value
        for key, value in state.items()
    }


@contextmanager
def undone_without_an_epoch(estimator, resumes):
    """Undo all changes to an estimator if an error precedes its first complete epoch.

    Whatever is raised in this context, an estimator without a complete new epoch is in
    the same state as before, fitted or not.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        The estimator to be fitted.
    resumes : bool
        Whether a fitted net is trained further. Otherwise it does not change, and a
        copy of its weights would waste memory.
    """
    net = vars(estimator).get("net_")
    undo, n_epochs = [_attributes(estimator)], 0
    if net is not None:
        n_epochs = len(net.history)
    if net is not None and resumes:
        undo += [_attributes(net), *map(_attributes, net.module_.modules())]
        undo += [_tensors(net), *map(_settings, net.optimizers().values())]
    try:
        yield
    except BaseException:
        new = vars(estimator).get("net_")
        before = n_epochs if new is net else getattr(new, "n_before_", 0)
        if new is None or len(new.history) <= before:
            for restore in undo:
                restore()
        raise


def _attributes(owner):
    """Return a function that restores the attributes of an object.

    Private dicts, such as a module's buffers, are copied, as training changes them.
    """
    before = {
        name: dict(value) if type(value) is dict and name.startswith("_") else value
        for name, value in vars(owner).items()
    }

    def restore():
        vars(owner).clear()
        vars(owner).update(before)

    return restore


def _tensors(net):
    """Return a function that restores weights, buffers and optimizer states."""
    snapshot = Snapshot(net)
    snapshot.take()
    return snapshot.restore


def _settings(optimizer):
    """Return a function that restores an optimizer's settings, such as its rates."""
    before = [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]

    def restore():
        for group, values in zip(optimizer.param_groups, before, strict=True):
            group.update(values)

    return restore
