"""The autoencoder without noise."""

import numpy as np
from torch import nn

from skvae.base import BaseAutoencoderTransformer
from skvae.distributions import Point
from skvae.nets import over_rows
from skvae.training import LatentModel, Loss


class AE(LatentModel):
    """z = f(x), trained on the reconstruction ln p(x | z) alone.

    Cross-entropy for a Bernoulli likelihood, squared error for a Gaussian one of fixed
    scale (Nitta 2017, section 2.4). There is no prior, so nothing to sample from and no
    ln p(x).

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
    n_components : int
        K.
    """

    def __init__(self, encoder, n_hidden, decoder, head, n_components):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.code = nn.Linear(n_hidden, n_components)
        self.n_components = n_components

    def posterior(self, batch):
        return Point(self.code(self.encoder(self.head.features(batch.x))))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def bound(self, batch, noise=None):
        z = self.posterior(batch).mean  # (B, K)
        return self.likelihood(z, batch).log_prob(batch.x)

    def losses(self, batch, phase, noise):
        reconstruction = self.bound(batch)
        yield Loss("model", -reconstruction.mean(), {"reconstruction": reconstruction})


class AETransformer(BaseAutoencoderTransformer):
    """Autoencoder: latents that reconstruct the data, without a prior.

    The model is that of :class:`~skvae.autoencoders.AE`. It has no density, so neither
    `sample` nor `score_samples`; `score` is the mean reconstruction log-likelihood.

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
        Hold out rows, stop when their score no longer rises, keep the best weights.
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
    module_ : AE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row an epoch: ``train_loss`` (minus the mean of ``reconstruction``),
        ``seconds`` and, with early stopping, ``valid_loss``.
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
    VAETransformer : With noise, a prior and a likelihood.

    References
    ----------
    Nitta, 新田一稀 (2017). Learning of variational autoencoders with a discrete latent
    space (in Japanese). Bachelor's thesis, Kanazawa University. Section 2.4.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import AETransformer
    >>> X = load_digits().data / 16
    >>> ae = AETransformer(
    ...     n_components=2, likelihood="bernoulli", max_epochs=3, random_state=0
    ... )
    >>> ae.fit_transform(X).shape
    (1797, 2)
    """

    def __init__(
        self,
        n_components=8,
        *,
        hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
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
        return AE(encoder, n_hidden, decoder, head, self.n_components)

    def score(self, X, y=None):
        """Mean reconstruction log-likelihood, in nats a row; not a likelihood of x.

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
        X = self._check_scorable(X)
        return float(np.mean(self._evaluator().reconstruction_log_likelihood(X)))
