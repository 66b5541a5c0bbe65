"""The variational autoencoder, with parameters for β-VAE, IWAE and other priors."""

from functools import partial

from skvae._parameters import Declared, parameter
from skvae._validation import Instance, Options
from skvae.autoencoders._start import Start
from skvae.base import (
    BaseVAETransformer,
    CustomNetworks,
    Divergence,
    ImportanceWeighted,
    Latents,
)
from skvae.distributions import Normal, kl
from skvae.nets import LocScale, over_rows
from skvae.objectives import elbo, importance_weighted, log_weights
from skvae.priors import SHORTHAND, Prior, StandardNormal, as_prior
from skvae.training import LatentModel, Loss


class VAE(LatentModel):
    """p(x, z) = p(z) p(x | z), with q(z | x) = N(μ(x), diag σ²(x)).

    Trained on the evidence lower bound, with one reparameterised draw per row,

        L(x) = E_q[ln p(x | z)] − β KL(q(z | x) || p(z)),

    (Kingma & Welling 2014, eq. 3 and 7; β: Higgins et al. 2017, eq. 4), or, with S > 1
    draws, on the importance-weighted bound

        ln 1/S Σ_s p(x | z_s) (p(z_s) / q(z_s | x))^β

    (Burda et al. 2016, eq. 8, where β = 1).

    Parameters
    ----------
    encoder : torch.nn.Module
        (B, n_features) -> (B, h).
    n_hidden : int
        h.
    decoder : torch.nn.Module
        (..., B, K) -> (..., B, h').
    head : torch.nn.Module
        h' -> p(x | z), the head of a `Likelihood`.
    prior : PriorModule
        p(z).
    n_components : int
        K.

    Attributes
    ----------
    beta : float
        Weight of the divergence.
    n_importance_samples : int
        S.
    """

    beta = 1.0
    n_importance_samples = 1
    decoder_sees_condition = False

    def __init__(self, encoder, n_hidden, decoder, head, prior, n_components):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.loc_scale = LocScale(n_hidden, n_components)
        self.prior_module = prior
        self.n_outputs = self.n_latents = n_components

    def posterior(self, batch):
        return self.posterior_of(self.head.features(batch.x))

    def posterior_of(self, features):
        """q(z | x) from the encoder's input, (B, n_features)."""
        return Normal(*self.loc_scale(self.encoder(features)))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def prior(self, batch):
        like = batch.x.new_empty((len(batch.x), self.n_latents))
        return self.prior_module(like, self.posterior_of)

    @property
    def phases(self):
        return ("model", *self.prior_module.phases)

    def parameter_groups(self):
        return self.with_the_rest(self.prior_module.groups())

    def learning_rates(self):
        return self.prior_module.learning_rates()

    def begin(self, rows):
        self.prior_module.begin(len(rows.X))

    def settle(self, rows, noise):
        self.prior_module.settle(rows, self.posterior, noise)

    def normalise(self, rows, noise):
        self.prior_module.normalise(rows, self.posterior, noise)

    def log_normaliser(self):
        return self.prior_module.normaliser()

    def scheduled(self):
        return {"beta": self.beta * self.kl_weight}

    def bound(self, batch, noise):
        return self._terms(batch, noise)[0]

    def losses(self, batch, phase, noise):
        if phase == "model":
            bound, terms = self._terms(batch, noise)
            yield Loss("model", -bound.mean(), terms)
            return
        self.eval()  # for the encoder; a prior sets its own mode as it trains
        q = partial(self.posterior, batch)
        for loss in self.prior_module.losses(phase, batch.index, q, noise):
            yield Loss(*loss)

    def _terms(self, batch, noise):
        """Return the bound and its parts, each (B,)."""
        beta = self.beta * self.kl_weight
        q, p = self.posterior(batch), self.prior(batch)
        if self.n_importance_samples > 1:
            return self._weighted_terms(q, p, batch, noise, beta)
        z = q.rsample(noise)  # (B, K)
        reconstruction = self.likelihood(z, batch).log_prob(batch.x)
        divergence = kl(q, p, z)
        bound = elbo(reconstruction, divergence, beta)
        return bound, {"reconstruction": reconstruction, "kl": divergence}

    def _weighted_terms(self, q, p, batch, noise, beta):
        z = q.rsample(noise, self.n_importance_samples)  # (S, B, K)
        reconstruction = self.likelihood(z, batch).log_prob(batch.x)  # (S, B)
        log_prior, log_q = p.log_prob(z), q.log_prob(z)
        bound = importance_weighted(log_weights(reconstruction, log_prior, log_q, beta))
        divergence = (log_q - log_prior).mean(0)
        return bound, {"reconstruction": reconstruction.mean(0), "kl": divergence}


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
    init : {"random", "pca"}, default="random"
        Where the weights begin. "pca" adds linear paths from the columns to the latents
        and back. They begin at probabilistic PCA, or at factor analysis if each column
        has its own scale; discrete columns begin at principal components of their
        Pearson residuals. The hidden layers add to them from zero. With early stopping,
        no fit ends below its start on the held-out rows.
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
    likelihood : str, Likelihood or list of (likelihood, columns), default="gaussian"
        p(x | z): "gaussian" (one learned scale per column), "gaussian-shared" (one
        learned scale), "gaussian-unit" (scale 1), "bernoulli", "categorical" (all
        columns are one one-hot variable), "codes" (integer-coded columns), "poisson",
        an object of :mod:`skvae.distributions`, or a list of parts for a table of mixed
        type. To search over ``likelihood__scale``, pass an object: strings and lists
        have no parameters.
    binarize : {None, "fixed", "dynamic"}, default=None
        In training, draw 0/1 values from Bernoulli columns in [0, 1], once or anew in
        every epoch. This requires that every column is Bernoulli or one-hot.
    max_epochs : int, default=100
        Passes over the data.
    batch_size : int, default=128
        Rows per step.
    lr : float, default=1e-3
        Learning rate.
    optimizer : str or class of torch optimizers, default="adam"
        "adagrad", "adam", "adamw", "rmsprop", "sgd", or a class.
    weight_decay : float, default=0.0
        L2 penalty on the weights (decoupled under "adamw").
    early_stopping : bool, default=False
        Whether to hold out rows, stop when their bound no longer rises, and restore the
        best weights.
    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping.
    n_iter_no_change : int, default=10
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
        Copied in fit; the fitted copies are in ``net_.callbacks_``. They can read what
        ``history_`` records (``valid_loss`` only with early stopping). There is no
        ``y_pred``, so scoring callbacks do not apply. A callback that raises
        KeyboardInterrupt at the end of an epoch stops training, as in skorch.
    net_params : dict or None, default=None
        Arguments of :class:`skorch.NeuralNet`, such as ``{"optimizer__betas": (0.5,
        0.999)}``. They override all other parameters.

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
