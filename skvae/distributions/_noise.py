"""Sources of random numbers: an explicit generator, never the global one.

Distributions ask a noise source for numbers of a given shape. Training needs different
numbers for each row, while evaluation uses the same numbers for all rows, so that a
row's value does not depend on the other rows.
"""

import math

import torch


class Noise:
    """Independent numbers for each row, drawn from one generator.

    Parameters
    ----------
    generator : torch.Generator
        Must be on the device on which the numbers are needed.
    """

    def __init__(self, generator):
        self.generator = generator

    def _shape(self, like, n_samples):
        return like.shape if n_samples is None else (n_samples, *like.shape)

    def normal(self, like, n_samples=None):
        """Standard normal numbers, ``(n_samples, *like.shape)`` or ``like.shape``."""
        shape = self._shape(like, n_samples)
        return torch.randn(
            shape, generator=self.generator, dtype=like.dtype, device=like.device
        )

    def uniform(self, like, n_samples=None):
        """Uniform numbers on [0, 1), ``(n_samples, *like.shape)`` or ``like.shape``."""
        shape = self._shape(like, n_samples)
        return torch.rand(
            shape, generator=self.generator, dtype=like.dtype, device=like.device
        )

    def gumbel(self, like, n_samples=None):
        """Standard Gumbel numbers, ``(n_samples, *like.shape)`` or ``like.shape``."""
        tiny = torch.finfo(like.dtype).tiny
        uniform = self.uniform(like, n_samples).clamp_min_(tiny)
        return -(-uniform.log()).log()

    def poisson(self, rate, n_samples=None):
        """Poisson counts, ``(n_samples, *rate.shape)`` or ``rate.shape``."""
        if n_samples is not None:
            rate = rate.expand(n_samples, *rate.shape)
        return torch.poisson(rate.detach(), generator=self.generator)

    @classmethod
    def from_seed(cls, seed, device="cpu"):
        """Build the source from an integer seed."""
        return cls(torch.Generator(device=device).manual_seed(seed))


class SharedNoise(Noise):
    """The same numbers for every row.

    Rows are on the second-to-last axis, ``(..., B, K)``; the numbers have the shape
    ``(..., 1, K)`` and broadcast. A row's estimate is then the same alone or among
    others, in any order.
    """

    def _shape(self, like, n_samples):
        shape = super()._shape(like, n_samples)
        return (*shape[:-2], 1, shape[-1])

    def poisson(self, rate, n_samples=None):
        """Poisson counts by inversion: the smallest k with P(X ≤ k) ≥ u."""
        uniform = self.uniform(rate, n_samples).double()
        rate = (
            rate.detach()
            .double()
            .expand(torch.broadcast_shapes(uniform.shape, rate.shape))
        )
        low = torch.full_like(rate, -1.0)
        high = (rate + 12 * rate.sqrt() + 40).ceil()
        for _ in range(int(math.log2(float(high.max()) + 2)) + 2):
            middle = ((low + high) / 2).floor()
            reached = torch.special.gammaincc(middle.clamp(min=0) + 1, rate) >= uniform
            reached &= middle >= 0
            low, high = (
                torch.where(reached, low, middle),
                torch.where(reached, middle, high),
            )
        return high.to(rate.dtype)
