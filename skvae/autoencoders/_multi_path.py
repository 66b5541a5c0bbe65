"""Latents from several depths, for scikit-learn."""

from collections.abc import Callable
from itertools import pairwise
from numbers import Integral

from sklearn.base import clone
from torch import nn

from skvae._kinds import cut
from skvae._parameters import parameter
from skvae._validation import NATURAL, NON_NEGATIVE, NONE, POSITIVE_INT, AnyOf, Sequence
from skvae.autoencoders._multi_path_module import MPVAE
from skvae.autoencoders._start import Start
from skvae.base import BODY, SIZES, BaseVAETransformer, Divergence, reading_flags
from skvae.distributions import n_inputs
from skvae.nets import JoinedConvDecoder, build_body, mlp
from skvae.priors import StandardNormal

WIDTHS = Sequence(POSITIVE_INT, "a tuple of positive ints", empty=False)
NUMBERS = Sequence(NATURAL, "a tuple of non-negative ints", empty=False)
BODIES = Sequence(AnyOf(BODY[:2]), "a list of torch modules or functions", empty=False)


class MPVAETransformer(Start, Divergence, BaseVAETransformer):
    """Multi-path variational autoencoder: latents from several depths.

    Shallow paths keep details that deep ones lose; `transform` returns them side by
    side. The model and its bound are those of :class:`~skvae.autoencoders.MPVAE`. (The
    Multivariate Probit VAE, another model, has the same acronym.)

    Parameters
    ----------
    n_components : int or tuple of int, default=(4, 4)
        Number of latents of each path, the shallowest first; an int stands for two
        paths of that many.
    taps : tuple of int or None, default=None
        Number of encoder layers before each path, increasing; with None, the paths
        start at the last layers.
    path_hidden_layer_sizes : tuple of int, default=()
        Widths of additional layers in each path.
    paths : tuple of int or None, default=None
        Which paths `transform` returns, from 0; None returns all. `inverse_transform`
        uses the mean of the prior for the others. A change takes effect in fit; for a
        fitted model, select columns by their names.
    beta : float or tuple of float, default=1.0
        Weight of the KL divergence from the prior, for all paths or for each.
    encoder : torch.nn.Module, callable, list of these, or None, default=None
        Custom networks in place of the hidden layers, one per path: the first maps
        (n, n_in) to (n, h_1), the next (n, h_1) to (n, h_2), and so on; a path starts
        after each. After a single network, all paths start. Modules are copied in fit;
        a function is called with the width of its input. ``n_in`` is the number of
        columns (of levels, for "codes").
    decoder : torch.nn.Module, callable or None, default=None
        Custom network, (n, n_in) to (n, h); ``n_in`` is the number of all latents.
    init : {"auto", "pca", "random"}, default="auto"
        Where training begins. "pca" adds linear paths from the columns to the latents
        and back, which begin at PCA (with more noise than is best, so that the hidden
        layers can add to them from zero). Discrete columns count as their Pearson
        residuals. With early stopping, no fit ends below the closed form on the
        held-out rows: PCA without a prior, else probabilistic PCA, or factor analysis
        if each column has its own scale. "auto" is "pca" unless an encoder or a decoder
        is passed.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the hidden layers, from the data to the latents; the decoder has them
        in reverse order. An empty tuple makes the networks linear.
    activation : {"elu", "gelu", "identity", "relu", "sigmoid", "softplus", "tanh"}, \
default="relu"
        Activation after every hidden layer.
    dropout : float, default=0.0
        Probability of dropping a hidden unit in training.
    likelihood : str, Likelihood or list of (likelihood, columns), \
default="gaussian-shared"
        p(x | z): "auto" (chosen column by column, also for words, see
        :class:`~skvae.distributions.Auto`), "gaussian" (one learned scale per column),
        "gaussian-shared" (one learned scale), "gaussian-relative" (the same in units of
        the columns' standard deviations), "gaussian-unit" (scale 1), "bernoulli",
        "categorical" (all columns are one one-hot variable), "codes" (words or integer
        codes), "poisson", "negative-binomial", an object of :mod:`skvae.distributions`,
        or a list of parts for a table of mixed type. To search over
        ``likelihood__scale``, pass an object: strings and lists have no parameters.
    binarize : {None, "fixed", "dynamic"}, default=None
        In training, draw 0/1 values from Bernoulli columns in [0, 1], once or anew in
        every epoch. This requires that every column is Bernoulli or one-hot.
    max_epochs : int, default=200
        Passes over the data.
    batch_size : int, default=64
        Rows per step.
    lr : float, default=1e-3
        Learning rate.
    optimizer : str or class of torch optimizers, default="adam"
        "adagrad", "adam", "adamw", "rmsprop", "sgd", or a class.
    weight_decay : float, default=0.0
        L2 penalty on the weights (decoupled under "adamw").
    early_stopping : bool, default=True
        Whether to hold out rows, stop when their bound no longer rises, and restore the
        best weights.
    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping.
    n_iter_no_change : int, default=20
        Epochs without improvement after which training stops early.
    tol : float, default=1e-4
        Smallest improvement that counts, in nats per row.
    dtype : {"float32", "float64", "auto"}, default="float32"
        Precision of the computation; "auto" is that of `X`.
    device : str or torch.device, default="auto"
        "auto" is a CUDA device if one is available, else the CPU.
    warm_start : bool, default=False
        Whether `fit` resumes from the fitted weights.
    random_state : int, RandomState or None, default=None
        Seed of the weights, the noise and the order of rows. With an int, fits are
        reproducible to the bit at the same number of threads.
    verbose : int, default=0
        Above 0, show a progress bar.
    callbacks : list of skorch callbacks or None, default=None
        Used as they are and initialised by every new fit, as in skorch; a clone gets
        copies. With callbacks, ``history_`` also has ``train_loss_best``,
        ``valid_loss_best`` (with rows held out) and the rows of batches. ``y_pred`` is
        the reconstruction. A callback that raises KeyboardInterrupt at the end of an
        epoch stops training.
    net_params : dict or None, default=None
        Arguments of :class:`skorch.NeuralNet`, such as ``{"optimizer__betas": (0.5,
        0.999)}``. They override all other parameters. ``{"train_split":
        predefined_split(X_valid)}`` gives the rows to hold out.
    checkpoint : str, path-like or None, default=None
        File in which `fit` keeps its state, so that after a kill the same `fit` goes on
        with the same result. It must not belong to a fit with other parameters or data.
        In a folder (an existing one, or a path that ends in "/"), each fit has its own
        file, as a search needs.
    checkpoint_every : int or str, default="1min"
        Epochs, or a time such as "30s", "10min" or "2h", from one writing to the next.
        SIGTERM, Ctrl-C and the end of `fit` write as well.
    resume : {"auto", "never"}, default="auto"
        Whether `fit` goes on from the file if there is one, or starts afresh and
        replaces it.

    Attributes
    ----------
    net_ : VariationalNet
        The fitted skorch net.
    module_ : MPVAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus the mean bound), ``reconstruction``,
        ``kl`` and its parts ``kl_path0``, ..., ``beta``, ``seconds`` and, with early
        stopping, ``valid_loss``.
    n_iter_ : int
        Number of epochs. After early stopping, the weights are those of the best.
    likelihood_ : Likelihood
        The fitted likelihood.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str
        Their names, if `X` has them.

    See Also
    --------
    VAETransformer : A single path.

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

    n_components: int | tuple[int, ...] = parameter(
        POSITIVE_INT, WIDTHS, default=(4, 4), kw_only=False, shapes_network=True
    )
    taps: tuple[int, ...] | None = parameter(
        NUMBERS, NONE, default=None, shapes_network=True
    )
    path_hidden_layer_sizes: tuple[int, ...] = parameter(
        SIZES, default=(), shapes_network=True
    )
    paths: tuple[int, ...] | None = parameter(
        NUMBERS, NONE, default=None, shapes_network=True
    )
    beta: float | tuple[float, ...] = parameter(
        NON_NEGATIVE,
        Sequence(NON_NEGATIVE, "a tuple of such floats", empty=False),
        default=1.0,
        module=True,
    )
    encoder: nn.Module | Callable | list | None = parameter(
        BODIES, *BODY, default=None, shapes_network=True
    )
    decoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )

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
        decoder, n_out = self._with_linear_path(decoder, sum(widths), n_out)
        head = self._build_head(decoder, n_out)
        stages, hidden = self._build_stages(head, len(widths))
        paths, sizes, skips = [], [], []
        for k, h in enumerate(hidden):
            path, size = self._build_layers(h, self.path_hidden_layer_sizes)
            skip = self._needs_linear_path(*stages[: k + 1], path)
            paths.append(path)
            sizes.append(size + skip * n_inputs(head))
            skips.append(skip)
        prior = StandardNormal().build(None, None)
        return MPVAE(
            stages, paths, sizes, decoder, head, prior, widths, shown, skips=skips
        )

    def _build_decoder(self, widths):
        custom = self.decoder
        if isinstance(custom, JoinedConvDecoder) and custom.widths is None:
            custom = clone(custom).set_params(widths=widths)
            return build_body(custom, sum(widths), "decoder")
        return self._build_body("decoder", sum(widths))

    def _widths(self):
        n = self.n_components
        widths = (n, n) if isinstance(n, Integral) else tuple(n)
        self._check_lengths(len(widths))
        return widths

    def _check_lengths(self, n_paths):
        for name in ("beta", "taps", "encoder"):
            value = getattr(self, name)
            if isinstance(value, list | tuple) and len(value) != n_paths:
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must have one "
                    f"entry for each of {n_paths} paths. Got {cut(value)} instead."
                )

    def _shown(self, n_paths):
        shown = tuple(range(n_paths)) if self.paths is None else tuple(self.paths)
        if len(set(shown)) < len(shown) or max(shown) >= n_paths:
            raise ValueError(
                f"The 'paths' parameter of {type(self).__name__} must be different "
                f"numbers below {n_paths}. Got {cut(self.paths)} instead."
            )
        return shown

    def _build_stages(self, head, n_paths):
        """Build the parts of the encoder; return their widths too."""
        if self.encoder is not None:
            return self._build_custom_stages(head, n_paths)
        n_in, sizes = n_inputs(head), tuple(self.hidden_layer_sizes)
        taps = self._taps(len(sizes), n_paths)
        stages, hidden = [], []
        for start, end in pairwise((0, *taps)):
            stages.append(mlp(n_in, sizes[start:end], self.activation, self.dropout))
            n_in = (n_in, *sizes[start:end])[-1]
            hidden.append(n_in)
        return stages, hidden

    def _build_custom_stages(self, head, n_paths):
        bodies = self.encoder
        if not isinstance(bodies, list | tuple):
            bodies = [bodies, *[nn.Identity()] * (n_paths - 1)]
        stages, hidden, n_in = [], [], head.n_features
        for body in bodies:
            stage, n_in = build_body(body, n_in, "encoder")
            if not stages:
                stage, n_in = reading_flags(stage, n_in, head)
            stages.append(stage)
            hidden.append(n_in)
        return stages, hidden

    def _taps(self, n_layers, n_paths):
        if self.taps is None:
            return tuple(max(0, n_layers - k) for k in reversed(range(n_paths)))
        if list(self.taps) != sorted(set(self.taps)) or self.taps[-1] > n_layers:
            raise ValueError(
                f"The 'taps' parameter of {type(self).__name__} must rise up to the "
                f"number of layers, {n_layers}. Got {cut(self.taps)} instead."
            )
        return tuple(self.taps)
