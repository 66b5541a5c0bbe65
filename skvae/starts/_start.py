"""What a module needs to set its weights at a closed form."""

import numpy as np

from skvae.distributions import Working, working_of
from skvae.starts._holes import (
    filled,
    fit_with_holes,
    mean_of_seen,
    posterior_given_seen,
)
from skvae.starts._linear import (
    fit_linear,
    mean_of_rows,
    principal_components,
    settled,
    weighted,
)

RANK = 1e-12  # share of the variance below which a component is a rounding error


def seen_features(head, seen):
    """Return which features of rows are observed, (n, n_features); None if all are."""
    if seen is None or not hasattr(head, "by_feature"):
        return None
    return head.by_feature(seen).numpy()


def regressed(values, C, weight=None):
    """Regress values (n, m) on C (n, c); return slopes (c, m) and intercepts (m,)."""
    centre, mean = mean_of_rows(C, weight), mean_of_rows(values, weight)
    left, right = weighted(C - centre, weight), weighted(values - mean, weight)
    effect = np.linalg.lstsq(left, right, rcond=1e-8)[0]
    return effect, mean - centre @ effect


class LinearStart:
    """Rows in units in which they are linear in the latents, see `Working`.

    Parameters
    ----------
    head : torch.nn.Module
        Head of the decoder.
    batch : Batch
        Rows, in the module's units and float64.
    random : RandomState
        Source of random projections.
    wide : bool, default=False
        Whether linear models have more noise than is best, see `widened`.

    Attributes
    ----------
    batch : Batch
        The rows as passed.
    y : ndarray of shape (n, d)
        The rows, centred.
    seen : ndarray of bool of shape (n, d) or None
        Which values of `y` are observed; the others are 0. None if all are.
    condition : ndarray of shape (n, c)
        Their conditions; c is 0 without any.
    weight : ndarray of shape (n,) or None
        Their weights; None if all are equal.
    """

    def __init__(self, head, batch, random, wide=False):
        features = head.features(batch.x).double().numpy()
        self.batch, self.weight = batch, batch.sample_weight
        if self.weight is not None:
            self.weight = self.weight.double().numpy()
        self._random, self._wide, self._mean = random, wide, self.mean(features)
        self.seen = seen_features(head, batch.seen)
        if self.seen is not None:
            self._mean = mean_of_seen(features, self.seen, self.weight)
        self._rate, self._slope, self._noise = working_of(head, self._mean)
        self.y = self._rate * (features - self._mean)
        if self.seen is not None:
            self.y = np.where(self.seen, self.y, 0.0)
        given = batch.condition
        self.condition = np.zeros((len(features), 0))
        if given is not None:
            self.condition = given.double().numpy()

    def mean(self, values):
        """Return the mean over rows of each column of values, (n, m)."""
        return mean_of_rows(values, self.weight)

    def fit(self, n_latents, y=None):
        """Return the `Linear` model of the rows, or of what is left of them, (n, d)."""
        y = self.y if y is None else y
        settings = n_latents, self._noise, self._random, self._wide
        if self.seen is None:
            return fit_linear(weighted(y, self.weight), *settings)
        return fit_with_holes(y, self.seen, *settings, weight=self.weight)

    def posterior(self, model):
        """Return posterior means, (n, K), and the mean posterior variances, (K,)."""
        if self.seen is None:
            return self.y @ model.encoder.T, model.variance
        left = self.y - model.mean
        z, sigma = posterior_given_seen(left, self.seen, model.W, model.psi)
        return z, self.mean(np.diagonal(sigma, axis1=1, axis2=2))

    def principal(self, n_latents):
        """Return PCA's directions, and the variances of what they leave.

        Returns
        -------
        directions : ndarray of shape (d, K)
            Orthonormal; those beyond the rank are zero.
        psi : ndarray of shape (d,)
            Variances as in `Linear`.
        """
        y = self.y
        if self.seen is not None:
            how = n_latents, self._noise, self._random, self.weight
            y = filled(y, self.seen, *how)
        y = weighted(y, self.weight)
        n, d = y.shape
        k = min(n_latents, d, n - 1)
        directions, variance = principal_components(y, k, self._random)
        directions = directions * (variance > RANK * np.square(y).mean(0).sum())
        left = np.square(y - y @ directions @ directions.T).mean(0)
        shared = self._noise == Working.SHARED
        if shared.any():
            left[shared] = left[shared].mean()
        return settled(directions, n_latents), left

    def effects(self, values, seen=None):
        """Regress values of the rows, (n, m), or those `seen`, on the conditions.

        Returns
        -------
        effect : ndarray of shape (c, m)
            Effects.
        shift : ndarray of shape (m,)
            The intercept.
        """
        if seen is not None:
            return self._effects_of_seen(values, seen)
        C = self.condition
        if not C.shape[1]:
            return np.zeros((0, values.shape[1])), self.mean(values)
        return regressed(values, C, self.weight)

    def _effects_of_seen(self, values, seen):
        C, n_columns = self.condition, values.shape[1]
        effect, shift = np.zeros((C.shape[1], n_columns)), np.zeros(n_columns)
        for j, rows in enumerate(seen.T):
            if rows.any():
                weight = None if self.weight is None else self.weight[rows]
                found = regressed(values[rows, j : j + 1], C[rows], weight)
                effect[:, j : j + 1], shift[j : j + 1] = found
        return effect, shift

    def encoder(self, by_y, by_condition=None, shift=0.0):
        """Convert by_y y + by_condition s + shift to the encoder's input.

        Parameters
        ----------
        by_y : ndarray of shape (K, d)
            Map of the rows.
        by_condition : ndarray of shape (K, c), optional
            Map of the conditions s; zero by default.
        shift : float or ndarray of shape (K,), default=0.0
            The constant.

        Returns
        -------
        weight : ndarray of shape (K, d + c)
            Map of the features and the conditions.
        bias : ndarray of shape (K,)
            The constant.
        """
        if by_condition is None:
            by_condition = np.zeros((len(by_y), self.condition.shape[1]))
        weight = np.hstack([by_y * self._rate, by_condition])
        return weight, shift - weight[:, : len(self._rate)] @ self._mean

    def decoder(self, by_latent, psi, shift=0.0):
        """Convert by_latent z + shift with variances psi to the arguments of the head.

        Parameters
        ----------
        by_latent : ndarray of shape (d, k)
            Map of the decoder's input to y.
        psi : ndarray of shape (d,)
            Variances of the noise of y.
        shift : float or ndarray of shape (d,), default=0.0
            The constant.

        Returns
        -------
        weight, shift, psi : ndarray
            As in `skvae.distributions.Head.start_linear`.
        """
        return by_latent / self._slope[:, None], shift / self._slope, psi
