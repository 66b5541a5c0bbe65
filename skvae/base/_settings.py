"""Checks of settings that are only wrong in combination, before training."""

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skvae._kinds import cut
from skvae._validation import (
    NONE,
    Callable,
    Instance,
    Interval,
    Options,
    check_parameter,
)

REFUSED = ("criterion", "dataset", "device", "module", "seed", "warm_start")
FULL_BATCH = Interval(Integral, -1, -1, closed="both")  # skorch's name for all rows
SHARED = {  # with parameters of the estimator, and what only skorch allows
    "lr": (),
    "max_epochs": (),
    "batch_size": (FULL_BATCH,),
    "binarize": (),
    "optimizer": (),
    "callbacks": (Options(("disable",)),),
}
# What torch raises for the names of devices that it does not have.
UNAVAILABLE = RuntimeError, AssertionError, NotImplementedError, ImportError
TRAIN_SPLIT = (Callable("a function that splits a dataset in two"), NONE)


def check_net_params(estimator):
    """Raise ValueError for a setting in ``net_params`` that cannot be used.

    skorch itself refuses unknown names when the net is built.
    """
    given, owner = estimator.net_params or {}, type(estimator).__name__
    if not all(isinstance(name, str) for name in given):
        raise ValueError(
            f"The 'net_params' parameter of {owner} must have strings as keys, the "
            f"names of skorch's arguments. Got {cut(given)} instead."
        )
    refused = [k for k in given if k.partition("__")[0] in REFUSED]
    if refused:
        raise ValueError(
            f"The 'net_params' parameter of {owner} must not set "
            f"{', '.join(sorted(refused))}. Got {cut(given)} instead."
        )
    networks = [k for k, v in given.items() if isinstance(v, torch.nn.Module)]
    if networks:
        raise ValueError(
            f"The 'net_params' parameter of {owner} must not hold networks. Got one "
            f"as {', '.join(networks)}."
        )
    owner = f"{owner}.net_params"
    for name, more in SHARED.items():
        if name in given:
            allowed = estimator._allowed[name] + more
            check_parameter(name, given[name], allowed, owner)
    if "train_split" in given:
        check_parameter("train_split", given["train_split"], TRAIN_SPLIT, owner)
    if "accelerator" in given:
        _check_accelerator(given["accelerator"], owner)


def _check_accelerator(accelerator, owner):
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise ImportError(
            f"{owner}['accelerator'] needs accelerate: pip install 'skvae[distributed]'"
        ) from error
    allowed = (Instance((Accelerator,), "an accelerate.Accelerator"),)
    check_parameter("accelerator", accelerator, allowed, owner)
    precision, n_steps = (
        accelerator.mixed_precision,
        accelerator.gradient_accumulation_steps,
    )
    if precision != "no" or n_steps != 1:
        raise ValueError(
            f"The accelerator of {owner} must have mixed_precision='no' and "
            f"gradient_accumulation_steps=1. Got {precision!r} and {n_steps}."
        )


def check_shareable(estimator, module):
    """Raise ValueError if several processes cannot train a module together."""
    if module.keeps_rows:
        raise ValueError(
            f"{type(estimator).__name__} with these parameters keeps state of each row "
            "from step to step (the chains of MCEM, the posteriors of a density-ratio "
            "prior), which processes do not share. Fit it in one process, without "
            "net_params['accelerator']."
        )


@contextmanager
def naming_net_params(estimator):
    """Turn errors of skorch about its arguments into ValueErrors that name them."""
    try:
        yield
    except Exception as error:
        if error.__cause__ is not None:  # explained already
            raise
        raise ValueError(
            f"The 'net_params' parameter of {type(estimator).__name__} is not valid: "
            f"{' '.join(str(error).split())[:300]} Got {cut(estimator.net_params)}."
        ) from error


def find_device(estimator):
    """Return the torch device that the parameter ``device`` stands for.

    Raises
    ------
    ValueError
        If it is not available, or is neither a CPU nor a CUDA device.
    """
    device = estimator.device
    accelerator = (estimator.net_params or {}).get("accelerator")
    if accelerator is not None and device == "auto":
        device = accelerator.device
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = f"The 'device' parameter of {type(estimator).__name__} must be 'auto'"
    try:
        device = torch.empty(0, device=device).device
    except UNAVAILABLE as error:
        reason = str(error).partition(". ")[0]  # torch lists what it has built
        raise ValueError(
            f"{wanted} or an available device. Got {cut(estimator.device)} "
            f"instead: {cut(reason)}"
        ) from error
    if device.type not in ("cpu", "cuda"):  # others lack double precision
        raise ValueError(
            f"{wanted}, a CPU or a CUDA device. Got {cut(estimator.device)} instead."
        )
    return device


def check_range_of_numbers(estimator, dtype):
    """Raise ValueError for a number that becomes infinite in the computing precision.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        Its parameters are checked, also those inside lists, dicts and objects.
    dtype : torch.dtype
        The precision.
    """
    name = str(dtype).removeprefix("torch.")
    limit = float(np.finfo(name).max)
    for parameter, value in estimator.get_params(deep=False).items():
        for number in _numbers_in(value):
            if abs(number) > limit:
                raise ValueError(
                    f"The {parameter!r} parameter of {type(estimator).__name__} is "
                    f"beyond the range of {name}, in which is computed: it must be at "
                    f"most {limit:.3g}. Got {cut(value)} instead."
                )


def _numbers_in(value):
    if isinstance(value, BaseEstimator):
        value = value.get_params(deep=False)
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            yield from _numbers_in(item)
    elif isinstance(value, Real) and not isinstance(value, bool):
        yield value


def within_torch(value):
    """Return a value, an int that torch cannot hold as a float."""
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    return float(value) if is_int and value >= 2**63 else value
