"""Starts at a closed form: probabilistic PCA, factor analysis, and their analogues.

The networks have linear paths from rows to latents and back beside their hidden layers,
which add from zero. In units in which every column's noise is comparable, a row is

    y = W z + ε,  z ~ N(0, I),  ε ~ N(0, Ψ),

where Ψ is one shared variance (probabilistic PCA, Tipping & Bishop 1999), one per
column (factor analysis), or fixed. It is fixed where the noise of a column follows from
its mean: there y are Pearson residuals, so that the natural parameters of 0/1 columns,
categories and counts start from principal components. The decoder begins at W and Ψ,
the encoder at the posterior N(Σ Wᵀ Ψ⁻¹ y, Σ), with W rotated so that Σ is diagonal.
"""

from typing import NamedTuple

import numpy as np

from skvae.distributions import Working

MAX_ROWS = 20_000  # from which a start is computed
MAX_COLUMNS = 1000  # whose covariance is computed; of more, random projections
N_ITERATIONS = 200  # of EM for factor analysis
TOLERANCE = 1e-6  # relative change of the variances at which EM ends
SMALLEST = 1e-4  # variance of the noise, as a share of a column's


class Linear(NamedTuple):
    """The linear model of a table.

    Attributes
    ----------
    W : ndarray of shape (d, K)
        Loadings; Wᵀ Ψ⁻¹ W is diagonal.
    psi : ndarray of shape (d,)
        Variances of the noise.
    """

    W: np.ndarray
    psi: np.ndarray

    @property
    def variance(self):
        """Posterior variance of each latent, (K,)."""
        return 1 / (1 + (self.W**2 / self.psi[:, None]).sum(0))

    @property
    def encoder(self):
        """y -> posterior mean, (K, d)."""
        return self.variance[:, None] * (self.W / self.psi[:, None]).T


def fit_linear(y, n_latents, noise, random):
    """Fit the linear model to centred rows.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Rows, float64.
    n_latents : int
        K; those beyond the rank have no loadings.
    noise : ndarray of int of shape (d,)
        As in `skvae.distributions.Working`.
    random : RandomState
        Draws the projections of a wide table.

    Returns
    -------
    Linear
    """
    n, d = y.shape
    k = min(n_latents, d, n - 1)
    directions, variance = principal_components(y, k, random)
    total = np.maximum(np.square(y).mean(0), 1e-12)  # (d,)
    rest = (total.sum() - variance.sum()) / max(1, d - k)
    floor = SMALLEST * total.mean()
    psi = np.full(d, max(rest, floor))
    W = directions * np.sqrt(np.maximum(variance - psi[0], 0.0))  # (d, k)
    if (noise == Working.FIXED).all():
        psi = np.ones(d)
        W = directions * np.sqrt(np.maximum(variance - 1, 0.0))
    elif not (noise == Working.SHARED).all():
        psi = np.where(
            noise == Working.FIXED, 1.0, np.maximum(total - (W**2).sum(1), floor)
        )
        psi = np.maximum(psi, SMALLEST * total)
        W, psi = _expectation_maximisation(y, W, psi, noise, total)
    return rotated(W, psi, n_latents)


def principal_components(y, k, random):
    """Return the first k directions, (d, k), and their variances, (k,)."""
    n, d = y.shape
    if min(n, d) <= MAX_COLUMNS:
        by_column = d <= n
        squares = (y.T @ y if by_column else y @ y.T) / n
        values, vectors = np.linalg.eigh(squares)
        values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
        if not by_column:
            vectors = y.T @ vectors
            vectors /= np.maximum(np.linalg.norm(vectors, axis=0), 1e-12)
        return vectors, np.maximum(values, 0.0)
    basis = random.normal(size=(d, k + 10))
    for _ in range(4):  # subspace iterations (Halko et al. 2011)
        basis = np.linalg.qr(y.T @ (y @ basis))[0]
    _, values, vectors = np.linalg.svd(y @ basis, full_matrices=False)
    return basis @ vectors[:k].T, values[:k] ** 2 / n


def _expectation_maximisation(y, W, psi, noise, total):
    """Fit loadings and those variances that are learned (Rubin & Thayer 1982)."""
    n, k = len(y), W.shape[1]
    low = SMALLEST * total
    for _ in range(N_ITERATIONS):
        scaled = W / psi[:, None]
        sigma = np.linalg.inv(np.eye(k) + W.T @ scaled)
        z = y @ (scaled @ sigma)  # (n, k)
        cross = y.T @ z / n  # (d, k)
        W = np.linalg.solve(sigma + z.T @ z / n, cross.T).T
        residual = np.maximum(total - (W * cross).sum(1), low)
        new = np.where(noise == Working.OWN, residual, psi)
        if (noise == Working.SHARED).any():
            new[noise == Working.SHARED] = residual[noise == Working.SHARED].mean()
        change, psi = np.abs(new / psi - 1).max(), new
        if change < TOLERANCE:
            break
    return W, psi


def rotated(W, psi, n_latents):
    """Return the same model with independent posteriors, padded by empty latents."""
    _, vectors = np.linalg.eigh((W / psi[:, None]).T @ W)
    W = W @ vectors[:, ::-1]
    largest = np.abs(W).argmax(0)  # a sign that does not depend on the library
    W = W * np.where(W[largest, np.arange(W.shape[1])] < 0, -1.0, 1.0)
    return Linear(np.pad(W, ((0, 0), (0, n_latents - W.shape[1]))), psi)


def start_at_closed_form(module, batch, random):
    """Set a VAE's linear paths and scales from rows.

    Parameters
    ----------
    module : VAE
        With a linear path in encoder and decoder, see `skvae.nets.Skip`.
    batch : Batch
        Rows, in the module's units.
    random : RandomState
        Source of random projections.
    """
    head, k = module.head, module.n_latents
    features = head.features(batch.x).double().numpy()
    mean = features.mean(0)
    rate, slope, noise = head.working(mean)
    y = rate * (features - mean)
    given = batch.condition
    C = np.zeros((len(y), 0)) if given is None else given.double().numpy()
    effect, shift = _regression(C, y)  # (c, d), (d,)
    model = fit_linear(y - C @ effect - shift, k, noise, random)
    A = model.encoder
    by_feature = np.hstack([A * rate, -A @ effect.T])  # (K, d + c)
    offset = -A @ (rate * mean + shift)
    module.loc_scale.start_linear(by_feature, offset, np.sqrt(model.variance))
    by_latent = np.hstack([model.W, effect.T]) / slope[:, None]
    if not module.decoder_sees_condition:
        by_latent, shift = by_latent[:, :k], 0 * shift
    head.start_linear(by_latent, shift / slope, model.psi)


def _regression(C, y):
    """Return effects of conditions on columns, and what is left of the means."""
    if not C.shape[1]:
        return np.zeros((0, y.shape[1])), np.zeros(y.shape[1])
    centre = C.mean(0)
    effect = np.linalg.lstsq(C - centre, y, rcond=1e-8)[0]
    return effect, -centre @ effect
