"""From an estimator's parameters to a skorch net, and back when they change."""

import copy

import torch

from skvae.training import (
    EarlyStopping,
    HoldOut,
    KLWarmup,
    RecordEpoch,
    VariationalNet,
    as_optimizer,
    derive_seed,
)

OWN_CALLBACKS = ("kl_warmup", "record_epoch", "early_stopping")


def new_net(estimator, module, seed, device):
    """Build and initialise the net of an estimator around its module.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        With valid parameters; its ``net_params`` have the last word.
    module : LatentModel
        Untrained.
    seed : int
        Of the whole fit.
    device : torch.device
        Where to train.

    Returns
    -------
    VariationalNet
    """
    settings = {
        "optimizer": as_optimizer(estimator.optimizer),
        "lr": estimator.lr,
        "max_epochs": estimator.max_epochs,
        "batch_size": estimator.batch_size,
        "binarize": estimator.binarize,
        "callbacks": copy.deepcopy(list(estimator.callbacks or [])),
        "device": device,
    }
    if estimator.weight_decay:  # not every optimizer takes one
        settings["optimizer__weight_decay"] = estimator.weight_decay
    settings |= estimator.net_params or {}
    return VariationalNet(module, seed=seed, **settings).initialize()


def configure(net, estimator):
    """Bring a net up to date with parameters that may change between fits."""
    for name in estimator._module_settings:
        setattr(net.module_, name, getattr(estimator, name))
    theirs = [pair for pair in net.callbacks_ if pair[0] not in OWN_CALLBACKS]
    net.callbacks_ = own_callbacks(estimator) + theirs
    given = estimator.net_params or {}
    for name in ("lr", "batch_size", "max_epochs", "binarize"):
        value = given.get(name, getattr(estimator, name))
        if getattr(net, name) != value:
            net.set_params(**{name: value})
    net.train_split = given.get("train_split", _split(estimator, net.seed))


def own_callbacks(estimator):
    """Build the callbacks that the estimator's parameters stand for."""
    warmup = getattr(estimator, "kl_warmup", 0)
    callbacks = [("record_epoch", RecordEpoch())]
    if warmup:
        callbacks.insert(0, ("kl_warmup", KLWarmup(warmup)))
    if estimator.early_stopping:
        stop = EarlyStopping(estimator.n_iter_no_change, estimator.tol, warmup)
        callbacks.append(("early_stopping", stop))
    return callbacks


def _split(estimator, seed):
    if not estimator.early_stopping:
        return None
    return HoldOut(estimator.validation_fraction, derive_seed(seed, "split"))


def resolve_device(value, owner):
    """Turn the parameter ``device`` into a torch device that is there.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    if isinstance(value, str) and value == "auto":
        value = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=value).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"The 'device' parameter of {owner} must be 'auto' or a device that is "
            f"there. Got {value!r} instead: {error}"
        ) from error


def resolve_dtype(value, X):
    """Turn the parameter ``dtype`` into a torch dtype; "auto" is that of `X`."""
    return getattr(torch, X.dtype.name if value == "auto" else value)
