"""Bodies: what stands between the input and the heads."""

import copy
from itertools import pairwise

import torch
from torch import nn

ACTIVATIONS = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


class LocalDropout(nn.Module):
    """Dropout that draws from a generator of its own.

    torch's draws from the global generator, which other code shares. The training loop
    sets ``generator`` before each epoch.

    Parameters
    ----------
    p : float
        Probability that a unit is set to zero.
    """

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.generator = None

    def forward(self, h):
        if not self.training or self.p == 0:
            return h
        uniform = torch.rand(
            h.shape, generator=self.generator, dtype=h.dtype, device=h.device
        )
        return h * (uniform >= self.p) / (1 - self.p)


def set_dropout_generator(module, generator):
    """Give every `LocalDropout` inside `module` the generator to draw from."""
    for part in module.modules():
        if isinstance(part, LocalDropout):
            part.generator = generator


def mlp(n_in, hidden_layer_sizes, activation="relu", dropout=0.0):
    """Build a multi-layer perceptron (..., n_in) -> (..., hidden_layer_sizes[-1]).

    Parameters
    ----------
    n_in : int
        Width of the input.
    hidden_layer_sizes : sequence of int
        Widths of the layers; an empty one gives the identity.
    activation : str, default="relu"
        One of `ACTIVATIONS`, after every layer.
    dropout : float, default=0.0
        Probability of dropping a unit, after every activation.

    Returns
    -------
    torch.nn.Sequential
    """
    layers = []
    for n_left, n_right in pairwise((n_in, *hidden_layer_sizes)):
        layers += [nn.Linear(n_left, n_right), ACTIVATIONS[activation]()]
        if dropout:
            layers.append(LocalDropout(dropout))
    return nn.Sequential(*layers)


def over_rows(body, h):
    """Apply a body for (n, h) to a tensor with more axes, (..., B, h) -> (..., B, h').

    A convolution or a batch normalisation knows rows only, while several samples of z
    come as (S, B, K).
    """
    if h.ndim == 2:
        return body(h)
    return body(h.flatten(0, -2)).unflatten(0, h.shape[:-1])


class Beside(nn.Module):
    """A body for the first columns only; the others join what it gives.

    (B, n_in + c) -> (B, h + c): an own encoder sees a picture and no condition.

    Parameters
    ----------
    body : torch.nn.Module
        (B, n_in) -> (B, h).
    n_in : int
        Width of what it sees.
    """

    def __init__(self, body, n_in):
        super().__init__()
        self.body, self.n_in = body, n_in

    def forward(self, x):
        seen, beside = x[..., : self.n_in], x[..., self.n_in :]
        return torch.cat([self.body(seen), beside], -1)


def build_body(body, n_in, parameter):
    """Take a user's own network as a body and find its width.

    Parameters
    ----------
    body : torch.nn.Module or callable
        A module, which is copied, or a function ``n_in -> module``.
    n_in : int
        Width of its input.
    parameter : str
        Name of the parameter it came from, for messages.

    Returns
    -------
    body : torch.nn.Module
        Its `torch.nn.Dropout` layers draw from their own generator.
    n_out : int
        Width of its output.

    Raises
    ------
    ValueError
        If it does not map (n, n_in) to (n, h).
    """
    with torch.device("cpu"):  # a file's model is built on the meta device first
        return _built(body, n_in, parameter)


def _built(body, n_in, parameter):
    is_module = isinstance(body, nn.Module)
    module = copy.deepcopy(body) if is_module else body(n_in)
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"The {parameter!r} parameter must be a torch module or a function that "
            f"returns one. The function returned {module!r} instead."
        )
    module = _localise_dropout(module).cpu()
    return module, _width(module, n_in, parameter)


def _localise_dropout(module):
    """Put a `LocalDropout` wherever a torch dropout stands, also one used twice."""
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
