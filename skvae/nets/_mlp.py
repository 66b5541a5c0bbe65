"""Bodies: the layers between the input and the heads."""

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
    """Dropout that draws from its own generator.

    `torch.nn.Dropout` draws from the global generator, which it shares with other code.
    The training loop sets ``generator`` before each epoch.

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
    """Set the generator of every `LocalDropout` in `module`."""
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
        Widths of the layers; an empty sequence builds the identity.
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

    Convolutions and batch normalisation accept rows only, while several samples of z
    have the shape (S, B, K).
    """
    if h.ndim == 2:
        return body(h)
    return body(h.flatten(0, -2)).unflatten(0, h.shape[:-1])


class Beside(nn.Module):
    """Apply a body to some columns and append the others to its output.

    (B, s + n_in + c) -> (B, h + s + c): a user's encoder sees the image without the
    condition.

    Parameters
    ----------
    body : torch.nn.Module
        (B, n_in) -> (B, h).
    n_in : int
        Width of its input.
    start : int, default=0
        s, the first of its columns.
    """

    def __init__(self, body, n_in, start=0):
        super().__init__()
        self.body, self.where = body, slice(start, start + n_in)

    def forward(self, x):
        before, after = x[..., : self.where.start], x[..., self.where.stop :]
        return torch.cat([self.body(x[..., self.where]), before, after], -1)


class Skip(nn.Module):
    """Append the input of a body to its output, (..., n) -> (..., h + n).

    The layer behind it then has a linear path from the input.

    Parameters
    ----------
    body : torch.nn.Module
        (B, n) -> (B, h).
    """

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return torch.cat([self.body(x), x], -1)
