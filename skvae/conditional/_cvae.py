"""The conditional variational autoencoder."""

import numpy as np

from skvae._parameters import parameter
from skvae._validation import NON_NEGATIVE, Options
from skvae.autoencoders import ChosenPrior, Start, VAENetworks
from skvae.base import Divergence, ImportanceWeighted, in_kind
from skvae.conditional._base import BaseConditionalTransformer
from skvae.conditional._condition_weights import Shares, draw_odds
from skvae.conditional._cvae_module import CVAE
from skvae.conditional._task_classifier import build_classifier
from skvae.inputs import Given


class CVAENetworks(VAENetworks):
    """Builds the networks of a CVAE, and adds `translate`."""

    _module_type = CVAE
    _decoder_sees_condition = True

    invariance: float = parameter(
        NON_NEGATIVE, default=0.0, module=True, shapes_network=True
    )
    condition_weights: str | dict = parameter(
        Options(("frequency", "balanced")), Shares(), default="frequency"
    )

    def _build_module(self, table):
        module = super()._build_module(table)
        if self.invariance > 0 and self._columns.condition_width > 0:
            module.task_classifier = build_classifier(
                self.n_components, self.conditions_
            )
        return module

    def _odds(self, table):
        return draw_odds(
            self.condition_weights,
            self.conditions_,
            table,
            type(self).__name__,
        )

    @in_kind
    def translate(self, X, condition, own=None) -> np.ndarray:
        """Encode rows under their own condition, and decode them under another.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        condition : value, or array-like of shape (n_samples,) or (n_samples, n)
            Conditions to decode under; a single value applies to all rows.
        own : array-like of shape (n_samples,) or (n_samples, n), default=None
            Conditions of the rows, if they are not columns of `X`.

        Returns
        -------
        X_mean : ndarray of shape (n_samples, n_features), or data frame
            Means of p(x | z, condition).

        Raises
        ------
        ValueError
            As `transform`, for either condition.
        """
        table = self._check_encodable(X, Given(own))
        codes = self._columns.codes(self, condition, len(table))
        return self._decode(self._transform(table), codes, rows=X)


class CVAETransformer(
    ChosenPrior,
    Start,
    CVAENetworks,
    Divergence,
    ImportanceWeighted,
    BaseConditionalTransformer,
):
    """Conditional variational autoencoder: latents of what the condition leaves open.

    The model and its bound are those of :class:`~skvae.conditional.CVAE`. `sample` and
    `translate` generate rows under a chosen condition.

    Parameters
    ----------
    n_components : int, default=8
        Number of latents.
    prior : {"standard-normal", "vamp", "density-ratio"} or Prior, \
default="standard-normal"
        p(z), a name or an object of :mod:`skvae.priors`.
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
        ``kl``, ``beta``, ``seconds`` and, with early stopping, ``valid_loss``. With
        ``invariance``, also ``task_information``, the estimate of I(S; Z) that is part
        of the loss, and ``classifier_loss``, minus the estimate after a step of the
        classifier.
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
    VAETransformer : Without conditions.

    References
    ----------
    Kingma, D. P. et al. (2014). Semi-supervised Learning with Deep Generative Models.
    NeurIPS.

    Sohn, K., Lee, H. and Yan, X. (2015). Learning Structured Output Representation
    using Deep Conditional Generative Models. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CVAETransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, y])  # the digit's class is the last column
    >>> cvae = CVAETransformer(
    ...     2, condition_columns=[-1], max_epochs=3, random_state=0
    ... ).fit(table)
    >>> cvae.transform(table).shape
    (1797, 2)
    >>> cvae.sample(2, condition=7, random_state=0)[:, -1]
    array([7., 7.], dtype=float32)
    """
