"""The variational autoencoder's model: β-VAE, IWAE and other priors included."""

from functools import partial

import numpy as np

from skvae.distributions import Normal, kl
from skvae.handwritten import WrittenVAE
from skvae.nets import LocScale, over_rows
from skvae.objectives import elbo, importance_weighted, log_weights
from skvae.priors import StandardNormalModule
from skvae.training import LatentModel, Loss


class VAE(LatentModel):
    """p(x, z) = p(z) p(x | z), with q(z | x) = N(μ(x), diag σ²(x)).

    Trained on the evidence lower bound, with one reparameterised draw per row,

        L(x) = E_q[ln p(x | z)] − β KL(q(z | x) || p(z)),

    (Kingma & Welling 2014, eq. 3 and 7; β: Higgins et al. 2017, eq. 4), or, with S > 1
    draws, on the importance-weighted bound

        ln 1/S Σ_s p(x | z_s) (p(z_s) / q(z_s | x))^β

    (Burda et al. 2016, eq. 8, where β = 1).

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
    prior : PriorModule
        p(z).
    n_components : int
        K.

    Attributes
    ----------
    beta : float
        Weight of the divergence.
    n_importance_samples : int
        S.
    """

    beta = 1.0
    n_importance_samples = 1
    is_written = True  # this class, not its subclasses; see `LatentModel.written`

    def __init__(self, encoder, n_hidden, decoder, head, prior, n_components):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.loc_scale = LocScale(n_hidden, n_components)
        self.prior_module = prior
        self.n_outputs = self.n_latents = n_components

    def posterior(self, batch):
        return self.unless_empty(self.posterior_of(self.inputs(batch)), batch)

    def posterior_of(self, features):
        """q(z | x) from the encoder's input, (B, n_features)."""
        return Normal(*self.loc_scale(self.encoder(features)))

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def prior(self, batch):
        like = batch.x.new_empty((batch.x.shape[0], self.n_latents))
        return self.prior_module(like, self.posterior_of)

    def written(self):
        plain = type(self.prior_module) is StandardNormalModule
        if (
            "is_written" in vars(type(self))
            and plain
            and self.n_importance_samples == 1
        ):
            return WrittenVAE
        return None

    def start_at(self, start):
        """Start at the linear model of rows within conditions, see `LinearStart`."""
        effect, shift = start.effects(start.y, start.seen)  # (c, D), (D,)
        left = start.y - start.condition @ effect - shift
        model = start.fit(self.n_latents, left)
        shift = shift + model.mean
        by_y = model.encoder  # (K, D)
        mean = start.encoder(by_y, -by_y @ effect.T, -by_y @ shift)
        self.loc_scale.start_linear(*mean, np.sqrt(model.variance))
        by_latent = np.hstack([model.W, effect.T])  # (D, K + c)
        self.head.start_linear(*start.decoder(by_latent, model.psi, shift))

    @property
    def keeps_rows(self):
        """Whether the prior stores values of each row."""
        return self.prior_module.keeps_rows

    @property
    def phases(self):
        return ("model", *self.prior_module.phases)

    def parameter_groups(self):
        return self.with_the_rest(self.prior_module.groups())

    def learning_rates(self):
        return self.prior_module.learning_rates()

    def begin(self, rows):
        self.prior_module.begin(rows.n_numbers)

    def settle(self, rows, noise):
        self.prior_module.settle(rows, self.posterior, noise)

    def normalise(self, rows, noise):
        self.prior_module.normalise(rows, self.posterior, noise)

    def log_normaliser(self):
        return self.prior_module.normaliser()

    def scheduled(self):
        return {"beta": self.beta * self.kl_weight}

    def bound(self, batch, noise):
        return self._terms(batch, noise)[0]

    def losses(self, batch, phase, noise):
        if phase == "model":
            bound, terms = self._terms(batch, noise)
            yield Loss("model", -bound, terms)
            return
        self.eval()  # for the encoder; a prior sets its own mode as it trains
        q = partial(self.posterior, batch)
        for loss in self.prior_module.losses(phase, batch.index, q, noise):
            yield Loss(*loss)

    def _terms(self, batch, noise):
        """Return the bound and its parts, each (B,)."""
        q, p = self.posterior(batch), self.prior(batch)
        n_samples = self.n_importance_samples
        z = q.rsample(noise, n_samples if n_samples > 1 else None)
        return self._terms_at(z, q, p, batch)

    def _terms_at(self, z, q, p, batch):
        """Return the bound and its parts at one draw, (B, K), or several, (S, B, K)."""
        beta = self.beta * self.kl_weight
        reconstruction = self.log_likelihood(z, batch)  # (B,) or (S, B)
        if z.ndim == 2:
            divergence = kl(q, p, z)
            bound = elbo(reconstruction, divergence, beta)
            return bound, {"reconstruction": reconstruction, "kl": divergence}
        log_prior, log_q = p.log_prob(z), q.log_prob(z)  # (S, B)
        bound = importance_weighted(log_weights(reconstruction, log_prior, log_q, beta))
        divergence = (log_q - log_prior).mean(0)
        return bound, {"reconstruction": reconstruction.mean(0), "kl": divergence}
