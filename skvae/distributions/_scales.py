"""The scales of a Gaussian likelihood: fixed, learned or predicted."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from skvae.distributions._heads import Working

# Learned scales are softplus(GAIN · w). The gain makes their steps ten times those of
# other weights, as the noise may have to shrink by a large factor while the other
# weights change only a little.
GAIN = 10.0
SOFTPLUS_ONE = float(np.log(np.expm1(1.0)))  # softplus of this is 1


def build_scale(scale, std, min_scale, n_hidden):
    """Return the module of a scale: h (..., B, n_hidden) -> σ, (D,) or (..., B, D).

    `std`, (D,), are the units of learned scales, and `min_scale` is their floor.
    """
    if scale == "row":
        return RowScale(n_hidden, std, min_scale)
    if scale == "column":
        return LearnedScale(std, min_scale, len(std))
    if scale == "relative":
        return LearnedScale(std, min_scale, 1)
    if scale == "shared":
        return LearnedScale(np.full(len(std), np.sqrt(np.mean(std**2))), min_scale, 1)
    return FixedScale(scale, len(std))


def constants(values):
    """Return an array as a tensor for a buffer."""
    # Double until the whole module is cast, so that a float64 module keeps what fit has
    # learned in full precision.
    return torch.as_tensor(values, dtype=torch.float64)


class FixedScale(nn.Module):
    """One fixed σ from the user, in the data's units."""

    kind = Working.FIXED

    def __init__(self, scale, n_columns):
        super().__init__()
        self.register_buffer("scale", constants(np.full(n_columns, float(scale))))

    def unit_of_noise(self):
        """Return σ, the unit in which the noise has variance 1, (D,)."""
        return self.scale

    def start_at(self, sigma):
        """Do nothing: σ is fixed."""

    def forward(self, h):
        return self.scale


class LearnedScale(nn.Module):
    """σ = unit · (floor + softplus(GAIN · w)), the same for every row: (D,)."""

    sharpness = GAIN  # of the softplus

    def __init__(self, unit, floor, n_scales):
        super().__init__()
        self.weight = nn.Parameter(torch.full((n_scales,), SOFTPLUS_ONE / GAIN))
        self.register_buffer("low", constants(floor * unit))
        self.register_buffer("gain", constants(GAIN * unit))

    @property
    def kind(self):
        is_shared = len(self.weight) < len(self.low)
        return Working.SHARED if is_shared else Working.OWN

    def unit_of_noise(self):
        """Return the unit of the scales, (D,)."""
        return self.gain / GAIN

    def start_at(self, sigma):
        """Set σ, (D,), as far as the floor allows."""
        raw = ((sigma - self.low) / self.unit_of_noise()).clamp(min=1e-3)
        weight = raw.expm1().log() / GAIN
        with torch.no_grad():
            self.weight.copy_(weight.mean() if self.kind == Working.SHARED else weight)

    def forward(self, h):
        # With this beta, torch computes softplus(GAIN · w) / GAIN.
        raw = functional.softplus(self.weight, beta=GAIN)
        return torch.addcmul(self.low, self.gain, raw)


class RowScale(nn.Module):
    """σ(h) = unit · (floor + softplus(linear(h))): (..., B, D)."""

    def __init__(self, n_hidden, unit, floor):
        super().__init__()
        self.floor = floor
        self.linear = nn.Linear(n_hidden, len(unit))
        nn.init.constant_(self.linear.bias, SOFTPLUS_ONE)
        self.register_buffer("unit", constants(unit))

    kind = Working.OWN

    def unit_of_noise(self):
        """Return the unit of the scales, (D,)."""
        return self.unit

    def start_at(self, sigma):
        """Set a constant σ, (D,), as far as the floor allows."""
        raw = (sigma / self.unit - self.floor).clamp(min=1e-3)
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.bias.copy_(raw.expm1().log())

    def forward(self, h):
        return self.unit * (self.floor + functional.softplus(self.linear(h)))
