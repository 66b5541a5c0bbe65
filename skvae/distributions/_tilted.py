"""A distribution reweighted by the exponential of a function."""

from skvae.distributions._base import Distribution, kl


class Tilted(Distribution):
    """p(z) = base(z) e^T(z) / Z, with an approximation that can be sampled.

    Parameters
    ----------
    base : Distribution
        The base distribution of B rows.
    log_tilt : callable
        T: (..., B, K) -> (..., B).
    log_normaliser : Tensor of shape (), or float
        ln Z.
    near : Distribution
        Approximation of p, used for draws, the mean and marginals. The draws are not
        reweighted, so they must not be used with `log_prob` in importance sampling.
    """

    def __init__(self, base, log_tilt, log_normaliser, near):
        self.base, self.log_tilt, self.near = base, log_tilt, near
        self.log_normaliser = log_normaliser

    @property
    def mean(self):
        return self.near.mean

    def log_ratio(self, value):
        """Return ln p(z) − ln base(z), (..., B)."""
        return self.log_tilt(value) - self.log_normaliser

    def log_prob(self, value):
        return self.base.log_prob(value) + self.log_ratio(value)

    def divergence_from(self, q, z):
        """KL(q || base), exact if possible, minus ln(p(z) / base(z)) at z."""
        return kl(q, self.base, z) - self.log_ratio(z)

    def marginal_log_prob(self, value):
        return self.near.marginal_log_prob(value)

    def as_normal(self):
        return self.near.as_normal()

    def sample(self, noise, n_samples=None):
        return self.near.sample(noise, n_samples)
