"""A conditional model whose decoder does not see the condition."""

import numpy as np

from skvae.autoencoders import VAE, Start, VAENetworks
from skvae.base import Divergence, ImportanceWeighted
from skvae.conditional._base import BaseConditionalTransformer
from skvae.conditional._cvae_module import beside
from skvae.distributions import Normal
from skvae.nets import LocScale
from skvae.priors import PriorModule


class ConditionalPrior(PriorModule):
    """p(z | s) = N(μ(s), diag σ²(s)).

    Parameters
    ----------
    body : torch.nn.Module
        (B, C) -> (B, h); C is 1 if all conditions are the same.
    n_hidden : int
        h.
    n_components : int
        K.
    """

    def __init__(self, body, n_hidden, n_components):
        super().__init__()
        self.body, self.loc_scale = body, LocScale(n_hidden, n_components)

    def start_linear(self, weight, bias, scale):
        """Start at a linear mean and a constant scale, as `LocScale`."""
        if weight.shape[1] == 0:
            weight = np.zeros((len(weight), 1))
        self.loc_scale.start_linear(weight, bias, scale)

    def forward(self, condition):
        if condition.shape[1] == 0:
            condition = condition.new_ones((condition.shape[0], 1))
        return Normal(*self.loc_scale(self.body(condition)))


class CMMA(VAE):
    """p(x, z | s) = p(z | s) p(x | z), with q(z | x, s) = N(μ(x, s), diag σ²(x, s)).

    The prior is learned and sees the condition; the decoder sees only z. Trained on

        L(x, s) = E_q[ln p(x | z)] − β KL(q(z | x, s) || p(z | s))

    (Pandey & Dukkipati 2017; Suzuki et al. 2018, appendix A.1), or with several draws
    on the importance-weighted bound.
    """

    def start_at(self, start):
        """Start at the linear model of rows, see `LinearStart`, with its own p(z | s).

        The means and variances of p(z | s) are those of a step of EM that begins at
        N(0, I): the posterior means are regressed on the conditions.
        """
        model = start.fit(self.n_latents)
        z, variance = start.posterior(model)  # (n, K), (K,)
        effect, shift = start.effects(z)  # (c, K), (K,)
        left = z - start.condition @ effect - shift
        prior = start.mean(np.square(left)) + variance  # variances, (K,)
        self.prior_module.start_linear(effect.T, shift, np.sqrt(prior))
        own = 1 / (1 / prior + model.precision)
        by_y = own[:, None] * model.evidence  # (K, D)
        share = own / prior  # of the prior's mean in the posterior's, (K,)
        constant = share * shift - by_y @ model.mean
        mean = start.encoder(by_y, (share * effect).T, constant)
        self.loc_scale.start_linear(*mean, np.sqrt(own))
        self.head.start_linear(*start.decoder(model.W, model.psi, model.mean))

    def posterior(self, batch):
        q = self.posterior_of(beside(self.inputs(batch), batch.condition))
        return self.unless_empty(q, batch)

    def prior(self, batch):
        return self.prior_module(batch.condition)

    def blind_posterior(self, batch):
        """p(z | s), which does not see x."""
        return self.prior(batch)


class CMMATransformer(
    Start, VAENetworks, Divergence, ImportanceWeighted, BaseConditionalTransformer
):
    """Conditional multimodal autoencoder: generates rows from their condition.

    The model and its bound are those of :class:`~skvae.conditional.CMMA`. As the
    decoder does not see the condition, the latents contain it, unlike those of a CVAE.
    The prior's network has the hidden layers of the encoder.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
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
    module_ : CMMA
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
    CVAETransformer : The decoder sees the condition; the prior does not.

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

    _module_type = CMMA

    def _build_prior(self, table, head):
        width = max(1, self._columns.condition_width)
        body, n_hidden = self._build_layers(width, self.hidden_layer_sizes)
        body, n_hidden = self._with_linear_path(body, width, n_hidden)
        return ConditionalPrior(body, n_hidden, self.n_components)
