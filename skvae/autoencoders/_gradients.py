"""How a gradient passes draws of categories: three ways, one module.

Each way says which parameters its losses move, and yields the losses of a batch.
"""

from skvae.distributions import Categories, kl
from skvae.objectives import elbo
from skvae.training import Loss

ENCODER = "encoder"
# Of the divergence, in nats, against squared distances of probabilities in the loss of
# target propagation's encoder: at 1 it would end all learning.
SCALE = 0.1


class Reparameterised:
    """One loss for all parameters, through draws that have a gradient.

    Parameters
    ----------
    draw : callable
        ``draw(q, noise, temperature)`` gives y, (B, V K).
    """

    def __init__(self, draw):
        self.draw = draw

    def groups(self, module):
        """All parameters together."""
        return {"model": list(module.parameters())}

    def losses(self, module, batch, noise):
        """Minus the bound at such draws; relaxed ones make it no bound."""
        q = module.posterior(batch)
        y = self.draw(q, noise, module.temperature)
        bound, terms = module.terms(q, y, batch)
        yield Loss("model", -bound.mean(), terms)


class TargetPropagation:
    """Difference target propagation at the latents (Nitta 2017, chapters 3 and 4).

    The decoder takes a step on −ln p(x | y) at hard draws y. The encoder gets a target
    for its probabilities and a loss of its own, in which target and input are held,

        ‖π(x) − π̂‖² + 0.1 β Σ π ln K π,   π̂ = π(x) + (π(x) − π(x')),

    x' the decoder's mean at y: eq. 5.4, with the difference of eq. 3.6 taken through
    the encoder, which is the decoder's approximate inverse. The text leaves open
    whether the first π(x) of the target is π(x) or the draw y; y is π(x) and noise of
    mean zero, which would only add to the variance. It does not say how large β gets
    either: 0.1 makes β = 1 serve, as it does the other gradients. Targets may leave the
    simplex.
    """

    def groups(self, module):
        """The decoder, and the encoder."""
        encoder = [*module.encoder.parameters(), *module.to_logits.parameters()]
        return module.with_the_rest({ENCODER: encoder})

    def losses(self, module, batch, noise):
        """The decoder's, then the encoder's."""
        q = module.posterior(batch)
        y = q.sample(noise)
        p = module.likelihood(y)
        log_likelihood = p.log_prob(batch.x)
        divergence = kl(q, module.prior(batch))
        beta = module.beta * module.kl_weight
        bound = elbo(log_likelihood, divergence.detach(), beta)
        terms = {"reconstruction": log_likelihood, "kl": divergence}
        yield Loss("model", -bound.mean(), terms)
        target = self.target(module, q, p).detach()
        distance = (q.mean - target).square().sum(-1)  # (B,)
        loss = distance + SCALE * beta * divergence
        yield Loss(ENCODER, loss.mean(), {"target_distance": distance})

    def target(self, module, q, p):
        """π̂ = 2 π(x) − π(x'), (B, V K)."""
        reflected = module.posterior_of(module.head.features(p.mean))
        return 2 * q.mean - reflected.mean


GRADIENTS = {
    "gumbel": Reparameterised(Categories.relaxed),
    "straight-through": Reparameterised(Categories.straight_through),
    "target-propagation": TargetPropagation(),
}
