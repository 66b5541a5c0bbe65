"""Monte Carlo expectation-maximisation: a decoder without an encoder."""

import copy
import zlib
from collections.abc import Callable
from numbers import Integral

import numpy as np
import torch
from torch import nn

from skvae._parameters import parameter
from skvae._validation import POSITIVE_INT, Interval
from skvae.base import BODY, BaseVAETransformer, Latents
from skvae.distributions import Defensive, Normal, SharedNoise, StandardNormal, kl
from skvae.hmc import adapted, transition
from skvae.nets import over_rows
from skvae.objectives import elbo
from skvae.training import LatentModel, Loss

ACCEPTANCE = 0.9
FIRST_STEP = 0.1
MIN_SCALE = 1e-3
N_FINGERPRINT = 100  # rows that identify a table
N_TRIED = 200  # draws from the prior, one of which starts a run
DEFENSIVE = 0.5  # share of the prior in the proposal
CHUNK_ELEMENTS = 2**22  # draws times values of the rows, per chunk


class MCEM(LatentModel):
    """p(x, z) = p(z) p(x | z), trained at samples of p(z | x).

    Each row has a Markov chain. For a batch, the chains of its rows make one transition
    of Hamiltonian Monte Carlo, and the decoder takes some steps to increase ln p(x | z)
    at the new z (Kingma & Welling 2014, appendix E). The step size is adapted to an
    acceptance of 0.9. Chains belong to the rows of one table; for another table they
    are started again from the prior.

    There is no encoder: q(z | x) is a normal with the mean and the scales of a run of
    transitions, whose noise is seeded and the same for all rows. The run starts at one
    of some draws from the prior, chosen with probability proportional to p(x | z), as a
    run that starts far from the posterior's mass may never reach it. It may stay in one
    of several modes, so half of the importance samples are drawn from the prior.

    Parameters
    ----------
    decoder : torch.nn.Module
        (..., B, K) -> (..., B, h').
    head : torch.nn.Module
        h' -> p(x | z), the head of a `Likelihood`.
    n_components : int
        K.
    seed : int
        Seed of the runs.

    Attributes
    ----------
    n_leapfrog, n_updates, n_burn_in, n_draws : int
        As in :class:`~skvae.MCEMTransformer`.
    """

    n_leapfrog, n_updates, n_burn_in, n_draws = 10, 5, 20, 30
    n_refinements = 0  # posteriors are already those of the row

    def __init__(self, decoder, head, n_components, seed):
        super().__init__()
        self.decoder, self.head = decoder, head
        self.n_outputs = self.n_latents = n_components
        self.seed = seed
        self.register_buffer("step_size", torch.tensor(FIRST_STEP))
        # Chains belong to the training rows, so they are not saved with the weights.
        self.register_buffer("chains", torch.zeros(0, n_components), persistent=False)
        self.register_buffer("fresh", torch.zeros(0, dtype=bool), persistent=False)
        self.table = None

    def prior(self, batch):
        return StandardNormal(batch.x.new_empty((len(batch.x), self.n_latents)))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def log_joint(self, x):
        """Return the function z -> ln p(x, z), (B, K) -> (B,)."""
        return lambda z: self.likelihood(z).log_prob(x) + StandardNormal(z).log_prob(z)

    def posterior(self, batch):
        with torch.inference_mode(False):
            # Acceptance is a threshold, and results in single precision depend on the
            # other rows of the batch.
            twin = copy.deepcopy(self).double()
            x = batch.x.double().clone()
            loc, scale = twin.measured(x)
        return Normal(loc.to(batch.x.dtype), scale.to(batch.x.dtype))

    def proposal(self, batch, q=None):
        return Defensive(super().proposal(batch, q), self.prior(batch), DEFENSIVE)

    def measured(self, x):
        """Return mean and scale over a run of transitions, (B, K) each."""
        noise = SharedNoise.from_seed(self.seed, x.device)
        total = squares = x.new_zeros((len(x), self.n_latents))
        for i, z in enumerate(self._run(x, noise)):
            if i >= self.n_burn_in:
                total, squares = total + z, squares + z.square()
        mean = total / self.n_draws
        variance = squares / self.n_draws - mean.square()
        return mean, variance.clamp(min=0).sqrt() + MIN_SCALE

    def _run(self, x, noise):
        z = self._begun(x, noise)
        for _ in range(self.n_burn_in + self.n_draws):
            z = self._moved(x, z, noise)[0]
            yield z

    @torch.no_grad()
    def _begun(self, x, noise):
        """Return one of `N_TRIED` prior draws per row, chosen by likelihood, (B, K)."""
        like = x.new_zeros((len(x), self.n_latents))
        tried = noise.normal(like, N_TRIED).expand(N_TRIED, *like.shape)  # (T, B, K)
        size = max(1, CHUNK_ELEMENTS // x.numel())
        log_likelihood = torch.cat(
            [self.likelihood(z).log_prob(x) for z in tried.split(size)]
        )  # (T, B)
        keys = log_likelihood + noise.gumbel(like[:, :1], N_TRIED)[..., 0]
        return tried[keys.argmax(0), torch.arange(len(x), device=x.device)]

    def _moved(self, x, z, noise):
        return transition(self.log_joint(x), z, noise, self.step_size, self.n_leapfrog)

    def bound(self, batch, noise):
        q = self.posterior(batch)
        log_likelihood = self.likelihood(q.sample(noise)).log_prob(batch.x)
        return elbo(log_likelihood, kl(q, self.prior(batch)))

    def begin(self, rows):
        table = _fingerprint(rows)
        if table != self.table:
            shape = (len(rows.X), self.n_latents)
            self.chains = self.step_size.new_zeros(shape)
            self.fresh = torch.ones(len(rows.X), dtype=bool, device=self.chains.device)
            self.table = table

    def losses(self, batch, phase, noise):
        z, acceptance = self._sampled(batch, noise)
        log_prior = self.prior(batch).log_prob(z)
        for _ in range(self.n_updates):
            log_likelihood = self.likelihood(z).log_prob(batch.x)
            loss = -(log_likelihood + log_prior).mean()
            terms = {"reconstruction": log_likelihood, "acceptance": acceptance}
            yield Loss("model", loss, terms)

    def _sampled(self, batch, noise):
        """Return new states of the chains of some rows, (B, K), and the acceptance."""
        fresh = self.fresh[batch.index]
        begun = self.chains[batch.index]
        z = torch.where(fresh[:, None], noise.normal(begun), begun)
        # All chains of a batch start in the same step, in the first epoch.
        for _ in range(1 + self.n_burn_in * bool(fresh.any())):
            z, acceptance = self._moved(batch.x, z, noise)
            step_size = adapted(self.step_size, acceptance.mean(), ACCEPTANCE)
            self.step_size.copy_(step_size)
        self.chains[batch.index], self.fresh[batch.index] = z, False
        return z, acceptance

    def training_state(self):
        fresh = self.fresh.to(torch.uint8)
        return {"chains": self.chains, "fresh": fresh, "table": self.table}

    def restore_training_state(self, state):
        chains, fresh = state["chains"], state["fresh"]
        if state.keys() != {"chains", "fresh", "table"} or (
            chains.shape != (len(fresh), self.n_latents)
            or chains.dtype != self.chains.dtype
        ):
            raise ValueError("its chains do not belong to the model.")
        self.chains = chains.to(self.step_size.device)
        self.fresh = fresh.to(self.step_size.device, bool)
        self.table = state["table"]


def _fingerprint(rows):
    """Return a string that identifies a table, from its shape and some of its rows."""
    some = np.linspace(0, len(rows.X) - 1, min(len(rows.X), N_FINGERPRINT)).astype(int)
    return f"{rows.X.shape} {zlib.crc32(np.ascontiguousarray(rows.X[some]).tobytes())}"


class MCEMTransformer(Latents, BaseVAETransformer):
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
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the hidden layers, from the data to the latents; the decoder has them
        in reverse order. An empty tuple makes the networks linear.
    activation : {"elu", "gelu", "identity", "relu", "sigmoid", "softplus", "tanh"}, \
default="relu"
        Activation after every hidden layer.
    dropout : float, default=0.0
        Probability of dropping a hidden unit in training.
    likelihood : str, Likelihood or list of (likelihood, columns), default="gaussian"
        p(x | z): "gaussian" (one learned scale per column), "gaussian-shared" (one
        learned scale), "gaussian-unit" (scale 1), "bernoulli", "categorical" (all
        columns are one one-hot variable), "codes" (integer-coded columns), "poisson",
        an object of :mod:`skvae.distributions`, or a list of parts for a table of mixed
        type. To search over ``likelihood__scale``, pass an object: strings and lists
        have no parameters.
    binarize : {None, "fixed", "dynamic"}, default=None
        In training, draw 0/1 values from Bernoulli columns in [0, 1], once or anew in
        every epoch. This requires that every column is Bernoulli or one-hot.
    max_epochs : int, default=100
        Passes over the data.
    batch_size : int, default=128
        Rows per step.
    lr : float, default=1e-3
        Learning rate.
    optimizer : str or class of torch optimizers, default="adam"
        "adagrad", "adam", "adamw", "rmsprop", "sgd", or a class.
    weight_decay : float, default=0.0
        L2 penalty on the weights (decoupled under "adamw").
    early_stopping : bool, default=False
        Whether to hold out rows, stop when their bound no longer rises, and restore the
        best weights.
    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping.
    n_iter_no_change : int, default=10
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
        Copied in fit; the fitted copies are in ``net_.callbacks_``. They can read what
        ``history_`` records (``valid_loss`` only with early stopping). There is no
        ``y_pred``, so scoring callbacks do not apply. A callback that raises
        KeyboardInterrupt at the end of an epoch stops training, as in skorch.
    net_params : dict or None, default=None
        Arguments of :class:`skorch.NeuralNet`, such as ``{"optimizer__betas": (0.5,
        0.999)}``. They override all other parameters.

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

    n_leapfrog: int = parameter(POSITIVE_INT, default=10, module=True)
    n_updates: int = parameter(POSITIVE_INT, default=5, module=True)
    n_burn_in: int = parameter(POSITIVE_INT, default=20, module=True)
    n_draws: int = parameter(Interval(Integral, 2), default=30, module=True)
    decoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )

    def _build_module(self, table):
        decoder, n_out = self._build_body("decoder", self.n_components)
        head = self._build_head(decoder, n_out)
        return MCEM(decoder, head, self.n_components, self._seed)
