"""Monte Carlo expectation-maximisation, for scikit-learn."""

from numbers import Integral

from skvae._validation import POSITIVE_INT, Interval
from skvae.autoencoders._mcem_module import MCEM
from skvae.base import BaseVAETransformer

LEFT_OUT = ("prior", "beta", "kl_warmup", "n_importance_samples", "encoder")


class MCEMTransformer(BaseVAETransformer):
    """The VAE's decoder, trained by Monte Carlo expectation-maximisation.

    What is compared with a :class:`~skvae.VAETransformer` of equal
    settings is the algorithm alone: the model and the scores are the same. The steps
    are those of :class:`~skvae.autoencoders.MCEM`. Every answer runs chains of its own,
    in double precision, so it takes about 500 steps through the decoder.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the decoder's layers, in reverse order, as of an encoder. An empty
        tuple makes it linear.
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
    n_leapfrog : int, default=10
        Leapfrog steps of a transition.
    n_updates : int, default=5
        Steps of the decoder at one sample.
    n_burn_in : int, default=20
        Transitions before the first sample of a new chain, and before the posterior of
        a row is measured.
    n_draws : int, default=30
        Transitions over which the posterior of a row is measured.
    decoder : torch.nn.Module, callable or None, default=None
        Own network in place of the layers above: a module, copied in fit, or a function
        ``n_in -> module``, mapping (n, n_in) to (n, h). The head is added. ``n_in`` is
        ``n_components``.
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
    module_ : MCEM
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row an epoch: ``train_loss`` (minus ln p(x, z) at the chains' z),
        ``reconstruction``, ``acceptance``, ``seconds`` and, with early stopping,
        ``valid_loss`` (minus the bound).
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

    _allowed = {
        name: allowed
        for name, allowed in BaseVAETransformer._allowed.items()
        if name not in LEFT_OUT
    } | {
        "n_leapfrog": (POSITIVE_INT,),
        "n_updates": (POSITIVE_INT,),
        "n_burn_in": (POSITIVE_INT,),
        "n_draws": (Interval(Integral, 2),),
    }
    _architecture = tuple(
        name
        for name in BaseVAETransformer._architecture
        if name not in ("prior", "encoder")
    )
    _module_settings = ("n_leapfrog", "n_updates", "n_burn_in", "n_draws")

    def __init__(
        self,
        n_components=8,
        *,
        hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        n_leapfrog=10,
        n_updates=5,
        n_burn_in=20,
        n_draws=30,
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
        self.n_leapfrog = n_leapfrog
        self.n_updates = n_updates
        self.n_burn_in = n_burn_in
        self.n_draws = n_draws
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
        return MCEM(decoder, head, self.n_components, self._seed)
