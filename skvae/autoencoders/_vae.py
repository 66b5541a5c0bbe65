"""The variational autoencoder, with β, several samples and other priors as values."""

from functools import partial

from skvae.base import BaseVAETransformer
from skvae.distributions import Normal, kl
from skvae.nets import LocScale, over_rows
from skvae.objectives import elbo, importance_weighted, log_weights
from skvae.priors import as_prior
from skvae.training import LatentModel, Loss


class VAE(LatentModel):
    """p(x, z) = p(z) p(x | z), with q(z | x) = N(μ(x), diag σ²(x)).

    Trained on the evidence lower bound, one reparameterised draw a row,

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
        h' -> p(x | z), of a `Likelihood`.
    prior : torch.nn.Module
        Of a `Prior`.
    n_components : int
        K.
    beta : float
        Weight of the divergence.
    n_importance_samples : int
        S.
    """

    def __init__(
        self,
        encoder,
        n_hidden,
        decoder,
        head,
        prior,
        n_components,
        beta=1.0,
        n_importance_samples=1,
    ):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.loc_scale = LocScale(n_hidden, n_components)
        self.prior_module = prior
        self.n_components = n_components
        self.beta = beta
        self.n_importance_samples = n_importance_samples

    def posterior(self, batch):
        return self._posterior(self.head.features(batch.x))

    def _posterior(self, features):
        return Normal(*self.loc_scale(self.encoder(features)))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def prior(self, batch):
        like = batch.x.new_empty((len(batch.x), self.n_components))
        return self.prior_module(like, self._posterior)

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
        self.eval()  # of the encoder; a prior sets itself as it trains
        q = partial(self.posterior, batch)
        for loss in self.prior_module.losses(phase, batch.index, q, noise):
            yield Loss(*loss)

    def _terms(self, batch, noise):
        """Give the bound and its parts, each (B,)."""
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


class VAETransformer(BaseVAETransformer):
    """Variational autoencoder.

    Latents by `transform`, data by `inverse_transform` and `sample`, ln p(x) by
    `score_samples`. The model, the bound and their sources are those of
    :class:`~skvae.autoencoders.VAE`; β-VAE, IWAE and VampPrior are values of ``beta``,
    ``n_importance_samples`` and ``prior``.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the encoder's layers; the decoder has them in reverse order. An empty
        tuple makes both linear.
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
    prior : {"standard-normal", "vamp", "density-ratio"} or Prior, \
default="standard-normal"
        p(z), a name or an object of :mod:`skvae.priors`.
    beta : float, default=1.0
        Weight of the divergence; below 1 more latents stay in use, above 1 fewer.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    n_importance_samples : int, default=1
        Draws of z a row in training; above 1 the importance-weighted bound.
    encoder, decoder : torch.nn.Module, callable or None, default=None
        Own networks in place of the layers above: a module, copied in fit, or a
        function ``n_in -> module``, mapping (n, n_in) to (n, h). The heads are added,
        so ``n_components`` and ``likelihood`` stay searchable. ``n_in`` is the number
        of columns (of levels, under "codes") or ``n_components``.
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
    module_ : VAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row an epoch: ``train_loss`` (minus the mean bound), ``reconstruction``,
        ``kl``, ``beta``, ``seconds`` and, with early stopping, ``valid_loss``.
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
    AETransformer : Without noise and prior.
    sklearn.decomposition.PCA : Linear, and exact.

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

    def __init__(
        self,
        n_components=8,
        *,
        hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        prior="standard-normal",
        beta=1.0,
        kl_warmup=0,
        n_importance_samples=1,
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
        self.activation = activation
        self.dropout = dropout
        self.likelihood = likelihood
        self.prior = prior
        self.beta = beta
        self.kl_warmup = kl_warmup
        self.n_importance_samples = n_importance_samples
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

    def _build_module(self, table):
        decoder, n_out = self._build_body("decoder", self.n_components)
        head = self._build_head(decoder, n_out)
        encoder, n_hidden = self._build_body("encoder", head.n_features)
        prior = as_prior(self.prior, type(self).__name__)
        return VAE(
            encoder,
            n_hidden,
            decoder,
            head,
            prior.build(self.n_components, self._training_features(table, head)),
            self.n_components,
            self.beta,
            self.n_importance_samples,
        )
