"""The joint multimodal variational autoencoder, for scikit-learn."""

from torch import nn

from skvae._parameters import parameter
from skvae._validation import NON_NEGATIVE, POSITIVE_INT
from skvae.base import Latents
from skvae.multimodal._base import BaseMultimodalTransformer
from skvae.multimodal._jmvae_module import JMVAE
from skvae.multimodal._modality import ToNormal
from skvae.multimodal._starts import start_joint


class ExpertNetworks(Latents):
    """Builds the networks of JMVAE: modalities, joint posterior and experts."""

    alpha: float = parameter(
        NON_NEGATIVE, default=1.0, shapes_network=True, module=True
    )
    n_iterations: int = parameter(
        POSITIVE_INT, default=100, module=True, after_fit=True
    )

    def _build_joint_parts(self):
        """Build the modalities, the joint posterior and the experts."""
        modalities = self._build_modalities(self.n_components)
        joint = self._to_normal(modalities.n_hidden)
        experts = nn.ModuleList()
        if self.alpha > 0 and len(modalities) > 1:
            experts.extend(self._build_expert(m) for m in modalities)
        return modalities, joint, experts

    def _to_normal(self, n_hidden):
        body = self._build_linked(n_hidden, self.joint_hidden_layer_sizes)
        return ToNormal(*body, self.n_components)

    def _build_expert(self, modality):
        """Build an encoder of the same layers that sees one modality."""
        encoder, n_hidden = self._build_encoder_of(modality.name, modality.head)
        return nn.Sequential(encoder, self._to_normal(n_hidden))


class JMVAETransformer(ExpertNetworks, BaseMultimodalTransformer):
    """Joint multimodal variational autoencoder: any block may be missing.

    The columns of `X` belong to several modalities, such as a picture and its label,
    which share their latents. The model and its bound are those of
    :class:`~skvae.multimodal.JMVAE`. In any row, a missing modality is a block of NaN,
    in `fit` too; `impute` fills it, `generate` draws it.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
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
    module_ : JMVAE
        The fitted torch module, in evaluation mode.
    modalities_ : dict of str to ndarray of int
        Columns of each modality.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus the mean bound), ``reconstruction`` and
        its parts ``reconstruction_<modality>``, ``kl``, ``kl_experts``, ``beta``,
        ``seconds`` and, with early stopping, ``valid_loss``. A modality's part is the
        mean over the rows that have it, ``kl_experts`` the mean over complete rows.
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
    HierarchicalJMVAETransformer : Several layers of latents, and no experts.
    CMMATransformer : Generates rows from a condition, but not the reverse.

    Notes
    -----
    There is one expert per modality. If several but not all modalities are observed,
    the Gaussians of their experts are multiplied. The paper has an encoder for each
    subset of modalities, whose number doubles with each modality.

    Fitting with missing blocks goes beyond the paper, too. With alpha > 0, such rows
    are trained under their experts, without the divergences from these. With alpha = 0,
    the encoder reads zeros in place of missing blocks, without iterations. This changes
    the model: the encoder learns what zeros mean, whereas an encoder fitted to complete
    rows has never seen them.

    With ``init="pca"``, decoders and joint encoder begin at the linear model of the
    columns of all modalities together. Each expert begins at the mean and the variances
    of the latents given its modality in that model. With missing blocks, loadings come
    from complete rows, or from all rows if fewer than ten per latent are complete.

    References
    ----------
    Suzuki, M. and Matsuo, Y. (2018). Deep Generative Models for Bi-directional
    Generation between Different Modalities. IPSJ Journal.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import JMVAETransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, np.eye(10)[y]])
    >>> jmvae = JMVAETransformer(
    ...     4,
    ...     modalities={"image": slice(0, 64), "label": slice(64, 74)},
    ...     likelihood={"image": "bernoulli", "label": "categorical"},
    ...     max_epochs=2,
    ...     random_state=0,
    ... ).fit(table)
    >>> table[:5, 64:] = np.nan  # five labels are missing
    >>> jmvae.transform(table).shape
    (1797, 4)
    >>> jmvae.impute(table)[:5, 64:].argmax(1).shape
    (5,)
    >>> jmvae.generate(table[-3:], "image", n_samples=7, random_state=0).shape
    (7, 3, 64)
    """

    _start_networks = staticmethod(start_joint)

    def _build_module(self, table):
        parts = self._build_joint_parts()
        module = JMVAE(*parts, self.n_components, self._seed)
        return module
