"""A recipe for a decoder that joins latents of several depths."""

import math
from itertools import pairwise

import torch
from torch import nn

from skvae._kinds import cut
from skvae._parameters import parameter
from skvae._validation import NATURAL, NONE, POSITIVE_INT, Options, Sequence
from skvae.nets._mlp import ACTIVATIONS
from skvae.nets._recipes import LAYERS, SHAPE, Recipe, starting_shape

DEPTHS = Sequence(NATURAL, "a tuple of non-negative ints", empty=False)
WIDTHS = Sequence(POSITIVE_INT, "a tuple of positive ints", empty=False)


class JoinedConvDecoder(Recipe):
    """Decode each path of latents to a small image, join the images and upsample.

    For each path, a linear layer returns a small image, and as many transposed
    convolutions as the path's depth enlarge it to h x w pixels, the full size halved n
    times. There the paths are concatenated along the channels. They pass through
    n_joined convolutions of 3 x 3 pixels, then n transposed convolutions of 4 x 4
    pixels and stride 2 (Ishikawa et al., section 4). The last one returns the pixels
    themselves.

    Parameters
    ----------
    image_shape : (int, int, int), default=(3, 64, 64)
        Channels, height and width of the image in a row.
    channels : tuple of int, default=(64, 64, 32, 32)
        Input channels of the n transposed convolutions after the paths are joined.
    n_joined : int, default=2
        Number of 3 x 3 convolutions right after the paths are joined.
    widths : tuple of int or None, default=None
        Number of latents of each path, set by :class:`~skvae.MPVAETransformer`. None
        means a single path.
    depths : tuple of int or None, default=None
        Number of doublings of each path before it is joined; None means 0, 1, 2, ...
    activation : str, default="relu"
        Activation after every layer but the last.

    Examples
    --------
    >>> import torch
    >>> from skvae.nets import JoinedConvDecoder
    >>> body = JoinedConvDecoder((1, 16, 16), channels=(8, 4), widths=(2, 3))(5)
    >>> body(torch.zeros(7, 5)).shape
    torch.Size([7, 256])
    """

    image_shape: tuple[int, int, int] = parameter(
        SHAPE, default=(3, 64, 64), kw_only=False
    )
    channels: tuple[int, ...] = parameter(
        LAYERS, default=(64, 64, 32, 32), kw_only=False
    )
    n_joined: int = parameter(NATURAL, default=2, kw_only=False)
    widths: tuple[int, ...] | None = parameter(
        WIDTHS, NONE, default=None, kw_only=False
    )
    depths: tuple[int, ...] | None = parameter(
        DEPTHS, NONE, default=None, kw_only=False
    )
    activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="relu", kw_only=False
    )

    def _make(self, n_in):
        widths = (n_in,) if self.widths is None else tuple(self.widths)
        if sum(widths) != n_in:
            raise ValueError(
                f"The 'widths' parameter of JoinedConvDecoder must add up to the "
                f"number of latents, {n_in}. Got {cut(self.widths)} instead."
            )
        paths = [
            self._path(n_latents, depth)
            for n_latents, depth in zip(widths, self._depths(widths), strict=True)
        ]
        body = nn.Sequential(Joined(paths, widths), *self._after_join(len(widths)))
        body.gives_parameters = True
        return body

    def _depths(self, widths):
        depths = tuple(range(len(widths))) if self.depths is None else self.depths
        if len(depths) != len(widths):
            raise ValueError(
                f"The 'depths' parameter of JoinedConvDecoder must have one entry for "
                f"each of {len(widths)} paths. Got {cut(depths)} instead."
            )
        return depths

    def _path(self, n_latents, depth):
        c, act = self.channels[0], ACTIVATIONS[self.activation]
        n_doublings = depth + len(self.channels)
        shape = (c, *starting_shape(self.image_shape, n_doublings)[1:])
        size = math.prod(shape)
        layers = [nn.Linear(n_latents, size), act(), nn.Unflatten(-1, shape)]
        for _ in range(depth):
            layers += [nn.ConvTranspose2d(c, c, 4, stride=2, padding=1), act()]
        return nn.Sequential(*layers)  # (B, K_k) -> (B, c, h, w)

    def _after_join(self, n_paths):
        c, act = self.channels[0], ACTIVATIONS[self.activation]
        layers, n_in = [], n_paths * c
        for _ in range(self.n_joined):
            layers += [nn.Conv2d(n_in, c, 3, padding=1), act()]
            n_in = c
        sizes = (n_in, *self.channels[1:], self.image_shape[0])
        for left, right in pairwise(sizes):
            layers += [nn.ConvTranspose2d(left, right, 4, stride=2, padding=1), act()]
        return [*layers[:-1], nn.Flatten()]  # (B, C H W)


class Joined(nn.Module):
    """Parallel modules, one per block of columns of (B, Σ K), joined on axis 1."""

    def __init__(self, parts, widths):
        super().__init__()
        self.parts, self.widths = nn.ModuleList(parts), tuple(widths)

    def forward(self, z):
        columns = z.split(self.widths, -1)
        outputs = [part(z_k) for part, z_k in zip(self.parts, columns, strict=True)]
        return torch.cat(outputs, 1)  # (B, c_1 + ... + c_n, ...)
