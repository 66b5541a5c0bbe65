"""The scikit-learn face of every model.

An estimator validates, builds, fits and asks. It knows nothing of the mathematics; the
module that it builds knows nothing of scikit-learn. A family gives its parameters and
`_build_module`; everything else is here.
"""

import copy
from contextlib import contextmanager
from numbers import Real

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from torch import nn

from skvae._compat import CallbackSupportMixin, FitTasks, with_callbacks
from skvae._validation import (
    BOOLEAN,
    FRACTION,
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE,
    POSITIVE_INT,
    RANDOM_STATE,
    Callable,
    Instance,
    Interval,
    Options,
    Sequence,
    check_parameter,
    check_parameters,
)
from skvae.distributions import SHORTHAND as LIKELIHOODS
from skvae.distributions import Likelihood, as_likelihood
from skvae.inference import Evaluator
from skvae.nets import ACTIVATIONS, build_body, mlp
from skvae.priors import SHORTHAND as PRIORS
from skvae.priors import Prior
from skvae.training import (
    OPTIMIZERS,
    EarlyStopping,
    HoldOut,
    KLWarmup,
    Progress,
    RecordEpoch,
    Rows,
    VariationalNet,
    as_optimizer,
    derive_seed,
    seeded_weights,
)

BODY = (
    Instance((nn.Module,), "a torch module"),
    Callable("a function of the input's width that returns one"),
    NONE,
)

AUTOENCODER_PARAMETERS = {
    "n_components": (POSITIVE_INT,),
    "hidden_layer_sizes": (Sequence(POSITIVE_INT, "a tuple of positive ints"),),
    "activation": (Options(tuple(ACTIVATIONS)),),
    "dropout": (Interval(Real, 0.0, 1.0),),
    "likelihood": (
        Options(tuple(LIKELIHOODS)),
        Instance((Likelihood,), "an instance of a class of skvae.distributions"),
        Instance((list,), "a list of (likelihood, columns)"),
    ),
    "encoder": BODY,
    "decoder": BODY,
    "binarize": (Options(("fixed", "dynamic")), NONE),
    "max_epochs": (POSITIVE_INT,),
    "batch_size": (POSITIVE_INT,),
    "lr": (POSITIVE,),
    "optimizer": (
        Options(tuple(OPTIMIZERS)),
        Callable("a class of torch optimizers"),
    ),
    "weight_decay": (NON_NEGATIVE,),
    "early_stopping": (BOOLEAN,),
    "validation_fraction": (FRACTION,),
    "n_iter_no_change": (POSITIVE_INT,),
    "tol": (NON_NEGATIVE,),
    "dtype": (Options(("float32", "float64", "auto")),),
    "device": (Instance((str, torch.device), "a str such as 'auto', 'cpu' or 'cuda'"),),
    "warm_start": (BOOLEAN,),
    "random_state": RANDOM_STATE,
    "verbose": (NATURAL, BOOLEAN),
    "callbacks": (
        Sequence(Instance((object,), ""), "a list of skorch callbacks"),
        NONE,
    ),
    "net_params": (Instance((dict,), "a dict of skorch arguments"), NONE),
}

VAE_PARAMETERS = AUTOENCODER_PARAMETERS | {
    "prior": (
        Options(tuple(PRIORS)),
        Instance((Prior,), "an instance of a class of skvae.priors"),
    ),
    "beta": (NON_NEGATIVE,),
    "kl_warmup": (NATURAL,),
    "n_importance_samples": (POSITIVE_INT,),
}


class BaseAutoencoderTransformer(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
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
        return self.n_components

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
        resume = self.warm_start and hasattr(self, "net_")
        with self._unchanged_on_error():
            rows = self._prepare(X, resume, "warm_start=True")
        tasks = FitTasks(self, self.max_epochs, {"X": X, "y": y})
        watchers = [tasks]
        if self.verbose:
            watchers.append(Progress(type(self).__name__, self.max_epochs))
        self._train(rows, self.max_epochs, watchers)
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
        """
        with self._unchanged_on_error():
            rows = self._prepare(X, hasattr(self, "net_"), "partial_fit")
        self._train(rows, 1, [], validate=False)
        return self

    def _prepare(self, X, resume, reason):
        """Validate all, then build or continue a net; return the training rows."""
        check_parameters(self)
        device = _resolve_device(self.device, type(self).__name__)
        if resume:
            self._check_same_architecture(reason)
        frame = X
        X = self._check_input(X, reset=not resume)
        if not resume:
            self._start_afresh(X, frame, device)
        self.likelihood_.check(X, self._names())
        self._configure(self.net_)
        return Rows(X, device, self.module_.dtype)

    def _start_afresh(self, X, frame, device):
        random = check_random_state(self.random_state)
        self._seed = int(random.randint(np.iinfo(np.int32).max))
        self.likelihood_ = as_likelihood(self.likelihood, type(self).__name__)
        self.likelihood_.fit(X, self._names(), frame)
        if self.binarize is not None and not self.likelihood_.binary:
            raise ValueError(
                f"The 'binarize' parameter of {type(self).__name__} must be None unless "
                f"every column is Bernoulli. Got {self.binarize!r} instead."
            )
        with seeded_weights(self._seed):
            module = self._build_module(X)
        module.dtype = _resolve_dtype(self.dtype, X)
        self.net_ = self._new_net(module.to(module.dtype), device)
        self._fitted_architecture = self._describe_architecture()

    def _build_module(self, X):
        """Build the untrained torch module for the columns of `X`."""
        raise NotImplementedError

    def _build_body(self, name, n_in):
        """Build the encoder's or the decoder's body; return it and its width."""
        own = getattr(self, name)
        if own is not None:
            return build_body(own, n_in, name)
        sizes = tuple(self.hidden_layer_sizes)
        sizes = sizes if name == "encoder" else sizes[::-1]
        return mlp(n_in, sizes, self.activation, self.dropout), (n_in, *sizes)[-1]

    def _training_features(self, X, head):
        """Give a function n -> n training rows as the encoder sees them."""

        def rows(n):
            which = np.random.default_rng(self._seed).permutation(len(X))
            block = np.take(X, np.resize(which, n), axis=0)
            return head.features(torch.as_tensor(block).to(torch.get_default_dtype()))

        return rows

    def _new_net(self, module, device):
        settings = {
            "optimizer": as_optimizer(self.optimizer),
            "lr": self.lr,
            "max_epochs": self.max_epochs,
            "batch_size": self.batch_size,
            "binarize": self.binarize,
            "train_split": self._split(),
            "callbacks": copy.deepcopy(list(self.callbacks or [])),
            "device": device,
        }
        if self.weight_decay:  # not every optimizer takes one
            settings["optimizer__weight_decay"] = self.weight_decay
        net = VariationalNet(
            module, seed=self._seed, **(settings | (self.net_params or {}))
        )
        return net.initialize()

    def _own_callbacks(self):
        callbacks = []
        warmup = getattr(self, "kl_warmup", 0)
        if warmup:
            callbacks.append(("kl_warmup", KLWarmup(warmup)))
        callbacks.append(("record_epoch", RecordEpoch()))
        if self.early_stopping:
            stop = EarlyStopping(self.n_iter_no_change, self.tol, warmup)
            callbacks.append(("early_stopping", stop))
        return callbacks

    def _split(self):
        if not self.early_stopping:
            return None
        return HoldOut(self.validation_fraction, derive_seed(self._seed, "split"))

    def _configure(self, net):
        """Bring a net up to date with parameters that may change between fits."""
        for name in self._module_settings:
            setattr(net.module_, name, getattr(self, name))
        own = self._own_callbacks()
        theirs = [pair for pair in net.callbacks_ if pair[0] not in OWN_CALLBACKS]
        net.callbacks_ = own + theirs
        given = self.net_params or {}
        for name in ("lr", "batch_size", "max_epochs"):
            value = given.get(name, getattr(self, name))
            if getattr(net, name) != value:
                net.set_params(**{name: value})
        net.train_split = given.get("train_split", self._split())

    def _describe_architecture(self):
        return {name: repr(getattr(self, name)) for name in self._architecture}

    def _check_same_architecture(self, reason):
        now = self._describe_architecture()
        for name, fitted in self._fitted_architecture.items():
            if now[name] != fitted:
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must stay {fitted} "
                    f"as {reason} goes on with the fitted network. Got {now[name]} "
                    "instead. Use fit with warm_start=False to start afresh."
                )

    def _train(self, rows, n_epochs, watchers, validate=True):
        try:
            self.net_.partial_fit(
                rows, epochs=n_epochs, validate=validate, watchers=watchers
            )
        finally:
            self.n_iter_ = len(self.history_)

    @contextmanager
    def _unchanged_on_error(self):
        """Keep the fitted state when something is wrong with parameters or data."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

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
        """
        X = self._check_encodable(X)
        return self._evaluator().encode(X).astype(X.dtype, copy=False)

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
        """
        check_is_fitted(self)
        Z = check_array(_as_array(X), dtype=[np.float64, np.float32])
        if Z.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has "
                f"n_components={self._n_features_out}."
            )
        return self._evaluator().decode(Z).astype(Z.dtype, copy=False)

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
        """
        X = self._check_encodable(X)
        return self._evaluator().reconstruct(X).astype(X.dtype, copy=False)

    def _evaluator(self):
        return Evaluator(self.module_)

    def _names(self):
        return getattr(self, "feature_names_in_", None)

    def _check_input(self, X, reset=False):
        X = _as_array(X)
        n_dimensions = len(getattr(X, "shape", ()))
        if n_dimensions > 2:
            raise ValueError(
                f"X has {n_dimensions} dimensions, but {type(self).__name__} takes one row "
                "a sample. Reshape your data using X.reshape(len(X), -1)."
            )
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)

    def _check_encodable(self, X):
        check_is_fitted(self)
        X = self._check_input(X)
        self.likelihood_.check_codes(X, self._names())
        return X

    def _check_scorable(self, X):
        check_is_fitted(self)
        X = self._check_input(X)
        self.likelihood_.check(X, self._names())
        return X


class BaseVAETransformer(BaseAutoencoderTransformer):
    """What every model with a prior adds: sampling and likelihoods."""

    _allowed = VAE_PARAMETERS
    _architecture = (*BaseAutoencoderTransformer._architecture, "prior")
    _module_settings = ("beta", "n_importance_samples")

    def sample(self, n_samples=1, random_state=None, mean=False):
        """Draw rows from the model, z ~ p(z) and x ~ p(x | z).

        Parameters
        ----------
        n_samples : int, default=1
            How many rows.
        random_state : int, RandomState or None, default=None
            Of the draws.
        mean : bool, default=False
            Give the mean of p(x | z) instead of a draw: smoother pictures.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        owner = f"{type(self).__name__}.sample"
        check_parameter("n_samples", n_samples, (POSITIVE_INT,), owner)
        random = check_random_state(random_state)
        seed = int(random.randint(np.iinfo(np.int32).max))
        evaluator = self._evaluator()
        return evaluator.sample(n_samples, self.n_features_in_, seed, mean)

    def score_samples(self, X):
        """Estimate ln p(x) of each row by importance sampling (64 samples), in nats.

        The noise is seeded in fit and shared by all rows, so that a row's value is the
        same alone and among others. Always at β = 1, whatever was trained.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Log-density, or log-probability under discrete likelihoods; too low by the
            estimate's bias in expectation, less so with more samples.
        """
        return self.log_likelihood(X)

    def score(self, X, y=None):
        """Mean of `score_samples`, in nats a row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        float
        """
        return float(np.mean(self.score_samples(X)))

    def log_likelihood(
        self, X, n_samples=64, method="importance", return_std_error=False
    ):
        """Estimate ln p(x) of each row, in nats, with control over the estimate.

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

        Returns
        -------
        ndarray of shape (n_samples,) or LogLikelihood
            The values, or with ``return_std_error`` a named tuple ``(values, std_error,
            mean_std_error)``: of each row by the delta method, and of the mean over
            rows, which share their draws.
        """
        X = self._check_scorable(X)
        owner = f"{type(self).__name__}.log_likelihood"
        check_parameter("n_samples", n_samples, (POSITIVE_INT,), owner)
        check_parameter("method", method, (Options(("importance", "elbo")),), owner)
        seed = derive_seed(self._seed, "evaluation")
        result = self._evaluator().log_likelihood(X, n_samples, seed, method)
        return result if return_std_error else result.values


OWN_CALLBACKS = ("kl_warmup", "record_epoch", "early_stopping")


def _as_array(X):
    """Take a torch tensor as it is; leave anything else to scikit-learn."""
    if not isinstance(X, torch.Tensor):
        return X
    X = X.detach().cpu()
    return (X if X.dtype in (torch.float32, torch.float64) else X.float()).numpy()


def _resolve_device(value, owner):
    if value == "auto":
        value = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=value).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"The 'device' parameter of {owner} must be 'auto' or a device that is "
            f"there. Got {value!r} instead: {error}"
        ) from error


def _resolve_dtype(value, X):
    return getattr(torch, X.dtype.name if value == "auto" else value)
