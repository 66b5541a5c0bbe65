"""The conditional variational autoencoder."""

import torch

from skvae.autoencoders import VAE
from skvae.conditional._base import BaseConditionalTransformer
from skvae.priors import as_prior


class CVAE(VAE):
    """p(x, z | s) = p(z) p(x | z, s), with q(z | x, s) = N(μ(x, s), diag σ²(x, s)).

    Encoder and decoder both see the condition s, and the prior does not. Trained on

        L(x, s) = E_q[ln p(x | z, s)] − β KL(q(z | x, s) || p(z))

    (Kingma et al. 2014; Sohn et al. 2015, eq. 4 with a fixed prior), or with several
    draws on the importance-weighted bound, as :class:`~skvae.autoencoders.VAE`.
    """

    def posterior(self, batch):
        return self._posterior(beside(self.head.features(batch.x), batch.condition))

    def blind_posterior(self, batch):
        """q(z | 0, s): what the encoder makes of the condition and zeros."""
        zeros = torch.zeros_like(self.head.features(batch.x))
        return self._posterior(beside(zeros, batch.condition))

    def likelihood(self, z, batch):
        return super().likelihood(beside(z, batch.condition))


def beside(values, condition):
    """Join conditions (B, C) to values of shape (..., B, h): (..., B, h + C)."""
    if condition.shape[-1] == 0:
        return values
    return torch.cat([values, condition.expand(*values.shape[:-1], -1)], -1)


class CVAETransformer(BaseConditionalTransformer):
    """Conditional variational autoencoder: latents beside what is known of a row.

    The model and its bound are those of :class:`~skvae.conditional.CVAE`. The latents
    need not say what the condition says already; `sample` and `translate` put rows
    under a condition of choice.

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
        ``n_components`` and the width of the condition, which stands behind the
        latents. Behind an own encoder the condition joins what it gives.
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
    module_ : CVAE
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
    VAETransformer : Without conditions.

    References
    ----------
    Kingma, D. P. et al. (2014). Semi-supervised Learning with Deep Generative Models.
    NeurIPS.
    Sohn, K., Lee, H. and Yan, X. (2015). Learning Structured Output Representation
    using Deep Conditional Generative Models. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CVAETransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, y])  # the digit's class is the last column
    >>> cvae = CVAETransformer(
    ...     2, condition_columns=[-1], max_epochs=3, random_state=0
    ... ).fit(table)
    >>> cvae.transform(table).shape
    (1797, 2)
    >>> cvae.sample(2, condition=7, random_state=0)[:, -1]
    array([7., 7.], dtype=float32)
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
        self.prior = prior
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

    def _prior(self):
        return as_prior(self.prior, type(self).__name__)

    def _build_module(self, table):
        n_latents = self.n_components + self.conditions_.width
        decoder, n_out = self._build_body("decoder", n_latents)
        head = self._build_head(decoder, n_out)
        encoder, n_hidden = self._build_encoder(head.n_features)
        prior = self._prior()
        return CVAE(
            encoder,
            n_hidden,
            decoder,
            head,
            prior.build(self.n_components, self._training_features(table, head)),
            self.n_components,
            self.beta,
            self.n_importance_samples,
        )

    def translate(self, X, condition, own=None):
        """Encode rows under their own condition, and decode them under another.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : value, or array-like of shape (n_samples,) or (n_samples, n)
            What to decode under; a single value stands for all rows.
        own : array-like of shape (n_samples,) or (n_samples, n), default=None
            What to encode under, where the condition is no column of `X`.

        Returns
        -------
        X_mean : ndarray of shape (n_samples, n_features)
            Means of p(x | z, condition).

        Raises
        ------
        ValueError
            As `transform`, for either condition.
        """
        table = self._check_encodable(X, own)
        codes = self._codes(condition, len(table), reset=False)
        return self._decode(self._transform(table), codes)
