"""Recipes for networks, mainly for images given as flat rows.

A recipe is a small scikit-learn object that can be cloned, searched and saved. It
builds a module once the width of the input is known.
"""

import math
from itertools import pairwise

from torch import nn

from skvae._kinds import cut
from skvae._parameters import Declared, parameter
from skvae._validation import (
    BOOLEAN,
    NONE,
    POSITIVE_INT,
    Options,
    Sequence,
    check_parameters,
)
from skvae.nets._mlp import ACTIVATIONS

SIZES = Sequence(POSITIVE_INT, "a tuple of positive ints")
LAYERS = Sequence(POSITIVE_INT, "a tuple of positive ints", empty=False)
SHAPE = Sequence(POSITIVE_INT, "three positive ints", length=3)
NORM = (BOOLEAN, Sequence(BOOLEAN, "a tuple of bools"))


class Recipe(Declared):
    """Base class of recipes: callables that build a network for an input width."""

    def __call__(self, n_in):
        """Build the module, (n, n_in) -> (n, h); ValueError if that is impossible."""
        check_parameters(self)
        return self._make(n_in)

    def _make(self, n_in):
        raise NotImplementedError


class Dense(Recipe):
    """Linear layers, optionally with batch normalisation.

    Parameters
    ----------
    sizes : tuple of int, default=(512, 512)
        Widths of the layers.
    batch_norm : bool or tuple of bool, default=False
        Whether each layer is normalised before its activation.
    activation : str, default="relu"
        Activation after every layer.

    Examples
    --------
    >>> from skvae.nets import Dense
    >>> [type(layer).__name__ for layer in Dense((4, 2), batch_norm=(False, True))(10)]
    ['Linear', 'ReLU', 'Linear', 'BatchNorm1d', 'ReLU']
    """

    sizes: tuple[int, ...] = parameter(SIZES, default=(512, 512), kw_only=False)
    batch_norm: bool | tuple[bool, ...] | None = parameter(
        *NORM, default=False, kw_only=False
    )
    activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="relu", kw_only=False
    )

    def _make(self, n_in):
        return nn.Sequential(
            *_dense(n_in, self.sizes, self.batch_norm, self.activation)
        )


class ConvEncoder(Recipe):
    """Convolutions of 4 x 4 pixels and stride 2, then linear layers.

    Parameters
    ----------
    image_shape : (int, int, int), default=(3, 32, 32)
        Channels, height and width of the image in a row. Each convolution halves the
        last two.
    channels : tuple of int, default=(64, 128, 256, 256)
        Output channels of the convolutions.
    batch_norm : bool, tuple of bool or None, default=None
        Whether the output of each convolution is normalised before its activation; None
        means all but the first.
    sizes : tuple of int, default=()
        Widths of the linear layers that follow, without batch normalisation.
    activation : str, default="relu"
        Activation after every layer.

    Examples
    --------
    >>> import torch
    >>> from skvae.nets import ConvEncoder
    >>> body = ConvEncoder((1, 8, 8), channels=(4, 8))(64)
    >>> body(torch.zeros(5, 64)).shape  # 8 channels of 2 x 2 pixels
    torch.Size([5, 32])
    """

    image_shape: tuple[int, int, int] = parameter(
        SHAPE, default=(3, 32, 32), kw_only=False
    )
    channels: tuple[int, ...] = parameter(
        SIZES, default=(64, 128, 256, 256), kw_only=False
    )
    batch_norm: bool | tuple[bool, ...] | None = parameter(
        *NORM, NONE, default=None, kw_only=False
    )
    sizes: tuple[int, ...] = parameter(SIZES, default=(), kw_only=False)
    activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="relu", kw_only=False
    )

    def _make(self, n_in):
        _check_pixels(self.image_shape, n_in)
        _, height, width = starting_shape(self.image_shape, len(self.channels))
        layers = [nn.Unflatten(-1, tuple(self.image_shape))]  # (n, C, H, W)
        pairs = pairwise((self.image_shape[0], *self.channels))
        for (left, right), norm in zip(
            pairs, _per_layer(self.batch_norm, self.channels), strict=True
        ):
            layers.append(nn.Conv2d(left, right, 4, stride=2, padding=1))
            layers += [nn.BatchNorm2d(right)] * norm
            layers.append(ACTIVATIONS[self.activation]())
        layers.append(nn.Flatten())  # (n, c h w)
        n_flat = (self.image_shape[0], *self.channels)[-1] * height * width
        return nn.Sequential(
            *layers, *_dense(n_flat, self.sizes, False, self.activation)
        )


class ConvDecoder(Recipe):
    """A linear layer, then transposed convolutions of 4 x 4 pixels and stride 2.

    The last one returns the pixels themselves; no other layer follows.

    Parameters
    ----------
    image_shape : (int, int, int), default=(3, 32, 32)
        Channels, height and width of the image in a row.
    channels : tuple of int, default=(1024, 256, 128, 64)
        Input channels of the transposed convolutions. The linear layer outputs the
        first of them at ``H / 2**n`` x ``W / 2**n`` pixels.
    batch_norm : bool, tuple of bool or None, default=None
        Whether each of these inputs is normalised before its activation; None means all
        but the first.
    activation : str, default="relu"
        Activation after every layer but the last.

    Examples
    --------
    >>> import torch
    >>> from skvae.nets import ConvDecoder
    >>> body = ConvDecoder((1, 8, 8), channels=(8, 4))(3)
    >>> body(torch.zeros(5, 3)).shape
    torch.Size([5, 64])
    """

    image_shape: tuple[int, int, int] = parameter(
        SHAPE, default=(3, 32, 32), kw_only=False
    )
    channels: tuple[int, ...] = parameter(
        LAYERS, default=(1024, 256, 128, 64), kw_only=False
    )
    batch_norm: bool | tuple[bool, ...] | None = parameter(
        *NORM, NONE, default=None, kw_only=False
    )
    activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="relu", kw_only=False
    )

    def _make(self, n_in):
        _, height, width = starting_shape(self.image_shape, len(self.channels))
        shape = (self.channels[0], height, width)
        layers = [nn.Linear(n_in, math.prod(shape)), nn.Unflatten(-1, shape)]
        norms = _per_layer(self.batch_norm, self.channels)
        pairs = pairwise((*self.channels, self.image_shape[0]))
        for (left, right), norm in zip(pairs, norms, strict=True):
            layers += [nn.BatchNorm2d(left)] * norm
            layers.append(ACTIVATIONS[self.activation]())
            layers.append(nn.ConvTranspose2d(left, right, 4, stride=2, padding=1))
        body = nn.Sequential(*layers, nn.Flatten())  # (n, C H W)
        body.gives_parameters = True
        return body


def _dense(n_in, sizes, batch_norm, activation):
    layers = []
    norms = _per_layer(batch_norm, sizes)
    for (left, right), norm in zip(pairwise((n_in, *sizes)), norms, strict=True):
        layers.append(nn.Linear(left, right))
        layers += [nn.BatchNorm1d(right)] * norm
        layers.append(ACTIVATIONS[activation]())
    return layers


def _per_layer(value, layers):
    """Return one bool per layer."""
    if value is None:
        return [k > 0 for k in range(len(layers))]
    if isinstance(value, bool):
        return [value] * len(layers)
    if len(value) != len(layers):
        raise ValueError(
            f"The 'batch_norm' parameter must be a bool or have one bool per layer "
            f"({len(layers)}). Got {cut(value)} instead."
        )
    return value


def starting_shape(image_shape, n_halvings):
    """Channels, height and width after halving the image `n_halvings` times."""
    channels, height, width = image_shape
    factor = 2**n_halvings
    if height % factor or width % factor:
        raise ValueError(
            f"The 'image_shape' parameter must have a height and width divisible by "
            f"{factor} (number of layers: {n_halvings}). "
            f"Got {cut(image_shape)} instead. {_fitting(height, width)}"
        )
    return channels, height // factor, width // factor


def _fitting(height, width):
    """Return in words how many layers fit an image."""
    both = math.gcd(height, width)
    n_fitting = (both & -both).bit_length() - 1  # how often 2 divides both
    if n_fitting == 0:
        return f"{height} x {width} pixels cannot be halved: pad or crop the images."
    return (
        f"{height} x {width} pixels can be halved {n_fitting} times at most: shorten "
        f"channels to {n_fitting} or fewer, or pad the images."
    )


def _check_pixels(image_shape, n_in):
    if math.prod(image_shape) != n_in:
        raise ValueError(
            f"The 'image_shape' parameter must multiply to {n_in}, the number of input "
            f"columns. Got {cut(image_shape)} instead."
        )
