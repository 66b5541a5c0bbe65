"""The variational autoencoder with categorical latents."""

from numbers import Integral

from skvae._parameters import parameter
from skvae._validation import NON_NEGATIVE, POSITIVE, POSITIVE_INT, Interval, Options
from skvae.autoencoders._categorical_gradients import GRADIENTS
from skvae.autoencoders._categorical_module import CategoricalVAE
from skvae.base import BaseVAETransformer, CustomNetworks, Divergence
from skvae.training import Anneal


class CategoricalVAETransformer(Divergence, CustomNetworks, BaseVAETransformer):
    """Variational autoencoder with categorical latents.

    A few categorical variables describe each row, like cluster labels. The model, bound
    and gradients are those of :class:`~skvae.autoencoders.CategoricalVAE`.

    Parameters
    ----------
    n_variables : int, default=8
        Number of latent variables.
    n_categories : int, default=10
        Number of categories of each variable.
    gradient : {"gumbel", "straight-through", "target-propagation"}, default="gumbel"
        How the encoder is trained through the draws of categories.
    temperature : float, default=1.0
        Temperature of the relaxed draws in the first epoch. At a lower one, draws are
        closer to categories, and gradients noisier. Not used by target propagation.
    temperature_decay : float, default=0.03
        In epoch e (from 0) the temperature is ``temperature * exp(-decay * e)``.
    min_temperature : float, default=0.5
        Lowest temperature.
    output : {"probabilities", "one-hot", "codes"}, default="probabilities"
        What `transform` returns and `inverse_transform` takes: probabilities, or the
        most probable category of each variable, one-hot or as its number from 0.
    beta : float, default=1.0
        Weight of the KL divergence from the prior. Below 1, more latents stay in use;
        above 1, fewer.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    encoder, decoder : torch.nn.Module, callable or None, default=None
        Custom networks in place of the hidden layers: a module, which fit copies, or a
        function ``n_in -> module``, mapping (n, n_in) to (n, h). The heads are added,
        so the numbers of latents and ``likelihood`` stay searchable. ``n_in`` is the
        number of data columns (of levels, for "codes") for the encoder, and the width
        of its whole input for the decoder.
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
    module_ : CategoricalVAE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss``, ``reconstruction`` and ``kl`` (for "gumbel"
        at relaxed draws), ``beta``, ``temperature``, ``seconds`` and, with early
        stopping, ``valid_loss``; for "target-propagation" ``encoder_loss``,
        ``target_distance`` and ``inverse_distance`` instead of the temperature.
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

    _may_collapse = False  # the threshold is for real latents

    n_variables: int = parameter(
        POSITIVE_INT, default=8, kw_only=False, shapes_network=True
    )
    n_categories: int = parameter(
        Interval(Integral, 2), default=10, kw_only=False, shapes_network=True
    )
    gradient: str = parameter(
        Options(tuple(GRADIENTS)), default="gumbel", shapes_network=True
    )
    temperature: float = parameter(POSITIVE, default=1.0)
    temperature_decay: float = parameter(NON_NEGATIVE, default=0.03)
    min_temperature: float = parameter(POSITIVE, default=0.5)
    output: str = parameter(
        Options(("probabilities", "one-hot", "codes")),
        default="probabilities",
        shapes_network=True,
    )

    def _names_of_outputs(self):
        variables = self._names_of_latents()
        if self.module_.output == "codes":
            return variables
        categories = range(self.module_.n_categories)
        return [f"{name}_category{k}" for name in variables for k in categories]

    def _names_of_latents(self):
        return [f"_variable{v}" for v in range(self.module_.n_variables)]

    def _build_module(self, table):
        shape = self.n_variables, self.n_categories
        parts = self._build_parts(self.n_variables * self.n_categories)
        return CategoricalVAE(*parts, *shape, self.gradient, self.output)

    def _schedules(self):
        floor = min(self.min_temperature, self.temperature)
        start, decay = self.temperature, self.temperature_decay
        return [*super()._schedules(), Anneal("temperature", start, decay, floor)]
