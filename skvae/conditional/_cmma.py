"""A conditional model whose condition speaks through the prior alone."""

from skvae.autoencoders import VAE
from skvae.conditional._base import BaseConditionalTransformer
from skvae.conditional._cvae import CVAE
from skvae.distributions import Normal
from skvae.nets import LocScale, mlp
from skvae.priors import PriorModule


class ConditionalPrior(PriorModule):
    """p(z | s) = N(μ(s), diag σ²(s)).

    Parameters
    ----------
    body : torch.nn.Module
        (B, C) -> (B, h), or (B, 1) where all conditions are the same.
    n_hidden : int
        h.
    n_components : int
        K.
    """

    def __init__(self, body, n_hidden, n_components):
        super().__init__()
        self.body, self.loc_scale = body, LocScale(n_hidden, n_components)

    def forward(self, condition):
        if condition.shape[1] == 0:
            condition = condition.new_ones((len(condition), 1))
        return Normal(*self.loc_scale(self.body(condition)))


class CMMA(CVAE):
    """p(x, z | s) = p(z | s) p(x | z), with q(z | x, s) = N(μ(x, s), diag σ²(x, s)).

    The prior is learned and sees the condition; the decoder sees z only. Trained on

        L(x, s) = E_q[ln p(x | z)] − β KL(q(z | x, s) || p(z | s))

    (Pandey & Dukkipati 2017; Suzuki et al. 2018, appendix A.1), or with several draws
    on the importance-weighted bound.
    """

    def prior(self, batch):
        return self.prior_module(batch.condition)

    def blind_posterior(self, batch):
        """p(z | s), which does not see x."""
        return self.prior(batch)

    def likelihood(self, z, batch=None):
        return VAE.likelihood(self, z)


class CMMATransformer(BaseConditionalTransformer):
    """Conditional multimodal autoencoder: generates rows from their condition.

    The model and its bound are those of :class:`~skvae.conditional.CMMA`. As the
    decoder does not see the condition, all that it says of a row has to pass through
    the latents: unlike those of a CVAE they carry the condition.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the encoder's layers and of the prior's; the decoder has them in
        reverse order. An empty tuple makes all linear.
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
    beta : float, default=1.0
        Weight of the divergence; below 1 more latents stay in use, above 1 fewer.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    n_importance_samples : int, default=1
        Draws of z a row in training; above 1 the importance-weighted bound.
    condition_columns : columns of X or None, default=None
        Names, positions, a slice, a mask or a selector, as in
        :class:`~sklearn.compose.ColumnTransformer`. They may hold strings. None leaves
        the argument ``condition`` of every method; without that, too, all rows have the
        same condition.
    condition_encoding : {"one-hot", "passthrough"}, default="one-hot"
        What the networks see: a 0/1 column for every level, or the numbers as they are.
    handle_unknown : {"error", "ignore"}, default="error"
        What to do with a level that was not in fit: raise, or see none of the levels.
    encoder, decoder : torch.nn.Module, callable or None, default=None
        Own networks in place of the layers above: a module, copied in fit, or a
        function ``n_in -> module``, mapping (n, n_in) to (n, h). The heads are added,
        so ``n_components`` and ``likelihood`` stay searchable. ``n_in`` is the number
        of columns without those of the condition (of levels, under "codes"), or
        ``n_components``. Behind an own encoder the condition joins what it gives.
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
    module_ : CMMA
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
    CVAETransformer : The condition goes to the decoder, and the prior is fixed.

    References
    ----------
    Pandey, G. and Dukkipati, A. (2017). Variational Methods for Conditional Multimodal
    Deep Learning. IJCNN.

    Suzuki, M., Nakayama, K. and Matsuo, Y. (2018). Improving Bi-directional Generation
    between Different Modalities with Variational Autoencoders.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CMMATransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> cmma = CMMATransformer(2, max_epochs=2, random_state=0)
    >>> cmma.fit(X / 16, condition=y).transform(X / 16, condition=y).shape
    (1797, 2)
    >>> cmma.sample(3, condition=7, random_state=0).shape
    (3, 64)
    """

    _allowed = {
        name: allowed
        for name, allowed in BaseConditionalTransformer._allowed.items()
        if name != "prior"
    }
    _architecture = tuple(
        name for name in BaseConditionalTransformer._architecture if name != "prior"
    )
    _decoder_sees_condition = False

    def __init__(
        self,
        n_components=8,
        *,
        hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        beta=1.0,
        kl_warmup=0,
        n_importance_samples=1,
        condition_columns=None,
        condition_encoding="one-hot",
        handle_unknown="error",
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
        self.beta = beta
        self.kl_warmup = kl_warmup
        self.n_importance_samples = n_importance_samples
        self.condition_columns = condition_columns
        self.condition_encoding = condition_encoding
        self.handle_unknown = handle_unknown
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
        encoder, n_hidden = self._build_encoder(head.n_features)
        sizes = (max(1, self.conditions_.width), *self.hidden_layer_sizes)
        body = mlp(sizes[0], sizes[1:], self.activation, self.dropout)
        return CMMA(
            encoder,
            n_hidden,
            decoder,
            head,
            ConditionalPrior(body, sizes[-1], self.n_components),
            self.n_components,
            self.beta,
            self.n_importance_samples,
        )
