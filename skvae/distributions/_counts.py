"""The negative binomial likelihood, of counts that vary more than Poisson's."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from skvae.distributions._base import Distribution
from skvae.distributions._heads import Head, Working
from skvae.distributions._likelihoods import Poisson
from skvae.distributions._scales import GAIN, SOFTPLUS_ONE

LOG_SIZES = -7.0, 12.0  # range of ln r; above, it is a Poisson distribution
N_ROUNDS = 8  # of rejection, of which each accepts at least 95 %


class NegativeBinomial(Poisson):
    """Counts with more variance than mean, such as sales with many zeros.

    With the mean μ(z) and a dispersion r per column,

        p(x | z) = Γ(x + r) / (Γ(r) x!) · (r / (r + μ))^r · (μ / (r + μ))^x,

    which has the variance μ + μ² / r (Lawless 1987, eq. 2.1). μ is a softplus times the
    column's mean, and r is learned. A large r is a Poisson distribution. The encoder
    sees ln(1 + x). Values that are not whole numbers raise an error.

    References
    ----------
    J. F. Lawless. Negative binomial and mixed Poisson regression. Canadian Journal of
    Statistics 15(3), 1987.

    Examples
    --------
    >>> from skvae.distributions import NegativeBinomial
    >>> NegativeBinomial()
    NegativeBinomial()
    """

    def head(self, n_hidden):
        return NegativeBinomialHead(n_hidden, self.mean_, self.std_)


class NegativeBinomialHead(Head):
    """h -> means μ = mean · softplus, starting at the mean; r = exp(GAIN · w)."""

    def __init__(self, n_hidden, mean, std):
        super().__init__(n_hidden, len(mean), len(mean))
        self.start_at(np.full(len(mean), SOFTPLUS_ONE))
        # Columns that are zero in training keep a positive mean.
        mean = np.maximum(mean, 1e-3)
        self.register_buffer("scale", torch.as_tensor(mean))
        # Moments of the column as a whole: the variance beyond Poisson's is μ² / r.
        excess = np.maximum(std**2 - mean, 1e-3 * mean**2)
        log_size = torch.as_tensor(np.log(mean**2 / excess)).clamp(*LOG_SIZES)
        self.weight = nn.Parameter((log_size / GAIN).float())

    @property
    def size(self):
        """Dispersions r, (D,)."""
        return (GAIN * self.weight).clamp(*LOG_SIZES).exp()

    def features(self, x, seen=None):
        return x.log1p()

    def working(self, mean):
        # ln(1 + x) has the variance (μ + μ² / r) / (1 + μ)², about; softplus has the
        # slope 1 − 1/e where it is 1.
        mu = self.scale.double().numpy().clip(min=0.05)
        size = self.size.detach().double().numpy()
        deviation = np.sqrt(mu + mu**2 / size)
        slope = (1 - np.exp(-1)) * mu / deviation
        return Working((1 + mu) / deviation, slope, np.full(len(mu), Working.FIXED))

    def forward(self, h):
        mean = self.scale * (functional.softplus(self.linear(h)) + 1e-6)
        return NegativeBinomialVector(mean, self.size)


class NegativeBinomialVector(Distribution):
    """Independent negative binomial counts.

    Parameters
    ----------
    mean : Tensor of shape (..., B, D)
        μ > 0.
    size : Tensor of shape (D,) or (..., B, D)
        r > 0; the variance is μ + μ² / r.
    """

    def __init__(self, mean, size):
        self._mean, self.size = mean, size

    @property
    def mean(self):
        return self._mean

    def log_prob(self, value):
        return self._terms(value).sum(-1).to(self._mean.dtype)

    def cell_log_prob(self, value):
        return self._terms(value).to(self._mean.dtype)

    def _terms(self, value):
        # In double precision, as the terms cancel.
        x, mean, size = value.double(), self._mean.double(), self.size.double()
        log_total = (size + mean).log()
        terms = torch.lgamma(x + size) - torch.lgamma(size) - torch.lgamma(x + 1)
        return terms + size * (size.log() - log_total) + x * (mean.log() - log_total)

    def sample(self, noise, n_samples=None):
        # A Poisson variable whose rate is Γ(r)-distributed with the mean μ.
        size = self.size.double().expand(self._mean.shape)
        rate = standard_gamma(noise, size, n_samples) * (self._mean.double() / size)
        return noise.poisson(rate).to(self._mean.dtype)


def standard_gamma(noise, shape, n_samples=None):
    """Draw from Γ(shape, 1), by rejection (Marsaglia & Tsang 2000).

    Parameters
    ----------
    noise : Noise
        Source of the random numbers.
    shape : Tensor of shape (..., B, D)
        Positive.
    n_samples : int, optional
        Size of a new leading axis.
    """
    # Γ(a) = Γ(a + 1) · U^(1 / a), so that the rejection has a shape of at least 1.
    d = shape + 1 - 1 / 3
    c = (9 * d).rsqrt()
    drawn = torch.zeros(())
    for _ in range(N_ROUNDS):
        normal = noise.normal(shape, n_samples)
        uniform = noise.uniform(shape, n_samples).clamp_min(1e-300)
        v = (1 + c * normal) ** 3
        safe = v.clamp_min(1e-300)
        bound = normal**2 / 2 + d * (1 - v + safe.log())
        accepted = (v > 0) & (uniform.log() < bound)
        drawn = torch.where((drawn == 0) & accepted, d * safe, drawn)
    drawn = torch.where(drawn == 0, d, drawn)  # never rejected so often
    power = noise.uniform(shape, n_samples).clamp_min(1e-300)
    return drawn * power ** (1 / shape)
