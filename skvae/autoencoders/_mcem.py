"""Monte Carlo expectation-maximisation, for scikit-learn."""

from collections.abc import Callable
from numbers import Integral

from torch import nn

from skvae._parameters import parameter
from skvae._validation import POSITIVE_INT, Interval
from skvae.autoencoders._mcem_module import MCEM
from skvae.autoencoders._start import Start
from skvae.base import BODY, BaseVAETransformer, Latents


class MCEMTransformer(Latents, Start, BaseVAETransformer):
    """The VAE's decoder, trained by Monte Carlo expectation-maximisation.

    It differs from a :class:`~skvae.VAETransformer` with equal settings only in the
    algorithm: the model and the scores are the same. The steps are those of
    :class:`~skvae.autoencoders.MCEM`. Every answer runs new chains in double precision,
    which takes about 500 passes through the decoder.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    n_leapfrog : int, default=10
        Leapfrog steps per transition.
    n_updates : int, default=5
        Steps of the decoder at each sample.
    n_burn_in : int, default=20
        Transitions to discard at the start of a chain, in training and for answers.
    n_draws : int, default=30
        Transitions from which a row's posterior is estimated.
    decoder : torch.nn.Module, callable or None, default=None
        Custom network in place of the hidden layers: a module, which fit copies, or a
        function ``n_in -> module``, mapping (n, n_in) to (n, h). The head is added.
        ``n_in`` is ``n_components``.
    init : {"auto", "pca", "random"}, default="auto"
        Where training begins. "pca" adds linear paths from the columns to the latents
        and back, which begin at PCA (with more noise than is best, so that the hidden
        layers can add to them from zero). Discrete columns count as their Pearson
        residuals. With early stopping, no fit ends below the closed form on the
        held-out rows: PCA without a prior, else probabilistic PCA, or factor analysis
        if each column has its own scale. "auto" is "pca" unless an encoder or a decoder
        is passed.
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
    module_ : MCEM
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus ln p(x, z) at the chains' z),
        ``reconstruction``, ``acceptance``, ``seconds`` and, with early stopping,
        ``valid_loss`` (minus the bound).
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
    VAETransformer : With an encoder.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-Encoding Variational Bayes. ICLR.

    Neal, R. M. (2011). MCMC Using Hamiltonian Dynamics. Handbook of Markov Chain Monte
    Carlo.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import MCEMTransformer
    >>> X = load_digits().data[:200] / 16
    >>> model = MCEMTransformer(
    ...     2, likelihood="bernoulli", max_epochs=2, n_burn_in=5, n_draws=5,
    ...     hidden_layer_sizes=(16,), random_state=0
    ... )
    >>> model.fit_transform(X).shape
    (200, 2)
    """

    _may_collapse = False  # there is no encoder, and chains would take long

    n_leapfrog: int = parameter(POSITIVE_INT, default=10, module=True)
    n_updates: int = parameter(POSITIVE_INT, default=5, module=True)
    n_burn_in: int = parameter(POSITIVE_INT, default=20, module=True)
    n_draws: int = parameter(Interval(Integral, 2), default=30, module=True)
    decoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )

    def _build_module(self, table):
        n_latents = self.n_components
        decoder, n_out = self._build_body("decoder", n_latents)
        decoder, n_out = self._with_linear_path(decoder, n_latents, n_out)
        head = self._build_head(decoder, n_out)
        return MCEM(decoder, head, n_latents, self._seed)
