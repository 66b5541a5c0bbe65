"""Monotone transformations of columns, and distributions of transformed columns.

A transformation t is learned in fit, column by column. It is increasing and maps the
real numbers onto themselves, so that p(x) = p(t(x)) t'(x) is a density of the column in
its own units. It keeps the column's mean and standard deviation, and is linear beyond
the training rows, so that no draw overflows.
"""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import ndtri
from torch import nn

from skvae.distributions._base import Distribution

MAX_KNOTS = 33  # of a transformation by quantiles
ROWS_PER_KNOT = 20  # at least
STEEPEST = 100.0  # slope, and inverse of the flattest, in standard deviations
POWERS = 0.0, 2.0  # range of the exponent: both sides reach infinity
UNIT = 0.1  # quantile of |x| that is the unit: low, so that logarithms are about ln x


class Transformed(Distribution):
    """Columns x whose transformed values t(x) are normal.

    ln p(x) = ln N(t(x); μ, σ²) + ln t'(x).

    Parameters
    ----------
    normal : Normal
        Distribution of t(x), with parameters of shape (..., B, D).
    transform : YeoJohnson or Quantiles
        t.
    """

    def __init__(self, normal, transform):
        self.normal, self.transform = normal, transform

    @property
    def mean(self):
        """The median t⁻¹(μ), (..., B, D): the mean has no closed form."""
        return self.transform.inverse(self.normal.mean)

    def log_prob(self, value):
        slopes = self.transform.log_slope(value).sum(-1)
        return self.normal.log_prob(self.transform(value)) + slopes

    def cell_log_prob(self, value):
        cells = self.normal.cell_log_prob(self.transform(value))
        return cells + self.transform.log_slope(value)

    def rsample(self, noise, n_samples=None):
        return self.transform.inverse(self.normal.rsample(noise, n_samples))

    def sample(self, noise, n_samples=None):
        return self.transform.inverse(self.normal.sample(noise, n_samples))

    def detached(self):
        return Transformed(self.normal.detached(), self.transform)


class Transform(nn.Module):
    """An increasing function of each column, from ℝ onto ℝ.

    Its tables are not persistent: the likelihood has them, and weights read from a file
    must not determine them.
    """

    def _put(self, **tables):
        for name, values in tables.items():
            # Double until the whole module is cast.
            tensor = torch.as_tensor(values, dtype=torch.float64)
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, x):
        """Return t(x), (..., B, D)."""
        raise NotImplementedError

    def inverse(self, y):
        """Return the x with t(x) = y, (..., B, D)."""
        raise NotImplementedError

    def log_slope(self, x):
        """Return ln t'(x), (..., B, D)."""
        raise NotImplementedError


class YeoJohnson(Transform):
    """t(x) = shift + factor · ψ(x / unit), with the power λ of Yeo & Johnson (2000).

    ψ(u) = ((1 + u)^λ − 1) / λ for u ≥ 0, and −((1 − u)^(2 − λ) − 1) / (2 − λ) below.

    Parameters
    ----------
    power, unit, low, high : ndarray of shape (d,)
        λ from 0 to 2, the unit, and the range of x beyond which t is linear.
    shift, factor : ndarray of shape (d,)
        Of the result.
    """

    def __init__(self, power, unit, low, high, shift, factor):
        super().__init__()
        ends = np.stack([low, high]) / unit
        self._put(power=power, unit=unit, shift=shift, factor=factor)
        self._put(low=ends[0], high=ends[1], rate=np.log(factor / unit))
        self._put(first=psi(ends[0], power), last=psi(ends[1], power))

    def forward(self, x):
        u = x / self.unit
        inside = u.clamp(self.low, self.high)
        k, v = self._side(inside)
        y = inside.sign() * _power(v, k)
        y = torch.addcmul(y, ((k - 1) * v).exp(), u - inside)
        return torch.addcmul(self.shift, self.factor, y)

    def inverse(self, y):
        y = (y - self.shift) / self.factor
        inside = y.clamp(self.first, self.last)
        k = torch.where(inside < 0, 2 - self.power, self.power)
        size = inside.abs()
        v = torch.where(k == 0, size, (k * size).log1p() / torch.where(k == 0, 1, k))
        u = inside.sign() * v.expm1()
        return self.unit * torch.addcmul(u, (-(k - 1) * v).exp(), y - inside)

    def log_slope(self, x):
        k, v = self._side((x / self.unit).clamp(self.low, self.high))
        return self.rate + (k - 1) * v

    def _side(self, u):
        """Return the power on the side of u, and ln(1 + |u|)."""
        return torch.where(u < 0, 2 - self.power, self.power), u.abs().log1p()


def _power(v, k):
    """Return (e^(k v) − 1) / k; v if k is 0."""
    return torch.where(k == 0, v, (k * v).expm1() / torch.where(k == 0, 1, k))


def psi(u, power):
    """Return ψ of numpy arrays, see `YeoJohnson`."""
    k, v = np.where(u < 0, 2 - power, power), np.log1p(np.abs(u))
    return np.sign(u) * np.where(k == 0, v, np.expm1(k * v) / np.where(k == 0, 1, k))


class Quantiles(Transform):
    """t is piecewise linear through knots, so that t(x) is about normal.

    Parameters
    ----------
    knots, heights : list of ndarray of shape (k,)
        x and t(x) of each column, increasing; a single knot is the identity.
    """

    def __init__(self, knots, heights):
        super().__init__()
        shape = len(knots), max(map(len, knots))
        ends = np.full((2, *shape), np.inf)  # no value is beyond a knot at infinity
        bases = np.zeros((2, shape[0], shape[1] + 1))
        slopes = np.ones_like(bases[0])
        for j, (x, y) in enumerate(zip(knots, heights, strict=True)):
            n = len(x)
            ends[:, j, :n] = x, y
            bases[:, j, : n + 1] = np.append(x[0], x), np.append(y[0], y)
            if n > 1:
                inner = np.diff(y) / np.diff(x)
                slopes[j, : n + 1] = [inner[0], *inner, inner[-1]]
        self._put(knots=ends[0], heights=ends[1])
        self._put(x=bases[0], y=bases[1], slope=slopes)

    def forward(self, x):
        at = _segments(x, self.knots)
        return self._at(self.y, at) + self._at(self.slope, at) * (
            x - self._at(self.x, at)
        )

    def inverse(self, y):
        at = _segments(y, self.heights)
        return self._at(self.x, at) + (y - self._at(self.y, at)) / self._at(
            self.slope, at
        )

    def log_slope(self, x):
        return self._at(self.slope, _segments(x, self.knots)).log()

    def _at(self, table, segments):
        """Return the entries of a table, (D, k + 1), of segments, (..., D)."""
        return table[torch.arange(len(table), device=table.device), segments]


def _segments(values, ends):
    """Return how many ends, (D, k), are at most each value, (..., D)."""
    by_column = values.movedim(-1, 0)  # (D, ...)
    flat = by_column.reshape(len(ends), -1).contiguous()
    found = torch.searchsorted(ends, flat, right=True)
    return found.view(by_column.shape).movedim(0, -1)


# -- learning --------------------------------------------------------------------------


def learn_powers(X, mean, std, weight=None):
    """Return powers, units, shifts and factors of columns, (d,) each, by name.

    Powers maximise the likelihood of a normal distribution.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows; NaN where a cell is missing.
    mean, std : ndarray of shape (d,)
        Statistics of the columns. Columns without spread are left as they are.
    weight : ndarray of shape (n,), optional
        Weights of the rows, above 0; equal by default.
    """
    found = {"power_": np.ones_like(std), "unit_": np.ones_like(std)}
    found |= {"shift_": np.zeros_like(std), "factor_": np.ones_like(std)}
    for j in np.flatnonzero(std > 0):
        x, share = _column(X, j, weight)
        unit = _quantiles(np.abs(x[x != 0]), UNIT, share[x != 0])
        power = _best_power(x / unit, share)
        y = psi(x / unit, power)
        centre, deviation = _moments(y, share)
        factor = std[j] / deviation
        values = power, unit, mean[j] - factor * centre, factor
        for name, value in zip(found, values, strict=True):
            found[name][j] = value
    return found


def _best_power(u, share):
    slopes = np.sign(u) * np.log1p(np.abs(u))  # ln ψ' is (λ − 1) times this

    def loss(power):
        return np.log(_moments(psi(u, power), share)[1]) - (power - 1) * (
            share @ slopes
        )

    return float(minimize_scalar(loss, bounds=POWERS, method="bounded").x)


def learn_quantiles(X, mean, std, weight=None):
    """Return knots and heights of columns, lists of ndarray, by name.

    The parameters are those of `learn_powers`.
    """
    pairs = [_knots(*_column(X, j, weight), mean[j], std[j]) for j in range(X.shape[1])]
    knots, heights = map(list, zip(*pairs, strict=True))
    return {"knots_": knots, "heights_": heights}


def _knots(x, weight, mean, std):
    n_knots = int(np.clip(len(x) // ROWS_PER_KNOT, 2, MAX_KNOTS))
    share = np.linspace(0, 1, n_knots)
    knots, which = np.unique(_quantiles(x, share, weight), return_inverse=True)
    if len(knots) == 1 or std == 0:
        return knots[:1], knots[:1].copy()
    share = np.bincount(which, share) / np.bincount(which)  # of ties, the middle
    least = weight.min() / 2
    heights = ndtri(share.clip(least, 1 - least))
    gaps = np.diff(knots) / std
    rises = np.diff(heights).clip(gaps / STEEPEST, gaps * STEEPEST)
    heights = np.cumsum([0.0, *rises])
    centre, deviation = _moments(np.interp(x, knots, heights), weight)
    return knots, mean + std * (heights - centre) / deviation


def _column(X, j, weight):
    """Return the observed cells of a column, and their shares of the weight."""
    seen = ~np.isnan(X[:, j])
    weight = np.ones(len(X)) if weight is None else weight
    return X[seen, j].astype(np.float64), weight[seen] / weight[seen].sum()


def _moments(y, share):
    """Return the mean and the standard deviation."""
    mean = share @ y
    return mean, np.sqrt(share @ np.square(y - mean))


def _quantiles(x, q, weight):
    return np.quantile(x, q, weights=weight, method="inverted_cdf")
