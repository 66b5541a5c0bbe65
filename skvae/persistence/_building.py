"""Build the module that a file describes, and give it the weights of the file."""

import threading
from contextlib import contextmanager

import torch
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from skvae.distributions import MixedHead
from skvae.training import seeded_weights

MORE = 200  # parameters and modules that any module may have besides those in a file
SLICE = 2**20  # values whose finiteness is compared at once, to save memory


def build(estimator, weights, dtype):
    """Build the module of an estimator and load its weights.

    It is built first on torch's meta device, where tensors have a shape but no memory,
    and only as far as the file has weights for it. So a file cannot cause larger
    allocations, or more layers, than its contents.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        With its parameters and what `fit` learned.
    weights : dict of str to Tensor
        By their names in the module's ``state_dict``.
    dtype : torch.dtype
        Precision of the module.

    Raises
    ------
    ValueError
        If the weights are not those of the module.
    """
    for place in ("meta", "cpu"):
        few = _at_most(len(weights))
        with torch.device(place), seeded_weights(estimator._seed), few:
            module = estimator._build_module(None)
        module.dtype = dtype
        module = module.to(dtype)
        weights = _for_joined_heads(module, weights)
        _check_weights(module.state_dict(), weights)
    _check_finite(module.state_dict(), weights)
    _load(module.state_dict(), weights)
    return module


@contextmanager
def _at_most(n_weights):
    """Raise ValueError as soon as more is built than a file has weights for.

    A weight may be registered several times, and a layer of weights is accompanied by
    modules without any, such as activations.
    """
    thread, counts = threading.get_ident(), {"parameters": 0, "modules": 0}
    limits = {"parameters": 4 * n_weights + MORE, "modules": 8 * n_weights + MORE}

    def count(what):
        def registered(module, name, value):
            if threading.get_ident() != thread:  # hooks are global
                return
            counts[what] += 1
            if counts[what] > limits[what]:
                raise ValueError(
                    "its weights do not fit the network that its parameters describe: "
                    f"{n_weights} weights are too few for it."
                )

        return registered

    hooks = (
        register_module_parameter_registration_hook(count("parameters")),
        register_module_module_registration_hook(count("modules")),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _for_joined_heads(module, weights):
    """Return weights of older files, with one head per part, for joined heads."""
    for name, part in module.named_modules():
        if isinstance(part, MixedHead):
            weights = part.join_weights(weights, f"{name}.")
    return weights


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
            "its weights do not fit the network that its parameters describe: "
            f"{', '.join(wrong[:5])} differ."
        )


def _check_finite(expected, found):
    """Raise ValueError if a value is not finite although it was when built."""
    for name, tensor in expected.items():
        parts = (t.reshape(-1).split(SLICE) for t in (tensor, found[name]))
        for built, saved in zip(*parts, strict=True):
            if not torch.equal(built.isfinite(), saved.isfinite()):
                raise ValueError(f"its {name} is not finite.")


@torch.no_grad()
def _load(state, weights):
    """Copy the weights; torch's `load_state_dict` takes quadratic time in the layers.

    The tensors of a ``state_dict`` share the memory of the module.
    """
    for name, tensor in state.items():
        tensor.copy_(weights[name])
