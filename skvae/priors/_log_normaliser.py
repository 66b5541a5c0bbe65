"""ln Z of N(0, I) e^T(z), by annealing from a proposal that resembles it."""

import math
from typing import NamedTuple

import torch

from skvae.distributions import StandardNormal
from skvae.hmc import move

BASE_SHARE = 0.4  # of N(0, I) in the proposal
MAX_GAUSSIANS = 20
N_ITERATIONS = 5  # of EM
RIDGE = 1e-8  # added to shares, and to covariances relative to their mean variance
WIDENING = 1.1  # of the fitted Gaussians, as a proposal has to be wider than its target
MAX_STEPS = 1000
TARGET = 0.65  # acceptance probability
RATE = 0.2  # adaptation of the step size per step


class Effort(NamedTuple):
    """How much to compute.

    Attributes
    ----------
    n_runs : int
        Independent runs; the error is computed from their spread.
    n_particles : int
        Particles of each run.
    spread : float
        Standard deviation of the log-weights that a step adds. It sets the size of the
        steps, so that an easy target needs few of them.
    """

    n_runs: int
    n_particles: int
    spread: float


class Proposal:
    """N(0, I) and Gaussians fitted to a mixture of posteriors.

    A mixture of 1000 narrow posteriors has gaps between its components, in more than a
    few dimensions, and costs 1000 densities. A few Gaussians with full covariances,
    fitted by EM, have no gaps.

    Parameters
    ----------
    loc, scale : Tensor of shape (N, K)
        The posteriors.
    noise : Noise
        Source of the random numbers.
    """

    def __init__(self, loc, scale, noise):
        loc, variance = loc.double(), scale.double().square()
        n_rows, n_latents = loc.shape
        size = min(MAX_GAUSSIANS, max(1, n_rows // (3 * n_latents)))
        share = _first_shares(loc, variance, size, noise)  # (N, M)
        for _ in range(N_ITERATIONS):
            self._maximise(loc, variance, share)
            joint = self._log_joint(loc)  # (N, M)
            trace = variance @ self.whiten.square().sum(1).mT  # of precision · variance
            share = (joint - 0.5 * trace).softmax(-1)
        self._maximise(loc, variance, share)
        self.whiten = self.whiten / WIDENING

    def _maximise(self, loc, variance, share):
        """Set the Gaussians from each posterior's shares in them, (N, M)."""
        share = share + RIDGE  # so that no Gaussian is without rows
        total = share.sum(0)
        self.log_share = (total / total.sum()).log()  # (M,)
        self.loc = (share / total).mT @ loc  # (M, K)
        residual = loc[:, None] - self.loc  # (N, M, K)
        weighted = residual * (share / total)[..., None]
        covariance = torch.einsum("nmk,nml->mkl", weighted, residual)
        covariance += torch.diag_embed((share / total).mT @ variance)
        trace = covariance.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None]
        eye = torch.eye(loc.shape[1], dtype=loc.dtype, device=loc.device)
        # Not `cholesky`, which raises where a diverged model gives NaN.
        cholesky = torch.linalg.cholesky_ex(covariance + RIDGE * trace * eye)[0]
        self.whiten = torch.linalg.solve_triangular(cholesky, eye, upper=False)

    def _log_joint(self, z):
        """Return ln of share times density, (..., M)."""
        residual = z[..., None, :] - self.loc  # (..., M, K)
        white = torch.einsum("...mk,mjk->...mj", residual, self.whiten)
        log_det = self.whiten.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return self.log_share + log_det + StandardNormal(white).log_prob(white)

    def log_prob(self, z):
        fitted = self._log_joint(z).logsumexp(-1) + math.log(1 - BASE_SHARE)
        return torch.logaddexp(
            fitted, StandardNormal(z).log_prob(z) + math.log(BASE_SHARE)
        )

    def sample(self, n_runs, n_draws, noise):
        """Draw (n_runs, n_draws, K); in each run, components have fixed shares."""
        normal = noise.normal(self.loc[0].expand(n_runs, n_draws, -1))
        n_base = round(BASE_SHARE * n_draws)
        position = _stratified(n_runs, n_draws - n_base, noise, self.loc)
        which = _at_quantiles(self.log_share.exp().expand(n_runs, -1), position)
        spread = torch.linalg.inv(self.whiten)[which]  # (R, n, K, K)
        moved = (spread @ normal[:, n_base:, :, None])[..., 0]
        return torch.cat([normal[:, :n_base], self.loc[which] + moved], 1)


def _first_shares(loc, variance, size, noise):
    """Assign each posterior to the nearest of `size` seeds, by k-means++: (N, M)."""
    unit = (loc.var(0, correction=0) + variance.mean(0)).sqrt()
    scaled = loc / unit
    distance = torch.ones_like(loc[:, 0])
    seeds = []
    for _ in range(size):
        weights = distance.nan_to_num(0, 0, 0) + 1e-30
        seed = torch.multinomial(weights, 1, generator=noise.generator)
        seeds.append(scaled[seed])  # (1, K)
        apart = (scaled - seeds[-1]).square().sum(-1)
        distance = apart if len(seeds) == 1 else torch.minimum(distance, apart)
    nearest = torch.cdist(scaled, torch.cat(seeds)).argmin(1)
    return torch.nn.functional.one_hot(nearest, size).double()


def _stratified(n_runs, n, noise, like):
    """Return n evenly spaced numbers in [0, 1) with a random offset, for each run."""
    offset = noise.uniform(like.new_empty((n_runs, 1)))
    return (torch.arange(n, dtype=like.dtype, device=like.device) + offset) / n


def _at_quantiles(weights, position):
    """Return the index at each quantile of normalised weights, (R, M) -> (R, n)."""
    cumulative = weights.cumsum(-1).contiguous()
    found = torch.searchsorted(cumulative, position)
    return found.clamp(max=weights.shape[-1] - 1)


def estimate_log_normaliser(log_tilt, loc, scale, noise, effort):
    """Estimate ln Z = ln E_N(0,I)[e^T] by sequential Monte Carlo.

    Particles start from a `Proposal` g. They are moved towards the target f = N(0, I)
    e^T through the densities g^(1 − β) f^β, with β from 0 to 1: each step multiplies a
    particle's weight by (f / g)^(Δβ) and moves the particle by a Langevin step that is
    accepted or rejected. If a run's effective number of particles falls below half, it
    is resampled. The mean weight of each run is an estimate of Z (Del Moral et al.
    2006, section 3; without resampling, Neal 2001).

    Parameters
    ----------
    log_tilt : callable
        T: (n, K) -> (n,).
    loc, scale : Tensor of shape (N, K)
        Posteriors whose mixture resembles the target.
    noise : Noise
        Source of the random numbers.
    effort : Effort
        How much to compute.

    Returns
    -------
    value, error : Tensor of shape ()
        ln Z and its standard error, from the spread of the runs.
    """
    proposal = Proposal(loc, scale, noise)
    path = Path(log_tilt, proposal, loc.dtype)
    log_z = _run(path, effort, noise)  # (R,)
    value = log_z.logsumexp(0) - math.log(effort.n_runs)
    return value, (log_z - value).exp().std() / effort.n_runs**0.5


class Particles(NamedTuple):
    """Positions, with the densities there and their gradients.

    Attributes
    ----------
    z : Tensor of shape (..., K)
        Positions.
    value, gradient : Tensor of shape (...) and (..., K)
        ln of g^(1 − β) f^β, and its gradient.
    log_g, g_gradient : Tensor of shape (...) and (..., K)
        ln g, and its gradient.
    log_ratio, ratio_gradient : Tensor of shape (...) and (..., K)
        ln(f / g), and its gradient.
    """

    z: torch.Tensor
    value: torch.Tensor
    gradient: torch.Tensor
    log_g: torch.Tensor
    g_gradient: torch.Tensor
    log_ratio: torch.Tensor
    ratio_gradient: torch.Tensor

    def under(self, beta):
        """Return the same particles under the density of another β."""
        return self._replace(
            value=self.log_g + beta * self.log_ratio,
            gradient=self.g_gradient + beta * self.ratio_gradient,
        )

    def taken(self, index):
        """Take particles of the same run, (R, n) of int."""
        return Particles(*(_gathered(values, index) for values in self))


def _gathered(values, index):
    if values.dim() > index.dim():
        index = index[..., None].expand_as(values)
    return values.gather(1, index)


class Path:
    """The densities g^(1 − β) f^β between a proposal g and f = N(0, I) e^T.

    Parameters
    ----------
    log_tilt : callable
        T: (n, K) -> (n,).
    proposal : Proposal
        g.
    dtype : torch.dtype
        Precision of T; the rest is computed in double precision.
    """

    def __init__(self, log_tilt, proposal, dtype):
        self.log_tilt, self.proposal, self.dtype = log_tilt, proposal, dtype

    def at(self, z):
        """Return the particles at positions `z`, (..., K), under β = 0."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            log_g = self.proposal.log_prob(z)
            (of_g,) = torch.autograd.grad(log_g.sum(), z)
            tilt = self.log_tilt(z.to(self.dtype)).double()
            (of_tilt,) = torch.autograd.grad(tilt.sum(), z)
        z, log_g, tilt = z.detach(), log_g.detach(), tilt.detach()
        log_ratio = StandardNormal(z).log_prob(z) + tilt - log_g
        of_ratio = of_tilt - z - of_g
        return Particles(z, log_g, of_g, log_g, of_g, log_ratio, of_ratio)

    def move(self, particles, beta, step_size, noise):
        """Take one Langevin step with an accept-reject test.

        Returns the particles and their acceptance probabilities.
        """
        # Steps of several sizes suit directions of several widths.
        size = step_size * (0.2 + 1.6 * noise.uniform(particles.z[..., :1]))

        def at(z):
            return self.at(z).under(beta)

        return move(at, particles.under(beta), noise, size, n_leapfrog=1)


def _run(path, effort, noise):
    """Return the estimate of ln Z of each run, (R,)."""
    n_runs, n_particles, spread = effort
    particles = path.at(path.proposal.sample(n_runs, n_particles, noise))  # (R, n, K)
    log_weight = torch.zeros_like(particles.log_ratio)
    beta, step_size = 0.0, 1.0
    while True:
        step = max(spread / (particles.log_ratio.std().item() + 1e-9), 1 / MAX_STEPS)
        if not step < 1 - beta:  # also if it is NaN
            log_weight = log_weight + (1 - beta) * particles.log_ratio
            return log_weight.logsumexp(1) - math.log(n_particles)
        log_weight = log_weight + step * particles.log_ratio
        beta += step
        particles, log_weight = _resampled(particles, log_weight, noise)
        particles, chance = path.move(particles, beta, step_size, noise)
        step_size *= math.exp(RATE * (chance.mean().item() - TARGET))


def _resampled(particles, log_weight, noise):
    """Resample runs with an effective number of particles below half, (R, n)."""
    n_runs, n = log_weight.shape
    weights = log_weight.softmax(1)
    poor = (weights.square().sum(1) > 2 / n)[:, None]  # (R, 1)
    drawn = _at_quantiles(weights, _stratified(n_runs, n, noise, weights))
    itself = torch.arange(n, device=drawn.device).expand_as(drawn)
    mean = log_weight.logsumexp(1, keepdim=True) - math.log(n)
    log_weight = torch.where(poor, mean, log_weight)
    return particles.taken(torch.where(poor, drawn, itself)), log_weight
