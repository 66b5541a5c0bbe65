"""The variational autoencoder with categorical latents, for scikit-learn."""

from numbers import Integral

from skvae._validation import NON_NEGATIVE, POSITIVE, POSITIVE_INT, Interval, Options
from skvae.autoencoders._categorical_module import CategoricalVAE
from skvae.autoencoders._gradients import GRADIENTS
from skvae.base import BaseVAETransformer
from skvae.training import Anneal


class CategoricalVAETransformer(BaseVAETransformer):
    """Variational autoencoder whose latents are categories.

    Rows become a few variables of a few categories each, such as clusters in several
    regards. The model, the bound and the gradients are those of
    :class:`~skvae.autoencoders.CategoricalVAE`.

    Parameters
    ----------
    n_variables : int, default=8
        Number of latent variables.
    n_categories : int, default=10
        Number of categories of each.
    gradient : {"gumbel", "straight-through", "target-propagation"}, default="gumbel"
        How the encoder learns through draws of categories.
    temperature : float, default=1.0
        Of the relaxed draws in the first epoch. Lower is nearer to categories, and
        noisier. Target propagation has none.
    temperature_decay : float, default=0.03
        In epoch e (from 0) the temperature is ``temperature * exp(-decay * e)``.
    min_temperature : float, default=0.5
        The lowest temperature.
    output : {"probabilities", "one-hot", "codes"}, default="probabilities"
        What `transform` gives and `inverse_transform` takes: probabilities, the most
        probable category of each variable one-hot, or its number from 0.
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
    beta : float, default=1.0
        Weight of the divergence; below 1 more latents stay in use, above 1 fewer.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    encoder, decoder : torch.nn.Module, callable or None, default=None
        Own networks in place of the layers above: a module, copied in fit, or a
        function ``n_in -> module``, mapping (n, n_in) to (n, h). The heads are added,
        so ``n_components`` and ``likelihood`` stay searchable. ``n_in`` is the number
        of columns (of levels, under "codes") or
        ``n_variables * n_categories``.
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
    module_ : CategoricalVAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row an epoch: ``train_loss``, ``reconstruction`` and ``kl`` (under "gumbel"
        at relaxed draws), ``beta``, ``temperature``, ``seconds`` and, with early
        stopping, ``valid_loss``; under "target-propagation" ``encoder_loss``,
        ``target_distance`` and ``inverse_distance`` in place of the temperature.
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
    VAETransformer : With real latents.

    Notes
    -----
    The published settings on MNIST are ``n_variables=30``, ``n_categories=10``,
    ``hidden_layer_sizes=(500,)``, ``activation="softplus"``, ``batch_size=100``,
    ``lr=3e-4`` and ``max_epochs=50``.

    References
    ----------
    Nitta, 新田一稀 (2017). Learning of variational autoencoders with a discrete latent
    space (in Japanese). Bachelor's thesis, Kanazawa University.

    Jang, E., Gu, S. and Poole, B. (2017). Categorical Reparameterization with
    Gumbel-Softmax. ICLR.

    Maddison, C. J., Mnih, A. and Teh, Y. W. (2017). The Concrete Distribution. ICLR.

    Lee, D.-H. et al. (2015). Difference Target Propagation. ECML PKDD.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CategoricalVAETransformer
    >>> X = load_digits().data / 16
    >>> vae = CategoricalVAETransformer(
    ...     5, 4, likelihood="bernoulli", output="codes", max_epochs=2, random_state=0
    ... )
    >>> codes = vae.fit_transform(X)
    >>> codes.shape, int(codes.max()) < 4
    ((1797, 5), True)
    """

    _allowed = {
        name: allowed
        for name, allowed in BaseVAETransformer._allowed.items()
        if name not in ("n_components", "prior", "n_importance_samples")
    } | {
        "n_variables": (POSITIVE_INT,),
        "n_categories": (Interval(Integral, 2),),
        "gradient": (Options(tuple(GRADIENTS)),),
        "temperature": (POSITIVE,),
        "temperature_decay": (NON_NEGATIVE,),
        "min_temperature": (POSITIVE,),
        "output": (Options(("probabilities", "one-hot", "codes")),),
    }
    _architecture = (
        "n_variables",
        "n_categories",
        "gradient",
        "output",
        *(
            name
            for name in BaseVAETransformer._architecture
            if name not in ("n_components", "prior")
        ),
    )
    _module_settings = ("beta",)

    def __init__(
        self,
        n_variables=8,
        n_categories=10,
        *,
        gradient="gumbel",
        temperature=1.0,
        temperature_decay=0.03,
        min_temperature=0.5,
        output="probabilities",
        hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        beta=1.0,
        kl_warmup=0,
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
        self.n_variables = n_variables
        self.n_categories = n_categories
        self.gradient = gradient
        self.temperature = temperature
        self.temperature_decay = temperature_decay
        self.min_temperature = min_temperature
        self.output = output
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.likelihood = likelihood
        self.beta = beta
        self.kl_warmup = kl_warmup
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

    def _names_of_outputs(self):
        variables = self._names_of_latents()
        if self.module_.output == "codes":
            return variables
        categories = range(self.module_.n_categories)
        return [f"{name}_category{k}" for name in variables for k in categories]

    def _names_of_latents(self):
        return [f"_variable{v}" for v in range(self.module_.n_variables)]

    def _build_module(self, table):
        width = self.n_variables * self.n_categories
        decoder, n_out = self._build_body("decoder", width)
        head = self._build_head(decoder, n_out)
        encoder, n_hidden = self._build_body("encoder", head.n_features)
        return CategoricalVAE(
            encoder,
            n_hidden,
            decoder,
            head,
            self.n_variables,
            self.n_categories,
            self.gradient,
            self.output,
        )

    def _annealing(self):
        floor = min(self.min_temperature, self.temperature)
        return [Anneal("temperature", self.temperature, self.temperature_decay, floor)]
