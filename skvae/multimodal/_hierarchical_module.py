"""The joint multimodal variational autoencoder with several layers of latents."""

import torch
from torch import nn

from skvae.distributions import Chain, Normal
from skvae.multimodal._jmvae_module import JMVAE
from skvae.multimodal._modality import where


class HierarchicalJMVAE(JMVAE):
    """p(x, z_1, ..., z_L) = p(z_L) Π_l p(z_{l−1} | z_l) Π_m p(x_m | z_1).

    The posterior is Π_l q(z_l | x), with a Gaussian for each of a chain of layers h_1,
    ..., h_L. Trained on

        L(x) = E_q[Σ_m λ_m ln p(x_m | z_1)]
               − β Σ_l E_q[KL(q(z_l | x) || p(z_l | z_{l+1}))],

    with p(z_L | z_{L+1}) = N(0, I) (Suzuki et al. 2018, eq. 7 to 9; the divergences are
    exact given a draw of the layer above). There are no experts. Missing modalities are
    drawn iteratively from the top: z_L ~ q(z_L | x), then down by p(z_{l−1} | z_l) to
    p(x_m | z_1). The paper does so for the likelihoods that it reports (A.2), and does
    not specify the iterations.

    Parameters
    ----------
    modalities : Modalities
        Networks of each modality; decoders see z_1.
    joint : Ladder
        The posterior.
    below : torch.nn.ModuleList
        z_l -> p(z_{l−1} | z_l), for l = 2, ..., L.
    widths : sequence of int
        K_1, ..., K_L.
    layers : {"top", "all"}
        What `encode` returns.
    seed : int
        Seed of the noise in iterations, the same for all rows.
    """

    def __init__(self, modalities, joint, below, widths, layers, seed):
        super().__init__(modalities, joint, nn.ModuleList(), sum(widths), seed)
        self.n_outputs = widths[-1] if layers == "top" else sum(widths)
        self.below, self.widths, self.layers = below, tuple(widths), layers

    def prior(self, batch):
        return self._chain(batch.x.new_empty((batch.x.shape[0], self.n_latents)))

    def _chain(self, like):
        return Chain(like, self.widths, self.below)

    def lowest(self, z):
        return z[..., : self.widths[0]]

    def _top(self, z):
        return z[..., -self.widths[-1] :]

    def or_prior(self, q, observed):
        """Return q, or mean and scale of the prior chain for rows without a block."""
        chain = self._chain(q.loc)
        mean = chain.mean
        scales = [layer.scale for layer in chain.layers(mean)[:-1]]
        prior = Normal(mean, torch.cat([*scales, torch.ones_like(self._top(mean))], -1))
        return where(observed.any(-1), q, prior)

    def down(self, q, noise):
        top = self._top(q.sample(noise))
        return self._chain(q.loc).down(top, lambda p: p.sample(noise))

    def predictive_draws(self, batch, noise, n_draws):
        """Yield S draws of z_1 given z_2 for each of S draws z_2 ~ q(z_2 | ·) (A.2)."""
        q = self.posterior(batch)
        for _ in range(n_draws):
            top = self._top(q.sample(noise))
            for _ in range(n_draws):
                yield self._chain(q.loc).down(top, lambda p: p.sample(noise))

    def encode(self, batch):
        mean = self.posterior(batch).mean
        return self._top(mean) if self.layers == "top" else mean

    def decode(self, z, batch=None):
        if self.layers == "top":
            z = self._chain(z).down(z, lambda p: p.mean)
        return super().decode(z)
