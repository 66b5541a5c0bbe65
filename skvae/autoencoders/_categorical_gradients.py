"""Three ways to train an encoder through draws of categories.

Each defines the parameters that its losses move, and yields the losses of a batch.
"""

import torch

from skvae.distributions import Categories, kl
from skvae.objectives import elbo
from skvae.training import Loss

ENCODER = "encoder"
# Weight of the divergence, in nats, relative to squared distances of probabilities in
# the encoder's loss under target propagation. At 1 the encoder would learn nothing.
SCALE = 0.1
# Share of variables redrawn to train the encoder as the decoder's inverse.
REDRAWN = 0.1


class Reparameterised:
    """A single loss for all parameters, at draws with a gradient.

    Parameters
    ----------
    draw : callable
        (q, noise, temperature) -> y, (B, V K).
    """

    def __init__(self, draw):
        self.draw = draw

    def groups(self, module):
        """Return all parameters as one group."""
        return {"model": list(module.parameters())}

    def losses(self, module, batch, noise):
        """Yield minus the bound at these draws; at relaxed draws it is not a bound."""
        yield Loss("model", *self.surrogate(module, batch, noise))

    def surrogate(self, module, batch, noise):
        """Return what stands in for minus the bound, (B,), and its terms."""
        q = module.posterior(batch)
        y = self.draw(q, noise, module.temperature)
        bound, terms = module.terms(q, y, batch)
        return -bound, terms


class TargetPropagation:
    """Difference target propagation at the latents (Nitta 2017, chapters 3 and 4).

    The decoder takes a step on −ln p(x | y) at hard draws y. The encoder's own loss has
    a target for its probabilities; target and inputs have no gradient,

        ‖π(x) − π̂‖² + ‖π(x̃) − ỹ‖² + 0.1 β Σ π ln K π,   π̂ = π(x) + (π(x) − π(x')),

    where x' is the decoder's mean at y. This is eq. 5.4 with the difference of eq. 3.6,
    computed with the encoder as an approximate inverse of the decoder. The second
    distance, eq. 3.4, trains it as one: ỹ is y with a tenth of its variables redrawn,
    so that the inverse sees the neighbourhood of y (Lee et al. 2015), and x̃ is the
    decoder's mean at ỹ.

    The paper does not state whether the first term of the target is π(x) or the draw y;
    y is π(x) plus noise of mean zero, which would only add variance. Nor does it state
    β, or whether the encoder is trained as an inverse. With the factor 0.1, β = 1 suits
    this gradient and the others. Targets may lie outside the simplex.
    """

    def groups(self, module):
        """Return the encoder as a group; all else is the group "model"."""
        encoder = [*module.encoder.parameters(), *module.to_logits.parameters()]
        return module.with_the_rest({ENCODER: encoder})

    def losses(self, module, batch, noise):
        """Yield the decoder's loss, then the encoder's."""
        q = module.posterior(batch)
        y = q.sample(noise)
        p = module.likelihood(y)
        log_likelihood = p.observed_log_prob(batch.x, batch.seen)
        divergence = kl(q, module.prior(batch))
        bound = elbo(log_likelihood, divergence.detach(), self._beta(module))
        terms = {"reconstruction": log_likelihood, "kl": divergence}
        yield Loss("model", -bound, terms)
        loss, terms = self._to_target(module, q, p, divergence, batch)
        inverse = self.inverse_distance(module, y, batch, noise)
        terms["inverse_distance"] = inverse
        yield Loss(ENCODER, loss + inverse, terms)

    def surrogate(self, module, batch, noise):
        """Return the encoder's loss without the inverse distance, (B,), and terms."""
        q = module.posterior(batch)
        p = module.likelihood(q.sample(noise))
        divergence = kl(q, module.prior(batch))
        return self._to_target(module, q, p, divergence, batch)

    def _beta(self, module):
        return module.beta * module.kl_weight

    def _to_target(self, module, q, p, divergence, batch):
        target = self.target(module, q, p, batch).detach()
        distance = (q.mean - target).square().sum(-1)  # (B,)
        loss = distance + SCALE * self._beta(module) * divergence
        return loss, {"target_distance": distance}

    def target(self, module, q, p, batch):
        """π̂ = 2 π(x) − π(x'), (B, V K)."""
        return 2 * q.mean - self._encoded(module, p, batch).mean

    def inverse_distance(self, module, y, batch, noise):
        """‖π(x̃) − ỹ‖², (B,)."""
        y = self.redrawn(module, y, batch, noise)
        with torch.no_grad():
            p = module.likelihood(y)
        return (self._encoded(module, p, batch).mean - y).square().sum(-1)

    def redrawn(self, module, y, batch, noise):
        """ỹ, one-hot: y with some variables drawn from the prior, (B, V K)."""
        y = module.by_variable(y)  # (B, V, K)
        anew = module.by_variable(module.prior(batch).sample(noise))
        redrawn = noise.uniform(y[..., 0]) < REDRAWN  # (B, V)
        return torch.where(redrawn[..., None], anew, y).flatten(-2)

    def _encoded(self, module, p, batch):
        x = p.mean
        if batch.seen is not None:  # means lack the cells that the rows lack
            x = torch.where(batch.seen, x, batch.x)
        return module.posterior(batch._replace(x=x))


GRADIENTS = {
    "gumbel": Reparameterised(Categories.relaxed),
    "straight-through": Reparameterised(Categories.straight_through),
    "target-propagation": TargetPropagation(),
}
