"""The joint multimodal variational autoencoder, with and without experts."""

import copy

import torch

from skvae.distributions import Defensive, Normal, SharedNoise, StandardNormal, kl
from skvae.multimodal._modality import (
    on_rows,
    parameters_of,
    product_of_experts,
    where,
)
from skvae.objectives import elbo, importance_weighted, log_weights
from skvae.training import LatentModel, Loss


class JMVAE(LatentModel):
    """p(x, z) = p(z) Π_m p(x_m | z), with q(z | x_1, ..., x_M) = N(μ(x), diag σ²(x)).

    Each modality has its own encoder; their outputs are joined. Trained on

        L(x) = E_q[Σ_m λ_m ln p(x_m | z)] − β KL(q(z | x) || p(z))
               − α Σ_m KL(q(z | x) || q(z | x_m)),

    with p(z) = N(0, I): JMVAE at α = 0, JMVAE-kl at α > 0 (Suzuki et al. 2018, eq. 5
    and 10). At α = 0 there are no experts q(z | x_m), hence no last term. β and its
    warm-up affect the first divergence only. The λ_m of the paper are 1.

    If modalities are missing, ln p(x_m | z) is summed over the others. At α > 0,
    q(z | ·) is the product of their experts. At α = 0 it is the last q of iterative
    sampling (eq. 6): missing blocks start as zeros in the encoder's input; then z is
    drawn from q and the blocks from p(x_m | z), repeatedly. In training there are no
    iterations: the zeros stay. Rows with missing blocks have no α term. (Training with
    missing blocks and multiplying experts go beyond the paper.)

    Parameters
    ----------
    modalities : Modalities
        Networks of each modality.
    joint : torch.nn.Module
        (B, Σ h) -> q(z | x).
    experts : torch.nn.ModuleList
        Features of a modality (B, n_m) -> q(z | x_m); empty at α = 0.
    n_components : int
        K.
    seed : int
        Seed of the noise in iterations, the same for all rows.

    Attributes
    ----------
    beta, alpha : float
        Weights of the divergences.
    modality_weights : dict of str to float, or None
        λ_m by name, 1 if not named.
    n_importance_samples : int
        Draws of z per row in training.
    n_iterations : int
        Number of encodings of a row with missing blocks, at α = 0.
    """

    beta = 1.0
    alpha = 0.0
    modality_weights = None
    n_importance_samples = 1
    n_iterations = 1

    def __init__(self, modalities, joint, experts, n_components, seed):
        super().__init__()
        self.modalities, self.joint, self.experts = modalities, joint, experts
        self.n_outputs = self.n_latents = n_components
        self.seed = seed

    # -- the model ------------------------------------------------------------------

    def prior(self, batch):
        return StandardNormal(batch.x.new_empty((batch.x.shape[0], self.n_latents)))

    def likelihood(self, z, batch=None):
        observed = None if batch is None else batch.observed
        return self.modalities.likelihood(self.lowest(z), observed)

    def likelihood_of(self, m, z):
        """p(x_m | z) of one modality."""
        return self.modalities[m].likelihood(self.lowest(z))

    def lowest(self, z):
        """Return the latents that decoders see."""
        return z

    def q(self, x, observed=None, seen=None):
        """q(z | x_1, ..., x_M), with zeros for modalities that are not observed."""
        return self.joint(self.modalities.encode(x, observed, seen))

    def experts_of(self, batch):
        """Return q(z | x_m) of each modality, N(0, I) where it is not observed."""
        features = self.modalities.inputs(batch.x, seen=batch.seen)
        seen = [None] * len(self.experts)
        if batch.observed is not None:
            seen = batch.observed.unbind(-1)  # M of (B,)
        parts = zip(self.experts, features, seen, strict=True)
        return [self._on_rows(expert, f, s) for expert, f, s in parts]

    def _on_rows(self, to_normal, features, rows):
        """Return q of some rows only, as others must not enter batch normalisation."""
        if rows is None:
            return to_normal(features)
        q = on_rows(
            lambda f: torch.stack(parameters_of(to_normal(f)), 1), features, rows
        )
        if q is None:  # no such row
            x = features if isinstance(features, torch.Tensor) else features.x
            q = x.new_zeros((len(rows), 2, self.n_latents))
        loc, scale = q.unbind(1)
        return Normal(loc, torch.where(rows[:, None], scale, 1))

    def posterior(self, batch):
        if batch.observed is None:
            return self.q(batch.x, seen=batch.seen)
        if len(self.experts):
            return self._by_experts(batch, self.experts_of(batch))
        return self._iterated(batch)

    def _by_experts(self, batch, experts):
        """Return q(z | x) of complete rows, and the product of experts of others."""
        some = product_of_experts(experts, batch.observed)
        whole = batch.observed.all(-1)
        return where(whole, self._on_rows(self._q_of, batch, whole), some)

    def _q_of(self, batch):
        """q(z | x_1, ..., x_M) of rows without a missing block."""
        return self.q(batch.x, seen=batch.seen)

    def proposal(self, batch, q=None):
        q = super().proposal(batch, q)
        if len(self.modalities) == 1:
            return q
        # Iterations may end in one of many modes, and a product of experts may be too
        # narrow.
        share = batch.x.new_zeros(batch.x.shape[0])
        if batch.observed is not None:
            n_observed = batch.observed.sum(-1)
            share = torch.where(n_observed < len(self.modalities), 0.5, share)
            share = torch.where(n_observed == 0, 1.0, share)
        return Defensive(q, self.prior(batch), share)

    # -- iterative sampling ---------------------------------------------------------

    def _iterated(self, batch):
        """Return q(z | x) of complete rows, and the last q of iterations for others."""
        q = self.q(batch.x, batch.observed, batch.seen)
        rows = ~batch.observed.all(-1)
        found = on_rows(self._ends, batch, rows)
        if found is None:
            return q
        loc, scale = found.to(q.loc.dtype).unbind(1)
        return where(rows, Normal(loc, scale), q)

    def _ends(self, batch):
        """Return loc and scale after `n_iterations` encodings, (B, 2, K), in float64.

        0/1 values are drawn by a threshold, and results in single precision depend on
        the other rows of the batch.
        """
        twin, batch = self.doubled(batch)
        noise = SharedNoise.from_seed(self.seed, batch.x.device)
        _, q = twin.filled(batch, noise)
        return torch.stack(parameters_of(twin.or_prior(q, batch.observed)), 1)

    def doubled(self, batch):
        """Return module and batch in double precision."""
        return copy.deepcopy(self).double(), batch._replace(x=batch.x.double())

    def or_prior(self, q, observed):
        """Return q, or N(0, I) for rows without an observed block."""
        prior = Normal(torch.zeros_like(q.loc), torch.ones_like(q.scale))
        return where(observed.any(-1), q, prior)

    def filled(self, batch, noise):
        """Return the rows with missing blocks drawn, and q(z | x) of them."""
        x, q = batch.x, self.q(batch.x, batch.observed, batch.seen)
        for _ in range(self.n_iterations - 1):
            x, q = self.step(x, q, batch, noise)
        return x, q

    def step(self, x, q, batch, noise):
        """Draw the missing blocks once; return the rows and q(z | x) of them."""
        drawn = self.likelihood(self.down(q, noise)).sample(noise)
        x = torch.where(self.modalities.columns_of(batch.observed), x, drawn)
        return x, self.q(x, seen=batch.seen)

    def down(self, q, noise):
        """Draw the latents from which the missing blocks are drawn."""
        return q.sample(noise)

    def draws(self, batch, noise, n_draws):
        """Yield draws of z given the observed blocks, (B, K) each.

        At α = 0 they are successive states of the chain after `n_iterations`.
        """
        if batch.observed is None or len(self.experts):
            q = self.posterior(batch)
            for _ in range(n_draws):
                yield self.down(q, noise)
            return
        twin, doubled = self.doubled(batch)
        for q in twin.states(doubled, noise, n_draws):
            yield twin.down(q, noise).to(batch.x.dtype)

    def states(self, batch, noise, n_states):
        """Yield q(z | x) at successive states of the chain after `n_iterations`."""
        x, q = self.filled(batch, noise)
        for i in range(n_states):
            if i > 0:
                x, q = self.step(x, q, batch, noise)
            yield self.or_prior(q, batch.observed)

    def predictive_draws(self, batch, noise, n_draws):
        """Yield draws of z for (1/S) Σ ln p(x_m | z), (B, K) each (eq. 11).

        If there are iterations, the draws follow the last one.
        """
        q = self.posterior(batch)
        for _ in range(n_draws):
            yield q.sample(noise)

    # -- training -------------------------------------------------------------------

    def scheduled(self):
        return {"beta": self.beta * self.kl_weight}

    def bound(self, batch, noise):
        return self.terms(*self.inferred(batch), batch, noise)[0]

    def losses(self, batch, phase, noise):
        bound, terms = self.terms(*self.inferred(batch), batch, noise)
        yield Loss("model", -bound, terms, self.rows_of(terms, batch))

    def inferred(self, batch):
        """Return q(z | ·) without iterations, and the experts."""
        experts = self.experts_of(batch) if len(self.experts) else []
        if batch.observed is None or not experts:
            return self.q(batch.x, batch.observed, batch.seen), experts
        return self._by_experts(batch, experts), experts

    def terms(self, q, experts, batch, noise):
        """Return the bound under q(z | ·) and its parts, each (B,)."""
        beta = self.beta * self.kl_weight
        bound, terms = self._joint_terms(q, self.prior(batch), batch, noise, beta)
        if experts:
            terms["kl_experts"] = self._divergence_of(experts, q, batch)
            bound = elbo(bound, terms["kl_experts"], self.alpha)
        return bound, terms

    def _joint_terms(self, q, p, batch, noise, beta):
        """Return L_JM, importance-weighted over several draws, and its parts."""
        n_draws = self.n_importance_samples
        z = q.rsample(noise, n_draws if n_draws > 1 else None)  # (B, K) or (S, B, K)
        parts = self.likelihood(z, batch).block_log_probs(batch.x, batch.seen)
        reconstruction = self._weighted(parts)
        if n_draws > 1:
            log_prior, log_q = p.log_prob(z), q.log_prob(z)
            log_w = log_weights(reconstruction, log_prior, log_q, beta)
            bound, divergence = importance_weighted(log_w), (log_q - log_prior).mean(0)
            parts = [part.mean(0) for part in parts]
        else:
            divergence = kl(q, p, z)
            bound = elbo(reconstruction, divergence, beta)
        return bound, self._named(parts) | {"kl": divergence}

    def _weighted(self, parts):
        """Return Σ_m λ_m ln p(x_m | z)."""
        if self.modality_weights is None:
            return sum(parts)
        pairs = zip(self.modalities.names, parts, strict=True)
        return sum(self.modality_weights.get(name, 1) * part for name, part in pairs)

    def _named(self, parts):
        """Return the log-likelihoods and their sum by name."""
        terms = {"reconstruction": sum(parts)}
        if len(parts) > 1:
            names = [f"reconstruction_{name}" for name in self.modalities.names]
            terms |= dict(zip(names, parts, strict=True))
        return terms

    def rows_of(self, terms, batch):
        """Return the rows that have each term, for terms that some rows lack."""
        if batch.observed is None:
            return None
        flags = zip(self.modalities.names, batch.observed.unbind(-1), strict=True)
        rows = {f"reconstruction_{name}": observed for name, observed in flags}
        rows["kl_experts"] = batch.observed.all(-1)
        return {name: has_term for name, has_term in rows.items() if name in terms}

    def _divergence_of(self, experts, q, batch):
        """Return Σ_m KL(q(z | x) || q(z | x_m)), 0 if a modality is missing, (B,)."""
        total = sum(kl(q, expert) for expert in experts)
        if batch.observed is None:
            return total
        return torch.where(batch.observed.all(-1), total, 0)
