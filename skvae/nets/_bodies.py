"""Bodies from networks that a user or a recipe defines."""

import copy

import torch
from torch import nn

from skvae.nets._mlp import LocalDropout
from skvae.nets._recipes import Recipe


def build_body(body, n_in, parameter):
    """Build a body from a user's network, and find its width.

    Parameters
    ----------
    body : torch.nn.Module or callable
        Module, which is copied, or function ``n_in -> module``. Lazy modules take the
        width of the input.
    n_in : int
        Width of its input.
    parameter : str
        Name of the estimator's parameter, for error messages.

    Returns
    -------
    body : torch.nn.Module
        With every `torch.nn.Dropout` replaced by a `LocalDropout`.
    n_out : int
        Width of its output.

    Raises
    ------
    ValueError
        If the body does not map (n, n_in) to (n, h).
    """
    if isinstance(body, Recipe):
        # A recipe may come from a file, so nothing larger than its weights is built.
        with torch.device("meta"):
            n_out = _width(_called(body, n_in, parameter), n_in, parameter)
        return _localise_dropout(body(n_in)), n_out
    with torch.device("cpu"):  # a model read from a file is first built on meta
        module = _own_module(body, n_in, parameter)
        return module, _width(module, n_in, parameter)


def _own_module(body, n_in, parameter):
    is_module = isinstance(body, nn.Module)
    module = copy.deepcopy(body) if is_module else _called(body, n_in, parameter)
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"The {parameter!r} parameter must be a torch module or a function that "
            f"returns one. The function returned {module!r} instead."
        )
    if any(p.is_meta for p in module.parameters()):
        raise ValueError(f"The {parameter!r} parameter has weights on 'meta'.")
    return _localise_dropout(module).cpu()


def _called(body, n_in, parameter):
    """Call a function for a width; a class is a common mistake for an instance."""
    try:
        return body(n_in)
    except (TypeError, RuntimeError, ValueError) as error:
        first, *more = str(error).split("\n")
        if isinstance(body, Recipe) and not more:  # its own words; torch adds frames
            raise
        name = f"the class {body.__name__}" if isinstance(body, type) else "a function"
        raise ValueError(
            f"The {parameter!r} parameter must be a torch module or a function "
            f"n_in -> module. Got {name}, and calling it with {n_in} failed: {first}. "
            "Pass an instance, or a function that makes one."
        ) from error


def _localise_dropout(module):
    """Replace every torch dropout by a `LocalDropout`, even one used twice."""
    if type(module) is nn.Dropout:
        return LocalDropout(module.p)
    for path, part in list(module.named_modules(remove_duplicate=False)):
        if type(part) is nn.Dropout:
            parent, _, name = path.rpartition(".")
            setattr(module.get_submodule(parent), name, LocalDropout(part.p))
    return module


def _width(module, n_in, parameter):
    wanted = f"The {parameter!r} parameter must map (n, {n_in}) to (n, h)."
    dtype = next((p.dtype for p in module.parameters()), torch.get_default_dtype())
    was_training = module.training
    try:
        with torch.no_grad():
            h = module.eval()(torch.zeros(2, n_in, dtype=dtype))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ValueError(f"{wanted} It failed on (2, {n_in}): {error}") from error
    finally:
        module.train(was_training)
    if not isinstance(h, torch.Tensor) or h.ndim != 2 or len(h) != 2:
        got = tuple(h.shape) if isinstance(h, torch.Tensor) else type(h).__name__
        raise ValueError(f"{wanted} It maps (2, {n_in}) to {got}.")
    return h.shape[1]
