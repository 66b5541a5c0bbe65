"""The linear models at which fits start: probabilistic PCA and factor analysis.

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

MAX_COLUMNS = 1000  # whose covariance is computed; of more, random projections
N_ITERATIONS = 200  # of EM for factor analysis
TOLERANCE = 1e-6  # relative change of the variances at which EM ends
SMALLEST = 1e-4  # variance of the noise, as a share of a column's
WIDE = 0.6  # the same where training begins, as a share of the mean of the columns
KEPT = 0.5  # share of a component's variance that is explained there


class Linear(NamedTuple):
    """The linear model of a table.

    Attributes
    ----------
    W : ndarray of shape (d, K)
        Loadings; Wᵀ Ψ⁻¹ W is diagonal.
    psi : ndarray of shape (d,)
        Variances of the noise.
    mean : ndarray of shape (d,)
        Mean of y; 0 unless cells are missing, as rows are centred.
    """

    W: np.ndarray
    psi: np.ndarray
    mean: np.ndarray

    @property
    def precision(self):
        """What a row adds to the precision of each latent, (K,)."""
        return (self.W**2 / self.psi[:, None]).sum(0)

    @property
    def variance(self):
        """Posterior variance of each latent, (K,)."""
        return 1 / (1 + self.precision)

    @property
    def evidence(self):
        """y -> posterior mean over posterior variance, (K, d)."""
        return (self.W / self.psi[:, None]).T

    @property
    def encoder(self):
        """y -> posterior mean, (K, d)."""
        return self.variance[:, None] * self.evidence

    def ordered(self, order):
        """Return the model with its latents in another order, (K,)."""
        return self._replace(W=self.W[:, order])


def mean_of_rows(values, weight=None):
    """Return the mean of each column over rows of these weights, (d,)."""
    return values.mean(0) if weight is None else weight @ values / weight.sum()


def weighted(y, weight=None):
    """Return centred rows multiplied so that their squares have these weights.

    `fit_linear` and `principal_components` depend on the mean of y yᵀ over rows only.
    """
    return y if weight is None else y * np.sqrt(weight / weight.mean())[:, None]


def fit_linear(y, n_latents, noise, random, wide=False):
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
    wide : bool, default=False
        Return the model where training begins, see `widened`, instead of the best.

    Returns
    -------
    Linear
    """
    n, d = y.shape
    k = min(n_latents, d, n - 1)
    is_learned = noise != Working.FIXED
    directions, variance = principal_components(y, k, random)
    total = np.maximum(np.square(y).mean(0), 1e-12)  # (d,)
    rest = (total.sum() - variance.sum()) / max(1, d - k)
    floor = SMALLEST * total.mean()
    psi = np.full(d, max(rest, floor))
    W = directions * np.sqrt(np.maximum(variance - psi[0], 0.0))  # (d, k)
    if not is_learned.any():
        psi = np.ones(d)
        W = directions * np.sqrt(np.maximum(variance - 1, 0.0))
    elif not (noise == Working.SHARED).all() and not (wide and is_learned.all()):
        psi = np.where(
            noise == Working.FIXED, 1.0, np.maximum(total - (W**2).sum(1), floor)
        )
        psi = np.maximum(psi, SMALLEST * total)
        W, psi = _expectation_maximisation(y, W, psi, noise, total)
    if wide and is_learned.any():
        W, psi = widened(W, psi, is_learned)
    return rotated(W, psi, n_latents)


def widened(W, psi, is_learned):
    """Return loadings and variances with more noise, where that is learned.

    At the maximum of the likelihood of a linear model, the noise can be so small that
    hidden layers cannot add to it: any change costs more than it gains at first. With
    more noise they can, and it shrinks again as they learn. But no component may drown
    in it, so the noise is at most the smallest variance of one. The variance of a
    component stays the same, but at least `KEPT` of it is explained.

    Parameters
    ----------
    W : ndarray of shape (d, k)
        Loadings with orthogonal columns.
    psi : ndarray of shape (d,)
        Variances of the noise.
    is_learned : ndarray of bool of shape (d,)
        Which of them may change.
    """
    total, length = (W**2).sum(1) + psi, (W**2).sum(0)
    variance = length + psi.mean()  # of each component
    weakest = variance[length > 0].min(initial=np.inf)
    most = min(WIDE * total[is_learned].mean(), weakest)
    wide = np.where(is_learned, np.maximum(psi, most), psi)
    explained = np.maximum(variance - wide.mean(), KEPT * variance)
    return W * np.sqrt(explained / np.maximum(length, 1e-12)), wide


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
    return Linear(settled(W @ vectors[:, ::-1], n_latents), psi, np.zeros(len(psi)))


def settled(W, n_latents):
    """Choose signs that do not depend on the library, and pad by empty latents."""
    largest = np.abs(W).argmax(0)
    W = W * np.where(W[largest, np.arange(W.shape[1])] < 0, -1.0, 1.0)
    return np.pad(W, ((0, 0), (0, n_latents - W.shape[1])))
