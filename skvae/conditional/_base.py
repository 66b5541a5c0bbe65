"""The interface of every conditional estimator: each method takes ``condition=``."""

from numbers import Integral
from typing import Self

import numpy as np

from skvae._parameters import parameter
from skvae._validation import NONE, Callable, Instance, Interval, Listed, Options
from skvae.base import BaseAutoencoderTransformer, in_kind, with_callbacks
from skvae.conditional._density import ConditionalDensityMixin
from skvae.inputs import ConditionedColumns, Given
from skvae.sources import by_blocks


class BaseConditionalTransformer(ConditionalDensityMixin, BaseAutoencoderTransformer):
    """Base of every model of p(x | condition).

    Conditions are either columns of ``X``, named by ``condition_columns``, or passed as
    the argument ``condition`` of every method, also by scikit-learn's metadata routing.
    """

    _columns_type = ConditionedColumns
    _decoder_sees_condition = True

    condition_columns: object = parameter(
        Instance((list, tuple, slice, str), "columns of X"),
        Listed("an array, Index or Series of them"),
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
    def fit(self, X, y=None, condition=None, sample_weight=None) -> Self:
        """Fit the model.

        Until the first new epoch is complete, an error leaves the estimator as it was.

        Parameters
        ----------
        X : array-like or source of rows of shape (n_samples, n_features)
            Training rows. What
            :func:`skvae.sources.as_source` takes is read in blocks of rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            Condition of each row, unless columns of `X`; all the same by default.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row relative to the others, in everything that `fit` averages
            over rows. A row of weight 0 is left out. By default all are equal.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, the data, the condition or the weights are not valid.
        FloatingPointError
            If a loss becomes non-finite. The epochs before are kept.
        KeyboardInterrupt
            On Ctrl-C. The epochs before are kept, and the model can be used.

        Warns
        -----
        SkvaeCollapseWarning
            If at most one latent in eight varies with the data.
        SkvaeDataWarning
            If a likelihood does not fit the columns.
        """
        given = Given(condition, sample_weight=sample_weight)
        return self._fit(X, y, given)

    def partial_fit(self, X, y=None, condition=None, sample_weight=None) -> Self:
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
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, relative to the other rows of this call.

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
        return self._partial_fit(X, Given(condition, sample_weight=sample_weight))

    def fit_transform(
        self, X, y=None, condition=None, sample_weight=None
    ) -> np.ndarray:
        """Fit the model, and encode the training rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`. Rows of weight 0 are encoded too.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Posterior means.

        Raises
        ------
        ValueError
            As `fit`.
        """
        self.fit(X, y, condition=condition, sample_weight=sample_weight)
        return self.transform(X, condition=condition)

    @by_blocks
    @in_kind
    def transform(self, X, condition=None) -> np.ndarray:
        """Encode rows under their conditions as posterior means. This is deterministic.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : array-like of shape (n_samples,) or (n_samples, n), default=None
            As in `fit`; a single value, or one combination of several conditions,
            applies to all rows. A data frame must have the names of fit.

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

    @in_kind
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
        X_original : ndarray of shape (n_samples, n_features), or data frame
            Rows, condition columns included; an array of objects unless these are
            numbers that an array of floats holds exactly.

        Raises
        ------
        ValueError
            If `X` has a wrong number of columns, or a condition is missing or unknown.
        """
        Z = self._check_latents(X)
        codes = self._columns.codes_to_decode(self, condition, len(Z))
        return self._decode(Z, codes)

    def _decode(self, Z, codes, rows=None):
        condition = self.conditions_.encode(codes)
        x = self._evaluator().decode(Z, condition)
        return self._restored(x, codes, rows)

    @by_blocks
    @in_kind
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
        X_mean : ndarray of shape (n_samples, n_features), or data frame
            Means of p(x | z, condition) at the posterior means.

        Raises
        ------
        ValueError
            As `transform`.
        """
        table = self._check_encodable(X, Given(condition))
        codes = self._columns.codes_of(self, X, condition)
        return self._decode(self._transform(table), codes, rows=X)
