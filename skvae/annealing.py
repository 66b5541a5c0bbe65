"""Annealed importance sampling of ln p(x), as a yardstick for cheaper estimates.

Importance sampling is only as good as its proposal. Annealed importance sampling (Neal
2001) needs no proposal: chains start at draws of p0, the prior or a density near it,
and move through the densities

    f_t(z) = p0(z) (p(x, z) / p0(z))^t,  0 = t_0 < ... < t_K = 1,

by transitions that leave each of them invariant. The product of the ratios of
successive densities along a chain is an unbiased estimate of p(x), whether or not the
chain has mixed. Its logarithm is too low on average. A chain that starts at an exact
draw of p(z | x) and runs backwards gives an unbiased estimate of 1 / p(x), so that the
negative logarithm is too high on average (Grosse et al. 2015). Such a draw is known for
a row that was simulated from the model.
"""

import copy
from itertools import pairwise
from typing import NamedTuple

import torch

from skvae.chunks import chunks
from skvae.distributions import Normal, NormalMixture, Tilted, UniformCategories
from skvae.hmc import adapted, move, value_and_gradient

N_LEAPFROG = 2  # per transition
N_TEMPERATURES = 250  # by default
FIRST_STEP = 0.1  # in scales of the start
ACCEPTANCE = 0.65  # that the step size is adapted to
N_PILOTS = 4  # chains per row that adapt the step sizes
SPREAD = 100.0  # ratio of the last step between temperatures to the first


class Position(NamedTuple):
    """Latents of chains, and the two parts of the annealed density there.

    Attributes
    ----------
    z : Tensor of shape (S, B, K)
        Latents.
    value, gradient : Tensor of shape (S, B) and (S, B, K)
        ln f_t(z), and its gradient.
    log_ratio, slope : Tensor of shape (S, B) and (S, B, K)
        ln p(x, z) − ln p0(z), and its gradient.
    """

    z: torch.Tensor
    value: torch.Tensor
    gradient: torch.Tensor
    log_ratio: torch.Tensor
    slope: torch.Tensor

    def heated(self, by):
        """Return the same latents after t has risen by some amount."""
        return self._replace(
            value=self.value + by * self.log_ratio,
            gradient=self.gradient + by * self.slope,
        )


class Annealing:
    """Chains between the prior and the posterior of some rows.

    Everything is computed in double precision on a copy of the module: whether a move
    is accepted is a threshold, and results in single precision depend on the other
    rows.

    The step sizes of the transitions are adapted by pilot chains with draws of their
    own, per row and temperature, and then fixed. Were they adapted to the chains that
    are weighted, these would not leave f_t invariant, and the estimate would not be
    unbiased.

    Parameters
    ----------
    module : LatentModel
        In evaluation mode.
    batch : Batch
        Rows.
    noise : Noise
        Source of the draws.
    n_temperatures : int
        K.

    Raises
    ------
    ValueError
        If the latents are not real numbers.
    """

    def __init__(self, module, batch, noise, n_temperatures):
        self.module = copy.deepcopy(module).double().requires_grad_(False)
        self.batch, self.noise = _doubled(batch), noise
        self.temperatures = schedule(n_temperatures)
        prior = self.module.prior(self.batch)
        if isinstance(prior, UniformCategories):
            raise ValueError(
                f"Annealing needs real latents. Those of {type(module).__name__} are "
                "categories."
            )
        self.start, self.tilt = _start(prior)
        # Steps are in scales of p0, as if z were standardised.
        self.unit = self.start.scale if isinstance(self.start, Normal) else 1.0
        self.steps = self._adapted_steps()  # (K − 1, B, 1)

    def log_weights(self, n_samples):
        """Return ln w of chains from p0, (S, B); the mean of w estimates p(x)."""

        def draw(n):
            z = self.start.sample(self.noise, n)  # (n, B, K)
            return self._weighted(z, self.temperatures, range(len(self.steps)))

        return self._over_chunks(draw, n_samples)

    def reverse_log_weights(self, z, n_samples):
        """Return ln w of chains from z ~ p(z | x), (S, B); 1 / w estimates 1 / p(x).

        Parameters
        ----------
        z : Tensor of shape (B, K)
            One exact draw per row, at which all its chains start.
        n_samples : int
            S.
        """

        def draw(n):
            begun = z.double().expand(n, *z.shape)
            steps = reversed(range(len(self.steps)))
            return -self._weighted(begun, self.temperatures[::-1], steps)

        return self._over_chunks(draw, n_samples)

    def _weighted(self, z, temperatures, steps):
        """Return the sum of ln f_new(z) / f_old(z) over changes of temperature, (S, B).

        `steps` are the positions in `self.steps` of the moves between two changes.
        """
        point, log_w = self._at(z, temperatures[0]), 0.0
        changes = [new - old for old, new in pairwise(temperatures)]
        for by, new, k in zip(changes, temperatures[1:], steps, strict=False):
            log_w = log_w + by * point.log_ratio
            point, _ = self._moved(point.heated(by), new, self.steps[k])
        return log_w + changes[-1] * point.log_ratio

    def _adapted_steps(self):
        """Return a step size for each temperature between 0 and 1 and row."""
        shape = len(self.temperatures) - 2, len(self.batch.x), 1
        total = self.batch.x.new_zeros(shape)  # of ln, over pilots
        for where in self._chunks(N_PILOTS):
            for k, step in enumerate(self._pilot(where.stop - where.start)):
                total[k] += step.log().sum(0)
        return (total / N_PILOTS).exp()

    def _pilot(self, n_samples):
        """Yield the step size of each pilot chain, (S, B, 1), as t rises."""
        point = self._at(self.start.sample(self.noise, n_samples), 0.0)
        step = torch.full_like(point.z[..., :1], FIRST_STEP)
        for old, new in pairwise(self.temperatures[:-1]):
            hotter = point.heated(new - old)
            point, acceptance = self._moved(hotter, new, step)
            step = adapted(step, acceptance.unsqueeze(-1), ACCEPTANCE)
            yield step

    def _over_chunks(self, function, n_samples):
        values = self.batch.x.new_empty((n_samples, len(self.batch.x)))
        for where in self._chunks(n_samples):
            values[where] = function(where.stop - where.start)
        return values

    def _chunks(self, n_samples):
        return chunks(self.module, self.start.mean, self.batch, n_samples)

    def _moved(self, point, t, step):
        """Take one step of Hamiltonian Monte Carlo under f_t."""

        def at(z):
            return self._at(z, t)

        return move(at, point, self.noise, step * self.unit, N_LEAPFROG)

    def _at(self, z, t):
        """Evaluate ln f_t and its parts."""
        value, gradient = value_and_gradient(self.start.log_prob, z)
        log_ratio, slope = value_and_gradient(self._log_ratio, z)
        return Position(z, value, gradient, log_ratio, slope).heated(t)

    def _log_ratio(self, z):
        """Return ln p(x, z) − ln p0(z), (S, B)."""
        value = self.module.log_likelihood(z, self.batch)
        return value if self.tilt is None else value + self.tilt(z)


def schedule(n_temperatures):
    """Return 0 = t_0 < ... < t_K = 1 in steps that grow geometrically."""
    powers = [SPREAD ** (k / n_temperatures) for k in range(n_temperatures + 1)]
    return [(power - 1) / (SPREAD - 1) for power in powers]


def annealed_log_weights(module, batch, noise, n_samples, n_temperatures):
    """Return ln w of annealed chains from the prior to the posterior, (S, B).

    Neither the module nor its gradients change.

    Parameters
    ----------
    module : LatentModel
        In evaluation mode.
    batch : Batch
        Rows.
    noise : Noise
        Source of the draws; with `RowNoise`, a row's weights depend on the row only.
    n_samples : int
        S, chains per row.
    n_temperatures : int
        K; 1 is importance sampling from p0.

    Returns
    -------
    Tensor of float64 of shape (S, B)

    Raises
    ------
    ValueError
        If the latents are not real numbers.
    """
    with torch.inference_mode(False), torch.no_grad():
        return Annealing(module, batch, noise, n_temperatures).log_weights(n_samples)


def _start(prior):
    """Return p0, which can be drawn exactly, and z -> ln p(z) − ln p0(z) or None."""
    if isinstance(prior, Tilted):
        return prior.base, prior.log_ratio
    if not isinstance(prior, NormalMixture):
        return prior, None
    # A chain cannot leave a narrow component once t has risen.
    start = prior.as_normal()
    return start, lambda z: prior.log_prob(z) - start.log_prob(z)


def _doubled(batch):
    """Return a copy of a batch in double precision, made outside inference mode."""
    copies = (field if field is None else field.clone() for field in batch)
    return type(batch)(*(_as_double(field) for field in copies))


def _as_double(field):
    """Return floating-point numbers in double precision, anything else unchanged."""
    if field is None or not field.is_floating_point():
        return field
    return field.double()
