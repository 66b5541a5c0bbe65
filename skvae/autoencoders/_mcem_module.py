"""The torch module of Monte Carlo expectation-maximisation."""

import copy
import zlib

import numpy as np
import torch

from skvae.distributions import Defensive, Normal, SharedNoise, StandardNormal, kl
from skvae.hmc import adapted, transition
from skvae.nets import over_rows
from skvae.objectives import elbo
from skvae.training import Batch, LatentModel, Loss, mean_over_rows

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
    keeps_rows = True  # the chains
    iterates = True

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

    def start_at(self, start):
        """Start the decoder at the linear model of rows, see `LinearStart`."""
        model = start.fit(self.n_latents)
        self.head.start_linear(*start.decoder(model.W, model.psi, model.mean))

    def prior(self, batch):
        return StandardNormal(batch.x.new_empty((batch.x.shape[0], self.n_latents)))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def log_joint(self, batch):
        """Return the function z -> ln p(x, z), (B, K) -> (B,)."""

        def value(z):
            return self.log_likelihood(z, batch) + StandardNormal(z).log_prob(z)

        return value

    def posterior(self, batch):
        with torch.inference_mode(False):
            # Acceptance is a threshold, and results in single precision depend on the
            # other rows of the batch.
            twin = copy.deepcopy(self).double()
            seen = None if batch.seen is None else batch.seen.clone()
            loc, scale = twin.measured(Batch(batch.x.double().clone(), seen=seen))
        return Normal(loc.to(batch.x.dtype), scale.to(batch.x.dtype))

    def proposal(self, batch, q=None):
        return Defensive(super().proposal(batch, q), self.prior(batch), DEFENSIVE)

    def measured(self, batch):
        """Return mean and scale over a run of transitions, (B, K) each."""
        x = batch.x
        noise = SharedNoise.from_seed(self.seed, x.device)
        total = squares = x.new_zeros((len(x), self.n_latents))
        for i, z in enumerate(self._run(batch, noise)):
            if i >= self.n_burn_in:
                total, squares = total + z, squares + z.square()
        mean = total / self.n_draws
        variance = squares / self.n_draws - mean.square()
        return mean, variance.clamp(min=0).sqrt() + MIN_SCALE

    def _run(self, batch, noise):
        z = self._begun(batch, noise)
        for _ in range(self.n_burn_in + self.n_draws):
            z = self._moved(batch, z, noise)[0]
            yield z

    @torch.no_grad()
    def _begun(self, batch, noise):
        """Return one of `N_TRIED` prior draws per row, chosen by likelihood, (B, K)."""
        x = batch.x
        like = x.new_zeros((len(x), self.n_latents))
        tried = noise.normal(like, N_TRIED).expand(N_TRIED, *like.shape)  # (T, B, K)
        size = max(1, CHUNK_ELEMENTS // x.numel())
        log_likelihood = torch.cat(
            [self.log_likelihood(z, batch) for z in tried.split(size)]
        )  # (T, B)
        keys = log_likelihood + noise.gumbel(like[:, :1], N_TRIED)[..., 0]
        return tried[keys.argmax(0), torch.arange(len(x), device=x.device)]

    def _moved(self, batch, z, noise):
        log_joint = self.log_joint(batch)
        return transition(log_joint, z, noise, self.step_size, self.n_leapfrog)

    def bound(self, batch, noise):
        q = self.posterior(batch)
        log_likelihood = self.log_likelihood(q.sample(noise), batch)
        return elbo(log_likelihood, kl(q, self.prior(batch)))

    def begin(self, rows):
        table = _fingerprint(rows)
        if table != self.table:
            shape = (rows.n_numbers, self.n_latents)
            self.chains = self.step_size.new_zeros(shape)
            self.fresh = torch.ones(shape[0], dtype=bool, device=self.chains.device)
            self.table = table

    def losses(self, batch, phase, noise):
        z, acceptance = self._sampled(batch, noise)
        log_prior = self.prior(batch).log_prob(z)
        for _ in range(self.n_updates):
            log_likelihood = self.log_likelihood(z, batch)
            loss = -(log_likelihood + log_prior)  # (B,)
            terms = {"reconstruction": log_likelihood, "acceptance": acceptance}
            yield Loss("model", loss, terms)

    def _sampled(self, batch, noise):
        """Return new states of the chains of some rows, (B, K), and the acceptance."""
        fresh = self.fresh[batch.index]
        begun = self.chains[batch.index]
        z = torch.where(fresh[:, None], noise.normal(begun), begun)
        # All chains of a batch start in the same step, in the first epoch.
        for _ in range(1 + self.n_burn_in * bool(fresh.any())):
            z, acceptance = self._moved(batch, z, noise)
            rate = mean_over_rows(acceptance, batch.sample_weight)
            step_size = adapted(self.step_size, rate, ACCEPTANCE)
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
