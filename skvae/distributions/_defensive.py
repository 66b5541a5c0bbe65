"""A proposal that also looks where it does not expect much."""

import torch

from skvae.distributions._base import Distribution


class Defensive(Distribution):
    """(1 − s) q + s p: importance weights under it are at most 1 / s of those under p.

    Parameters
    ----------
    q, p : Distribution
        Of the same rows.
    share : Tensor of shape (B,), or float
        s of every row.
    """

    def __init__(self, q, p, share):
        self.q, self.p = q, p
        self.share = q.mean.new_ones(q.mean.shape[-2]) * share

    @property
    def mean(self):
        """Of q, which stands for the whole."""
        return self.q.mean

    def log_prob(self, value):
        ours = self.q.log_prob(value) + torch.log1p(-self.share)
        return torch.logaddexp(ours, self.p.log_prob(value) + self.share.log())

    def sample(self, noise, n_samples=None):
        ours, theirs = (part.sample(noise, n_samples) for part in (self.q, self.p))
        coin = noise.uniform(self.share.unsqueeze(-1), n_samples)  # (..., B, 1)
        return torch.where(coin < self.share.unsqueeze(-1), theirs, ours)
