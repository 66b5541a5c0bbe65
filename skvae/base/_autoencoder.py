"""The scikit-learn interface of every model.

An estimator validates its input, builds a torch module, trains it and returns its
answers. It contains no mathematics, and the module does not depend on scikit-learn. A
family of models declares its parameters and implements `_build_module`.
"""

from typing import Self

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from skvae._parameters import parameter
from skvae._validation import (
    BOOLEAN,
    FRACTION,
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE,
    POSITIVE_INT,
    PROBABILITY,
    RANDOM_STATE,
    Instance,
    Options,
    Sequence,
    check_parameter,
)
from skvae.base._arrays import in_kind
from skvae.base._fitting import FittingMixin
from skvae.base._groups import SIZES, Checkpoints, Optimizer, SkorchCallback
from skvae.base._settings import within_torch
from skvae.base._sklearn import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    LatentNamesMixin,
    with_callbacks,
)
from skvae.distributions import SHORTHAND, Likelihood, as_likelihood
from skvae.inference import Evaluator
from skvae.inputs import (
    NOTHING,
    Given,
    PlainColumns,
    explaining,
    in_memory,
    index_of,
)
from skvae.nets import ACTIVATIONS
from skvae.persistence import SavingMixin
from skvae.sources import by_blocks
from skvae.training import OPTIMIZERS


class BaseAutoencoderTransformer(
    CallbackSupportMixin,
    SavingMixin,
    DocumentationLinkMixin,
    LatentNamesMixin,
    FittingMixin,
    TransformerMixin,
    Checkpoints,
):
    """Base of every estimator: fit, transform, inverse_transform, reconstruct.

    A subclass declares its parameters with `skvae._parameters.parameter`, and
    implements `_build_module`.
    """

    _columns_type = PlainColumns  # what the columns of X mean

    hidden_layer_sizes: tuple[int, ...] = parameter(
        SIZES, default=(256, 256), shapes_network=True
    )
    activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="relu", shapes_network=True
    )
    dropout: float = parameter(PROBABILITY, default=0.0, shapes_network=True)
    likelihood: str | Likelihood | list = parameter(
        Options(tuple(SHORTHAND)),
        Instance((Likelihood,), "an instance of a class of skvae.distributions"),
        Instance((list,), "a list of (likelihood, columns)"),
        default="gaussian-shared",
        shapes_network=True,
    )
    binarize: str | None = parameter(Options(("fixed", "dynamic")), NONE, default=None)
    max_epochs: int = parameter(POSITIVE_INT, default=200)
    batch_size: int = parameter(POSITIVE_INT, default=64)
    lr: float = parameter(POSITIVE, default=1e-3)
    optimizer: str | type = parameter(
        Options(tuple(OPTIMIZERS)), Optimizer(), default="adam", shapes_network=True
    )
    weight_decay: float = parameter(NON_NEGATIVE, default=0.0)
    early_stopping: bool = parameter(BOOLEAN, default=True)
    validation_fraction: float = parameter(FRACTION, default=0.1)
    n_iter_no_change: int = parameter(POSITIVE_INT, default=20)
    tol: float = parameter(NON_NEGATIVE, default=1e-4)
    dtype: str = parameter(
        Options(("float32", "float64", "auto")), default="float32", shapes_network=True
    )
    device: str | torch.device = parameter(
        Instance((str, torch.device), "a str such as 'auto', 'cpu' or 'cuda'"),
        default="auto",
    )
    warm_start: bool = parameter(BOOLEAN, default=False)
    random_state: int | np.random.RandomState | None = parameter(
        *RANDOM_STATE, default=None
    )
    verbose: int = parameter(NATURAL, BOOLEAN, default=0)
    callbacks: list | None = parameter(
        Sequence(SkorchCallback(), "a list of skorch callbacks"), NONE, default=None
    )
    net_params: dict | None = parameter(
        Instance((dict,), "a dict of skorch arguments"), NONE, default=None
    )

    # -- scikit-learn's tags and names ----------------------------------------------

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.array_api_support = True
        try:
            tags.input_tags.positive_only = as_likelihood(self.likelihood).positive_only
        except (ValueError, TypeError):  # an invalid parameter, reported by fit
            tags.input_tags.positive_only = False
        return tags

    @property
    def _n_features_out(self):
        return self.module_.n_outputs

    @property
    def module_(self) -> torch.nn.Module:
        """The fitted torch module, in evaluation mode."""
        return self.net_.module_.eval()

    @property
    def history_(self):
        """One row per epoch, a `skorch.history.History`."""
        return self.net_.history

    @property
    def n_iter_(self) -> int:
        """Number of completed epochs."""
        return len(self.net_.history)

    # -- fitting --------------------------------------------------------------------

    @with_callbacks
    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Fit the model.

        Until the first new epoch is complete, an error leaves the estimator as it was.

        Parameters
        ----------
        X : array-like or source of rows of shape (n_samples, n_features)
            Training rows; an image is one row, ``X.reshape(len(X), -1)``. What
            :func:`skvae.sources.as_source` takes is read in blocks of rows.
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
            If a parameter, the data or the weights are not valid, or `checkpoint` is
            that of a fit with other parameters or data.
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
        return self._fit(X, y, Given(sample_weight=sample_weight))

    def partial_fit(self, X, y=None, sample_weight=None) -> Self:
        """Train for one epoch on the given rows.

        The first call builds the network, and its rows determine what the likelihood
        learns of the columns (levels, spreads). Early stopping does not apply.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Some rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, relative to the other rows of this call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and if a parameter that shapes the network was changed.
        FloatingPointError
            As `fit`.
        """
        return self._partial_fit(X, Given(sample_weight=sample_weight))

    # -- answering ------------------------------------------------------------------

    @by_blocks
    @in_kind
    def transform(self, X) -> np.ndarray:
        """Encode rows as posterior means. This is deterministic.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Latents, in the precision of `X`.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or a value the encoder cannot read.
        """
        return self._transform(self._check_encodable(X))

    def _transform(self, table):
        Z = self._evaluator().encode(table)
        return Z.astype(table.dtype, copy=False)

    @in_kind
    def inverse_transform(self, X) -> np.ndarray:
        """Decode latents to the mean of p(x | z).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features), or data frame
            Rows with the input's columns, in the precision of the latents, or float64
            if a Gaussian column is far from zero.

        Raises
        ------
        ValueError
            If `X` has another number of columns than `transform` returns.
        """
        Z = self._check_latents(X)
        return self._restored(self._evaluator().decode(Z))

    @by_blocks
    @in_kind
    def reconstruct(self, X) -> np.ndarray:
        """Encode rows, and decode their latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_mean : ndarray of shape (n_samples, n_features), or data frame
            Means of p(x | z) at the posterior means.

        Raises
        ------
        ValueError
            As `transform`.
        """
        table = self._check_encodable(X)
        return self._restored(self._evaluator().reconstruct(table), rows=X)

    def _restored(self, x, codes=None, rows=None):
        """Return data columns as rows like those of fit, see `as_given`.

        `codes` are their conditions, and `rows` is what they were computed from.
        """
        table = self._columns.restore(x, codes)
        return self._columns.as_given(self, table, index_of(rows))

    def _evaluator(self):
        likelihood = self.likelihood_
        return Evaluator(self.module_, likelihood.origin, likelihood.fill)

    def _check_ready(self):
        """Check that it is fitted, and apply parameters that may change after fit."""
        check_is_fitted(self)
        for name in self._after_fit:
            value, owner = getattr(self, name), type(self).__name__
            check_parameter(name, value, self._allowed[name], owner)
            if name in self._module_settings:
                setattr(self.module_, name, within_torch(value))

    def _check_latents(self, X):
        self._check_ready()
        X = in_memory(X)
        with explaining(X):
            Z = check_array(X, dtype=[np.float64, np.float32])
        if Z.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {Z.shape[1]} columns, but the latents of {type(self).__name__} "
                f"have {self._n_features_out}."
            )
        return Z

    def _check_encodable(self, X, given=NOTHING):
        """Return rows that the encoder can read as a `Table`."""
        self._check_ready()
        table = self._columns.table(self, X, given)
        self.likelihood_.check_codes(table.x, self._columns.names)
        return table

    def _check_scorable(self, X, given=NOTHING):
        """Return rows within the support of the likelihood as a `Table`."""
        self._check_ready()
        table = self._columns.table(self, X, given)
        self.likelihood_.check(table.x, self._columns.names)
        return table
