"""JMVAE-kl with a generator, for scikit-learn."""

from collections.abc import Callable

from torch import nn

from skvae._kinds import cut
from skvae._parameters import parameter
from skvae._validation import NON_NEGATIVE, NONE, Instance
from skvae.base import BODY
from skvae.multimodal._base import BaseMultimodalTransformer
from skvae.multimodal._jmvae import ExpertNetworks
from skvae.multimodal._jmvae_gan_module import JMVAEGAN
from skvae.multimodal._starts import start_joint
from skvae.nets import Critic, build_body


class JMVAEGANTransformer(ExpertNetworks, BaseMultimodalTransformer):
    """JMVAE-kl with sharper images: a decoder is also a generator.

    It is a :class:`~skvae.JMVAETransformer` with three steps per batch: one for the
    encoders and other decoders, one for the decoder of the image, and one for a
    discriminator of real and generated images. The losses are those of
    :class:`~skvae.multimodal.JMVAEGAN`. Sharper images cost likelihood.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    image : str or None, default=None
        Modality whose decoder is also a generator; None is the first. Its weight is
        ``gamma``, not that in ``modality_weights``.
    discriminator : torch.nn.Module, callable or None, default=None
        Custom body of the discriminator, mapping the input of the modality's encoder,
        (n, n_in), to (n, h); None uses the layers of that encoder. A logit is computed
        from its output.
    gamma : float, default=1.0
        Weight of ln p(x | z) in the generator's loss.
    alpha : float, default=1.0
        Weight of the divergences from the experts q(z | x_m), encoders that see one
        modality. 0 is JMVAE, without experts: missing blocks are drawn iteratively.
    n_iterations : int, default=100
        Number of iterations for a row with a missing block.
    modalities : dict of str to columns of X, or None, default=None
        Names, positions, a slice, a mask or a selector, as in
        :class:`~sklearn.compose.ColumnTransformer`; every column is in one modality.
        None is one modality, "data", which cannot be missing.
    hidden_layer_sizes : tuple of int or dict of these, default=(256, 256)
        Widths of the hidden layers of each modality's encoder; its decoder has them in
        reverse order. The keys of a dict are the modalities' names.
    joint_hidden_layer_sizes : tuple of int, default=()
        Widths of the layers that join the outputs of the encoders.
    likelihood : str, Likelihood, list of (likelihood, columns) or dict of these, \
default="gaussian-shared"
        p(x_m | z): "auto" (chosen column by column, also for words, see
        :class:`~skvae.distributions.Auto`), "gaussian" (one learned scale per column),
        "gaussian-shared" (one learned scale), "gaussian-relative" (the same in units of
        the columns' standard deviations), "gaussian-unit" (scale 1), "bernoulli",
        "categorical" (all columns of the modality are one one-hot variable), "codes"
        (words or integer codes), "poisson", "negative-binomial", an object of
        :mod:`skvae.distributions`, or a list of parts for a modality of mixed type,
        whose columns are names or positions in it. The keys of a dict are the
        modalities' names.
    empty_rows : {"error", "prior"}, default="error"
        What to do with a row that lacks all modalities: raise an error, or use the
        prior.
    modality_weights : dict from modalities to float, or None, default=None
        Weights λ_m of ln p(x_m | z) in training, 1 for modalities not named. A modality
        of few columns, such as a label beside a picture, counts little in the bound and
        is learned badly; a weight of 10 or more can help. The weights count in the
        recorded bound, which early stopping watches, but not in the model's densities.
    encoder, decoder : dict from modalities to torch.nn.Module or callable, or None, \
default=None
        Custom networks in place of the hidden layers, for some or all modalities: a
        module, which fit copies, or a function ``n_in -> module``, mapping (n, n_in) to
        (n, h). The heads are added. ``n_in`` is the number of the modality's columns
        (of levels, for "codes") for the encoder, and ``n_components`` for the decoder.
        Without modalities, a single network is enough.
    init : {"auto", "pca", "random"}, default="auto"
        Where training begins. "pca" adds linear paths from the columns to the latents
        and back, which begin at PCA (with more noise than is best, so that the hidden
        layers can add to them from zero). Discrete columns count as their Pearson
        residuals. With early stopping, no fit ends below the closed form on the
        held-out rows: PCA without a prior, else probabilistic PCA, or factor analysis
        if each column has its own scale. "auto" is "pca" unless an encoder or a decoder
        is passed.
    beta : float, default=1.0
        Weight of the KL divergence from the prior. Below 1, more latents stay in use;
        above 1, fewer.
    kl_warmup : int, default=0
        Epochs in which the weight of the divergence rises linearly from 0.
    n_importance_samples : int, default=1
        Draws of z per row in training; above 1, the bound is importance-weighted.
    activation : {"elu", "gelu", "identity", "relu", "sigmoid", "softplus", "tanh"}, \
default="relu"
        Activation after every hidden layer.
    dropout : float, default=0.0
        Probability of dropping a hidden unit in training.
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
    module_ : JMVAEGAN
        The fitted torch module, in evaluation mode.
    modalities_ : dict of str to ndarray of int
        Columns of each modality.
    history_ : skorch.history.History
        One row per epoch: as in :class:`~skvae.JMVAETransformer`, and
        ``generator_loss`` with its part ``not_fooled``, ``discriminator_loss`` with
        ``missed_real``, over rows that have an image, and ``missed_fake``.
    n_iter_ : int
        Number of epochs. After early stopping, the weights are those of the best.
    likelihood_ : Likelihood
        The fitted likelihoods, of all modalities together.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str
        Their names, if `X` has them.

    See Also
    --------
    JMVAETransformer : Without a discriminator.

    Notes
    -----
    The paper uses Adam with a learning rate of 1e-4 and β1 = 0.5: ``lr=1e-4`` and
    ``net_params={"optimizer__betas": (0.5, 0.999)}``, and the same for
    ``optimizer_generator`` and ``optimizer_discriminator``.

    Rows with missing blocks are used as in :class:`~skvae.JMVAETransformer`; rows
    without an image are no real examples for the discriminator. ``init="pca"`` works as
    there, too, and the discriminator begins at random.

    References
    ----------
    Suzuki, M. and Matsuo, Y. (2018). Deep Generative Models for Bi-directional
    Generation between Different Modalities. IPSJ Journal.

    Larsen, A. B. L. et al. (2016). Autoencoding beyond Pixels Using a Learned
    Similarity Metric. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import JMVAEGANTransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, np.eye(10)[y]])
    >>> model = JMVAEGANTransformer(
    ...     4,
    ...     modalities={"image": slice(0, 64), "label": slice(64, 74)},
    ...     likelihood={"image": "bernoulli", "label": "categorical"},
    ...     max_epochs=2,
    ...     random_state=0,
    ... ).fit(table)
    >>> model.generate(table[:3], "image", random_state=0).shape
    (1, 3, 64)
    """

    image: str | None = parameter(
        Instance((str,), "the name of a modality"),
        NONE,
        default=None,
        shapes_network=True,
    )
    discriminator: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )
    gamma: float = parameter(NON_NEGATIVE, default=1.0, module=True)

    def _check_modalities(self, columns):
        super()._check_modalities(columns)
        if self.image is not None and self.image not in columns.blocks:
            raise ValueError(
                f"The 'image' parameter of {type(self).__name__} must be one of the "
                f"modalities {sorted(columns.blocks)}. Got {cut(self.image)} instead."
            )

    _start_networks = staticmethod(start_joint)

    def _build_module(self, table):
        parts = self._build_joint_parts()
        image = 0 if self.image is None else [*self.modalities_].index(self.image)
        body, n_hidden = self._build_discriminator(parts[0][image])
        critic = Critic(body, n_hidden)
        module = JMVAEGAN(*parts, self.n_components, self._seed, image, critic)
        return module

    def _build_discriminator(self, modality):
        n_in = modality.head.n_features
        if self.discriminator is None:
            return self._build_part("encoder", modality.name, n_in)
        return build_body(self.discriminator, n_in, "discriminator")
