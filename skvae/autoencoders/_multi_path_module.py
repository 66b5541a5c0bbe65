"""Latents from several depths of one encoder."""

import numpy as np
import torch
from torch import nn

from skvae.autoencoders._vae_module import VAE
from skvae.distributions import Normal, marginal_kl
from skvae.nets import LocScale
from skvae.objectives import elbo


class MPVAE(VAE):
    """p(x, z_1, ..., z_n) = Π_k p(z_k) p(x | z_1, ..., z_n), z_k from depth k.

    Path k starts from the hidden units of a single encoder at some depth, and a single
    decoder joins all paths. Given x, the paths are independent. Trained on

        L(x) = E_q[ln p(x | z_1, ..., z_n)] − Σ_k β_k KL(q(z_k | x) || N(0, I))

    (Ishikawa et al., eq. 5 and 6). With one path it is the VAE.

    Parameters
    ----------
    stages : list of torch.nn.Module
        (B, h_{k−1}) -> (B, h_k): the encoder, cut where the paths start.
    paths : list of torch.nn.Module
        (B, h_k) -> (B, h'_k): layers of each path.
    sizes : list of int
        h'_k.
    decoder, head, prior : torch.nn.Module
        As in :class:`VAE`.
    widths : sequence of int
        Number of latents of each path.
    shown : sequence of int
        Which paths `encode` returns.
    skips : sequence of bool
        Of which paths the last layer sees x too, beside the hidden units.
    """

    def __init__(
        self, stages, paths, sizes, decoder, head, prior, widths, shown, *, skips
    ):
        nn.Module.__init__(self)
        self.stages, self.paths = nn.ModuleList(stages), nn.ModuleList(paths)
        self.heads = nn.ModuleList(
            LocScale(size, width) for size, width in zip(sizes, widths, strict=True)
        )
        self.decoder, self.head, self.prior_module = decoder, head, prior
        self.widths, self.shown = tuple(widths), tuple(shown)
        self.skips = tuple(skips)
        self.n_latents = sum(widths)
        self.n_outputs = sum(widths[k] for k in shown)
        self.register_buffer("_path", self._path_of_latents(), persistent=False)

    def _path_of_latents(self):
        """Return the path of each latent, (Σ K,)."""
        return torch.as_tensor(np.repeat(np.arange(len(self.widths)), self.widths))

    def start_at(self, start):
        """Start at the linear model of rows, see `LinearStart`.

        The first components are those of the deepest path, the last those of the
        shallowest, which keeps details.
        """
        order = np.argsort(-self._path.numpy(), kind="stable")
        model = start.fit(self.n_latents).ordered(np.argsort(order))
        by_y = model.encoder
        weight, bias = start.encoder(by_y, shift=-by_y @ model.mean)
        scale = np.sqrt(model.variance)
        for k, head in enumerate(self.heads):
            its = self._path.numpy() == k
            head.start_linear(weight[its], bias[its], scale[its])
        self.head.start_linear(*start.decoder(model.W, model.psi, model.mean))

    def posterior_of(self, features):
        h, parts = features, []
        for k, (stage, path) in enumerate(zip(self.stages, self.paths, strict=True)):
            h = stage(h)
            seen = path(h)  # (B, h'_k)
            if self.skips[k]:
                seen = torch.cat([seen, features], -1)
            parts.append(self.heads[k](seen))
        loc, scale = (torch.cat(part, -1) for part in zip(*parts, strict=True))
        return Normal(loc, scale)  # (B, K_1 + ... + K_n)

    # -- what transform returns ------------------------------------------------------

    def _columns(self):
        """Return the positions of the latents that `encode` returns."""
        ends = np.cumsum(self.widths)
        starts = ends - np.array(self.widths)
        return np.concatenate([np.arange(starts[k], ends[k]) for k in self.shown])

    def encode(self, batch):
        return self.posterior(batch).mean[:, self._columns()]

    def decode(self, z, batch=None):
        whole = z.new_zeros((*z.shape[:-1], self.n_latents))
        whole[..., self._columns()] = z
        return super().decode(whole)

    # -- training -------------------------------------------------------------------

    def scheduled(self):
        betas = np.broadcast_to(self.beta, len(self.widths)) * self.kl_weight
        if len(set(betas)) == 1:
            return {"beta": float(betas[0])}
        return {f"beta_path{k}": float(beta) for k, beta in enumerate(betas)}

    def _terms(self, batch, noise):
        q, p = self.posterior(batch), self.prior(batch)
        z = q.rsample(noise)  # (B, Σ K)
        reconstruction = self.log_likelihood(z, batch)
        by_latent = marginal_kl(q, p)  # (B, Σ K)
        weighted = (by_latent * self._weights(by_latent)).sum(-1)
        bound = elbo(reconstruction, weighted, self.kl_weight)
        terms = {"reconstruction": reconstruction, "kl": by_latent.sum(-1)}
        return bound, terms | self._by_path(by_latent)

    def _weights(self, like):
        """Return β of each latent, (Σ K,)."""
        beta = torch.as_tensor(self.beta, dtype=like.dtype, device=like.device)
        return beta.expand(len(self.widths))[self._path]

    def _by_path(self, by_latent):
        """Return the divergence of each path by name, if there are several."""
        if len(self.widths) == 1:
            return {}
        parts = by_latent.split(self.widths, -1)
        return {f"kl_path{k}": part.sum(-1) for k, part in enumerate(parts)}
