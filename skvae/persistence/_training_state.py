"""The state of a net between two epochs, as tensors and plain data."""

import copy
import inspect

from skorch.history import History

from skvae.persistence._optimizer_state import placed_states
from skvae.persistence._packing import is_plain
from skvae.persistence._restoring import history_rows
from skvae.persistence._saving import plain_rows
from skvae.training import EarlyStopping, Snapshot

NUMBERS = (bool, int, float, str)


def state_beside_weights(net):
    """Return what an epoch leaves behind besides the weights and the optimizers.

    These are the numbers of the module that schedules change, the settings of the
    optimizers, and the states of callbacks. Small as it is, it is copied.
    """
    own = vars(net.module_).items()
    return {
        "module": {
            name: value
            for name, value in own
            if type(value) in NUMBERS and name != "training" and name[0] != "_"
        },
        "settings": {
            name: [_settings(group) for group in optimizer.param_groups]
            for name, optimizer in net.optimizers().items()
        },
        "callbacks": {name: _of_callback(c) for name, c in net.callbacks_},
    }


def whole_state(net, beside):
    """Return the whole state of a net, given its `state_beside_weights`."""
    history = plain_rows(net.history)
    return {"net": Snapshot(net).take().state, "history": history, **beside}


def restore_state(net, state):
    """Restore what `whole_state` returned; the callbacks have begun the training.

    Raises
    ------
    Exception
        Of any type, if it is not the state of such a net.
    """
    _place(net, state["net"])
    Snapshot(net, state["net"]).restore()
    net.history = History(history_rows(state["history"]))
    for name, value in state["module"].items():
        if type(value) not in NUMBERS or name[0] == "_":
            raise ValueError(f"its module must not have {name!r}.")
        setattr(net.module_, name, value)
    for name, optimizer in net.optimizers().items():
        groups = zip(optimizer.param_groups, state["settings"][name], strict=True)
        for group, settings in groups:
            group.update({k: v for k, v in settings.items() if k != "params"})
    for name, callback in net.callbacks_:
        _restore_callback(net, callback, state["callbacks"].get(name, {}))


def _place(net, snapshot):
    """Check the optimizers' states in a snapshot, and move them to their devices."""
    snapshot["optimizers"] = placed_states(net, snapshot["optimizers"])


def _settings(group):
    return {name: v for name, v in group.items() if name != "params" and is_plain(v)}


# -- callbacks -------------------------------------------------------------------------


def _of_callback(callback):
    """Return the attributes that training sets, as far as they are plain.

    Of an object with a ``state_dict``, such as a scheduler of torch, it is that.
    """
    if isinstance(callback, EarlyStopping):
        return callback.state()
    own = inspect.signature(type(callback)).parameters
    found = {k: _described(v) for k, v in vars(callback).items() if k not in own}
    return {name: copy.deepcopy(value) for name, value in found.items() if value}


def _described(value):
    """Return how an attribute is restored, and its plain data; None if it has none."""
    has_state = hasattr(value, "load_state_dict") and not isinstance(value, type)
    kind = "state" if has_state else "value"
    value = value.state_dict() if kind == "state" else value
    value = _plain_items(value) if isinstance(value, dict) else value
    return [kind, value] if is_plain(value) else None


def _plain_items(values):
    return {name: value for name, value in values.items() if is_plain(value)}


def _restore_callback(net, callback, state):
    if isinstance(callback, EarlyStopping):
        if state["snapshot"] is not None:
            _place(net, state["snapshot"])
        callback.restore_state(net, state)
        return
    for name, (kind, value) in state.items():
        if kind == "state":
            getattr(callback, name).load_state_dict(value)
        else:
            setattr(callback, name, value)
