"""A fitted estimator from what `describe` made of it, trusting none of it."""

from contextlib import nullcontext

import torch
from skorch.history import History

from skvae._validation import check_parameters
from skvae.base._building import configure, new_net, resolve_device
from skvae.base._identity import architecture
from skvae.base._optimizer_state import restore_optimizer_states
from skvae.base._saving import CLASSES
from skvae.persistence import Unpacker
from skvae.training import seeded_weights

HEADER = {
    *("format", "class", "versions", "parameters", "omitted", "attributes"),
    *("module", "history", "training"),
}


def restore(cls, header, tensors, own, device=None):
    """Build a fitted estimator.

    Parameters
    ----------
    cls : type
        Its class.
    header, tensors : dict
        Of a file.
    own : dict of str to object
        Parameters that the file does not hold.
    device : str, torch.device or None
        Where to; None is where the estimator's own parameter says, or, where that
        device is not there, the CPU.

    Returns
    -------
    estimator : BaseAutoencoderTransformer
        Nobody has it before all is checked.
    changed : str or None
        What was changed in it, for the user.

    Raises
    ------
    Exception
        Of any kind, if the header or the tensors are not what `describe` gives.
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
    _check_lengths(estimator, len(weights))
    changed, device = _place(estimator, device)
    _restore_attributes(estimator, unpacker.unpack(header["attributes"]))
    module = _build(estimator, weights, _dtype(header["module"]))
    estimator.net_ = _net(estimator, module, header, unpacker, device)
    estimator._fitted_architecture = architecture(estimator)
    if unpacker.tensors:
        raise ValueError(f"it holds superfluous tensors: {sorted(unpacker.tensors)}.")
    return estimator, changed


def _parameters(cls, header, unpacker, own):
    """Join the parameters in the file with those that it does not hold."""
    if header.keys() != HEADER:
        wrong = ", ".join(sorted(header.keys() ^ HEADER))
        raise ValueError(f"its header lacks, or should not have: {wrong}.")
    saved, omitted = unpacker.unpack(header["parameters"]), header["omitted"]
    known = cls().get_params(deep=False).keys()
    if not saved.keys() | set(omitted) <= known or saved.keys() & set(omitted):
        raise ValueError(f"its parameters are not those of {cls.__name__}.")
    missing = [name for name in omitted if name not in own]
    if missing:
        again = ", ".join(f"{name}=..." for name in missing)
        raise ValueError(
            f"it was saved without the parameters {', '.join(missing)}, which are no "
            f"plain data: give them again, load(path, {again})."
        )
    superfluous = [name for name in own if name not in omitted]
    if superfluous:
        raise ValueError(
            f"it does not lack {', '.join(superfluous)}. Use set_params after loading "
            "to change a parameter."
        )
    return saved | own


def _place(estimator, device):
    """Find the device; where it has to be another one, change the parameter."""
    wanted, owner = estimator.device, type(estimator).__name__
    changed = None
    if device is not None:
        estimator.device = device
    elif wanted != "auto":
        torch.device(wanted)  # raises where torch knows no such kind
        try:
            resolve_device(wanted, owner)
        except ValueError:
            estimator.device = "cpu"
            changed = (
                f"The device {str(wanted)!r} that {owner} was fitted with is not here: "
                "its 'device' parameter is 'cpu' now. To choose one: load(path, "
                "device=...)."
            )
    return changed, resolve_device(estimator.device, owner)


def _restore_attributes(estimator, values):
    """Set what `fit` had learned, checked."""
    required, extra = estimator._saved, estimator._saved_where_present
    if not required.keys() <= values.keys() <= required.keys() | extra.keys():
        raise ValueError(f"its attributes are not those of {type(estimator).__name__}.")
    for name, value in values.items():
        constraint = (required | extra)[name]
        if not constraint.accepts(value):
            raise ValueError(f"its {name} must be {constraint}: {value!r}.")
    vars(estimator).update(values)
    estimator._put_back(values)
    names = values.get("feature_names_in_")
    if names is not None and names.shape != (estimator.n_features_in_,):
        raise ValueError("its feature_names_in_ are not one a column.")
    output = values.get("_sklearn_output_config", {})
    if output.keys() - {"transform"} or not set(output.values()) <= {
        *("default", "pandas", "polars")
    }:
        raise ValueError(f"its output cannot be set to {output}.")


def _check_lengths(estimator, n_tensors):
    """Refuse more layers than there are tensors, before any is built."""
    for name in estimator._architecture:
        value = getattr(estimator, name)
        if isinstance(value, list | tuple) and len(value) > n_tensors:
            raise ValueError(f"its weights are not those of {len(value)} {name}.")


def _dtype(settings):
    name = settings["dtype"]
    if name not in ("float32", "float64"):
        raise ValueError(f"its dtype is {name!r}.")
    return getattr(torch, name)


def _build(estimator, weights, dtype):
    """Build the module with its weights.

    First on torch's meta device, where tensors have shapes and take no memory: a file
    cannot ask for more than it holds itself. Then in earnest.
    """
    for place in (torch.device("meta"), nullcontext()):
        with place, seeded_weights(estimator._seed):
            module = estimator._build_module(None)
        module.dtype = dtype
        module = module.to(dtype)
        _check_weights(module.state_dict(), weights)
    _check_finite(module.state_dict(), weights)
    module.load_state_dict(weights)
    return module


def _check_weights(expected, found):
    wrong = sorted(expected.keys() ^ found.keys())
    wrong += [
        name
        for name in sorted(expected.keys() & found.keys())
        if (expected[name].shape, expected[name].dtype)
        != (found[name].shape, found[name].dtype)
    ]
    if wrong:
        raise ValueError(
            "its weights are not those of the network that its parameters describe: "
            f"{', '.join(wrong[:5])} differ."
        )


def _check_finite(expected, found):
    """Training never leaves NaN or inf; where they stand, they were built in."""
    for name, tensor in expected.items():
        if not torch.equal(tensor.isfinite(), found[name].isfinite()):
            raise ValueError(f"its {name} is not finite.")


def _net(estimator, module, header, unpacker, device):
    """Put the module into a net, as trained as it was."""
    net = new_net(estimator, module, estimator._seed, device)
    if any(parameter.is_meta for parameter in module.parameters()):
        raise ValueError("torch's meta device computes nothing.")
    configure(net, estimator)
    net.history = History(_rows(unpacker.unpack(header["history"])))
    if len(net.history) != estimator.n_iter_:
        raise ValueError(f"its history is not of {estimator.n_iter_} epochs.")
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
    return net


def _rows(history):
    rows = [history, *(row["batches"] for row in history)]
    if not all(isinstance(row, dict) for part in rows for row in part):
        raise ValueError("its history is not one row an epoch.")
    return history
