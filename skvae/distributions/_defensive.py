"""A proposal mixed with the prior, for bounded importance weights."""

import torch

from skvae.distributions._base import Distribution


class Defensive(Distribution):
    """(1 − s) q + s p: its importance weights are at most 1 / s times those under p.

    Parameters
    ----------
    q, p : Distribution
        Distributions over the same rows.
    share : Tensor of shape (B,), or float
        The share s of p, per row.
    """

    def __init__(self, q, p, share):
        self.q, self.p = q, p
        self.share = q.mean.new_ones(q.mean.shape[-2]) * share

    @property
    def mean(self):
        """The mean of q, as a stand-in for the mixture's."""
        return self.q.mean

    def log_prob(self, value):
        from_q = self.q.log_prob(value) + torch.log1p(-self.share)
        return torch.logaddexp(from_q, self.p.log_prob(value) + self.share.log())

    def sample(self, noise, n_samples=None):
        from_q, from_p = (part.sample(noise, n_samples) for part in (self.q, self.p))
        coin = noise.uniform(self.share.unsqueeze(-1), n_samples)  # (..., B, 1)
        return torch.where(coin < self.share.unsqueeze(-1), from_p, from_q)
