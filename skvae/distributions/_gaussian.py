"""The Gaussian likelihood: ranges of the mean, and transformations of columns."""

from numbers import Real

import numpy as np
import torch

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
from skvae.distributions._scales import build_scale, constants
from skvae.distributions._transformed import (
    Quantiles,
    Transformed,
    YeoJohnson,
    learn_powers,
    learn_quantiles,
    psi,
)
from skvae.exceptions import warn_data

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
    transform : {"none", "yeo-johnson", "quantile"}, default="none"
        An increasing function t of each column that is learned in fit, for skewed or
        bounded numbers: t(x) is normal given z, and ln p(x | z) has the term ln t'(x),
        so that densities stay in the units of x. "yeo-johnson" is a power
        transformation (Yeo & Johnson 2000), "quantile" maps up to 33 quantiles of the
        column to those of a normal distribution, with lines between them. t keeps the
        column's mean and standard deviation, and is linear beyond the training rows.
        Scales are those of t(x), and the median t⁻¹(μ) takes the place of the mean of
        p(x | z). It requires an identity mean.

    References
    ----------
    Yeo, I.-K. and Johnson, R. A. (2000). A new family of power transformations to
    improve normality or symmetry. Biometrika 87(4).

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
    transform: str = parameter(
        Options(("none", "yeo-johnson", "quantile")), default="none"
    )

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
        if self.transform != "none":
            self._learn_transform(X, weight)

    def _learn_transform(self, X, weight):
        if self.mean != "identity":
            raise ValueError(
                f"transform={self.transform!r} requires mean='identity'. Got mean="
                f"{self.mean!r} instead."
            )
        if self.transform == "quantile":
            found = learn_quantiles(X - self.origin_, self.mean_, self.std_, weight)
        else:  # far from zero, a power is a line
            near = np.where(self.origin_ == 0, self.std_, 0.0)
            found = learn_powers(X, self.mean_, near, weight)
        vars(self).update(found)

    def _transform(self):
        """Return the module of the transformation, or None."""
        if self.transform == "none":
            return None
        if self.transform == "quantile":
            return Quantiles(self.knots_, self.heights_)
        ends = self.low_, self.high_
        return YeoJohnson(self.power_, self.unit_, *ends, self.shift_, self.factor_)

    def _range(self):
        """Return the lowest and the highest transformed value of each column."""
        ends = np.stack([self.low_, self.high_])
        if self.transform == "quantile":
            ends = np.array([[h[0], h[-1]] for h in self.heights_]).T
        elif self.transform == "yeo-johnson":
            ends = self.shift_ + self.factor_ * psi(ends / self.unit_, self.power_)
        return ends

    @property
    def fill(self):
        if self.transform == "none":
            return super().fill
        with torch.device("cpu"):  # also while a module is built without memory
            return self._transform().inverse(torch.from_numpy(self.mean_)).numpy()

    def correct(self, mean, std, low, high):
        if self.transform != "none":  # it belongs to the statistics of the sample
            self.low_, self.high_ = low - self.origin_, high - self.origin_
            return
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
        spread = spreads(self.std_, *self._range())
        # Constant columns must not affect the unit of a shared scale.
        unit = self.std_ if self.scale == "shared" and self.std_.any() else std
        scale = build_scale(self.scale, unit, self.min_scale, n_hidden)
        given = n_hidden, self.mean_, spread, scale
        if self.transform == "none":
            return GaussianHead(*given, self.mean)
        return TransformedHead(*given, self._transform())


class GaussianHead(Head):
    """h -> N(μ, σ²), with μ in the data's units, starting at the columns' means.

    All of them are relative to the likelihood's `origin`, as is x.
    """

    def __init__(self, n_hidden, center, spread, scale, mean):
        super().__init__(n_hidden, len(center), len(center))
        self.scale, self.mean = scale, mean
        self.register_buffer("center", constants(center))
        self.register_buffer("spread", constants(spread))
        self.register_buffer("per_spread", constants(1 / spread))
        self.register_buffer("offset", constants(-center / spread))
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


class TransformedHead(GaussianHead):
    """h -> p(x), where t(x) is normal; x is relative to the likelihood's `origin`."""

    def __init__(self, n_hidden, center, spread, scale, transform):
        super().__init__(n_hidden, center, spread, scale, "identity")
        self.transform = transform

    def features(self, x, seen=None):
        return super().features(self.transform(x), seen)

    def forward(self, h):
        return Transformed(super().forward(h), self.transform)
