"""Sampling and log-likelihoods of rows given conditions."""

import numpy as np

from skvae.annealing import N_TEMPERATURES
from skvae.base import DensityMixin, in_kind, mean_score, selected
from skvae.inputs import Given
from skvae.sources import by_blocks


class ConditionalDensityMixin(DensityMixin):
    """Adds the methods of `DensityMixin`, with ``condition=``."""

    def sample(
        self, n_samples=1, random_state=None, mean=False, condition=None
    ) -> np.ndarray:
        """Draw rows from the model, z ~ p(z) and x ~ p(x | z, condition).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : int, RandomState or None, default=None
            Seed of the draws.
        mean : bool, default=False
            Whether to return the mean of p(x | z, condition) instead of a draw.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            One per row, or one for all. By default drawn with the frequencies in fit.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or data frame
            Rows with the columns of the input, condition columns included.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive int, or a condition is unknown.
        """
        seed = self._check_draw(n_samples, random_state, mean)
        if condition is None:
            codes = self.conditions_.draw(n_samples, seed)
        else:
            codes = self._columns.codes(self, condition, n_samples)
        given, width = self.conditions_.encode(codes), self._columns.n_data
        x = self._evaluator().sample(n_samples, width, seed, mean, given)
        return self._restored(x, codes)

    @in_kind
    def sample_latents(
        self, X, n_samples=1, random_state=None, condition=None
    ) -> np.ndarray:
        """Draw latents of rows from their posteriors, z ~ q(z | x, condition).

        `transform` returns the means of these, which have no noise: a predictor can
        find more in them than a draw of z says about x. `invariance` refers to draws.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_samples : int, default=1
            Draws per row.
        random_state : int, RandomState or None, default=None
            Seed of the draws.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_rows, n_latents)
            Independent draws of all latents, in the precision of `X`.

        Raises
        ------
        ValueError
            As `transform`, and if `n_samples` is not a positive int.
        """
        return self._sample_latents(X, n_samples, random_state, Given(condition))

    @by_blocks
    @in_kind
    def impute(
        self,
        X,
        n_samples=64,
        n_imputations=None,
        random_state=None,
        condition=None,
    ) -> np.ndarray:
        """Fill missing cells with their means given the observed ones, or with draws.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN, None and ``pd.NA`` are missing. Conditions must not be.
        n_samples : int, default=64
            Draws of z per row. Their seed is set in fit.
        n_imputations : int or None, default=None
            Number of draws per row, for multiple imputation; None fills in means, or
            the most probable values of labels.
        random_state : int, RandomState or None, default=None
            Seed of these draws; not used for means.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features), or data frame
            As :meth:`skvae.VAETransformer.impute`, condition columns included.

        Raises
        ------
        ValueError
            As `transform`, and if an argument is not valid.
        """
        table = self._check_encodable(X, Given(condition))
        codes = self._columns.codes_of(self, X, condition)
        given = {"codes": codes, "rows": X}
        return self._impute(table, n_samples, n_imputations, random_state, **given)

    @by_blocks
    @in_kind
    def score_samples(self, X, condition=None) -> np.ndarray:
        """Estimate ln p(x | condition) of each row from 64 importance samples, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            The estimate is a lower bound on average, and tighter with more samples.

        Raises
        ------
        ValueError
            As `transform`, and if values are outside the likelihood's support.
        """
        return self.log_likelihood(X, condition=condition)

    def score(self, X, y=None, condition=None, sample_weight=None) -> float:
        """Return the mean of `score_samples`, in nats per row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the mean; equal by default.

        Returns
        -------
        float
            Nats per row.
        """
        values = self.score_samples(X, condition=condition)
        return mean_score(values, sample_weight)

    @in_kind
    def log_likelihood(
        self,
        X,
        n_samples=64,
        method="importance",
        return_std_error=False,
        return_diagnostics=False,
        condition=None,
        refine=None,
        n_temperatures=N_TEMPERATURES,
    ):
        """Estimate ln p(x | condition) of each row, in nats, with more options.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_samples : int, default=64
            Draws per row.
        method : {"importance", "elbo", "ais"}, default="importance"
            Importance sampling (Burda et al. 2016, eq. 8), the lower bound at β = 1, or
            annealed importance sampling, as in
            :meth:`skvae.VAETransformer.log_likelihood`.
        return_std_error, return_diagnostics : bool, default=False
            Whether to return Monte-Carlo errors, or errors and diagnostics, too.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.
        refine : int or None, default=None
            Steps of refinement, as in :meth:`skvae.VAETransformer.log_likelihood`.
        n_temperatures : int, default=250
            Number of temperatures of "ais", K. More raise the estimate towards ln p(x),
            and take proportionally longer.

        Returns
        -------
        ndarray of shape (n_samples,), LogLikelihood or Diagnostics
            As in :meth:`skvae.VAETransformer.log_likelihood`.

        Raises
        ------
        ValueError
            As `score_samples`, and if an argument is not valid.
        """
        table = self._check_scorable(X, Given(condition))
        found = self._log_likelihood(table, n_samples, method, refine, n_temperatures)
        return selected(found, return_std_error, return_diagnostics)
