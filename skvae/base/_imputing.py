"""Imputation of missing cells, for estimators with a prior."""

import numpy as np
from sklearn.utils import check_random_state

from skvae._validation import COUNT, NONE, RANDOM_STATE, check_parameter
from skvae.base._arrays import in_kind
from skvae.chunks import LIKELIHOOD_ROWS
from skvae.distributions import Noise, SharedNoise
from skvae.imputation import conditional_draws, conditional_mean
from skvae.sources import by_blocks
from skvae.training import derive_seed


class ImputingMixin:
    """Adds `impute`."""

    @by_blocks
    @in_kind
    def impute(
        self, X, n_samples=64, n_imputations=None, random_state=None
    ) -> np.ndarray:
        """Fill missing cells with their means given the observed ones, or with draws.

        Latents are weighted by importance, as in `score_samples`. If the values of
        cells determine whether they are missing, the results are biased.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN, None and ``pd.NA`` are missing.
        n_samples : int, default=64
            Draws of z per row. Their seed is set in fit.
        n_imputations : int or None, default=None
            Number of draws per row, for multiple imputation; None fills in means. The
            most probable value takes the place of the mean of codes, one-hot variables
            and columns of 0 and 1.
        random_state : int, RandomState or None, default=None
            Seed of these draws; not used for means.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features), or data frame
            Rows with their observed cells unchanged. With ``n_imputations``, an array
            of shape (n_imputations, n_samples, n_features), or a list of data frames.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or a value the encoder cannot read, or
            if an argument is not valid.
        """
        return self._impute(
            self._check_encodable(X), n_samples, n_imputations, random_state, rows=X
        )

    def _impute(self, table, n_samples, n_imputations, random_state, **given):
        """Return the filled rows of a `Table`; `given` is passed to `_restored`."""
        owner = f"{type(self).__name__}.impute"
        check_parameter("n_samples", n_samples, (COUNT,), owner)
        check_parameter("n_imputations", n_imputations, (COUNT, NONE), owner)
        check_parameter("random_state", random_state, RANDOM_STATE, owner)
        random, n_samples = check_random_state(random_state), int(n_samples)
        if n_imputations is None:
            return self._restored(self._with_means(table, n_samples), **given)
        seed = int(random.randint(np.iinfo(np.int32).max))
        filled = self._with_draws(table, n_samples, n_imputations, seed)
        tables = [self._restored(x, **given) for x in filled]
        if all(isinstance(x, np.ndarray) for x in tables):
            return np.stack(tables)
        return tables

    def _with_means(self, table, n_samples):
        """Return the data columns with means in place of missing cells, (n, D)."""
        module, seed = self.module_, derive_seed(self._seed, "evaluation")

        def mean(batch):
            noise = SharedNoise.from_seed(seed, batch.x.device)  # the same for all rows
            return conditional_mean(module, batch, noise, n_samples)

        return self._filled(table, mean)[0]

    def _with_draws(self, table, n_samples, n_imputations, seed):
        """Return the data columns with draws in place of missing cells, (m, n, D)."""
        module, noise = self.module_, Noise.from_seed(seed, self._evaluator().device)

        def draw(batch):
            return conditional_draws(module, batch, noise, n_samples, n_imputations)

        return self._filled(table, draw, n_imputations)

    def _filled(self, table, function, n_tables=1):
        """Fill missing cells with what a function of a batch returns, (m, n, D)."""
        evaluator = self._evaluator()
        dtype = evaluator.precision(table.dtype)
        missing = np.isnan(table.x)
        holed = np.flatnonzero(missing.any(axis=1))
        out = np.repeat(table.x.astype(dtype)[None], n_tables, axis=0)
        if len(holed):
            x = evaluator.in_slices(table[holed], function, LIKELIHOOD_ROWS)
            x = evaluator.in_units(x.reshape(len(holed), -1, missing.shape[1]), dtype)
            where = missing[holed]
            for filled, values in zip(out, x.swapaxes(0, 1), strict=True):
                filled[holed] = np.where(where, values, filled[holed])
        return out
