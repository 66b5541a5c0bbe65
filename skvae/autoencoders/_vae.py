"""The variational autoencoder, with parameters for β-VAE, IWAE and other priors."""

from skvae._parameters import Declared, parameter
from skvae._validation import Instance, Options
from skvae.autoencoders._start import Start
from skvae.autoencoders._vae_module import VAE
from skvae.base import (
    BaseVAETransformer,
    CustomNetworks,
    Divergence,
    ImportanceWeighted,
    Latents,
)
from skvae.priors import SHORTHAND, Prior, StandardNormal, as_prior


class ChosenPrior(Declared):
    """The prior p(z)."""

    prior: str | Prior = parameter(
        Options(tuple(SHORTHAND)),
        Instance((Prior,), "an instance of a class of skvae.priors"),
        default="standard-normal",
        shapes_network=True,
    )

    def _choose_prior(self):
        return as_prior(self.prior, type(self).__name__)


class VAENetworks(Latents, CustomNetworks):
    """Builds the networks of the VAE, with or without conditions."""

    _module_type = VAE
    _decoder_sees_condition = False

    def _build_module(self, table):
        n_latents = self.n_components
        width = self._columns.condition_width if self._decoder_sees_condition else 0
        parts = self._build_parts(n_latents + width)
        prior = self._build_prior(table, parts[-1])
        return self._module_type(*parts, prior, n_latents)

    def _build_prior(self, table, head):
        prior = self._choose_prior()
        return prior.build(self.n_components, self._training_features(table, head))

    def _choose_prior(self):
        return StandardNormal()


class VAETransformer(
    ChosenPrior,
    Start,
    VAENetworks,
    Divergence,
    ImportanceWeighted,
    BaseVAETransformer,
):
    """Variational autoencoder.

    `transform` returns latents, `inverse_transform` and `sample` return rows, and
    `score_samples` returns ln p(x). The model, the bound and their sources are those of
    :class:`~skvae.autoencoders.VAE`; β-VAE, IWAE and VampPrior are values of ``beta``,
    ``n_importance_samples`` and ``prior``.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    prior : {"standard-normal", "vamp", "density-ratio"} or Prior, \
default="standard-normal"
        p(z), a name or an object of :mod:`skvae.priors`.
    init : {"auto", "pca", "random"}, default="auto"
        Where training begins. "pca" adds linear paths from the columns to the latents
        and back, which begin at PCA (with more noise than is best, so that the hidden
        layers can add to them from zero). Discrete columns count as their Pearson
        residuals. With early stopping, no fit ends below the closed form on the
        held-out rows: PCA without a prior, else probabilistic PCA, or factor analysis
        if each column has its own scale. "auto" is "pca" unless an encoder or a decoder
        is passed.
    encoder, decoder : torch.nn.Module, callable or None, default=None
        Custom networks in place of the hidden layers: a module, which fit copies, or a
        function ``n_in -> module``, mapping (n, n_in) to (n, h). The heads are added,
        so the numbers of latents and ``likelihood`` stay searchable. ``n_in`` is the
        number of data columns (of levels, for "codes") for the encoder, and the width
        of its whole input for the decoder.
    beta : float, default=1.0
        Weight of the KL divergence from the prior. Below 1, more latents stay in use;
        above 1, fewer.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    n_importance_samples : int, default=1
        Draws of z per row in training; above 1, the bound is importance-weighted.
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
    module_ : VAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus the mean bound), ``reconstruction``,
        ``kl``, ``beta``, ``seconds`` and, with early stopping, ``valid_loss``.
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
    AETransformer : Without noise and prior.
    sklearn.decomposition.PCA : Linear latents, computed exactly.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-Encoding Variational Bayes. ICLR.

    Higgins, I. et al. (2017). β-VAE: Learning Basic Visual Concepts with a Constrained
    Variational Framework. ICLR.

    Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance Weighted
    Autoencoders. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> X = load_digits().data / 16
    >>> vae = VAETransformer(
    ...     n_components=2, likelihood="bernoulli", max_epochs=3, random_state=0
    ... )
    >>> vae.fit_transform(X).shape
    (1797, 2)
    >>> vae.sample(5, random_state=0).shape
    (5, 64)
    """
