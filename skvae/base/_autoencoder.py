"""The scikit-learn face of every model.

An estimator validates, builds, fits and asks. It knows nothing of the mathematics; the
module that it builds knows nothing of scikit-learn. A family gives its parameters and
`_build_module`; everything else is here.
"""

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skvae._validation import check_parameters
from skvae.base._building import configure, new_net, resolve_device, resolve_dtype
from skvae.base._documentation import DocumentationLinkMixin
from skvae.base._identity import architecture, check_same_architecture
from skvae.base._names import LatentNamesMixin
from skvae.base._parameters import AUTOENCODER_PARAMETERS
from skvae.base._saving import SavingMixin
from skvae.base._tasks import CallbackSupportMixin, FitTasks, with_callbacks
from skvae.distributions import as_likelihood
from skvae.inference import Evaluator
from skvae.nets import build_body, mlp
from skvae.training import Progress, Rows, Table, seeded_weights


class BaseAutoencoderTransformer(
    CallbackSupportMixin,
    SavingMixin,
    DocumentationLinkMixin,
    LatentNamesMixin,
    TransformerMixin,
    BaseEstimator,
):
    """What every estimator does: fit, transform, inverse_transform, reconstruct.

    A subclass gives ``_allowed`` (its parameters), `_build_module` and, where a change
    of a parameter means another network, ``_architecture``.
    """

    _allowed = AUTOENCODER_PARAMETERS
    _architecture = (
        "n_components",
        "hidden_layer_sizes",
        "activation",
        "dropout",
        "likelihood",
        "encoder",
        "decoder",
        "dtype",
        "optimizer",
    )
    _module_settings = ()  # parameters that the module reads in every fit

    # -- scikit-learn's tags and names ----------------------------------------------

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        try:
            tags.input_tags.positive_only = as_likelihood(self.likelihood).positive_only
        except (ValueError, TypeError):  # a wrong parameter, reported by fit
            tags.input_tags.positive_only = False
        return tags

    @property
    def _n_features_out(self):
        return self.module_.n_components

    @property
    def module_(self):
        """The fitted torch module, in evaluation mode."""
        return self.net_.module_.eval()

    @property
    def history_(self):
        """One row an epoch, a `skorch.history.History`."""
        return self.net_.history

    # -- fitting --------------------------------------------------------------------

    @with_callbacks
    def fit(self, X, y=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows; an image is one row, ``X.reshape(len(X), -1)``.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data are not allowed. Nothing fitted before is lost.
        FloatingPointError
            If a loss turns non-finite. The weights of the epoch before are kept.
        KeyboardInterrupt
            On Ctrl-C, with the epochs done so far kept and usable.
        """
        return self._fit(X, y)

    def _fit(self, X, y, condition=None):
        resume = self.warm_start and hasattr(self, "net_")
        rows = self._prepare(X, condition, resume, "warm_start=True")
        n_epochs = self.net_.max_epochs
        tasks = FitTasks(self, n_epochs, {"X": X, "y": y})
        progress = Progress(type(self).__name__, n_epochs, hidden=not self.verbose)
        try:
            self._train(rows, n_epochs, [tasks, progress])
        finally:
            progress.close()
        tasks.close()
        return self

    def partial_fit(self, X, y=None):
        """Train for one epoch on the rows given.

        The first call builds the network and learns what the likelihood needs of the
        columns (levels, spreads) from its rows. Early stopping does not apply.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Some rows.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and if a parameter was changed that makes another network.
        FloatingPointError
            As `fit`.
        """
        return self._partial_fit(X)

    def _partial_fit(self, X, condition=None):
        rows = self._prepare(X, condition, hasattr(self, "net_"), "partial_fit")
        self._train(rows, 1, [], validate=False)
        return self

    def _prepare(self, X, condition, resume, reason):
        """Prepare a fit, or leave everything as it was where something is wrong."""
        before = dict(vars(self))
        try:
            return self._prepare_rows(X, condition, resume, reason)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _prepare_rows(self, X, condition, resume, reason):
        """Validate all, then build or continue a net; return the training rows."""
        check_parameters(self)
        device = resolve_device(self.device, type(self).__name__)
        if resume:
            check_same_architecture(self, reason)
        table = self._check_input(X, condition, reset=not resume)
        if self.early_stopping and reason != "partial_fit" and len(table) == 1:
            raise ValueError("early_stopping holds rows out, but n_samples = 1.")
        if resume:
            self.likelihood_.check(table.x, self._names())
        else:
            self._start_afresh(table, X, device)
        configure(self.net_, self)
        # A net that goes on stays where it is, whatever `device` says now.
        return Rows(table, self._evaluator().device, self.module_.dtype)

    def _start_afresh(self, table, frame, device):
        random = check_random_state(self.random_state)
        self._seed = int(random.randint(np.iinfo(np.int32).max))
        self.likelihood_ = self._new_likelihood(frame)
        self.likelihood_.fit(table.x, self._names(), frame)
        if self.binarize is not None and not self.likelihood_.binary:
            raise ValueError(
                f"The 'binarize' parameter of {type(self).__name__} must be None "
                "unless every column is Bernoulli or one-hot. Got "
                f"{self.binarize!r} instead."
            )
        with torch.device("cpu"), seeded_weights(self._seed):
            module = self._build_module(table)
        module.dtype = resolve_dtype(self.dtype, table)
        self.net_ = new_net(self, module.to(module.dtype), self._seed, device)
        self._fitted_architecture = architecture(self)

    def _new_likelihood(self, frame):
        return as_likelihood(self.likelihood, type(self).__name__)

    def _annealing(self):
        """Give callbacks that change numbers of the module from epoch to epoch."""
        return []

    def _build_module(self, table):
        """Build the untrained torch module for the columns of a `Table`.

        It is None where saved weights will be put in; ``likelihood_`` is fitted.
        """
        raise NotImplementedError

    def _build_body(self, name, n_in):
        """Build the encoder's or the decoder's body; return it and its width."""
        own = getattr(self, name)
        if own is not None:
            return build_body(own, n_in, name)
        sizes = tuple(self.hidden_layer_sizes)
        return self._build_layers(n_in, sizes if name == "encoder" else sizes[::-1])

    def _build_layers(self, n_in, sizes):
        """Build layers of these widths; give the last one too."""
        return mlp(n_in, sizes, self.activation, self.dropout), (n_in, *sizes)[-1]

    def _build_head(self, decoder, n_hidden, likelihood=None):
        """Build the last layer behind a decoder's body, if that has none of its own."""
        head = (likelihood or self.likelihood_).head(n_hidden)
        if getattr(decoder, "gives_parameters", False):
            head.take_as_is()
        return head

    def _training_features(self, table, head):
        """Give a function n -> n training rows as the encoder sees them."""

        def rows(n):
            if table is None:
                return torch.zeros(n, head.n_features)
            which = np.random.default_rng(self._seed).permutation(len(table))
            block = np.take(table.x, np.resize(which, n), axis=0)
            return head.features(torch.as_tensor(block).to(torch.get_default_dtype()))

        return rows

    def _train(self, rows, n_epochs, watchers, validate=True):
        try:
            self.net_.partial_fit(
                rows, epochs=n_epochs, validate=validate, watchers=watchers
            )
        finally:
            self.n_iter_ = len(self.history_)

    # -- asking ---------------------------------------------------------------------

    def transform(self, X):
        """Encode rows as posterior means; deterministic.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            In the precision of `X`.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or a value the encoder cannot read.
        """
        return self._transform(self._check_encodable(X))

    def _transform(self, table):
        Z = self._evaluator().encode(table)
        return Z.astype(table.dtype, copy=False)

    def inverse_transform(self, X):
        """Decode latents to the mean of p(x | z).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            In the input's columns and the precision of the latents.

        Raises
        ------
        ValueError
            If `X` has another number of columns than `transform` gives.
        """
        Z = self._check_latents(X)
        return self._evaluator().decode(Z).astype(Z.dtype, copy=False)

    def _check_latents(self, X):
        check_is_fitted(self)
        Z = check_array(_as_array(X), dtype=[np.float64, np.float32])
        if Z.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has "
                f"n_components={self._n_features_out}."
            )
        return Z

    def reconstruct(self, X):
        """Encode rows, and decode their latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_mean : ndarray of shape (n_samples, n_features)
            Means of p(x | z) at the posterior means.

        Raises
        ------
        ValueError
            As `transform`.
        """
        table = self._check_encodable(X)
        X_mean = self._evaluator().reconstruct(table)
        return X_mean.astype(table.dtype, copy=False)

    def _evaluator(self):
        """Give what asks the module."""
        return Evaluator(self.module_)

    def _names(self):
        return getattr(self, "feature_names_in_", None)

    def _check_input(self, X, condition=None, reset=False):
        """Check the rows and give them as a `Table`."""
        X = self._check_dimensions(X)
        return Table(
            validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)
        )

    def _check_dimensions(self, X):
        X = _as_array(X)
        n_dimensions = len(getattr(X, "shape", ()))
        if n_dimensions > 2:
            raise ValueError(
                f"X has {n_dimensions} dimensions, but {type(self).__name__} takes one "
                "row a sample. Reshape your data using X.reshape(len(X), -1)."
            )
        return X

    def _check_encodable(self, X, condition=None):
        check_is_fitted(self)
        table = self._check_input(X, condition)
        self.likelihood_.check_codes(table.x, self._names())
        return table

    def _check_scorable(self, X, condition=None):
        check_is_fitted(self)
        table = self._check_input(X, condition)
        self.likelihood_.check(table.x, self._names())
        return table


def _as_array(X):
    """Take a torch tensor as it is; leave anything else to scikit-learn."""
    if not isinstance(X, torch.Tensor):
        return X
    X = X.detach().cpu()
    return (X if X.dtype in (torch.float32, torch.float64) else X.float()).numpy()
