"""The conditional variational autoencoder with the optimal prior."""

from skvae._validation import (
    NATURAL,
    POSITIVE,
    POSITIVE_INT,
    PROBABILITY,
    Options,
    Sequence,
)
from skvae.conditional._cvae import CVAETransformer
from skvae.nets import ACTIVATIONS
from skvae.priors import DensityRatio


class TaskInvariantVAETransformer(CVAETransformer):
    """Variational autoencoder whose latents carry what tasks have in common.

    A CVAE, :class:`~skvae.conditional.CVAE`, keeps the task out of its latents by
    making E[KL(q(z | x, s) || p(z))] small, which is an upper bound of I(S; Z), but a
    loose one: it also holds KL(q(z) || p(z)). Under the optimal prior, the aggregated
    posterior q(z) = E q(z | x, s) of all tasks together, that part is gone, and the
    bound on ln p(x | s) is the larger by just as much (Takahashi et al. 2022, theorems
    1 and 2). The ratio of q(z) to N(0, I) is learned by a critic:
    :class:`~skvae.priors.DensityRatio`.

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
    critic_hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the critic's layers.
    critic_activation : str, default="tanh"
        After every layer of the critic.
    critic_dropout : float, default=0.5
        Probability of dropping a unit before the critic's last layer.
    critic_lr : float, default=1e-3
        Learning rate of the critic.
    n_critic_passes : int, default=10
        Passes of the critic over the data in an epoch; 0 leaves the prior N(0, I), and
        the model is the CVAE.
    n_kept : int, default=1000
        Posteriors of training rows that are kept, to draw latents from the prior.
    beta : float, default=1.0
        Weight of the divergence from the optimal prior, critic and all.
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
        ``kl``, ``beta``, ``seconds`` and, with early stopping, ``valid_loss``; of the
        critic ``critic_loss``, and ``log_ratio``, its estimate of KL(q(z) || N(0, I)).
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
    CVAETransformer : The same with a fixed prior.

    Notes
    -----
    The published settings are ``n_components=40``, three layers of 500 tanh units for
    encoder, decoder and critic, ``batch_size=100``, ``lr=1e-4``, ``critic_lr=1e-3`` and
    ``kl_warmup=100``.

    References
    ----------
    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import TaskInvariantVAETransformer
    >>> X = load_digits().data / 16
    >>> task = np.arange(len(X)) % 2  # every other picture is inverted
    >>> table = np.column_stack([np.where(task[:, None], 1 - X, X), task])
    >>> vae = TaskInvariantVAETransformer(
    ...     2, condition_columns=[-1], n_critic_passes=2, max_epochs=2, random_state=0
    ... ).fit(table)
    >>> vae.transform(table).shape
    (1797, 2)
    """

    _allowed = {
        name: allowed
        for name, allowed in CVAETransformer._allowed.items()
        if name != "prior"
    } | {
        "critic_hidden_layer_sizes": (
            Sequence(POSITIVE_INT, "a tuple of positive ints"),
        ),
        "critic_activation": (Options(tuple(ACTIVATIONS)),),
        "critic_dropout": (PROBABILITY,),
        "critic_lr": (POSITIVE,),
        "n_critic_passes": (NATURAL,),
        "n_kept": (POSITIVE_INT,),
    }
    _architecture = (
        *(name for name in CVAETransformer._architecture if name != "prior"),
        "critic_hidden_layer_sizes",
        "critic_activation",
        "critic_dropout",
        "critic_lr",
        "n_critic_passes",
        "n_kept",
    )

    def __init__(
        self,
        n_components=8,
        *,
        hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        critic_hidden_layer_sizes=(256, 256),
        critic_activation="tanh",
        critic_dropout=0.5,
        critic_lr=1e-3,
        n_critic_passes=10,
        n_kept=1000,
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
        self.critic_hidden_layer_sizes = critic_hidden_layer_sizes
        self.critic_activation = critic_activation
        self.critic_dropout = critic_dropout
        self.critic_lr = critic_lr
        self.n_critic_passes = n_critic_passes
        self.n_kept = n_kept
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
        return DensityRatio(
            self.critic_hidden_layer_sizes,
            self.critic_activation,
            self.critic_dropout,
            self.critic_lr,
            self.n_critic_passes,
            self.n_kept,
        )
