"""The Gaussian likelihood, with three ranges of the mean and four kinds of scale."""

from numbers import Real

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from skvae._columns import (
    origins,
    spreads,
    statistics_from_origin,
    without_holes,
)
from skvae._parameters import parameter
from skvae._validation import FRACTION, Interval, Options
from skvae.distributions._heads import Head, Working, logit
from skvae.distributions._likelihoods import Likelihood
from skvae.distributions._misfits import (
    one_hot_groups,
    spread_message,
    two_valued,
    unlike_spreads,
)
from skvae.distributions._normal import Normal
from skvae.exceptions import warn_data

# Learned scales are softplus(GAIN · w). The gain makes their steps ten times those of
# other weights, as the noise may have to shrink by a large factor while the other
# weights change only a little.
GAIN = 10.0
SOFTPLUS_ONE = float(np.log(np.expm1(1.0)))  # softplus of this is 1

MEANS = {
    "identity": lambda raw: raw,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


class Gaussian(Likelihood):
    """Real columns: N(x; μ(z), σ²).

    The decoder works in the units of each column: with an identity mean,
    μ = m + s · f(z), where m and s are the column's mean and spread in the training
    table, and the encoder sees (x − m) / s. This affects the speed of learning but not
    the family, and makes the fit independent of the columns' units. (The spread is the
    standard deviation, or a tenth of the range if that is larger, so that rare values
    do not dominate.)

    A learned scale never falls below ``min_scale`` times the column's standard
    deviation. Without this floor, the density of a column that the decoder can predict
    exactly is unbounded. A column that is constant in training has no spread to set its
    unit, so its floor is ``min_scale`` itself: drop such columns before comparing
    densities.

    Parameters
    ----------
    scale : {"column", "shared", "relative", "row"} or float, default="column"
        "column" learns one σ per column (factor analysis), "shared" one σ for all
        columns (probabilistic PCA), "relative" one σ for all columns in units of their
        standard deviations (probabilistic PCA of standardised columns), "row" makes the
        decoder predict σ(z) for every value, and a float fixes σ in the data's units.
    mean : {"identity", "sigmoid", "tanh"}, default="identity"
        Function that sets the range of the mean: any real number, (0, 1) or (−1, 1).
    min_scale : float, default=0.01
        Floor of a learned scale, relative to the column's standard deviation.

    Examples
    --------
    >>> from skvae.distributions import Gaussian
    >>> Gaussian(scale="shared")
    Gaussian(scale='shared')
    """

    scale: str | float = parameter(
        Options(("column", "shared", "relative", "row")),
        Interval(Real, 0.0, closed="neither"),
        default="column",
        kw_only=False,
    )
    mean: str = parameter(Options(tuple(MEANS)), default="identity", kw_only=False)
    min_scale: float = parameter(FRACTION, default=0.01, kw_only=False)

    @property
    def joinable(self):
        """Whether parts that have it may share a head: not if they share a scale."""
        return self.scale not in ("shared", "relative")

    def _learn(self, X, names, weight):
        if self.mean == "identity":
            found = statistics_from_origin(X, weight)
            self.origin_, self.mean_, self.std_, self.low_, self.high_ = found
        else:  # the range of the mean is absolute
            super()._learn(X, names, weight)

    def correct(self, mean, std, low, high):
        if self.mean == "identity":
            self.origin_ = origins(mean, spreads(std, low, high))
            mean, low, high = (value - self.origin_ for value in (mean, low, high))
        super().correct(mean, std, low, high)

    def misfits(self, X):
        if self.scale not in ("column", "row"):
            return super().misfits(X)
        X = without_holes(X)
        groups = [np.arange(X.shape[1])[group] for group in one_hot_groups(X)]
        return np.unique(np.concatenate([two_valued(X), *groups])), groups

    def _check_spreads(self, names):
        column = unlike_spreads(self.std_) if self.scale == "shared" else None
        if column is not None:
            warn_data(spread_message(column, self.std_, names))

    def head(self, n_hidden):
        std = np.where(self.std_ > 0, self.std_, 1.0)
        spread = spreads(self.std_, self.low_, self.high_)
        # Constant columns must not affect the unit of a shared scale.
        unit = self.std_ if self.scale == "shared" and self.std_.any() else std
        scale = _build_scale(self.scale, unit, self.min_scale, n_hidden)
        return GaussianHead(n_hidden, self.mean_, spread, scale, self.mean)


def _build_scale(scale, std, min_scale, n_hidden):
    if scale == "row":
        return RowScale(n_hidden, std, min_scale)
    if scale == "column":
        return LearnedScale(std, min_scale, len(std))
    if scale == "relative":
        return LearnedScale(std, min_scale, 1)
    if scale == "shared":
        return LearnedScale(np.full(len(std), np.sqrt(np.mean(std**2))), min_scale, 1)
    return FixedScale(scale, len(std))


def _buffer(values):
    # Double until the whole module is cast, so that a float64 module keeps what fit has
    # learned in full precision.
    return torch.as_tensor(values, dtype=torch.float64)


class FixedScale(nn.Module):
    """One fixed σ from the user, in the data's units."""

    kind = Working.FIXED

    def __init__(self, scale, n_columns):
        super().__init__()
        self.register_buffer("scale", _buffer(np.full(n_columns, float(scale))))

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
        self.register_buffer("low", _buffer(floor * unit))
        self.register_buffer("gain", _buffer(GAIN * unit))

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
        self.register_buffer("unit", _buffer(unit))

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


class GaussianHead(Head):
    """h -> N(μ, σ²), with μ in the data's units, starting at the columns' means.

    All of them are relative to the likelihood's `origin`, as is x.
    """

    def __init__(self, n_hidden, center, spread, scale, mean):
        super().__init__(n_hidden, len(center), len(center))
        self.scale, self.mean = scale, mean
        self.register_buffer("center", _buffer(center))
        self.register_buffer("spread", _buffer(spread))
        self.register_buffer("per_spread", _buffer(1 / spread))
        self.register_buffer("offset", _buffer(-center / spread))
        if mean == "sigmoid":
            self.start_at(logit(center))
        elif mean == "tanh":
            self.start_at(np.arctanh(np.clip(center, -0.98, 0.98)))
        else:
            self.start_at(np.zeros(len(center)))

    def working(self, mean):
        # y is in units of the scale, so that a shared one is the same for all columns.
        unit = self.scale.unit_of_noise().double().numpy()
        slope, center = self.spread.double().numpy(), self.center.double().numpy()
        rate = slope / unit
        if self.mean == "sigmoid":
            slope = np.maximum(center * (1 - center), 0.01)
        elif self.mean == "tanh":
            slope = np.maximum(1 - center**2, 0.01)
        return Working(rate, slope / unit, np.full(len(rate), self.scale.kind))

    def start_linear(self, weight, shift, psi):
        super().start_linear(weight, shift, psi)
        sigma = torch.from_numpy(np.sqrt(psi)) * self.scale.unit_of_noise().double()
        self.scale.start_at(sigma)

    def features(self, x, seen=None):
        # (x − center) / spread, in one pass.
        return torch.addcmul(self.offset, x, self.per_spread)

    def forward(self, h):
        loc = MEANS[self.mean](self.linear(h))
        if self.mean == "identity":
            loc = torch.addcmul(self.center, self.spread, loc)
        return Normal(loc, self.scale(h))
