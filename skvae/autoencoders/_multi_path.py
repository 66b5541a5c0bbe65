"""Latents from several depths, for scikit-learn."""

from itertools import pairwise
from numbers import Integral

from sklearn.base import clone
from torch import nn

from skvae._validation import (
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE_INT,
    AnyOf,
    Sequence,
)
from skvae.autoencoders._multi_path_module import MPVAE
from skvae.base import BODY, BaseVAETransformer
from skvae.nets import JoinedConvDecoder, build_body, mlp
from skvae.priors import as_prior

SIZES = Sequence(POSITIVE_INT, "a tuple of positive ints", empty=False)
NUMBERS = Sequence(NATURAL, "a tuple of ints that are not negative", empty=False)
BODIES = Sequence(AnyOf(BODY[:2]), "a list of torch modules or functions", empty=False)
N_PATHS = 2  # where the number of latents is one int


class MPVAETransformer(BaseVAETransformer):
    """Multi-path variational autoencoder: latents from several depths.

    Shallow paths keep what deep ones have lost, side by side in `transform`. The model
    and its bound are those of :class:`~skvae.autoencoders.MPVAE`. (The acronym also
    names the Multivariate Probit VAE, another model.)

    Parameters
    ----------
    n_components : int or tuple of int, default=(4, 4)
        Number of latents of each path, the shallowest first; an int is that many in
        each of two paths.
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the encoder's layers; the decoder, which joins all paths, has them in
        reverse order.
    taps : tuple of int or None, default=None
        Behind how many layers of the encoder each path begins, rising; None takes the
        last ones.
    path_hidden_layer_sizes : tuple of int, default=()
        Widths of layers that each path has for itself.
    paths : tuple of int or None, default=None
        Which paths `transform` gives, from 0; None gives all. `inverse_transform` takes
        the mean of the prior for the others. Read in fit; of a fitted model choose
        columns by their names.
    beta : float or tuple of float, default=1.0
        Weight of the divergence, for all paths or for each.
    activation : {"elu", "gelu", "identity", "relu", "sigmoid", "softplus", "tanh"}, \
default="relu"
        After every hidden layer.
    dropout : float, default=0.0
        Probability of dropping a hidden unit in training.
    likelihood : str, Likelihood or list of (likelihood, columns), default="gaussian"
        p(x | z): "gaussian" (a learned scale a column), "gaussian-shared" (one learned
        scale), "gaussian-unit" (scale 1), "bernoulli", "categorical" (all columns are
        one one-hot variable), "codes" (integer-coded columns), "poisson", an object of
        :mod:`skvae.distributions`, or parts of a table of mixed type. A search over
        ``likelihood__scale`` needs an object here, as a string or a list has no
        parameters of its own.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    encoder : torch.nn.Module, callable, list of these, or None, default=None
        Own networks in place of the layers above, one a path: the first maps
        (n, n_in) to (n, h_1), the next (n, h_1) to (n, h_2), and so on; a path begins
        behind each. Of a single network all paths begin behind it. Modules are copied
        in fit; a function is given its input's width. ``n_in`` is the number of columns
        (of levels, under "codes").
    decoder : torch.nn.Module, callable or None, default=None
        Own network, (n, n_in) to (n, h), ``n_in`` the number of all latents, which
        stand side by side.
    binarize : {None, "fixed", "dynamic"}, default=None
        In training, draw 0/1 values from Bernoulli columns in [0, 1], once or anew in
        every epoch. Refused where a column is neither Bernoulli nor one-hot.
    max_epochs : int, default=100
        Passes over the data.
    batch_size : int, default=128
        Rows a step.
    lr : float, default=1e-3
        Learning rate.
    optimizer : str or class of torch optimizers, default="adam"
        "adagrad", "adam", "adamw", "rmsprop", "sgd" or a class.
    weight_decay : float, default=0.0
        L2 penalty on the weights (decoupled under "adamw").
    early_stopping : bool, default=False
        Hold out rows, stop when their bound no longer rises, keep the best weights.
    validation_fraction : float, default=0.1
        Share of rows held out, used only by early stopping.
    n_iter_no_change : int, default=10
        Epochs without improvement before early stopping.
    tol : float, default=1e-4
        Improvement in nats a row that counts.
    dtype : {"float32", "float64", "auto"}, default="float32"
        Precision of all computation; "auto" is that of `X`.
    device : str or torch.device, default="auto"
        "auto" is a CUDA device where there is one, else the CPU.
    warm_start : bool, default=False
        Let `fit` go on from the fitted weights.
    random_state : int, RandomState or None, default=None
        Of the weights, the noise and the order of rows. An int makes fits repeat to the
        bit at an equal number of threads.
    verbose : int, default=0
        Above 0, show a progress bar.
    callbacks : list of skorch callbacks or None, default=None
        Copied in fit; the fitted ones are in ``net_.callbacks_``. They may read what
        ``history_`` records (``valid_loss`` with early stopping only); there is no
        ``y_pred``, so scoring callbacks do not apply. One that raises KeyboardInterrupt
        at an epoch's end stops the training, as skorch's do.
    net_params : dict or None, default=None
        Arguments of :class:`skorch.NeuralNet`, e.g. ``{"optimizer__betas": (0.5,
        0.999)}``; they have the last word.

    Attributes
    ----------
    net_ : VariationalNet
        The fitted skorch net.
    module_ : MPVAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row an epoch: ``train_loss`` (minus the mean bound), ``reconstruction``,
        ``kl`` and its parts ``kl_path0``, ..., ``beta``, ``seconds`` and, with early
        stopping, ``valid_loss``.
    n_iter_ : int
        Epochs done; after early stopping the weights are those of the best one.
    likelihood_ : Likelihood
        The fitted likelihood.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str
        Their names, where `X` has them.

    See Also
    --------
    VAETransformer : One path.

    References
    ----------
    Ishikawa, T., Seno, T. and Imai, M. MPVAE: Using Multi Latent Variables for
    Representation Learning. In Japanese.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import MPVAETransformer
    >>> X = load_digits().data / 16
    >>> model = MPVAETransformer(
    ...     (2, 3), likelihood="bernoulli", max_epochs=2, random_state=0
    ... ).fit(X)
    >>> model.transform(X).shape
    (1797, 5)
    >>> list(model.get_feature_names_out())[:3]
    ['mpvaetransformer_path0_0', 'mpvaetransformer_path0_1', 'mpvaetransformer_path1_0']
    """

    _allowed = {
        name: allowed
        for name, allowed in BaseVAETransformer._allowed.items()
        if name not in ("prior", "n_importance_samples")
    } | {
        "n_components": (POSITIVE_INT, SIZES),
        "taps": (NUMBERS, NONE),
        "path_hidden_layer_sizes": (
            Sequence(POSITIVE_INT, "a tuple of positive ints"),
        ),
        "paths": (NUMBERS, NONE),
        "beta": (
            NON_NEGATIVE,
            Sequence(NON_NEGATIVE, "a tuple of such floats", empty=False),
        ),
        "encoder": (BODIES, *BODY),
    }
    _architecture = (
        *(name for name in BaseVAETransformer._architecture if name != "prior"),
        "taps",
        "path_hidden_layer_sizes",
        "paths",
    )
    _module_settings = ("beta",)

    def __init__(
        self,
        n_components=(4, 4),
        *,
        hidden_layer_sizes=(256, 256),
        taps=None,
        path_hidden_layer_sizes=(),
        paths=None,
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        beta=1.0,
        kl_warmup=0,
        encoder=None,
        decoder=None,
        binarize=None,
        max_epochs=100,
        batch_size=128,
        lr=1e-3,
        optimizer="adam",
        weight_decay=0.0,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        dtype="float32",
        device="auto",
        warm_start=False,
        random_state=None,
        verbose=0,
        callbacks=None,
        net_params=None,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.taps = taps
        self.path_hidden_layer_sizes = path_hidden_layer_sizes
        self.paths = paths
        self.activation = activation
        self.dropout = dropout
        self.likelihood = likelihood
        self.beta = beta
        self.kl_warmup = kl_warmup
        self.encoder = encoder
        self.decoder = decoder
        self.binarize = binarize
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.dtype = dtype
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.net_params = net_params

    def _names_of_outputs(self):
        return self._names_of_paths(self.module_.shown)

    def _names_of_latents(self):
        return self._names_of_paths(range(len(self.module_.widths)))

    def _names_of_paths(self, paths):
        widths = self.module_.widths
        return [f"_path{k}_{i}" for k in paths for i in range(widths[k])]

    def _build_module(self, table):
        widths = self._widths()
        shown = self._shown(len(widths))
        decoder, n_out = self._build_decoder(widths)
        head = self._build_head(decoder, n_out)
        stages, hidden = self._build_stages(head.n_features, len(widths))
        own = tuple(self.path_hidden_layer_sizes)
        paths = [mlp(h, own, self.activation, self.dropout) for h in hidden]
        sizes = [(h, *own)[-1] for h in hidden]
        prior = as_prior("standard-normal", type(self).__name__).build(None, None)
        return MPVAE(stages, paths, sizes, decoder, head, prior, widths, shown)

    def _build_decoder(self, widths):
        own = self.decoder
        if isinstance(own, JoinedConvDecoder) and own.widths is None:
            own = clone(own).set_params(widths=widths)
            return build_body(own, sum(widths), "decoder")
        return self._build_body("decoder", sum(widths))

    def _widths(self):
        n = self.n_components
        widths = (n,) * N_PATHS if isinstance(n, Integral) else tuple(n)
        self._check_lengths_of_paths(len(widths))
        return widths

    def _check_lengths_of_paths(self, n_paths):
        for name in ("beta", "taps", "encoder"):
            value = getattr(self, name)
            if isinstance(value, list | tuple) and len(value) != n_paths:
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must have one "
                    f"entry for each of {n_paths} paths. Got {value!r} instead."
                )

    def _shown(self, n_paths):
        shown = tuple(range(n_paths)) if self.paths is None else tuple(self.paths)
        if len(set(shown)) < len(shown) or max(shown) >= n_paths:
            raise ValueError(
                f"The 'paths' parameter of {type(self).__name__} must be different "
                f"numbers below {n_paths}. Got {self.paths!r} instead."
            )
        return shown

    def _build_stages(self, n_in, n_paths):
        """Build the encoder in parts; give their widths too."""
        if self.encoder is not None:
            return self._build_own_stages(n_in, n_paths)
        sizes = tuple(self.hidden_layer_sizes)
        taps = self._taps(len(sizes), n_paths)
        stages, hidden = [], []
        for start, end in pairwise((0, *taps)):
            stages.append(mlp(n_in, sizes[start:end], self.activation, self.dropout))
            n_in = (n_in, *sizes[start:end])[-1]
            hidden.append(n_in)
        return stages, hidden

    def _build_own_stages(self, n_in, n_paths):
        bodies = self.encoder
        if not isinstance(bodies, list | tuple):
            bodies = [bodies, *[nn.Identity()] * (n_paths - 1)]
        stages, hidden = [], []
        for body in bodies:
            stage, n_in = build_body(body, n_in, "encoder")
            stages.append(stage)
            hidden.append(n_in)
        return stages, hidden

    def _taps(self, n_layers, n_paths):
        if self.taps is None:
            return tuple(max(0, n_layers - k) for k in reversed(range(n_paths)))
        if list(self.taps) != sorted(set(self.taps)) or self.taps[-1] > n_layers:
            raise ValueError(
                f"The 'taps' parameter of {type(self).__name__} must rise up to the "
                f"number of layers, {n_layers}. Got {self.taps!r} instead."
            )
        return tuple(self.taps)
