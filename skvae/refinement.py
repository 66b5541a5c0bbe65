"""Posteriors refined row by row, as proposals for importance sampling.

An overfitted encoder, as on small tables, returns poor posteriors for new rows, and
importance sampling from them underestimates ln p(x) by nats. A few steps of gradient
ascent on the bound of the row itself, starting at the encoder's posterior, mend that.
"""

import math
from functools import partial

import torch

from skvae.chunks import over_chunks
from skvae.distributions import Distribution, Normal
from skvae.handwritten import Unknown
from skvae.hmc import value_and_gradient

N_STEPS = 20
# Of the steps of Adam, chosen on digits and breast cancer by the bias of ln p(x) after
# 20 steps. So few steps need little momentum, and the rate must start high to reach
# posteriors far from the encoder's. It decays geometrically.
LEARNING_RATES = 0.25, 0.05
DECAYS = 0.5, 0.97
# Gradients below this, in nats per unit, are taken for rounding errors: a posterior
# that is already right stays where it is.
SMALL = 1e-3
WIDE = 1.3  # scales of the wide half of the proposal
N_PILOT = 8  # draws that tell whether a posterior is exact
EXACT = 0.1  # standard deviation of their log-weights up to which it is, in nats
N_LAST = 4  # steps whose mean bound is compared with that of as many before
RISING = 3.0  # difference of the two from which the steps were too few, in nats
FAR = 120.0  # rise of the bound from which the encoder is no guide to the row, in nats
# Of the search for another start: draws from the prior, how many of the best of them
# are tried beside the encoder's posterior, with which scale, and for how many steps.
N_DRAWN, N_TRIED, NARROW, N_TRIAL = 128, 5, 0.1, 10
MORE, SEARCH = 1, 2  # what a row needs: more steps, or another start


class Widened(Distribution):
    """An equal mixture of a Gaussian and a wider one, per row.

    Parameters
    ----------
    q : Normal
        The Gaussian, (B, K).
    width : Tensor of shape (B, 1) or float
        Factor of its scale in the second component.
    """

    def __init__(self, q, width=WIDE):
        self.q, self.width = q, width

    @property
    def mean(self):
        """The mean of both, (B, K)."""
        return self.q.mean

    def log_prob(self, value):
        """Return the log-density of the mixture, (..., B)."""
        wide = Normal(self.q.loc, self.width * self.q.scale)
        both = torch.logaddexp(self.q.log_prob(value), wide.log_prob(value))
        return both - math.log(2)

    def sample(self, noise, n_samples=None):
        """Draw a component, then a value, for each row and draw."""
        like = self.q.loc
        is_wide = noise.uniform(like[..., :1], n_samples) < 0.5  # (..., B, 1)
        drawn = noise.normal(like, n_samples) * self.q.scale
        return self.q.loc + torch.where(is_wide, self.width, 1.0) * drawn


def refined_proposal(module, batch, noise, n_steps, search=False):
    """Return a proposal over z, refined for each row.

    Where draws from the encoder's posterior have equal weights, as in a linear model,
    that posterior is exact, and stays as it is.

    Parameters
    ----------
    module : LatentModel
        In evaluation mode, with a Gaussian posterior.
    batch : Batch
        Rows.
    noise : Noise
        Source of the draws.
    n_steps : int
        Number of steps.
    search : bool, default=False
        Begin at the best of several starts, for posteriors with several modes.

    Returns
    -------
    proposal : Distribution
    need : Tensor of int of shape (B,)
        `MORE` if the bound of the row was still rising, `SEARCH` if it has risen so far
        that the encoder's posterior may be near a wrong mode, else 0.

    Raises
    ------
    ValueError
        If the posterior is not a Gaussian.
    """
    q = module.posterior(batch)
    if not isinstance(q, Normal):
        raise ValueError(
            f"The 'refine' parameter must be 0 for {type(module).__name__}, which has "
            "no Gaussian posterior."
        )

    def log_weights(q, p, where):
        return module.log_weights(q, p, batch, noise, where.stop - where.start)

    log_w = over_chunks(log_weights, q, module, batch, N_PILOT)  # (S, B)
    exact = (log_w.std(0) <= EXACT)[:, None]  # (B, 1)
    width = torch.where(exact, 1.0, WIDE).to(q.loc.dtype)
    need = torch.zeros_like(exact[:, 0], dtype=torch.int)
    if not exact.all():
        start = best_start(module, batch, q, noise) if search else q
        found, bounds = refined(module, batch, start, n_steps, noise)
        q = chosen(exact, q, found)
        need = needed(bounds).masked_fill(exact[:, 0], 0)
    return module.proposal(batch, Widened(q, width)), need


def chosen(condition, q, other):
    """Return `q` for rows where the condition, (B, 1), holds, `other` elsewhere."""
    loc = torch.where(condition, q.loc, other.loc)
    return Normal(loc, torch.where(condition, q.scale, other.scale))


def needed(bounds):
    """Return what rows need whose bounds rose like this, (n_steps, B) -> (B,)."""
    need = torch.zeros_like(bounds[0], dtype=torch.int)
    if len(bounds) >= 2 * N_LAST:
        last = bounds[-N_LAST:].mean(0)
        need[last - bounds[-2 * N_LAST : -N_LAST].mean(0) > RISING] = MORE
        need[last - bounds[0] > FAR] = SEARCH
    return need


def best_start(module, batch, q, noise):
    """Return where the bound of each row is the highest after a few steps.

    The posterior of a row unlike those in training may have several modes, and the
    encoder's posterior be near a low one. The other starts are draws from the prior:
    those at which p(x, z) is the largest.
    """

    def log_joint(q, p, where):
        return module.log_likelihood(z[where], batch) + p.log_prob(z[where])

    def tried(q):
        found, bounds = refined(module, batch, q, N_TRIAL, noise)
        return found, bounds[-N_LAST:].mean(0)[:, None]

    best, height = tried(q)
    z = module.prior(batch).sample(noise, N_DRAWN)  # (S, B, K)
    order = over_chunks(log_joint, q, module, batch, N_DRAWN).argsort(0)
    for index in order[-N_TRIED:, :, None]:
        loc = z.take_along_dim(index[None], 0)[0]  # (B, K)
        other, value = tried(Normal(loc, torch.full_like(loc, NARROW)))
        best, height = chosen(value > height, other, best), value.maximum(height)
    return best


def refined(module, batch, q, n_steps, noise):
    """Raise E_q[ln p(x, z) − ln q(z)] for each row by itself.

    Adam on loc and ln scale, with one reparameterised draw per row and step. The
    gradient leaves out the derivative of ln q by its parameters, which is zero on
    average; so it has no noise where q is the posterior (Roeder et al. 2017). Neither
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
    q : Normal
    bounds : Tensor of shape (n_steps, B)
        Estimates of what is raised, from the draw of each step.
    """
    loc, log_scale = torch.broadcast_tensors(q.loc, q.scale.log())
    drawn = noise.normal(loc, n_steps)  # (S, B, K)
    with torch.inference_mode(False):
        # Tensors made in inference mode cannot take part in a backward pass.
        batch = type(batch)(*(t if t is None else t.clone() for t in batch))
        density = joint_density(module, batch, module.prior(batch))
        values = torch.stack([loc, log_scale])  # (2, B, K)
        first, second = torch.zeros_like(values), torch.zeros_like(values)
        bounds = values.new_empty((n_steps, len(loc)))
        for step in range(1, n_steps + 1):
            bounds[step - 1], gradient = _bound_and_gradient(
                density, values, drawn[step - 1]
            )
            first.lerp_(gradient, 1 - DECAYS[0])
            second.lerp_(gradient.square(), 1 - DECAYS[1])
            scale = (second / (1 - DECAYS[1] ** step)).sqrt_().add_(SMALL)
            rate = _rate(step, n_steps) / (1 - DECAYS[0] ** step)
            values = torch.addcdiv(values, first, scale, value=rate)
    return Normal(values[0], values[1].exp()), bounds


def _rate(step, n_steps):
    """Return the learning rate of a step, counted from 1."""
    start, end = LEARNING_RATES
    return start * (end / start) ** ((step - 1) / max(1, n_steps - 1))


def joint_density(module, batch, prior):
    """Return a function z -> ln p(x, z), (B,), and its gradient by z, (B, K).

    It is written by hand where `skvae.handwritten` knows the module and the batch.
    """
    try:
        return _by_hand(module, batch, prior)
    except Unknown:
        return partial(value_and_gradient, partial(_log_joint, module, batch, prior))


def _by_hand(module, batch, prior):
    if not hasattr(module, "density"):
        raise Unknown(type(module).__name__)
    likelihood = module.density(batch)

    def density(z):
        value, gradient = likelihood(z)
        return value + prior.log_prob(z), gradient - z  # the prior is N(0, I)

    return density


def _log_joint(module, batch, prior, z):
    return module.log_likelihood(z, batch) + prior.log_prob(z)


def _bound_and_gradient(density, values, drawn):
    """Return each row's bound, (B,), and its gradient by loc and ln scale, (2, B, K).

    At z = loc + scale · ε, the gradient of ln p(x, z) − ln q(z) by z is that of
    ln p(x, z) plus ε / scale.
    """
    q = Normal(values[0], values[1].exp())
    z = torch.addcmul(q.loc, q.scale, drawn)
    log_joint, gradient = density(z)
    by_z = gradient + drawn / q.scale
    by_z.nan_to_num_(0.0, 0.0, 0.0)  # beyond the range of the computation
    bound = log_joint - q.log_prob(z)
    return bound, torch.stack([by_z, by_z * q.scale * drawn])
