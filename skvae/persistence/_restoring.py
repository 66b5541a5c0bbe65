"""Rebuild a fitted estimator from what `describe` returned, trusting none of it."""

import torch
from skorch.history import History

from skvae._validation import check_parameters
from skvae.nets import trainable
from skvae.persistence._architecture import architecture
from skvae.persistence._building import build
from skvae.persistence._contents import CLASSES, may_be_saved, saved_attributes
from skvae.persistence._learned import put_back
from skvae.persistence._optimizer_state import restore_optimizer_states
from skvae.persistence._packing import Unpacker
from skvae.persistence._requests import put_back_requests

HEADER = {
    *("format", "class", "versions", "parameters", "omitted", "attributes"),
    *("module", "history", "training"),
}
BEFORE = {"init": "random"}  # of files that were written before a parameter was added


@trainable()
def restore(cls, header, tensors, own, device=None):
    """Build a fitted estimator.

    Parameters
    ----------
    cls : type
        Its class.
    header, tensors : dict
        Contents of the file.
    own : dict of str to object
        Parameters that the file does not contain.
    device : str, torch.device or None
        Device to load to. None is that of the estimator's parameter or, if it is not
        available, the CPU.

    Returns
    -------
    estimator : BaseAutoencoderTransformer
        The fitted estimator.
    changed : str or None
        A message for the user if a parameter had to be changed.

    Raises
    ------
    Exception
        Of any type, if `describe` cannot have returned the header and the tensors.
    """
    weights = {
        name.removeprefix("module."): tensor
        for name, tensor in tensors.items()
        if name.startswith("module.")
    }
    rest = {name: t for name, t in tensors.items() if not name.startswith("module.")}
    unpacker = Unpacker(CLASSES, rest)
    estimator = cls(**_parameters(cls, header, unpacker, own))
    check_parameters(estimator)
    estimator._check_net_params()
    attributes = unpacker.unpack(header["attributes"])
    changed, device = _place(estimator, device)
    _restore_attributes(estimator, attributes)
    module = build(estimator, weights, _dtype(header["module"]))
    n_iter = attributes["n_iter_"]
    _restore_net(estimator, module, n_iter, header, unpacker, device)
    estimator._fitted_architecture = architecture(estimator)
    if unpacker.tensors:
        raise ValueError(f"it holds superfluous tensors: {sorted(unpacker.tensors)}.")
    return estimator, changed


def _parameters(cls, header, unpacker, own):
    """Join the parameters in the file with those that it does not contain."""
    if header.keys() != HEADER:
        wrong = ", ".join(sorted(header.keys() ^ HEADER))
        raise ValueError(f"its header lacks, or should not have: {wrong}.")
    saved, omitted = unpacker.unpack(header["parameters"]), header["omitted"]
    known = cls().get_params(deep=False).keys()
    if not saved.keys() | set(omitted) <= known or saved.keys() & set(omitted):
        raise ValueError(f"its parameters are not those of {cls.__name__}.")
    for name, value in saved.items():
        if not may_be_saved(name, value):
            raise ValueError(f"its parameter {name} must not come from a file.")
    missing = [name for name in omitted if name not in own]
    if missing:
        again = ", ".join(f"{name}=..." for name in missing)
        raise ValueError(
            f"it was saved without the parameters {', '.join(missing)}, which are not "
            f"plain data: pass them again, load(path, {again})."
        )
    superfluous = [name for name in own if name not in omitted]
    if superfluous:
        raise ValueError(
            f"it does not lack {', '.join(superfluous)}. Use set_params after loading "
            "to change a parameter."
        )
    before = {name: value for name, value in BEFORE.items() if name in known}
    return before | saved | own


def _place(estimator, device):
    """Return a message if the device had to be changed, and the device."""
    wanted, owner = estimator.device, type(estimator).__name__
    changed = None
    if device is not None:
        estimator.device = device
    elif wanted != "auto":
        torch.device(wanted)  # raises an error if torch has no such type of device
        try:
            estimator._find_device()
        except ValueError:
            estimator.device = "cpu"
            changed = (
                f"The device {str(wanted)!r} that {owner} was fitted with is not "
                "available: its 'device' parameter is 'cpu' now. To choose one: "
                "load(path, device=...)."
            )
    return changed, estimator._find_device()


def _restore_attributes(estimator, values):
    """Check and set what `fit` learned."""
    required, extra = saved_attributes(estimator)
    if not required.keys() <= values.keys() <= required.keys() | extra.keys():
        raise ValueError(f"its attributes are not those of {type(estimator).__name__}.")
    for name, value in values.items():
        constraint = (required | extra)[name]
        if not constraint.accepts(value):
            raise ValueError(f"its {name} must be {constraint}: {value!r}.")
    computed = {"likelihood_", "n_iter_", "table_", "metadata_requests"}
    computed |= estimator._columns_type.saved.keys()
    vars(estimator).update({k: v for k, v in values.items() if k not in computed})
    _restore_columns(estimator, values)
    names = values.get("feature_names_in_")
    if names is not None and names.shape != (estimator.n_features_in_,):
        raise ValueError("its feature_names_in_ are not one per column.")
    output = values.get("_sklearn_output_config", {})
    if output.keys() - {"transform"} or not set(output.values()) <= {
        *("default", "pandas", "polars")
    }:
        raise ValueError(f"its output cannot be set to {output}.")
    put_back_requests(estimator, values.get("metadata_requests", {}))


def _restore_columns(estimator, values):
    """Restore what the columns and the likelihood learned in fit."""
    estimator._columns = columns = estimator._columns_type()
    columns.put_back(estimator, values)
    estimator.likelihood_ = put_back(
        columns.likelihood(estimator), values["likelihood_"], columns.n_data
    )


def _dtype(settings):
    name = settings["dtype"]
    if name not in ("float32", "float64"):
        raise ValueError(f"its dtype is {name!r}.")
    return getattr(torch, name)


def _restore_net(estimator, module, n_iter, header, unpacker, device):
    """Build the net around the module, with its history and training state."""
    estimator.net_ = net = estimator._new_net(module, device)
    if any(parameter.is_meta for parameter in module.parameters()):
        raise ValueError("torch's meta device cannot compute.")
    estimator._configure_net()
    net.history = History(history_rows(unpacker.unpack(header["history"])))
    if len(net.history) != n_iter:
        raise ValueError(f"its history does not have {n_iter} epochs.")
    weight = header["module"]["kl_weight"]
    if not isinstance(weight, int | float) or not 0 <= weight <= 1:
        raise ValueError(f"its kl_weight is {weight!r}.")
    module.kl_weight = float(weight)
    if header["training"] is not None:
        states = unpacker.unpack(header["training"])
        if states.keys() != {"optimizers", "module"}:
            raise ValueError("its training state is incomplete.")
        restore_optimizer_states(net, states["optimizers"])
        module.restore_training_state(states["module"])
    module.eval()


def history_rows(history):
    rows = [history, *(row["batches"] for row in history)]
    if not all(isinstance(row, dict) for part in rows for row in part):
        raise ValueError("its history does not have one row per epoch.")
    return history
