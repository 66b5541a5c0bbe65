"""Normal distributions: diagonal, standard, and mixtures with equal weights."""

import math

import torch

from skvae.distributions._base import Distribution, register_kl

LOG_2PI = math.log(2 * math.pi)


class Normal(Distribution):
    """N(loc, diag scale²).

    Parameters
    ----------
    loc, scale : Tensor of shape (..., B, K)
        Mean and standard deviation; a `scale` of shape (K,) is shared by all rows.
    """

    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale

    @property
    def mean(self):
        return self.loc

    def log_prob(self, value):
        residual = (value - self.loc) / self.scale
        constant = self.scale.log().sum(-1) + 0.5 * self.scale.shape[-1] * LOG_2PI
        return torch.sub(-constant, residual.square().sum(-1), alpha=0.5)

    def marginal_log_prob(self, value):
        residual = (value - self.loc) / self.scale
        return -0.5 * (residual.square() + LOG_2PI) - self.scale.log()

    cell_log_prob = marginal_log_prob

    def rsample(self, noise, n_samples=None):
        return torch.addcmul(self.loc, self.scale, noise.normal(self.loc, n_samples))

    def sample(self, noise, n_samples=None):
        with torch.no_grad():
            return self.rsample(noise, n_samples)

    def as_normal(self):
        return self

    def detached(self):
        return Normal(self.loc.detach(), self.scale.detach())


class StandardNormal(Distribution):
    """N(0, I), the usual p(z).

    Parameters
    ----------
    like : Tensor of shape (B, K)
        Provides the shape, dtype and device; its values are ignored.
    """

    def __init__(self, like):
        self._like = like

    @property
    def mean(self):
        return torch.zeros_like(self._like)

    def log_prob(self, value):
        return -0.5 * (value.square().sum(-1) + value.shape[-1] * LOG_2PI)

    def marginal_log_prob(self, value):
        return -0.5 * (value.square() + LOG_2PI)

    def sample(self, noise, n_samples=None):
        return noise.normal(self._like, n_samples)

    rsample = sample

    def as_normal(self):
        return Normal(self.mean, torch.ones_like(self._like))


class NormalMixture(Distribution):
    """A mixture of M diagonal normals with equal weights, the same for every row.

    Parameters
    ----------
    loc, scale : Tensor of shape (M, K)
        Means and standard deviations of the components.
    n_rows : int
        Number of rows of a draw.
    """

    def __init__(self, loc, scale, n_rows):
        self.loc, self.scale, self.n_rows = loc, scale, n_rows

    @property
    def mean(self):
        return self.loc.mean(0).expand(self.n_rows, -1)

    def log_prob(self, value):
        # Expanding the squares avoids a (..., B, M, K) tensor. It needs double
        # precision, as the terms cancel where a component is narrow.
        z, loc, scale = value.double(), self.loc.double(), self.scale.double()
        precision = scale.square().reciprocal()  # (M, K)
        squares = (
            z.square() @ precision.mT
            - 2 * z @ (loc * precision).mT
            + (loc.square() * precision).sum(-1)
        )  # (..., B, M)
        constant = scale.log().sum(-1) + 0.5 * scale.shape[-1] * LOG_2PI  # (M,)
        log_joint = -0.5 * squares - constant - math.log(len(scale))
        return log_joint.logsumexp(-1).to(value.dtype)

    def as_normal(self):
        mean = self.loc.mean(0)
        variance = (self.scale.square() + (self.loc - mean).square()).mean(0)
        return Normal(self.mean, variance.sqrt().expand(self.n_rows, -1))

    def marginal_log_prob(self, value):
        parts = Normal(self.loc, self.scale).marginal_log_prob(value.unsqueeze(-2))
        return parts.logsumexp(-2) - math.log(len(self.scale))  # (..., B, M, K) -> K

    def sample(self, noise, n_samples=None):
        like = self.loc.new_empty((self.n_rows, self.loc.shape[-1]))
        which = noise.uniform(like[:, :1], n_samples)  # (..., B, 1)
        which = (which[..., 0] * len(self.loc)).long()  # (..., B)
        with torch.no_grad():
            return self.loc[which] + self.scale[which] * noise.normal(like, n_samples)


class Point(Distribution):
    """All mass at one point: the latents of a deterministic autoencoder.

    Parameters
    ----------
    loc : Tensor of shape (..., B, K)
        The point.
    """

    def __init__(self, loc):
        self.loc = loc

    @property
    def mean(self):
        return self.loc

    def rsample(self, noise=None, n_samples=None):
        if n_samples is None:
            return self.loc
        return self.loc.expand(n_samples, *self.loc.shape)

    sample = rsample


@register_kl(Normal, StandardNormal)
def _kl_normal_standard(q, p):
    """KL(N(μ, σ²) || N(0, 1)) = ½ (μ² + σ² − 1 − ln σ²), Kingma & Welling app. B."""
    squares = q.loc.square() + q.scale.square() - 1
    return 0.5 * squares - q.scale.log()


@register_kl(Normal, Normal)
def _kl_normal_normal(q, p):
    """½ ((μ_q − μ_p)² / σ_p² + σ_q² / σ_p² − 1) − ln(σ_q / σ_p)."""
    ratio = q.scale / p.scale
    squares = ((q.loc - p.loc) / p.scale).square() + ratio.square() - 1
    return 0.5 * squares - ratio.log()
