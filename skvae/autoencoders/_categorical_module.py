"""The torch module of the variational autoencoder with categorical latents."""

import torch
from torch import nn
from torch.nn import functional

from skvae.autoencoders._categorical_gradients import GRADIENTS
from skvae.distributions import Categories, UniformCategories, kl
from skvae.nets import over_rows
from skvae.objectives import elbo
from skvae.training import LatentModel


class CategoricalVAE(LatentModel):
    """p(x, y) = p(x | y) K^−V, with q(y | x) = Π_v Cat(y_v; π_v(x)).

    y are V one-hot variables of K categories each. The bound is

        L(x) = E_q[ln p(x | y)] − β Σ_v Σ_k π_vk ln(K π_vk),

    with the exact divergence (Nitta 2017, eq. 5.2). As a draw of y has no gradient,
    ``gradient`` selects how the encoder is trained: "gumbel" at relaxed draws,
    softmax((ln π + g) / τ) (Jang et al. 2017; Maddison et al. 2017), whose loss is not
    a bound; "straight-through" at hard draws, with that gradient; "target-propagation"
    as in :class:`~skvae.autoencoders.TargetPropagation`. Scores use hard draws.

    Parameters
    ----------
    encoder : torch.nn.Module
        (B, n_features) -> (B, h).
    n_hidden : int
        h.
    decoder : torch.nn.Module
        (..., B, V K) -> (..., B, h').
    head : torch.nn.Module
        h' -> p(x | y), the head of a `Likelihood`.
    n_variables, n_categories : int
        V and K.
    gradient : str
        As above.
    output : {"probabilities", "one-hot", "codes"}
        What `encode` returns.

    Attributes
    ----------
    beta : float
        Weight of the divergence.
    temperature : float
        τ in this epoch.
    """

    beta = 1.0
    temperature = 1.0
    n_refinements = 0

    def __init__(
        self,
        encoder,
        n_hidden,
        decoder,
        head,
        n_variables,
        n_categories,
        gradient,
        output,
    ):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head
        self.to_logits = nn.Linear(n_hidden, n_variables * n_categories)
        self.n_variables, self.n_categories = n_variables, n_categories
        self.gradient, self.output = GRADIENTS[gradient], output
        self.anneals = gradient != "target-propagation"
        self.n_outputs = n_variables * (1 if output == "codes" else n_categories)

    def posterior(self, batch):
        logits = self._logits(self.inputs(batch))  # (B, V, K)
        if batch.seen is not None:  # the prior, for rows without an observed cell
            logits = torch.where(batch.seen.any(-1)[:, None, None], logits, 0)
        return Categories(logits)

    def posterior_of(self, features):
        """q(y | x) from the encoder's input, (B, n_features)."""
        return Categories(self._logits(features))

    def _logits(self, features):
        return self.by_variable(self.to_logits(self.encoder(features)))

    def prior(self, batch):
        like = batch.x.new_empty(
            (batch.x.shape[0], self.n_variables * self.n_categories)
        )
        return UniformCategories(like, self.n_categories)

    def likelihood(self, z, batch=None):
        return self.head(over_rows(self.decoder, z))

    def encode(self, batch):
        probabilities = self.posterior(batch).mean
        if self.output == "probabilities":
            return probabilities
        codes = self.by_variable(probabilities).argmax(-1)  # (B, V)
        if self.output == "codes":
            return codes.to(probabilities.dtype)
        return self._one_hot(codes).to(probabilities.dtype)

    def decode(self, z, batch=None):
        if self.output == "codes":
            last = self.n_categories - 1
            z = self._one_hot(z.round().clamp(0, last).long()).to(z.dtype)
        return super().decode(z)

    def by_variable(self, y):
        """Split the columns by variable, (..., V K) -> (..., V, K)."""
        return y.unflatten(-1, (self.n_variables, self.n_categories))

    def _one_hot(self, codes):
        return functional.one_hot(codes, self.n_categories).flatten(-2)

    def parameter_groups(self):
        return self.gradient.groups(self)

    def scheduled(self):
        now = {"beta": self.beta * self.kl_weight}
        return now | {"temperature": self.temperature} if self.anneals else now

    def bound(self, batch, noise):
        q = self.posterior(batch)
        return self.terms(q, q.sample(noise), batch)[0]

    def losses(self, batch, phase, noise):
        return self.gradient.losses(self, batch, noise)

    def terms(self, q, y, batch):
        """Return the bound at y, (B, V K), and its parts, each (B,)."""
        reconstruction = self.log_likelihood(y, batch)
        divergence = kl(q, self.prior(batch))
        bound = elbo(reconstruction, divergence, self.beta * self.kl_weight)
        return bound, {"reconstruction": reconstruction, "kl": divergence}
