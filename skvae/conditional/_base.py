"""The face of every conditional estimator: each method takes ``condition=``."""

import numpy as np

from skvae.base import as_asked, with_callbacks
from skvae.conditional._table import ConditionedTable


class BaseConditionalTransformer(ConditionedTable):
    """What every model of p(x | condition) gives.

    Conditions come in one of two ways: as columns of ``X``, named once in the
    constructor by ``condition_columns``; or, without it, by the argument ``condition``
    of every method, to which scikit-learn's metadata routing can pass it.
    """

    @with_callbacks
    def fit(self, X, y=None, condition=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            Of each row, where ``condition_columns`` is None; without it all rows have
            the same.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, the data or the condition are not allowed. Nothing fitted
            before is lost.
        FloatingPointError
            If a loss turns non-finite. The weights of the epoch before are kept.
        KeyboardInterrupt
            On Ctrl-C, with the epochs done so far kept and usable.
        """
        return self._fit(X, y, condition)

    def partial_fit(self, X, y=None, condition=None):
        """Train for one epoch on the rows given.

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
            As `fit`, and if a parameter was changed that makes another network, or a
            condition is new.
        FloatingPointError
            As `fit`.
        """
        return self._partial_fit(X, condition)

    def fit_transform(self, X, y=None, condition=None):
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

    def transform(self, X, condition=None):
        """Encode rows, each under its condition, as posterior means; deterministic.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `fit`; a single value stands for all rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            In the precision of `X`.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or the condition is missing or, under
            ``handle_unknown="error"``, unknown.
        """
        return self._transform(self._check_encodable(X, condition))

    def inverse_transform(self, X, condition=None):
        """Decode latents to the mean of p(x | z, condition).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            A single value stands for all rows. May be left out only if all rows of fit
            had the same.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            In the input's columns, those of the condition filled in; an array of
            objects if these hold strings.

        Raises
        ------
        ValueError
            If `X` has another number of columns than `transform` gives, or the
            condition is missing or unknown.
        """
        Z = self._check_latents(X)
        codes = self._target(condition, len(Z), "inverse_transform")
        return self._decode(Z, codes)

    def _decode(self, Z, codes):
        given = self.conditions_.encode(codes)
        x = self._evaluator().decode(Z, given).astype(Z.dtype, copy=False)
        return self._filled(x, codes)

    def reconstruct(self, X, condition=None):
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
        table = self._check_encodable(X, condition)
        return self._decode(self._transform(table), self._own_codes(X, condition))

    def _own_codes(self, X, condition):
        if self._positions is not None:
            _, condition = self._split(self._check_dimensions(X), reset=False)
        return self._codes(condition, len(X), reset=False)

    def sample(self, n_samples=1, random_state=None, mean=False, condition=None):
        """Draw rows from the model, z ~ p(z) and x ~ p(x | z, condition).

        Parameters
        ----------
        n_samples : int, default=1
            How many rows.
        random_state : int, RandomState or None, default=None
            Of the draws.
        mean : bool, default=False
            Give the mean of p(x | z, condition) instead of a draw.
        condition : value, or array-like of shape (n_samples,) or (n_samples, n), \
default=None
            A single value stands for all rows; without it, conditions are drawn as
            often as they came in fit.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            In the input's columns, those of the condition filled in.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive int, or a condition is unknown.
        """
        seed = self._check_draw(n_samples, random_state)
        if condition is None:
            codes = self.conditions_.draw(n_samples, seed)
        else:
            codes = self._codes(condition, n_samples, reset=False)
        given = self.conditions_.encode(codes)
        width = self._likelihood_width()
        x = self._evaluator().sample(n_samples, width, seed, mean, given)
        return self._filled(x, codes)

    def score_samples(self, X, condition=None):
        """Estimate ln p(x | condition) of each row, in nats; 64 importance samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Of the data given the condition; too low by the estimate's bias in
            expectation.

        Raises
        ------
        ValueError
            As `transform`, and if values are outside the likelihood's support.
        """
        return self.log_likelihood(X, condition=condition)

    def score(self, X, y=None, condition=None):
        """Mean of `score_samples`, in nats a row.

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
            Nats a row.
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
    ):
        """Estimate ln p(x | condition) of each row, in nats, with control over it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_samples : int, default=64
            Draws a row.
        method : {"importance", "elbo"}, default="importance"
            "importance": ln 1/S Σ_s p(x | z_s) p(z_s) / q(z_s | x), z_s ~ q(z | x)
            (Burda et al. 2016, eq. 8); "elbo": the lower bound at β = 1.
        return_std_error : bool, default=False
            Also give the Monte-Carlo error.
        return_diagnostics : bool, default=False
            Also give what tells how far to trust the estimate.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `transform`.

        Returns
        -------
        ndarray of shape (n_samples,), LogLikelihood or Diagnostics
            The values, or with ``return_std_error`` a named tuple ``(values, std_error,
            mean_std_error)``: of each row by the delta method, and of the mean over
            rows, which share their draws. With ``return_diagnostics`` there follow
            ``(effective_sample_size, log_normaliser, log_normaliser_error)``: of each
            row's weights, and what was subtracted where the prior is normalised only
            by an estimate.

        Raises
        ------
        ValueError
            As `score_samples`, and if an argument is not allowed.
        """
        table = self._check_scorable(X, condition)
        result = self._log_likelihood(table, n_samples, method)
        return as_asked(result, return_std_error, return_diagnostics)
