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

    def fork(self):
        """Return an independent source, seeded by this one."""
        device = self.generator.device
        seed = torch.randint(2**62, (), generator=self.generator, device=device)
        return self.from_seed(int(seed), device)

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


def _wrapped(value):
    """Return an int modulo 2**64 as a signed 64-bit int."""
    return (value + 2**63) % 2**64 - 2**63


# SplitMix64 (Steele et al. 2014): the step of its counter, and its two multipliers.
STEP = _wrapped(0x9E3779B97F4A7C15)
MULTIPLIERS = _wrapped(0xBF58476D1CE4E5B9), _wrapped(0x94D049BB133111EB)


class RowNoise(Noise):
    """Independent numbers for every row that depend on its contents and a seed only.

    Rows are the last axis but one, ``(..., B, K)``. The numbers of a row are the same
    alone, among others and in any order: a counter-based generator is keyed by a hash
    of the row, so that equal rows get equal numbers.

    Parameters
    ----------
    keys : Tensor of int64 of shape (B,)
        One per row, see `row_keys`.
    """

    def __init__(self, keys):
        self.keys, self._used = keys, 0

    def normal(self, like, n_samples=None):
        """Standard normal numbers, by the Box-Muller transform."""
        shape = self._shape(like, n_samples)
        n_each = math.prod(shape) // len(self.keys)  # per row
        first, second = self._uniforms((n_each + 1) // 2)  # (B, n) each
        radius = first.log().mul_(-2).sqrt_()
        angle = second * (2 * math.pi)
        pairs = torch.stack(
            [radius * angle.cos(), radius * angle.sin()], 2
        )  # (B, n, 2)
        return self._arranged(pairs.flatten(1)[:, :n_each], shape).to(like.dtype)

    def uniform(self, like, n_samples=None):
        """Numbers uniform on (0, 1)."""
        shape = self._shape(like, n_samples)
        n_each = math.prod(shape) // len(self.keys)
        return self._arranged(self._uniforms(n_each)[0], shape).to(like.dtype)

    def fork(self):
        """Return an independent source for the same rows."""
        return RowNoise(_mixed(self.keys))

    def _uniforms(self, n_each):
        """Return two float32 numbers in (0, 1) for each row and count, (B, n) each."""
        counts = torch.arange(1, n_each + 1, device=self.keys.device) + self._used
        self._used += n_each
        bits = _mixed(self.keys[:, None] + counts * STEP)
        low, high = bits & (2**24 - 1), (bits >> 40) & (2**24 - 1)
        return (high.float() + 0.5) * 2**-24, (low.float() + 0.5) * 2**-24

    def _arranged(self, numbers, shape):
        """Arrange the numbers of each row, (B, n), as (..., B, K)."""
        *lead, n_rows, width = shape
        return numbers.reshape(n_rows, *lead, width).movedim(0, -2)


def row_keys(seed, *tables):
    """Hash rows, and what stands beside them, to int64 keys, (B,).

    Parameters
    ----------
    seed : int
        Another seed gives other keys.
    *tables : Tensor of shape (B, D) or None
        Contents of the rows.
    """
    keys = torch.tensor(_wrapped(seed * STEP))
    for table in tables:
        if table is not None and table.shape[1]:
            values = (table.double() + 0.0).contiguous().view(torch.int64)  # no -0.0
            columns = torch.arange(1, values.shape[1] + 1, device=values.device) * STEP
            keys = _mixed(_mixed(values + columns).sum(1) + keys.to(values.device))
    return keys


def _mixed(z):
    """Return SplitMix64's output for each state; int64 arithmetic wraps around."""
    z = (z ^ _shifted(z, 30)) * MULTIPLIERS[0]
    z = (z ^ _shifted(z, 27)) * MULTIPLIERS[1]
    return z ^ _shifted(z, 31)


def _shifted(z, n_bits):
    """Shift to the right, filling in zeros."""
    return (z >> n_bits) & (2 ** (64 - n_bits) - 1)
