"""The autoencoder without noise."""

import numpy as np
import torch
from torch import nn

from skvae.autoencoders._start import Start
from skvae.base import (
    BaseAutoencoderTransformer,
    CustomNetworks,
    Latents,
    in_kind,
    mean_score,
)
from skvae.distributions import Point
from skvae.handwritten import WrittenAE
from skvae.nets import enter_linearly, over_rows
from skvae.sources import by_blocks
from skvae.training import Batch, LatentModel, Loss, mean_over_rows

SHARES = 0.5 ** np.arange(8)  # of PCA's loadings, at the start
N_COMPARED = 1000  # rows at which these are compared


class AE(LatentModel):
    """z = f(x), trained only on the reconstruction ln p(x | z).

    The loss is the cross-entropy for a Bernoulli likelihood and the squared error for a
    Gaussian one of fixed scale (Nitta 2017, section 2.4). There is no prior, hence no
    density ln p(x) and no sampling.

    Parameters
    ----------
    encoder : torch.nn.Module
        (B, n_features) -> (B, h).
    n_hidden : int
        h.
    decoder : torch.nn.Module
        (..., B, K) -> (..., B, h').
    head : torch.nn.Module
        h' -> p(x | z), the head of a `Likelihood`.
    n_components : int
        K.
    """

    def __init__(self, encoder, n_hidden, decoder, head, n_components):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.code = nn.Linear(n_hidden, n_components)
        self.n_outputs = n_components

    def start_at(self, start):
        """Start at PCA of rows, see `LinearStart`: z = Vᵀ y, and y = a V z.

        a is 1 for Gaussian columns. Discrete ones are linear only near their mean, so
        a is the best of 1, 1/2, 1/4, ... there.
        """
        directions, psi = start.principal(self.n_outputs)
        enter_linearly(self.code, *start.encoder(directions.T))
        every = slice(None, None, max(1, len(start.y) // N_COMPARED))
        some, weight = start.batch.x[every], start.batch.sample_weight
        if weight is not None:
            weight = weight[every] / weight[every].mean()
        some = Batch(some, sample_weight=weight)
        reached = []
        for a in SHARES:
            self.head.start_linear(*start.decoder(a * directions, psi))
            reached.append(self._reconstruction(some))
        best = SHARES[np.argmax(reached)]
        self.head.start_linear(*start.decoder(best * directions, psi))

    @torch.no_grad()
    def _reconstruction(self, batch):
        """Return the mean of ln p(x | z), without dropout."""
        mode = self.training
        value = mean_over_rows(self.eval().bound(batch), batch.sample_weight).item()
        self.train(mode)
        return value

    def written(self):
        return WrittenAE if type(self) is AE else None

    def posterior(self, batch):
        return Point(self.code(self.encoder(self.inputs(batch))))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def bound(self, batch, noise=None):
        z = self.posterior(batch).mean  # (B, K)
        return self.log_likelihood(z, batch)

    def losses(self, batch, phase, noise):
        reconstruction = self.bound(batch)
        yield Loss("model", -reconstruction, {"reconstruction": reconstruction})


class AETransformer(Latents, Start, CustomNetworks, BaseAutoencoderTransformer):
    """Autoencoder: latents that reconstruct the data, without a prior.

    The model is that of :class:`~skvae.autoencoders.AE`. It has no density, hence no
    `sample` and no `score_samples`; `score` is the mean reconstruction log-likelihood.

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
    module_ : AE
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus the mean of ``reconstruction``),
        ``seconds`` and, with early stopping, ``valid_loss``.
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
    VAETransformer : With noise and a prior.

    References
    ----------
    Nitta, 新田一稀 (2017). Learning of variational autoencoders with a discrete latent
    space (in Japanese). Bachelor's thesis, Kanazawa University. Section 2.4.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import AETransformer
    >>> X = load_digits().data / 16
    >>> ae = AETransformer(
    ...     n_components=2, likelihood="bernoulli", max_epochs=3, random_state=0
    ... )
    >>> ae.fit_transform(X).shape
    (1797, 2)
    """

    _may_collapse = False  # there is no prior

    def _build_module(self, table):
        return AE(*self._build_parts(self.n_components), self.n_components)

    @by_blocks
    @in_kind
    def impute(self, X) -> np.ndarray:
        """Fill missing cells with the reconstruction from the observed ones.

        There is no distribution of missing cells, as there is no prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN, None and ``pd.NA`` are missing.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features), or data frame
            Rows with their observed cells unchanged. Missing ones are the means of
            p(x | z) at the latents, or the most probable values of labels.

        Raises
        ------
        ValueError
            As `transform`.
        """
        table, module = self._check_encodable(X), self.module_

        def reconstructed(batch):
            p = module.likelihood(module.encode(batch), batch)
            return p.typical(p.statistic)

        evaluator = self._evaluator()
        dtype = evaluator.precision(table.dtype)
        x = evaluator.in_units(evaluator.in_slices(table, reconstructed), dtype)
        return self._restored(np.where(np.isnan(table.x), x, table.x), rows=X)

    def score(self, X, y=None, sample_weight=None) -> float:
        """Return the mean of ln p(x | z) at the latents, in nats per row.

        It is not a likelihood of x.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the mean; equal by default.

        Returns
        -------
        float
            Nats per row.
        """
        values = self._reconstruction_log_likelihood(X)
        return mean_score(values, sample_weight)

    @by_blocks
    def _reconstruction_log_likelihood(self, X):
        table = self._check_scorable(X)
        return self._evaluator().reconstruction_log_likelihood(table)
