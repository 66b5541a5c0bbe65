"""The aggregated posterior as a prior, through a learned density ratio."""

import numpy as np
import torch
from torch.nn import functional

from skvae._parameters import parameter
from skvae._validation import (
    NATURAL,
    POSITIVE,
    POSITIVE_INT,
    PROBABILITY,
    Options,
    Sequence,
    check_parameters,
)
from skvae.distributions import NormalMixture, Tilted
from skvae.distributions import StandardNormal as StandardNormalDistribution
from skvae.nets import ACTIVATIONS, Critic, mlp
from skvae.priors._log_normaliser import Effort, estimate_log_normaliser
from skvae.priors._priors import SHORTHAND, Prior, PriorModule

CRITIC = "critic"
AFTER_TRAINING = Effort(n_runs=16, n_particles=64, spread=0.03)
IN_TRAINING = Effort(n_runs=16, n_particles=64, spread=0.2)
MAX_ERROR = 0.1  # nats; above it, the estimate in training takes the full effort
N_ROWS = 500  # whose posteriors guide the estimate in training


class DensityRatio(Prior):
    """The aggregated posterior q(z) = E q(z | x), in the form N(0, I) e^T(z).

    This is the prior that maximises the bound (Takahashi et al. 2022, theorem 2;
    Hoffman & Johnson 2016). It has no closed form, but its ratio to N(0, I) can be
    learned: a critic T, which sees z only, is trained to tell draws from q(z), over all
    rows and conditions, from draws from N(0, I),

        max_T E_q(z)[ln σ(T(z))] + E_N(0,I)[ln(1 − σ(T(z)))],

    whose optimum is T = ln q(z) − ln N(z; 0, I) (Takahashi et al. 2019). When the model
    is updated, the divergence is KL(q(z | x) || N(0, I)) − T(z) at one draw, with the
    critic fixed and in evaluation mode; the weight β multiplies both terms. In each
    epoch, the critic makes several passes over the data after the model's own.

    N(0, I) e^T is normalised only insofar as T is exact. ln Z = ln E_N(0,I)[e^T] is
    therefore estimated when training ends, by sequential Monte Carlo (Del Moral et al.
    2006), and subtracted wherever a likelihood is reported. Early stopping subtracts a
    cheaper estimate from the bound of the held-out rows in every epoch; the training
    loss contains T alone. To sample from the prior, a training row is drawn and then z
    from its posterior; the posteriors of a seeded subset of the rows are kept for this,
    so that the draws follow q(z) itself, and not its approximation by T.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(256, 256)
        Widths of the critic's layers.
    activation : str, default="tanh"
        Activation after every layer of the critic.
    dropout : float, default=0.5
        Probability of dropping a unit before the critic's last layer.
    lr : float, default=1e-3
        Learning rate of the critic.
    n_passes : int, default=10
        Passes of the critic over the data per epoch; 0 leaves the prior at N(0, I).
    n_kept : int, default=1000
        Number of posteriors to keep for sampling.

    References
    ----------
    Del Moral, P., Doucet, A. & Jasra, A. (2006). Sequential Monte Carlo samplers.
    Journal of the Royal Statistical Society B 68.

    Takahashi, H. et al. (2019). Variational Autoencoder with Implicit Optimal Priors.
    AAAI.

    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> from skvae.priors import DensityRatio
    >>> DensityRatio(n_passes=5)
    DensityRatio(n_passes=5)
    """

    hidden_layer_sizes: tuple[int, ...] = parameter(
        Sequence(POSITIVE_INT, "a tuple of positive ints"),
        default=(256, 256),
        kw_only=False,
    )
    activation: str = parameter(
        Options(tuple(ACTIVATIONS)), default="tanh", kw_only=False
    )
    dropout: float = parameter(PROBABILITY, default=0.5, kw_only=False)
    lr: float = parameter(POSITIVE, default=1e-3, kw_only=False)
    n_passes: int = parameter(NATURAL, default=10, kw_only=False)
    n_kept: int = parameter(POSITIVE_INT, default=1000, kw_only=False)

    def build(self, n_components, rows):
        check_parameters(self)
        # Initialising the critic must not change the model's random initial weights.
        with torch.random.fork_rng(devices=[]):
            sizes = (n_components, *self.hidden_layer_sizes)
            body = mlp(sizes[0], sizes[1:], self.activation)
            critic = Critic(body, sizes[-1], self.dropout)
        return DensityRatioModule(
            critic, n_components, self.lr, self.n_passes, self.n_kept
        )


class DensityRatioModule(PriorModule):
    """The critic and the kept posteriors.

    Parameters
    ----------
    critic : torch.nn.Module
        T: (..., K) -> (...).
    n_components : int
        K.
    lr : float
        Learning rate of the critic.
    n_passes : int
        Passes of the critic per epoch.
    n_kept : int
        Number of posteriors to keep.
    """

    def __init__(self, critic, n_components, lr, n_passes, n_kept):
        super().__init__()
        self.critic, self.lr = critic, lr
        # The posteriors do not change while the critic is trained, so one pass computes
        # them all.
        self.phases = ("encode", *n_passes * (CRITIC,)) if n_passes else ()
        self.keeps_rows = bool(n_passes)  # the posteriors, in `begin`
        self.register_buffer("kept_loc", torch.zeros(n_kept, n_components))
        self.register_buffer("kept_scale", torch.ones(n_kept, n_components))
        self.register_buffer("log_normaliser", torch.zeros(()))
        self.register_buffer("log_normaliser_error", torch.zeros(()))
        self._posteriors = None

    def forward(self, like, posterior=None):
        self.critic.eval()
        near = NormalMixture(self.kept_loc, self.kept_scale, n_rows=like.shape[0])
        base = StandardNormalDistribution(like)
        # ln Z is unknown while the critic is trained, and no gradient depends on it.
        constant = 0.0 if self.training else self.log_normaliser
        return Tilted(base, self.critic, constant, near)

    def groups(self):
        return {CRITIC: list(self.critic.parameters())}

    def learning_rates(self):
        return {CRITIC: self.lr}

    def begin(self, n_rows):
        shape = (2, n_rows, self.kept_loc.shape[1])
        self._posteriors = self.kept_loc.new_empty(shape if self.phases else (0,))

    def losses(self, phase, index, posterior, noise):
        if phase == "encode":
            with torch.no_grad():
                q = posterior()
                self._posteriors[0, index], self._posteriors[1, index] = q.loc, q.scale
            return
        self.critic.train()
        loc, scale = self._posteriors[:, index]  # (B, K) each
        drawn = noise.normal(loc, 2).expand(2, *loc.shape)  # (2, B, K)
        z = torch.stack([torch.addcmul(loc, scale, drawn[0]), drawn[1]])
        on_posterior, on_base = self.critic(z)  # (B,) each
        loss = functional.softplus(-on_posterior) + functional.softplus(on_base)
        yield CRITIC, loss, {"log_ratio": on_posterior}

    def normaliser(self):
        return self.log_normaliser.item(), self.log_normaliser_error.item()

    def settle(self, rows, posterior, noise):
        self._posteriors = None
        if not self.phases:
            return
        self._keep(rows, posterior, noise)
        self._estimate(self.kept_loc, self.kept_scale, noise, AFTER_TRAINING)

    def normalise(self, rows, posterior, noise):
        if self.phases:
            q = posterior(rows.take(torch.from_numpy(rows.index[:N_ROWS])))
            self._estimate(q.loc, q.scale, noise, IN_TRAINING)
            if not self.log_normaliser_error <= MAX_ERROR:  # nan too
                self._estimate(q.loc, q.scale, noise, AFTER_TRAINING)

    def _estimate(self, loc, scale, noise, effort):
        log_tilt = self.critic.eval()
        value, error = estimate_log_normaliser(log_tilt, loc, scale, noise, effort)
        self.log_normaliser.copy_(value)
        self.log_normaliser_error.copy_(error)

    def _keep(self, rows, posterior, noise):
        """Store the posteriors of random rows; rows repeat if there are too few."""
        chosen = self._choose(rows, noise.generator)
        q = posterior(rows.take(torch.from_numpy(chosen)))
        self.kept_loc.copy_(q.loc)
        self.kept_scale.copy_(q.scale)

    def _choose(self, rows, generator):
        """Draw the row numbers to keep, with the weights that they have in training."""
        n_kept, weights = len(self.kept_loc), rows.weights()
        if weights is None:
            device = generator.device
            order = torch.randperm(len(rows), generator=generator, device=device)
            return rows.index[np.resize(order.cpu().numpy(), n_kept)]
        weights = torch.from_numpy(weights).to(generator.device)
        drawn = weights.multinomial(n_kept, replacement=True, generator=generator)
        return rows.index[drawn.cpu().numpy()]


SHORTHAND["density-ratio"] = DensityRatio
