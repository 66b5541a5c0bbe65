"""The conditional variational autoencoder with the optimal prior."""

from skvae._parameters import parameter
from skvae._validation import NATURAL, POSITIVE, POSITIVE_INT, PROBABILITY, Options
from skvae.autoencoders import Start
from skvae.base import SIZES, Divergence, ImportanceWeighted
from skvae.conditional._base import BaseConditionalTransformer
from skvae.conditional._cvae import CVAENetworks
from skvae.nets import ACTIVATIONS
from skvae.priors import DensityRatio


class TaskInvariantVAETransformer(
    Start, CVAENetworks, Divergence, ImportanceWeighted, BaseConditionalTransformer
):
    """Variational autoencoder whose latents represent what tasks have in common.

    It is a :class:`~skvae.conditional.CVAE` with the optimal prior. A CVAE keeps the
    task out of its latents by making E[KL(q(z | x, s) || p(z))] small. This is an upper
    bound of I(S; Z), but a loose one, as it includes KL(q(z) || p(z)). Under the
    optimal prior, the aggregated posterior q(z) = E q(z | x, s) of all tasks, that part
    vanishes, and the bound on ln p(x | s) rises by the same amount (Takahashi et al.
    2022, theorems 1 and 2). A critic learns the ratio of q(z) to N(0, I), see
    :class:`~skvae.priors.DensityRatio`. ``beta`` is the weight of the divergence from
    the optimal prior, critic included.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    critic_hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the critic's hidden layers.
    critic_activation : str, default="tanh"
        Activation after every hidden layer of the critic.
    critic_dropout : float, default=0.5
        Probability of dropping a unit before the last layer of the critic.
    critic_lr : float, default=1e-3
        Learning rate of the critic.
    n_critic_passes : int, default=10
        Passes of the critic over the data per epoch. With 0, the prior stays N(0, I),
        and the model is a CVAE.
    n_kept : int, default=1000
        Number of training rows whose posteriors are stored, to draw from the prior.
    init : {"auto", "pca", "random"}, default="auto"
        Where training begins. "pca" adds linear paths from the columns to the latents
        and back, which begin at PCA (with more noise than is best, so that the hidden
        layers can add to them from zero). Discrete columns count as their Pearson
        residuals. With early stopping, no fit ends below the closed form on the
        held-out rows: PCA without a prior, else probabilistic PCA, or factor analysis
        if each column has its own scale. "auto" is "pca" unless an encoder or a decoder
        is passed.
    invariance : float, default=0.0
        Weight λ of an estimate of I(S; Z) that training subtracts from the bound, so
        that the latents keep less of the condition. A classifier of the condition from
        z, trained beside the model, estimates it. 0 is the published model.
    condition_weights : {"frequency", "balanced"} or dict, default="frequency"
        How often rows of each condition are drawn in training: as often as they occur,
        each condition equally often, or by a dict from levels to shares, such as
        ``{"target": 0.2}``; the other levels divide the rest in proportion to their
        rows. With several conditions, the keys are tuples.
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
    condition_columns : columns of X or None, default=None
        Names, positions, a slice, a mask or a selector, as in
        :class:`~sklearn.compose.ColumnTransformer`. They may hold bools, integers,
        floats, strings, datetimes or categories of one of these. With None, conditions
        are passed as the argument ``condition`` of every method; if that is missing
        too, all rows have the same condition.
    condition_encoding : {"one-hot", "passthrough"}, default="one-hot"
        What the networks read: one 0/1 column per level, or the numbers themselves,
        less a constant if they are far from zero. It is appended to the output of a
        custom encoder, and to the latents for a decoder.
    handle_unknown : {"error", "ignore"}, default="error"
        What to do with a level not seen in fit: raise an error, or treat it as none of
        the levels.
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
    module_ : CVAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus the mean bound), ``reconstruction``,
        ``kl``, ``beta``, ``seconds`` and, with early stopping, ``valid_loss``; for the
        critic ``critic_loss``, and ``log_ratio``, its estimate of KL(q(z) || N(0, I)).
        With ``invariance``, also ``task_information``, the estimate of I(S; Z) that is
        part of the loss, and ``classifier_loss``, minus the estimate after a step of
        the classifier.
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
    CVAETransformer : The same model with another prior.

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

    critic_hidden_layer_sizes: tuple[int, ...] = parameter(
        SIZES, default=(256, 256), shapes_network=True
    )
    critic_activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="tanh", shapes_network=True
    )
    critic_dropout: float = parameter(PROBABILITY, default=0.5, shapes_network=True)
    critic_lr: float = parameter(POSITIVE, default=1e-3, shapes_network=True)
    n_critic_passes: int = parameter(NATURAL, default=10, shapes_network=True)
    n_kept: int = parameter(POSITIVE_INT, default=1000, shapes_network=True)

    def _choose_prior(self):
        return DensityRatio(
            self.critic_hidden_layer_sizes,
            self.critic_activation,
            self.critic_dropout,
            self.critic_lr,
            self.n_critic_passes,
            self.n_kept,
        )
