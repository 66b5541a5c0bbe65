"""The interface of every conditional estimator: each method takes ``condition=``."""

from numbers import Integral
from typing import Self

import numpy as np

from skvae._parameters import parameter
from skvae._validation import NONE, Callable, Instance, Interval, Options
from skvae.annealing import N_TEMPERATURES
from skvae.base import (
    BaseAutoencoderTransformer,
    DensityMixin,
    selected,
    with_callbacks,
)
from skvae.inputs import ConditionedColumns, Given


class BaseConditionalTransformer(DensityMixin, BaseAutoencoderTransformer):
    """Base of every model of p(x | condition).

    Conditions are either columns of ``X``, named by ``condition_columns``, or passed as
    the argument ``condition`` of every method, also by scikit-learn's metadata routing.
    """

    _columns_type = ConditionedColumns
    _decoder_sees_condition = True

    condition_columns: object = parameter(
        Instance((list, tuple, slice, str, np.ndarray), "columns of X"),
        Interval(Integral, -np.inf, closed="neither"),
        Callable("a selector of columns"),
        NONE,
        default=None,
        shapes_network=True,
    )
    condition_encoding: str = parameter(
        Options(("one-hot", "passthrough")), default="one-hot", shapes_network=True
    )
    handle_unknown: str = parameter(
        Options(("error", "ignore")), default="error", after_fit=True
    )

    @property
    def conditions_(self):
        """The levels of the conditions, `skvae.inputs.Conditions`."""
        return self._columns.conditions

    @with_callbacks
    def fit(self, X, y=None, condition=None) -> Self:
        """Fit the model.

        Until the first new epoch is complete, an error leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            Condition of each row, unless columns of `X`; all the same by default.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, the data or the condition are not valid.
        FloatingPointError
            If a loss becomes non-finite. The epochs before are kept.
        KeyboardInterrupt
            On Ctrl-C. The epochs before are kept, and the model can be used.
        """
        return self._fit(X, y, Given(condition))

    def partial_fit(self, X, y=None, condition=None) -> Self:
        """Train for one epoch on the given rows.

        The first call learns the levels of the condition from its rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Some rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and if a network parameter was changed or a condition is new.
        FloatingPointError
            As `fit`.
        """
        return self._partial_fit(X, Given(condition))

    def fit_transform(self, X, y=None, condition=None) -> np.ndarray:
        """Fit the model, and encode the training rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Posterior means.

        Raises
        ------
        ValueError
            As `fit`.
        """
        return self.fit(X, y, condition=condition).transform(X, condition=condition)

    def transform(self, X, condition=None) -> np.ndarray:
        """Encode rows under their conditions as posterior means. This is deterministic.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `fit`; a single value applies to all rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Latents, in the precision of `X`.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or a condition is missing or unknown.
        """
        return self._transform(self._check_encodable(X, Given(condition)))

    def inverse_transform(self, X, condition=None) -> np.ndarray:
        """Decode latents to the mean of p(x | z, condition).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            One per row, or one for all. Required unless all rows of fit had the same.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Rows, condition columns included; an array of objects if these have strings.

        Raises
        ------
        ValueError
            If `X` has a wrong number of columns, or a condition is missing or unknown.
        """
        Z = self._check_latents(X)
        codes = self._columns.codes_to_decode(self, condition, len(Z))
        return self._decode(Z, codes)

    def _decode(self, Z, codes):
        condition = self.conditions_.encode(codes)
        x = self._evaluator().decode(Z, condition)
        return self._columns.restore(x, codes)

    def reconstruct(self, X, condition=None) -> np.ndarray:
        """Encode rows, and decode their latents under the same condition.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        X_mean : ndarray of shape (n_samples, n_features)
            Means of p(x | z, condition) at the posterior means.

        Raises
        ------
        ValueError
            As `transform`.
        """
        table = self._check_encodable(X, Given(condition))
        codes = self._columns.codes_of(self, X, condition)
        return self._decode(self._transform(table), codes)

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
        X : ndarray of shape (n_samples, n_features)
            Rows with the columns of the input, condition columns included.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive int, or a condition is unknown.
        """
        seed = self._check_draw(n_samples, random_state)
        if condition is None:
            codes = self.conditions_.draw(n_samples, seed)
        else:
            codes = self._columns.codes(self, condition, n_samples)
        given, width = self.conditions_.encode(codes), self._columns.n_data
        x = self._evaluator().sample(n_samples, width, seed, mean, given)
        return self._columns.restore(x, codes)

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

    def score(self, X, y=None, condition=None) -> float:
        """Return the mean of `score_samples`, in nats per row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        float
            Nats per row.
        """
        return float(np.mean(self.score_samples(X, condition=condition)))

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
