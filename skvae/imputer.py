"""A scikit-learn imputer: fills missing cells of a table in front of any predictor."""

from typing import Self

import narwhals as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.impute import MissingIndicator
from sklearn.utils.validation import check_is_fitted

from skvae._parameters import Declared, parameter
from skvae._validation import (
    BOOLEAN,
    NONE,
    POSITIVE_INT,
    RANDOM_STATE,
    Instance,
    check_parameters,
)
from skvae.autoencoders import VAETransformer
from skvae.base import BaseAutoencoderTransformer
from skvae.distributions import Auto
from skvae.inputs import Given, as_numpy, rows_that_count

# Chosen on half of the tables of `benchmarks.imputation`.
SETTINGS = {
    "n_components": 10,
    "hidden_layer_sizes": (128, 128),
    "dropout": 0.1,
    "batch_size": 128,
    "early_stopping": False,
}
N_STEPS = 4000  # of training in large tables
N_EPOCHS = 20, 200  # at least, and at most


def default_model(n_rows):
    """Return the model that fills cells unless another one is passed."""
    n_epochs = np.clip(N_STEPS * SETTINGS["batch_size"] // n_rows, *N_EPOCHS)
    likelihood = Auto(numbers="gaussian")
    return VAETransformer(likelihood=likelihood, max_epochs=int(n_epochs), **SETTINGS)


class VAEImputer(OneToOneFeatureMixin, TransformerMixin, Declared, BaseEstimator):
    """Fill missing cells by a variational autoencoder of the observed ones.

    `transform` is `impute` of a model that `fit` fits to rows with missing cells. Use
    it in front of a predictor that needs complete rows. If the values of cells
    determine whether they are missing, the results are biased (Ipsen et al. 2021).

    Parameters
    ----------
    estimator : estimator or None, default=None
        The model, a :class:`~skvae.VAETransformer` or another one with `impute`. By
        default it has ten latents, two hidden layers of 128 units with dropout, and a
        likelihood that is chosen for each column. It trains for 200 epochs, or fewer
        in tables of more than 2560 rows, without early stopping.
    missing_values : int, float, str, None or NaN, default=nan
        What stands for a missing cell. NaN, None and ``pd.NA`` always do.
    n_samples : int, default=64
        Draws of z per row, weighted by importance.
    sample_posterior : bool, default=False
        Whether to fill in draws instead of means, as multiple imputation needs. Each
        call of `transform` returns the same draws.
    add_indicator : bool, default=False
        Whether to append a column for each column with missing cells in fit, which is 1
        where the cell was missing.
    random_state : int, RandomState or None, default=None
        Seed of the fit and of draws; None leaves that of `estimator`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    indicator_ : MissingIndicator or None
        Computes the columns that are appended.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str
        Their names, if `X` has them.

    See Also
    --------
    VAETransformer.impute : Returns several draws at once.
    sklearn.impute.IterativeImputer : Regresses each column on the others.

    References
    ----------
    Mattei, P.-A. and Frellsen, J. (2019). MIWAE: Deep Generative Modelling and
    Imputation of Incomplete Data Sets. ICML.

    Ipsen, N. B., Mattei, P.-A. and Frellsen, J. (2021). not-MIWAE: Deep Generative
    Modelling with Missing not at Random Data. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAEImputer
    >>> X = load_iris().data
    >>> holed = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
    >>> filled = VAEImputer(random_state=0).fit_transform(holed)
    >>> mean = np.where(np.isnan(holed), np.nanmean(holed, 0), holed)
    >>> bool(np.square(filled - X).sum() < np.square(mean - X).sum() / 2)
    True
    """

    estimator: BaseAutoencoderTransformer | None = parameter(
        Instance((BaseAutoencoderTransformer,), "an estimator of skvae"),
        NONE,
        default=None,
        kw_only=False,
    )
    missing_values: object = parameter(
        Instance((int, float, str, np.number), "a number or a str"),
        NONE,
        default=np.nan,
    )
    n_samples: int = parameter(POSITIVE_INT, default=64)
    sample_posterior: bool = parameter(BOOLEAN, default=False)
    add_indicator: bool = parameter(BOOLEAN, default=False)
    random_state: int | np.random.RandomState | None = parameter(
        *RANDOM_STATE, default=None
    )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Fit the model to rows with missing cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row relative to the others, in everything that `fit` averages
            over rows. A row of weight 0 is left out. By default all are equal.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, `X` or the weights are not valid, or if a column has no
            value.
        """
        check_parameters(self)
        given = Given(sample_weight=sample_weight)
        X, _, given = rows_that_count(self._marked(X), None, given)
        if self.estimator is None:
            model = default_model(_n_rows(X))
        else:
            model = clone(self.estimator)
        if self.random_state is not None:
            model.set_params(random_state=self.random_state)
        weights = {} if given.is_nothing else {"sample_weight": given.sample_weight}
        self.estimator_ = model.fit(X, **weights)
        self.n_features_in_ = model.n_features_in_
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(model, "feature_names_in_"):
            self.feature_names_in_ = model.feature_names_in_
        self.indicator_ = None
        if self.add_indicator:
            self.indicator_ = MissingIndicator(error_on_new=False)
            self.indicator_.fit(self._flags(X))
        return self

    def transform(self, X):
        """Fill missing cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features_out), or data frame
            Rows without missing cells. A table with words becomes a data frame if fit
            was given one.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or a value the model cannot read.
        """
        check_is_fitted(self)
        X = self._marked(X)
        if self.sample_posterior:
            seed = self.random_state
            (filled,) = self.estimator_.impute(X, self.n_samples, 1, seed)
        else:
            filled = self.estimator_.impute(X, self.n_samples)
        if self.indicator_ is None:
            return filled
        flags = self.indicator_.transform(self._flags(X))
        return _beside(filled, flags, self._flag_names())

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns; those of fit, or x0, x1, ..., by default.

        Returns
        -------
        ndarray of str
        """
        names = super().get_feature_names_out(input_features)
        if self.indicator_ is None:
            return names
        more = self.indicator_.get_feature_names_out(names)
        return np.concatenate([names, more])

    def _flag_names(self):
        return self.get_feature_names_out()[self.n_features_in_ :]

    def _marked(self, X):
        """Return X with NaN or None in place of `missing_values`."""
        X, value = as_numpy(X), self.missing_values
        X = X.toarray() if issparse(X) else X  # as large as the result
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return X
        try:
            frame = nw.from_native(X, eager_only=True)
        except TypeError:
            X = np.asarray(X)
            if X.dtype.kind in "iub":
                X = X.astype(float)
            return np.where(value == X, None if X.dtype == object else np.nan, X)
        is_word = isinstance(value, str)
        columns = [
            nw.col(column.name)
            for column in frame.iter_columns()
            if is_word != column.dtype.is_numeric()
        ]
        kept = [nw.when(column != value).then(column) for column in columns]
        return frame.with_columns(*kept).to_native()

    def _flags(self, X):
        """Return NaN where cells are missing, else 0, (n, n_features)."""
        model = self.estimator_
        x = model._check_encodable(X).x
        flags = np.zeros((len(x), self.n_features_in_))
        flags[:, model._columns.data_positions] = np.where(np.isnan(x), np.nan, 0.0)
        return flags


def _n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else max(1, len(X))


def _beside(filled, flags, names):
    """Append columns of flags to a table."""
    if isinstance(filled, np.ndarray):
        return np.hstack([filled, flags.astype(filled.dtype)])
    frame = nw.from_native(filled, eager_only=True)
    space = nw.get_native_namespace(frame)
    columns = [
        nw.new_series(name, flag, backend=space)
        for name, flag in zip(names, flags.T, strict=True)
    ]
    if frame.implementation.is_pandas():
        index = nw.maybe_get_index(frame)
        columns = [nw.maybe_set_index(column, index=index) for column in columns]
    return frame.with_columns(*columns).to_native()
