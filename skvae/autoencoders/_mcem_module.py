"""Monte Carlo expectation-maximisation: a decoder, and no encoder."""

import copy
import zlib

import numpy as np
import torch

from skvae.distributions import Defensive, Normal, SharedNoise, StandardNormal, kl
from skvae.nets import over_rows
from skvae.objectives import elbo
from skvae.training import LatentModel, Loss, adapted, transition

ACCEPTANCE = 0.9
FIRST_STEP = 0.1
MIN_SCALE = 1e-3
N_LOOKED_AT = 100  # rows that tell one table from another
N_TRIED = 200  # draws of the prior, at one of which a run begins
DEFENSIVE = 0.5  # share of the prior in the proposal
CHUNK_ELEMENTS = 2**22  # values of tried draws and rows at a time


class MCEM(LatentModel):
    """p(x, z) = p(z) p(x | z), trained at samples of p(z | x) itself.

    A batch takes one transition of Hamiltonian Monte Carlo for each of its rows, from
    where the row's chain stood, and then some steps of the decoder up ln p(x | z) at
    the new z (Kingma & Welling 2014, appendix E). The step size is tuned to an
    acceptance of 0.9 as the chains run. Chains belong to the rows of one table; for
    another one they begin again, from the prior.

    There is no encoder: q(z | x) is a normal with the mean and the scales of a run of
    transitions, whose noise is seeded and the same for all rows. It begins at one of
    some draws of the prior, chosen with probability proportional to p(x | z), since a
    run that begins in the wrong place may never find where nearly all of the posterior
    is. It may stay in one place of several, so half of the importance samples are drawn
    from the prior.

    Parameters
    ----------
    decoder : torch.nn.Module
        (..., B, K) -> (..., B, h').
    head : torch.nn.Module
        h' -> p(x | z), of a `Likelihood`.
    n_components : int
        K.
    seed : int
        Of the runs.

    Attributes
    ----------
    n_leapfrog, n_updates, n_burn_in, n_draws : int
        As in :class:`~skvae.MCEMTransformer`.
    """

    n_leapfrog, n_updates, n_burn_in, n_draws = 10, 5, 20, 30

    def __init__(self, decoder, head, n_components, seed):
        super().__init__()
        self.decoder, self.head = decoder, head
        self.n_components, self.seed = n_components, seed
        self.register_buffer("step_size", torch.tensor(FIRST_STEP))
        # Of the training rows: not of the model, so not in a file of the model.
        self.register_buffer("chains", torch.zeros(0, n_components), persistent=False)
        self.register_buffer("fresh", torch.zeros(0, dtype=bool), persistent=False)
        self.table = None

    def prior(self, batch):
        return StandardNormal(batch.x.new_empty((len(batch.x), self.n_components)))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def log_joint(self, x):
        """Give the function z -> ln p(x, z), (B, K) -> (B,)."""

        def function(z):
            return self.likelihood(z).log_prob(x) + StandardNormal(z).log_prob(z)

        return function

    # -- the posterior --------------------------------------------------------------

    def posterior(self, batch):
        with torch.inference_mode(False):
            # Whether an end is accepted jumps where a number in single precision, which
            # depends on the rows beside it, crosses a threshold.
            twin = copy.deepcopy(self).double()
            x = batch.x.double().clone()
            loc, scale = twin.measured(x)
        return Normal(loc.to(batch.x.dtype), scale.to(batch.x.dtype))

    def proposal(self, batch):
        return Defensive(self.posterior(batch), self.prior(batch), DEFENSIVE)

    def measured(self, x):
        """Give mean and scale of a run of transitions, (B, K) each."""
        noise = SharedNoise.from_seed(self.seed, x.device)
        total = squares = x.new_zeros((len(x), self.n_components))
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
        """Draw from the prior until it fits: one of `N_TRIED` draws a row, (B, K)."""
        like = x.new_zeros((len(x), self.n_components))
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

    # -- training -------------------------------------------------------------------

    def begin(self, rows):
        table = _fingerprint(rows)
        if table != self.table:
            shape = (len(rows.X), self.n_components)
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
        """Move the chains of some rows, (B, K)."""
        fresh = self.fresh[batch.index]
        begun = self.chains[batch.index]
        z = torch.where(fresh[:, None], noise.normal(begun), begun)
        # Chains of one table begin in its first epoch, all of a batch at once.
        for _ in range(1 + self.n_burn_in * bool(fresh.any())):
            z, acceptance = self._moved(batch.x, z, noise)
            self.step_size.copy_(adapted(self.step_size, acceptance, ACCEPTANCE))
        self.chains[batch.index], self.fresh[batch.index] = z, False
        return z, acceptance

    # -- files ----------------------------------------------------------------------

    def training_state(self):
        return {
            "chains": self.chains,
            "fresh": self.fresh.to(torch.uint8),
            "table": self.table,
        }

    def restore_training_state(self, state):
        chains, fresh = state["chains"], state["fresh"]
        if state.keys() != {"chains", "fresh", "table"} or (
            chains.shape != (len(fresh), self.n_components)
            or chains.dtype != self.chains.dtype
        ):
            raise ValueError("its chains are not those of the model.")
        self.chains = chains.to(self.step_size.device)
        self.fresh = fresh.to(self.step_size.device, bool)
        self.table = state["table"]


def _fingerprint(rows):
    """Tell a table from others by its shape and some of its rows."""
    some = np.linspace(0, len(rows.X) - 1, min(len(rows.X), N_LOOKED_AT)).astype(int)
    return f"{rows.X.shape} {zlib.crc32(np.ascontiguousarray(rows.X[some]).tobytes())}"
