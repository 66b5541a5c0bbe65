"""Starts of multimodal models at a closed form, see `skvae.starts`.

The linear model is fitted to the columns of all modalities together,

    y_m = W_m z + ε_m,  z ~ N(0, I),  ε_m ~ N(0, Ψ_m),

with z rotated so that the joint posterior is diagonal. The decoder of modality m begins
at W_m and Ψ_m, the joint encoder at p(z | y), and the expert of m at the mean and the
variances of

    p(z | y_m) = N(Σ_m W_mᵀ Ψ_m⁻¹ y_m, Σ_m),  Σ_m = (I + W_mᵀ Ψ_m⁻¹ W_m)⁻¹.

Of all diagonal Gaussians, this has the smallest mean of KL(q(z | x) || q(z | x_m)), on
which experts are trained. (A product of experts counts the prior once per expert. That
is due to the form of the product, not to the start.)

With missing blocks, the means are those of the rows that have a modality, and W and Ψ
come from complete rows. If these are fewer than ten per latent, all rows are used: a
missing block is at its mean, and the others are scaled to keep their covariances. That
understates what the modalities share, but not what is within each. Weights of
modalities and of divergences do not affect the start.

In the hierarchy, z_1 are the latents of this model, and each layer above is the linear
model of the posterior means below, as `start_layers` says.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skvae.autoencoders import Start
from skvae.distributions import Working, working_of
from skvae.starts import (
    Linear,
    fit_linear,
    fit_with_holes,
    mean_of_rows,
    mean_of_seen,
    seen_features,
    weighted,
)

COMPLETE_PER_LATENT = 10  # complete rows from which the others are left out


class StartOfModalities(Start):
    """Where the weights of a model of several modalities begin."""

    _start_networks = None  # `start_joint` or `start_layers`

    def _rows_of_start(self, table):
        chosen = super()._rows_of_start(table)
        if table.observed is None:
            return chosen
        # No modality may be missing in all of them.
        return np.append(chosen, table.observed.argmax(axis=0))

    def _start(self, module, batch, wide):
        random = np.random.default_rng(self._seed)
        self._start_networks(module, batch, random, wide)


class Block(NamedTuple):
    """One modality and its part of the linear model.

    Attributes
    ----------
    y : ndarray of shape (n, d)
        Rows in the units of the linear model, centred; zeros where it is missing.
    seen : ndarray of bool of shape (n,)
        Which rows have it.
    mean : ndarray of shape (d,)
        Mean of its features.
    working : Working
        Units and kinds of noise.
    cells : ndarray of bool of shape (n, d) or None
        Which cells are observed; None if all cells of all observed blocks are.
    linear : Linear or None
        W_m and Ψ_m.
    """

    y: np.ndarray
    seen: np.ndarray
    mean: np.ndarray
    working: Working
    cells: np.ndarray | None = None
    linear: Linear | None = None

    @classmethod
    def of(cls, modality, batch, seen, weight):
        """Return the block of a modality, without a linear model.

        Its rows have these weights, (n,), or None.
        """
        features = modality.head.features(batch.x[..., modality.columns])
        features, cells = features.double().numpy(), None
        if batch.seen is None:
            its = None if weight is None else weight[seen]
            mean = mean_of_rows(features[seen], its)
        else:
            cells = seen_features(modality.head, batch.seen[..., modality.columns])
            cells &= seen[:, None]
            mean = mean_of_seen(features, cells, weight)
        working = working_of(modality.head, mean)
        y = np.where(seen[:, None], working.rate * (features - mean), 0.0)
        return cls(y, seen, mean, working, cells)


def fitted_blocks(modalities, batch, n_latents, random, wide):
    """Return the `Block` of each modality, from rows in float64."""
    seen = np.ones((len(batch.x), len(modalities)), dtype=bool)
    if batch.observed is not None:
        seen = batch.observed.numpy()
    weight = batch.sample_weight
    if weight is not None:
        weight = weight.double().numpy()
    blocks = [
        Block.of(modality, batch, flags, weight)
        for modality, flags in zip(modalities, seen.T, strict=True)
    ]
    noise = np.concatenate([block.working.noise for block in blocks])
    if batch.seen is None:
        y = _rows_to_fit(blocks, n_latents, weight)
        linear = fit_linear(y, n_latents, noise, random, wide)
    else:
        y = np.hstack([block.y for block in blocks])
        cells = np.hstack([block.cells for block in blocks])
        linear = fit_with_holes(y, cells, n_latents, noise, random, wide, weight)
    cuts = np.cumsum([len(block.mean) for block in blocks])[:-1]
    parts = map(Linear, *(np.split(values, cuts) for values in linear))
    return [
        block._replace(linear=part) for block, part in zip(blocks, parts, strict=True)
    ]


def _rows_to_fit(blocks, n_latents, weight):
    """Return the rows that the linear model is fitted to, (n, Σ d)."""
    whole = np.all([block.seen for block in blocks], axis=0)
    if whole.all() or whole.sum() >= COMPLETE_PER_LATENT * n_latents:
        y = np.hstack([block.y[whole] for block in blocks])
        weight = None if weight is None else weight[whole]
        return weighted(y - mean_of_rows(y, weight), weight)
    shares = [mean_of_rows(block.seen, weight) for block in blocks]
    parts = zip(blocks, shares, strict=True)
    y = np.hstack([block.y / np.sqrt(share) for block, share in parts])
    return weighted(y, weight)


class Posterior(NamedTuple):
    """N(weight · features + bias, diag variance): what an encoder begins at."""

    weight: np.ndarray
    bias: np.ndarray
    variance: np.ndarray

    @classmethod
    def given(cls, blocks):
        """Return mean and variances of p(z | the features of these blocks)."""
        W = np.vstack([block.linear.W for block in blocks])  # (d, K)
        psi = np.concatenate([block.linear.psi for block in blocks])
        rate = np.concatenate([block.working.rate for block in blocks])
        mean = np.concatenate(
            [block.mean + block.linear.mean / block.working.rate for block in blocks]
        )
        by_y = (W / psi[:, None]).T
        sigma = np.linalg.inv(np.eye(W.shape[1]) + by_y @ W)
        weight = sigma @ by_y * rate
        return cls(weight, -weight @ mean, np.diag(sigma))

    def put(self, loc_scale):
        """Set the last layer of an encoder."""
        loc_scale.start_linear(self.weight, self.bias, np.sqrt(self.variance))

    def behind(self, modalities):
        """Return it as a function of the encoders' outputs, which end in features."""
        ends = np.cumsum([modality.head.n_features for modality in modalities])[:-1]
        weights = [
            np.pad(weight, ((0, 0), (modality.n_hidden - weight.shape[1], 0)))
            for modality, weight in zip(
                modalities, np.split(self.weight, ends, axis=1), strict=True
            )
        ]
        return self._replace(weight=np.hstack(weights))


def start_joint(module, batch, random, wide=False):
    """Set decoders, joint encoder and experts of a `JMVAE` from rows.

    Parameters
    ----------
    module : JMVAE
        In float64, with linear paths in all networks, see `skvae.nets.Skip`.
    batch : Batch
        Rows, in the module's units.
    random : numpy.random.Generator
        Source of random projections.
    wide : bool, default=False
        As in `fit_linear`.
    """
    modalities = module.modalities
    blocks = fitted_blocks(modalities, batch, module.n_latents, random, wide)
    _start_decoders(modalities, blocks)
    Posterior.given(blocks).behind(modalities).put(module.joint.loc_scale)
    if len(module.experts):
        for expert, block in zip(module.experts, blocks, strict=True):
            Posterior.given([block]).put(expert[-1].loc_scale)


def _start_decoders(modalities, blocks):
    for modality, block in zip(modalities, blocks, strict=True):
        slope, (W, psi, mean) = block.working.slope, block.linear
        modality.head.start_linear(W / slope[:, None], mean / slope, psi)


def start_layers(module, batch, random, wide=False):
    """Set all networks of a `HierarchicalJMVAE` from rows.

    z_1 are the latents of the joint linear model. With r_k the variance of the means of
    q(z_lk | x), a latent that the layer above has too begins at

        p(z_lk | z_{l+1,k}) = N(√r_k z_{l+1,k}, 1 − r_k),

    the linear model of these means; the others begin without a layer above. Every layer
    then has the distribution N(0, I), so p(x) is that of the linear model. If there are
    several layers, the latents come in the order in which the modalities share them: by
    the second smallest of the variances of p(z_1k | y_m).

    The encoder begins at the best q that treats layers as independent. The bound is
    then below ln p(x) by at most ½ ln 2 nats per latent of the layers above. (Upper
    layers that begin empty would cost nothing, but training would not fill them.)

    Parameters
    ----------
    module, batch, random, wide
        As in `start_joint`.
    """
    modalities, widths = module.modalities, module.widths
    blocks = fitted_blocks(modalities, batch, widths[0], random, wide)
    if len(blocks) > 1 and len(widths) > 1:
        blocks = _shared_first(blocks)
    _start_decoders(modalities, blocks)
    q = Posterior.given(blocks)
    # Rounding can put the variance of an empty latent above 1.
    links = correlations(np.maximum(1 - q.variance, 0.0), widths)
    for below, link in zip(module.below, links, strict=True):
        scale = np.sqrt(1 - (link**2).sum(1))
        below.loc_scale.start_linear(link, np.zeros(len(link)), scale)
    layers = _by_layer(q.behind(modalities), links)
    for head, layer in zip(module.joint.heads, layers, strict=True):
        layer.put(head.loc_scale)


def _by_layer(q, links):
    """Yield the best independent posterior of each layer, from that of z_1 alone."""
    precision = 1 / q.variance - 1  # that z_1 gets from the rows
    for link in links:  # (K_l, K_{l+1})
        given_above = 1 / (1 - (link**2).sum(1))  # precision of p(z_l | z_{l+1})
        yield q._replace(variance=1 / (precision + given_above))
        q = q._replace(weight=link.T @ q.weight, bias=link.T @ q.bias)
        precision = (link**2).T @ given_above
    yield q._replace(variance=1 / (precision + 1))


def _shared_first(blocks):
    """Reorder the latents by the second smallest variance given one modality."""
    alone = [Posterior.given([block]).variance for block in blocks]  # M of (K,)
    order = np.argsort(np.sort(alone, axis=0)[1], kind="stable")
    return [
        block._replace(linear=block.linear._replace(W=block.linear.W[:, order]))
        for block in blocks
    ]


def correlations(share, widths):
    """Return the correlations of neighbouring layers, (K_l, K_{l+1}) each.

    Parameters
    ----------
    share : ndarray of shape (K_1,)
        Variance of the posterior means of the lowest layer.
    widths : sequence of int
        K_1, ..., K_L.
    """
    found = []
    for lower, upper in pairwise(widths):
        link = np.eye(lower, upper) * np.sqrt(share)[:, None]
        found.append(link)
        share = (link**2 * share[:, None]).sum(0)  # of the means of the layer above
    return found
