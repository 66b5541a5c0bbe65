"""Several modalities and layers of latents, for scikit-learn."""

from itertools import pairwise
from numbers import Integral

from torch import nn

from skvae._validation import POSITIVE_INT, Options, Sequence
from skvae.multimodal._base import BaseMultimodalTransformer
from skvae.multimodal._hierarchical_module import HierarchicalJMVAE, Ladder
from skvae.multimodal._modality import ToNormal

N_LAYERS = 2  # where the number of latents is one int


class HierarchicalJMVAETransformer(BaseMultimodalTransformer):
    """Joint multimodal variational autoencoder with several layers of latents.

    As :class:`~skvae.JMVAETransformer`, but what the modalities share stands
    in a layer above, which is drawn well from less. The model and its bound are those
    of :class:`~skvae.multimodal.HierarchicalJMVAE`. Encoders grow with the number of
    modalities and of layers only.

    Parameters
    ----------
    n_components : int or tuple of int, default=(8, 8)
        Number of latents of every layer, the lowest first; an int is that many in each
        of two layers.
    modalities : dict of str to columns of X, or None, default=None
        Names, positions, a slice, a mask or a selector, as in
        :class:`~sklearn.compose.ColumnTransformer`; every column is in one modality.
        None is one modality, "data", which cannot be missing.
    hidden_layer_sizes : tuple of int or dict of these, default=(256, 256)
        Widths of the layers of each modality's encoder; its decoder has them in reverse
        order. A dict has the modalities' names.
    joint_hidden_layer_sizes : tuple of int, default=()
        Widths of layers behind what the encoders give, side by side.
    upper_hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the layers between the layers of latents, going up; going down they
        are in reverse order.
    activation : {"elu", "gelu", "identity", "relu", "sigmoid", "softplus", "tanh"}, \
default="relu"
        After every hidden layer.
    dropout : float, default=0.0
        Probability of dropping a hidden unit in training.
    likelihood : str, Likelihood, list of (likelihood, columns) or dict of these, \
default="gaussian"
        p(x_m | z): "gaussian" (a learned scale a column), "gaussian-shared" (one
        learned scale), "gaussian-unit" (scale 1), "bernoulli", "categorical" (all
        columns of the modality are one one-hot variable), "codes" (integer-coded
        columns), "poisson", an object of :mod:`skvae.distributions`, or parts of a
        modality of mixed type, whose columns are names or positions in it. A dict has
        the modalities' names.
    layers : {"top", "all"}, default="top"
        Which latents `transform` gives and `inverse_transform` takes: the highest
        layer's, or all, side by side, the lowest first. Names of columns count layers
        from 0, so that ``layer0`` is z_1 of the paper. To change it, fit again.
    n_iterations : int, default=100
        Times that a row with a missing block is encoded.
    empty_rows : {"error", "prior"}, default="error"
        What a row without any modality is: an error, or what the prior says.
    modality_weights : dict from modalities to float, or None, default=None
        Weights λ_m of ln p(x_m | z) in training, 1 where not named. A modality of few
        columns, such as a label beside a picture, counts little in the bound and is
        learned badly; 10 or more can help. What is recorded in training as the bound,
        and watched by early stopping, has them; what a fitted model says in nats has
        not.
    beta : float, default=1.0
        Weight of the divergence from the prior.
    kl_warmup : int, default=0
        Epochs in which that weight rises linearly from 0.
    n_importance_samples : int, default=1
        Draws of z a row in training; above 1 the importance-weighted bound.
    encoder, decoder : dict from modalities to torch.nn.Module or callable, or None, \
default=None
        Own networks in place of the layers above, of some modalities or all: a module,
        copied in fit, or a function ``n_in -> module``, mapping (n, n_in) to (n, h).
        The heads are added. ``n_in`` is the number of columns of the modality (of
        levels, under "codes") or ``n_components``. Without modalities a network alone
        will do.
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
    module_ : HierarchicalJMVAE
        The fitted torch module, in evaluation mode.
    modalities_ : dict of str to ndarray of int
        Positions of the columns of every modality.
    history_ : skorch.history.History
        One row an epoch: ``train_loss`` (minus the mean bound), ``reconstruction`` and
        its parts ``reconstruction_<modality>``, ``kl``, ``beta``, ``seconds`` and, with
        early stopping, ``valid_loss``. A modality's part is the mean over the rows
        that have it.
    n_iter_ : int
        Epochs done; after early stopping the weights are those of the best one.
    likelihood_ : Likelihood
        The fitted likelihoods, of all modalities together.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str
        Their names, where `X` has them.

    See Also
    --------
    JMVAETransformer : One layer, and encoders that see one modality only.

    Notes
    -----
    To fit with missing blocks goes beyond the paper. The encoder then reads zeros in
    place of what is missing, and there are no iterations. That changes the model: the
    encoder learns what zeros stand for, which one that was fitted to whole rows has
    never seen.

    References
    ----------
    Suzuki, M. and Matsuo, Y. (2018). Deep Generative Models for Bi-directional
    Generation between Different Modalities. IPSJ Journal.

    Gulrajani, I. et al. (2017). PixelVAE: A Latent Variable Model for Natural Images.
    ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import HierarchicalJMVAETransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, np.eye(10)[y]])
    >>> model = HierarchicalJMVAETransformer(
    ...     (6, 3),
    ...     modalities={"image": slice(0, 64), "label": slice(64, 74)},
    ...     likelihood={"image": "bernoulli", "label": "categorical"},
    ...     n_iterations=10,
    ...     max_epochs=2,
    ...     random_state=0,
    ... ).fit(table)
    >>> model.transform(table).shape
    (1797, 3)
    """

    _allowed = BaseMultimodalTransformer._allowed | {
        "n_components": (
            POSITIVE_INT,
            Sequence(POSITIVE_INT, "a tuple of positive ints", empty=False),
        ),
        "upper_hidden_layer_sizes": (
            Sequence(POSITIVE_INT, "a tuple of positive ints"),
        ),
        "layers": (Options(("top", "all")),),
        "n_iterations": (POSITIVE_INT,),
    }
    _architecture = (
        *BaseMultimodalTransformer._architecture,
        "upper_hidden_layer_sizes",
        "layers",
    )
    _module_settings = (*BaseMultimodalTransformer._module_settings, "n_iterations")

    def __init__(
        self,
        n_components=(8, 8),
        *,
        modalities=None,
        hidden_layer_sizes=(256, 256),
        joint_hidden_layer_sizes=(),
        upper_hidden_layer_sizes=(256, 256),
        activation="relu",
        dropout=0.0,
        likelihood="gaussian",
        layers="top",
        n_iterations=100,
        empty_rows="error",
        modality_weights=None,
        beta=1.0,
        kl_warmup=0,
        n_importance_samples=1,
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
        self.modalities = modalities
        self.hidden_layer_sizes = hidden_layer_sizes
        self.joint_hidden_layer_sizes = joint_hidden_layer_sizes
        self.upper_hidden_layer_sizes = upper_hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.likelihood = likelihood
        self.layers = layers
        self.n_iterations = n_iterations
        self.empty_rows = empty_rows
        self.modality_weights = modality_weights
        self.beta = beta
        self.kl_warmup = kl_warmup
        self.n_importance_samples = n_importance_samples
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

    def _evaluator(self):
        fitted = self.module_.layers
        if self.layers != fitted:
            raise ValueError(
                f"The 'layers' parameter of {type(self).__name__} must stay what it "
                f"was in fit, {fitted!r}. Got {self.layers!r} instead."
            )
        return super()._evaluator()

    def _names_of_outputs(self):
        layers = range(len(self.module_.widths))
        return self._names_of_layers(
            layers if self.module_.layers == "all" else layers[-1:]
        )

    def _names_of_latents(self):
        return self._names_of_layers(range(len(self.module_.widths)))

    def _names_of_layers(self, layers):
        widths = self.module_.widths
        return [f"_layer{k}_{i}" for k in layers for i in range(widths[k])]

    def _build_module(self, table):
        widths = self._widths()
        modalities, hidden = self._build_modalities(widths[0])
        bodies, sizes = [], [sum(hidden)]
        for layer in range(len(widths)):
            up = self._build_top if layer == 0 else self._build_upper
            body, n_out = up(sizes[-1])
            bodies.append(body)
            sizes.append(n_out)
        below = nn.ModuleList(
            self._build_below(above, lower) for lower, above in pairwise(widths)
        )
        joint = Ladder(bodies, sizes[1:], widths)
        return HierarchicalJMVAE(
            modalities, joint, below, widths, self.layers, self._seed
        )

    def _widths(self):
        n = self.n_components
        return (n,) * N_LAYERS if isinstance(n, Integral) else tuple(n)

    def _build_upper(self, n_in):
        """Build h_{l−1} -> h_l."""
        return self._build_layers(n_in, self.upper_hidden_layer_sizes)

    def _build_below(self, above, lower):
        """Build z_l -> p(z_{l−1} | z_l)."""
        sizes = self.upper_hidden_layer_sizes[::-1]
        return ToNormal(*self._build_layers(above, sizes), lower)
