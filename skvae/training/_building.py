"""From an estimator's parameters to a skorch net, and back when they change."""

import copy

import torch

from skvae.training._batches import HoldOut
from skvae.training._callbacks import EarlyStopping, RecordEpoch
from skvae.training._net import VariationalNet, optimizer_name
from skvae.training._optimizers import as_optimizer
from skvae.training._seeds import derive_seed

PREFIX = "skvae_"  # of the names of our own callbacks


def new_net(estimator, module, seed, device):
    """Build and initialise the net of an estimator around its module.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        With valid parameters; its ``net_params`` override the others.
    module : LatentModel
        Untrained.
    seed : int
        Seed of the whole fit.
    device : torch.device
        Where to train.

    Returns
    -------
    VariationalNet
    """
    owner = type(estimator).__name__
    settings = {
        "optimizer": as_optimizer(estimator.optimizer, owner),
        "lr": estimator.lr,
        "max_epochs": estimator.max_epochs,
        "batch_size": estimator.batch_size,
        "binarize": estimator.binarize,
        "callbacks": copy.deepcopy(list(estimator.callbacks or [])),
        "device": device,
    }
    if estimator.weight_decay:  # not every optimizer has one
        settings["optimizer__weight_decay"] = estimator.weight_decay
    settings |= estimator.net_params or {}
    refused = settings.keys() & {"module", "criterion", "seed"}
    if refused:
        raise ValueError(
            f"The 'net_params' parameter of {owner} must not set "
            f"{', '.join(sorted(refused))}. Got {estimator.net_params!r} instead."
        )
    rates = {
        f"{optimizer_name(group)}__lr": rate
        for group, rate in module.learning_rates().items()
    }
    return VariationalNet(module, seed=seed, **(rates | settings)).initialize()


def configure(net, estimator):
    """Update a net with the parameters that may change between fits."""
    for name in estimator._module_settings:
        setattr(net.module_, name, getattr(estimator, name))
    own = [pair for pair in net.callbacks_ if not pair[0].startswith(PREFIX)]
    first, last = _callbacks(estimator)
    net.callbacks_ = first + own + last
    given = estimator.net_params or {}
    for name in ("lr", "batch_size", "max_epochs", "binarize"):
        value = given.get(name, getattr(estimator, name))
        if getattr(net, name) != value:
            net.set_params(**{name: value})
    if "optimizer__weight_decay" not in given and estimator.weight_decay != getattr(
        net, "optimizer__weight_decay", 0.0
    ):
        net.set_params(optimizer__weight_decay=estimator.weight_decay)
    net.train_split = given.get("train_split", _split(estimator, net.seed))


def _callbacks(estimator):
    """Build the callbacks behind the parameters: those that run first, and last."""
    first = [(f"{PREFIX}{s.name}", s) for s in estimator._schedules()]
    first.append((PREFIX + "record_epoch", RecordEpoch()))
    if not estimator.early_stopping:
        return first, []
    stop = EarlyStopping(
        estimator.n_iter_no_change, estimator.tol, estimator._n_warmup_epochs
    )
    return first, [(PREFIX + "early_stopping", stop)]


def _split(estimator, seed):
    if not estimator.early_stopping:
        return None
    return HoldOut(estimator.validation_fraction, derive_seed(seed, "split"))


def resolve_device(value, owner):
    """Turn the parameter ``device`` into an available torch device.

    Raises
    ------
    ValueError
        If the device is not available, or is neither a CPU nor a CUDA device.
    """
    if isinstance(value, str) and value == "auto":
        value = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.empty(0, device=value).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"The 'device' parameter of {owner} must be 'auto' or an available "
            f"device. Got {value!r} instead: {error}"
        ) from error
    if device.type not in ("cpu", "cuda"):  # others lack double precision
        raise ValueError(
            f"The 'device' parameter of {owner} must be 'auto', a CPU or a CUDA "
            f"device. Got {value!r} instead."
        )
    return device


def resolve_dtype(value, X):
    """Turn the parameter ``dtype`` into a torch dtype; "auto" is that of `X`."""
    return getattr(torch, X.dtype.name if value == "auto" else value)
