"""The linear model of rows in which cells are missing.

Probabilistic PCA, factor analysis and their analogues are fitted by expectation-
maximisation over the observed cells (Tipping & Bishop 1999, appendix B; Ilin & Raiko
2010). Given its observed cells o, the latents of a row have the posterior

    N(Σ Wₒᵀ Ψₒ⁻¹ (yₒ − mₒ), Σ),  Σ = (I + Wₒᵀ Ψₒ⁻¹ Wₒ)⁻¹,

and each column is regressed on them over the rows that have it. If that takes too long,
missing cells count as the mean of their column, and the others are scaled to keep the
variances.
"""

import numpy as np

from skvae.distributions import Working
from skvae.starts._linear import (
    SMALLEST,
    fit_linear,
    mean_of_rows,
    rotated,
    weighted,
    widened,
)

MAX_ROWS = 5000  # of expectation-maximisation
MAX_NUMBERS = 10**8  # rows times columns times squared latents, per iteration
MAX_WIDTH = 2 * 10**5  # columns times squared latents; beyond, cells are filled
N_ITERATIONS = 200
TOLERANCE = 1e-5  # relative change of the variances at which the iterations end


def mean_of_seen(values, seen, weight=None):
    """Return the mean of each column over its observed cells, (d,)."""
    if weight is None:
        return np.where(seen, values, 0.0).sum(0) / np.maximum(seen.sum(0), 1)
    total = weight @ seen
    return weight @ np.where(seen, values, 0.0) / np.where(total > 0, total, 1.0)


def scaled_up(y, seen, weight=None):
    """Return centred rows, 0 where cells are missing, with the variances kept."""
    share = mean_of_rows(seen, weight)
    return np.where(seen, y, 0.0) / np.sqrt(np.maximum(share, 1e-3))


def fit_with_holes(y, seen, n_latents, noise, random, wide=False, weight=None):
    """Fit the linear model to the observed cells of rows, as `fit_linear`.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Rows, float64, with columns of mean 0 over the observed cells.
    seen : ndarray of bool of shape (n, d)
        Which cells are observed.
    n_latents, noise, random, wide
        As in `fit_linear`.
    weight : ndarray of shape (n,), optional
        Weights of the rows; equal by default.

    Returns
    -------
    Linear
    """
    whole = weighted(scaled_up(y, seen, weight), weight)
    W, psi, mean = fit_linear(whole, n_latents, noise, random)
    n_rows = rows_for_em(*y.shape, max(1, np.count_nonzero(W.any(0))))
    if n_rows:
        rows = random.permutation(len(y))[:n_rows]
        total = mean_of_seen(np.square(y), seen, weight)
        floor = SMALLEST * np.maximum(total, 1e-12)
        used = W.any(0)
        its = None if weight is None else weight[rows]
        found = fit_seen(y[rows], seen[rows], W[:, used], psi, noise, floor, its)
        W, psi, mean = found
    is_learned = noise != Working.FIXED
    if wide and is_learned.any():
        W, psi = widened(orthogonal(W), psi, is_learned)
    return rotated(W, psi, n_latents)._replace(mean=mean)


def orthogonal(W):
    """Return the same loadings, rotated so that their columns are orthogonal."""
    directions, lengths, _ = np.linalg.svd(W, full_matrices=False)
    return directions * lengths


def filled(y, seen, n_latents, noise, random, weight=None):
    """Return rows with missing cells at their means given the others, centred."""
    model = fit_with_holes(y, seen, n_latents, noise, random, weight=weight)
    z, _ = posterior_given_seen(y - model.mean, seen, model.W, model.psi)
    whole = np.where(seen, y, model.mean + z @ model.W.T)
    return whole - mean_of_rows(whole, weight)


def posterior_given_seen(y, seen, W, psi):
    """Return mean, (n, K), and covariance, (n, K, K), of latents of centred rows."""
    n_latents = W.shape[1]
    by_column = W[:, :, None] * W[:, None, :] / psi[:, None, None]  # (d, K, K)
    precision = seen.astype(float) @ by_column.reshape(len(W), -1)  # (n, K K)
    shape = len(seen), n_latents, n_latents  # no latent at all, if noise explains y
    precision = precision.reshape(shape) + np.eye(n_latents)
    sigma = np.linalg.inv(precision)
    evidence = np.where(seen, y, 0.0) @ (W / psi[:, None])  # (n, K)
    return (sigma @ evidence[:, :, None])[:, :, 0], sigma


def rows_for_em(n_rows, n_columns, n_latents):
    """Return how many rows expectation-maximisation can use, 0 if it takes too long."""
    width = n_columns * n_latents**2
    if width > MAX_WIDTH:
        return 0
    return min(n_rows, MAX_ROWS, MAX_NUMBERS // width)


def fit_seen(y, seen, W, psi, noise, floor, weight=None):
    """Fit loadings, variances and means to the observed cells, by EM.

    Parameters
    ----------
    y : ndarray of shape (n, d)
        Rows, centred; missing cells are ignored.
    seen : ndarray of bool of shape (n, d)
        Which cells are observed.
    W, psi : ndarray of shape (d, K) and (d,)
        Where to begin.
    noise : ndarray of int of shape (d,)
        Kinds of noise as in `skvae.distributions.Working`.
    floor : ndarray of shape (d,)
        Smallest variances.
    weight : ndarray of shape (n,), optional
        Weights of the rows; equal by default.

    Returns
    -------
    W, psi, mean : ndarray
        Loadings, variances and means.
    """
    y, mean = np.where(seen, y, 0.0), np.zeros(len(W))
    flags = seen.astype(float)
    if weight is not None:
        flags *= weight[:, None]
    squares = (flags * np.square(y)).sum(0)
    for _ in range(N_ITERATIONS):
        z, sigma = posterior_given_seen(y - mean, seen, W, psi)
        W, mean, rest = _regressed(y, flags, squares, z, sigma)
        new = _variances(psi, rest, flags.sum(0), noise, floor)
        change, psi = np.abs(new / psi - 1).max(), new
        if change < TOLERANCE:
            break
    return W, psi, mean


def _regressed(y, flags, squares, z, sigma):
    """Regress columns on latents and 1; return W, the means and sums of squares left.

    The latents have means z, (n, K), and covariances sigma, (n, K, K).
    """
    n, n_latents = z.shape
    moments = np.empty((n, n_latents + 1, n_latents + 1))
    moments[:, :-1, :-1] = sigma + z[:, :, None] * z[:, None, :]
    moments[:, :-1, -1] = moments[:, -1, :-1] = z
    moments[:, -1, -1] = 1
    left = flags.T @ moments.reshape(n, -1)  # (d, (K + 1)²)
    left = left.reshape(-1, n_latents + 1, n_latents + 1)
    left += 1e-9 * np.eye(n_latents + 1)
    right = (flags * y).T @ np.column_stack([z, np.ones(n)])  # (d, K + 1)
    found = np.linalg.solve(left, right[:, :, None])[:, :, 0]
    return found[:, :-1], found[:, -1], squares - (found * right).sum(1)


def _variances(psi, rest, n_values, noise, floor):
    """Return the variances of the noise from sums of squares that are left, (d,)."""
    own = np.maximum(rest / np.where(n_values > 0, n_values, 1.0), floor)
    new = np.where(noise == Working.OWN, own, psi)
    shared = noise == Working.SHARED
    if shared.any():
        total = np.maximum(rest[shared].sum() / n_values[shared].sum(), 0.0)
        new[shared] = np.maximum(total, floor[shared].mean())
    return new
