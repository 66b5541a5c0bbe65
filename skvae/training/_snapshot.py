"""Copies of the state of a net, and of its estimator, to restore."""

from contextlib import contextmanager

import torch

from skvae.training._optimizers import parameters_of


class Snapshot:
    """The weights and the optimizers' state of a net.

    Parameters
    ----------
    net : VariationalNet
        An initialised net.
    state : dict, optional
        The ``state`` of another snapshot.

    Attributes
    ----------
    state : dict of str to object
        Tensors and plain data.
    """

    def __init__(self, net, state=None):
        self.net, self.state = net, state

    def take(self):
        """Copy the current state."""
        module = self.net.module_
        self.state = {
            "tensors": [t.detach().clone() for t in self._tensors()],
            "moved": [p.requires_grad for p in module.parameters()],
            "optimizers": {
                name: {i: _copied(state) for i, state in states.items()}
                for name, states in optimizer_states(self.net).items()
            },
        }
        return self

    def restore(self):
        """Restore the copied state."""
        module, state = self.net.module_, self.state
        with torch.no_grad():
            for tensor, saved in zip(self._tensors(), state["tensors"], strict=True):
                tensor.copy_(saved)
        moved = zip(module.parameters(), state["moved"], strict=True)
        for parameter, requires_grad in moved:
            parameter.requires_grad_(requires_grad)  # a callback may have frozen it
        for name, optimizer in self.net.optimizers().items():
            parameters = parameters_of(optimizer)
            optimizer.state.clear()
            for i, values in state["optimizers"][name].items():
                optimizer.state[parameters[int(i)]] = _copied(values)

    def _tensors(self):
        return [*self.net.module_.parameters(), *self.net.module_.buffers()]


def optimizer_states(net):
    """Return the state of each optimizer.

    Returns
    -------
    dict of str to dict
        For each optimizer, a dict from the parameter's number, as a str, to its moments
        and steps. Parameters without a step yet are left out.
    """
    return {
        name: {
            str(i): dict(optimizer.state[parameter])
            for i, parameter in enumerate(parameters_of(optimizer))
            if parameter in optimizer.state
        }
        for name, optimizer in net.optimizers().items()
    }


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
    return Snapshot(net).take().restore


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
