"""Layers of latents, each conditioned on the layer above."""

import torch

from skvae.distributions._base import Distribution, kl
from skvae.distributions._normal import Normal, StandardNormal


class Chain(Distribution):
    """p(z_1, ..., z_L) = N(z_L; 0, I) Π_l p(z_{l−1} | z_l), layers concatenated.

    Parameters
    ----------
    like : Tensor of shape (B, K_1 + ... + K_L)
        Provides the shape, dtype and device; its values are ignored.
    widths : sequence of int
        K_1, ..., K_L, lowest layer first.
    below : sequence of callables
        (..., B, K_l) -> p(z_{l−1} | z_l), for l = 2, ..., L.
    """

    def __init__(self, like, widths, below):
        self.widths, self.below = list(widths), list(below)
        self.top = StandardNormal(like[..., -self.widths[-1] :])

    def layers(self, value):
        """Return p(z_l | z_{l+1}) of every layer, lowest first."""
        z = value.split(self.widths, -1)
        pairs = zip(self.below, z[1:], strict=True)
        return [*(p(above) for p, above in pairs), self.top]

    def down(self, top, choose):
        """Descend from z_L, applying `choose` to each distribution: (..., B, Σ K)."""
        z = [top]
        for p in reversed(self.below):
            z.insert(0, choose(p(z[0])))
        return torch.cat(z, -1)

    @property
    def mean(self):
        """Each layer's mean given the mean above: typical, not the expected value."""
        return self.down(self.top.mean, lambda p: p.mean)

    def log_prob(self, value):
        pairs = zip(self.layers(value), value.split(self.widths, -1), strict=True)
        return sum(p.log_prob(z) for p, z in pairs)

    def marginal_log_prob(self, value):
        """Log-density of each latent given the layer above, (..., B, Σ K)."""
        pairs = zip(self.layers(value), value.split(self.widths, -1), strict=True)
        return torch.cat([p.marginal_log_prob(z) for p, z in pairs], -1)

    def divergence_from(self, q, z):
        """Σ_l KL(q(z_l) || p(z_l | z_{l+1})) at draws z, each in closed form.

        q is a Normal over the concatenated layers.
        """
        return sum(map(kl, self._split(q), self.layers(z)))

    def _split(self, q):
        parts = zip(
            q.loc.split(self.widths, -1), q.scale.split(self.widths, -1), strict=True
        )
        return [Normal(loc, scale) for loc, scale in parts]

    def sample(self, noise, n_samples=None):
        top = self.top.sample(noise, n_samples)
        return self.down(top, lambda p: p.sample(noise))
