"""The wake-sleep algorithm for the networks of the VAE."""

import torch

from skvae.autoencoders._start import Start
from skvae.autoencoders._vae import VAENetworks
from skvae.autoencoders._vae_module import VAE
from skvae.base import BaseVAETransformer
from skvae.distributions import kl
from skvae.objectives import elbo
from skvae.training import Batch, Loss

ENCODER = "encoder"


class WakeSleep(VAE):
    """The model of the VAE; decoder and encoder learn from each other's draws in turn.

    - Wake: z ~ q(z | x) is drawn for each row; the decoder takes a step to increase
      ln p(x | z).
    - Sleep: z ~ p(z) and then x ~ p(x | z), not its mean, are drawn; the encoder takes
      a step to increase ln q(z | x). Dreams lack the cells that the rows lack.

    (Hinton et al. 1995; compared with the VAE in Kingma & Welling 2014, fig. 2 and 3.)
    No gradient passes through a draw, so latents and data may be of any type. As the
    two steps have different objectives, the bound of the VAE is recorded and validated.
    """

    def scheduled(self):
        return {}

    def parameter_groups(self):
        encoder = [*self.encoder.parameters(), *self.loc_scale.parameters()]
        return self.with_the_rest({ENCODER: encoder})

    def losses(self, batch, phase, noise):
        with torch.no_grad():
            q = self.posterior(batch)
            z = q.sample(noise)  # (B, K)
            divergence = kl(q, self.prior(batch), z)
        reconstruction = self.log_likelihood(z, batch)
        bound = elbo(reconstruction, divergence)
        terms = {"reconstruction": reconstruction, "kl": divergence}
        yield Loss("model", -bound, terms)
        with torch.no_grad():
            z = self.prior(batch).sample(noise)
            x = self.likelihood(z, batch).sample(noise)
            if batch.seen is not None:  # dreams have the holes of the rows
                x = torch.where(batch.seen, x, batch.x)
        dreamed = self.posterior(Batch(x, seen=batch.seen)).log_prob(z)  # (B,)
        yield Loss(ENCODER, -dreamed, {})


class WakeSleepTransformer(Start, VAENetworks, BaseVAETransformer):
    """The VAE's networks, trained by the wake-sleep algorithm.

    It differs from a :class:`~skvae.VAETransformer` with equal settings only in the
    algorithm: model, posterior and scores are the same. The steps are those of
    :class:`~skvae.autoencoders.WakeSleep`.

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
    module_ : WakeSleep
        The fitted torch module, in evaluation mode.
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (minus the mean bound), ``reconstruction``,
        ``kl``, ``encoder_loss`` (minus ln q(z | x) of dreams), ``seconds`` and, with
        early stopping, ``valid_loss``.
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
    VAETransformer : Trains encoder and decoder on one bound.

    References
    ----------
    Hinton, G. E., Dayan, P., Frey, B. J. and Neal, R. M. (1995). The Wake-Sleep
    Algorithm for Unsupervised Neural Networks. Science.

    Kingma, D. P. and Welling, M. (2014). Auto-Encoding Variational Bayes. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import WakeSleepTransformer
    >>> X = load_digits().data / 16
    >>> model = WakeSleepTransformer(
    ...     2, likelihood="bernoulli", max_epochs=2, random_state=0
    ... )
    >>> model.fit_transform(X).shape
    (1797, 2)
    """

    _module_type = WakeSleep
