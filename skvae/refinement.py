"""Posteriors refined row by row, as proposals for importance sampling.

An overfitted encoder, as on small tables, returns poor posteriors for new rows, and
importance sampling from them underestimates ln p(x) by nats. A few steps of gradient
ascent on the bound of the row itself, starting at the encoder's posterior, mend that.
"""

import math

import torch

from skvae.distributions import Distribution, Normal

LEARNING_RATE = 0.1  # of the first step; the last has a tenth of it
DECAYS = (0.9, 0.999)  # of Adam's moments
WIDTHS = (1.0, 1.3)  # of the proposal, in scales of the refined posterior


class Widened(Distribution):
    """An equal mixture of a Gaussian and wider ones, per row.

    Parameters
    ----------
    q : Normal
        The Gaussian, (B, K).
    widths : tuple of float
        Factors of its scale.
    """

    def __init__(self, q, widths=WIDTHS):
        self.q, self.widths = q, widths

    @property
    def mean(self):
        """The mean of the Gaussians, (B, K)."""
        return self.q.mean

    def log_prob(self, value):
        """Return the log-density of the mixture, (..., B)."""
        parts = [
            Normal(self.q.loc, width * self.q.scale).log_prob(value)
            for width in self.widths
        ]
        return torch.logsumexp(torch.stack(parts), 0) - math.log(len(parts))

    def sample(self, noise, n_samples=None):
        """Draw a component, then a value, for each row and draw."""
        like = self.q.loc
        which = noise.uniform(like[..., :1], n_samples) * len(self.widths)
        factors = like.new_tensor(self.widths)[which.long()]  # (..., B, 1)
        drawn = noise.normal(like, n_samples) * self.q.scale
        return self.q.loc + factors * drawn


def refined(module, batch, q, n_steps, noise):
    """Raise E_q[ln p(x | z)] − KL(q || p) for each row by itself.

    Adam on loc and ln scale, with one reparameterised draw per row and step. Neither
    the module's parameters nor their gradients change.

    Parameters
    ----------
    module : LatentModel
        In evaluation mode.
    batch : Batch
        Rows.
    q : Normal
        Where to start, (B, K).
    n_steps : int
        Number of steps.
    noise : Noise
        Source of the draws.

    Returns
    -------
    Normal
    """
    with torch.inference_mode(False), torch.enable_grad():
        # Tensors made in inference mode cannot take part in a backward pass.
        batch = type(batch)(*(t if t is None else t.clone() for t in batch))
        prior = module.prior(batch)
        values = torch.stack([q.loc, q.scale.log()]).clone()  # (2, B, K)
        first, second = torch.zeros_like(values), torch.zeros_like(values)
        for step in range(n_steps):
            gradient = _gradient(module, batch, prior, values, noise)
            first.lerp_(gradient, 1 - DECAYS[0])
            second.lerp_(gradient.square(), 1 - DECAYS[1])
            rate = LEARNING_RATE * (1 - 0.9 * step / n_steps)
            scale = (second / (1 - DECAYS[1] ** (step + 1))).sqrt() + 1e-8
            values = values + rate / (1 - DECAYS[0] ** (step + 1)) * first / scale
    return Normal(values[0], values[1].exp())


def _gradient(module, batch, prior, values, noise):
    """Return the gradient of each row's bound by loc and ln scale, (2, B, K)."""
    values = values.detach().requires_grad_()
    loc, log_scale = values
    z = Normal(loc, log_scale.exp()).rsample(noise)
    log_joint = module.likelihood(z, batch).log_prob(batch.x) + prior.log_prob(z)
    bound = log_joint.sum() + log_scale.sum()
    return torch.autograd.grad(bound, values)[0]
