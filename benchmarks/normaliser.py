"""How often the stated error of ln Z of the density-ratio prior covers the truth.

    python -m benchmarks.normaliser --write
    python -m benchmarks.normaliser --quick

The prior is N(0, I) e^T / Z. When training ends, `DensityRatio` estimates ln Z and its
standard error, from 16 independent runs. Here ln Z is known, at divergences of about 3,
6 and 12 nats between the prior and N(0, I):

- "mixture": T = ln q(z) − ln N(z; 0, I) + 1.5 for a mixture q of ten Gaussians with
  full covariances, so that ln Z = 1.5;
- "critics": T is a sum of trained critics of two latents each, so that ln Z is a sum of
  integrals over two latents, computed on a grid. These T have the errors of critics.

Each seed gives one estimate, for another mixture or for some of eight critics. A row
holds the mean divergence, the mean of estimate minus truth (bias) with its standard
error, the standard deviation of this difference, the mean of the stated errors, the
share of estimates within one stated error of the truth, the share whose 95 % interval
contains the truth, and the median CPU time. The interval is Student's t with 15 degrees
of freedom, 2.13 errors on either side; one error should cover 67 %.

It needs no data files, and takes about nine minutes on one core.
"""

import math
import sys
from itertools import chain, product
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import t
from torch import nn

from benchmarks import _common as common
from skvae.distributions import Noise, Normal, StandardNormal
from skvae.nets import set_dropout_generator
from skvae.priors import DensityRatio
from skvae.training import FusedAdam, Rows, seeded_weights

N_ROWS = 2000  # with posteriors, of which the prior keeps 1 000
N_RUNS = 16  # behind each stated error
CENTRES = 0.7  # standard deviation of the centres of the Gaussians
LENGTH, RANK = 0.5, 3  # of the directions in which a Gaussian is long
SHARE = 0.5  # of a Gaussian's isotropic variance that is in each posterior
LN_Z = 1.5
DIVERGENCES = (3, 6, 12)  # nats
LATENTS = (8, 16)  # of the mixtures
SEEDS = range(60)
WIDTHS = 1e-3, 0.9  # where narrower is farther from N(0, I)
N_BISECTIONS, N_DRAWS = 12, 1000  # to find the width with a given divergence

PAIR = 4.5  # divergence in nats of two latents, of which critics learn two thirds
PAIR_LENGTH = 0.15
PAIRS = (1, 2, 4)  # critics of a prior
N_CRITICS = 8  # trained, of which a prior uses some
HIDDEN, RATE, BATCH, PASSES = (64, 64), 5e-3, 256, 200
WIDEST, STEP = 8.0, 0.01  # of the grid; 1e-15 of N(0, I) lies outside


class Known(NamedTuple):
    """A prior with a known normaliser.

    Attributes
    ----------
    log_tilt : torch.nn.Module
        T: (..., K) -> (...).
    posterior : Normal
        The posteriors of the rows, (N, K).
    log_z, divergence : float
        ln Z, and KL(N(0, I) e^T / Z || N(0, I)) in nats.
    """

    log_tilt: nn.Module
    posterior: Normal
    log_z: float
    divergence: float


# --- mixtures -------------------------------------------------------------------------


class Mixture(nn.Module):
    """T of a mixture of M Gaussians N(c_m, A_m A_mᵀ + w² I) with equal weights.

    Parameters
    ----------
    centres : Tensor of shape (M, K)
        c.
    factors : Tensor of shape (M, K, R)
        A.
    width : float
        w.
    """

    def __init__(self, centres, factors, width):
        super().__init__()
        self.centres, self.factors, self.width = centres, factors, width
        eye = torch.eye(centres.shape[1]).double()
        covariance = factors @ factors.mT + width**2 * eye
        self.whiten = torch.linalg.inv(torch.linalg.cholesky(covariance))  # (M, K, K)

    def forward(self, z):
        residual = z.double()[..., None, :] - self.centres  # (..., M, K)
        white = torch.einsum("...mk,mjk->...mj", residual, self.whiten)
        log_det = self.whiten.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        parts = StandardNormal(white).log_prob(white) + log_det
        log_q = parts.logsumexp(-1) - math.log(len(self.centres))
        tilt = log_q - StandardNormal(z).log_prob(z.double()) + LN_Z
        return tilt.to(z.dtype)

    def posterior(self, n_rows, noise):
        """Posteriors whose mixture is q, (n_rows, K)."""
        which = torch.arange(n_rows) % len(self.centres)
        centres, factors = self.centres[which], self.factors[which]
        loc = centres + (factors @ noise.normal(factors[:, 0, :, None]))[..., 0]
        loc = loc + self.width * math.sqrt(1 - SHARE) * noise.normal(loc)
        scale = torch.full_like(loc, self.width * math.sqrt(SHARE))
        return Normal(loc.float(), scale.float())


def mixture(n_latents, divergence, noise, n_components=10, length=LENGTH):
    """A random mixture, with the width that gives it a divergence in nats."""
    rank = min(RANK, n_latents - 1)
    centres = CENTRES * noise.normal(torch.empty(n_components, n_latents).double())
    factors = noise.normal(centres.new_empty(n_components, n_latents, rank))
    factors = factors * length / math.sqrt(rank)
    low, high = map(math.log, WIDTHS)
    for _ in range(N_BISECTIONS):
        middle = (low + high) / 2
        tilt = Mixture(centres, factors, math.exp(middle))
        found = sampled_divergence(tilt)
        low, high = (middle, high) if found > divergence else (low, middle)
    return Known(tilt, tilt.posterior(N_ROWS, noise), LN_Z, found)


def sampled_divergence(tilt):
    """KL(q || N(0, I)) of a mixture, from draws that are the same for each width."""
    noise = Noise.from_seed(0)
    q = tilt.posterior(N_DRAWS, noise)
    return tilt(q.sample(noise)).mean().item() - LN_Z


# --- critics --------------------------------------------------------------------------


class Critics(nn.Module):
    """The sum of critics of two latents each.

    Parameters
    ----------
    critics : sequence of torch.nn.Module
        (..., 2) -> (...).
    """

    def __init__(self, critics):
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, z):
        pairs = z.unflatten(-1, (-1, 2)).unbind(-2)  # (..., 2) each
        each = zip(self.critics, pairs, strict=True)
        return sum(critic(pair) for critic, pair in each)


def trained(seed, passes):
    """A prior of two latents, with a critic trained on a mixture."""
    noise = Noise.from_seed(seed)
    q = mixture(2, PAIR, noise, n_components=3, length=PAIR_LENGTH).posterior
    with seeded_weights(seed):
        module = DensityRatio(HIDDEN, n_passes=1).build(2, None)
    set_dropout_generator(module.critic, noise.generator)
    module.begin(N_ROWS)
    list(module.losses("encode", torch.arange(N_ROWS), lambda: q, noise))
    optimizer = FusedAdam(module.critic.parameters(), lr=RATE)
    for _ in range(passes):
        order = torch.randperm(N_ROWS, generator=noise.generator)
        for index in order.split(BATCH):
            for _, loss, _ in module.losses("critic", index, None, noise):
                optimizer.zero_grad()
                loss.mean().backward()
                optimizer.step()
    critic = module.critic.eval()
    return Known(critic, q, *integrated(critic))


@torch.no_grad()
def integrated(critic):
    """ln Z and the divergence of a prior of two latents, on a grid."""
    line = torch.arange(-WIDEST, WIDEST, STEP)
    tilt, log_prob = [], []
    for first in line:
        z = torch.stack([first.expand_as(line), line], -1)
        tilt.append(critic(z).double())
        log_prob.append(StandardNormal(z).log_prob(z.double()) + tilt[-1])
    tilt, log_prob = torch.cat(tilt), torch.cat(log_prob)
    log_sum = log_prob.logsumexp(0)
    log_z = log_sum.item() + 2 * math.log(STEP)
    return log_z, ((log_prob - log_sum).exp() @ tilt).item() - log_z


def summed(parts, noise):
    """A prior of independent pairs of latents."""
    each = [shuffled(part.posterior, noise) for part in parts]
    loc, scale = torch.cat(each, -1)  # (N, K) each
    log_z = sum(part.log_z for part in parts)
    divergence = sum(part.divergence for part in parts)
    tilt = Critics(part.log_tilt for part in parts)
    return Known(tilt, Normal(loc, scale), log_z, divergence)


def shuffled(q, noise):
    """Means and scales in another order of the rows, (2, N, K)."""
    order = torch.randperm(len(q.loc), generator=noise.generator)
    return torch.stack([q.loc[order], q.scale[order]])


# --- rows -----------------------------------------------------------------------------


def estimate(known, seed):
    """ln Z, its error, and the CPU time, as at the end of training."""
    q = known.posterior
    module = DensityRatio(n_passes=1).build(q.loc.shape[1], None)
    module.critic = known.log_tilt
    rows = Rows(np.zeros((N_ROWS, 1), np.float32), "cpu", torch.float32)

    def posterior(batch):
        return Normal(q.loc[batch.index], q.scale[batch.index])

    def settle():
        with torch.no_grad():
            module.settle(rows, posterior, Noise.from_seed(seed))

    seconds = common.seconds(settle)
    return *module.normaliser(), seconds


def measure(name, priors, seeds):
    """A row of the table, from the prior of each seed."""
    found = [estimate(known, seed) for known, seed in zip(priors, seeds, strict=True)]
    values, errors, seconds = np.transpose(found)
    off = values - [known.log_z for known in priors]
    interval = t.ppf(0.975, N_RUNS - 1) * errors
    numbers = {
        "KL, nats": np.mean([known.divergence for known in priors]),
        "bias, nats": off.mean(),
        "its error": off.std(ddof=1) / math.sqrt(len(off)),
        "spread": off.std(ddof=1),
        "stated error": errors.mean(),
        "within 1 error": (np.abs(off) <= errors).mean(),
        "in 95 %": (np.abs(off) <= interval).mean(),
        "time, s": np.median(seconds),
    }
    return {"prior": name} | {k: round(float(v), 3) for k, v in numbers.items()}


def mixtures(chosen):
    """Yield the name of each kind of mixture, and its priors."""
    for n_latents, divergence in product(chosen.latents, chosen.divergences):
        noises = map(Noise.from_seed, chosen.seeds)
        priors = [mixture(n_latents, divergence, noise) for noise in noises]
        yield f"mixture, {n_latents} latents, {divergence} nats", priors


def critics(chosen):
    """Yield the name of each number of critics, and its priors."""
    pool = [trained(seed, chosen.passes) for seed in range(chosen.critics)]
    for n_pairs in chosen.pairs:
        priors = []
        for seed in chosen.seeds:
            noise = Noise.from_seed(seed)
            used = torch.randperm(len(pool), generator=noise.generator)[:n_pairs]
            priors.append(summed([pool[i] for i in used], noise))
        yield f"critics, {2 * n_pairs} latents", priors


def options(argv):
    """The command line."""
    parser = common.parser("normaliser", __doc__)
    parser.set_defaults(seeds=SEEDS)
    chosen = parser.parse_args(argv)
    chosen.latents, chosen.divergences = LATENTS, DIVERGENCES
    chosen.pairs, chosen.critics, chosen.passes = PAIRS, N_CRITICS, PASSES
    if chosen.quick:
        chosen.latents, chosen.divergences, chosen.seeds = LATENTS[:1], (3,), range(3)
        chosen.pairs, chosen.critics, chosen.passes = (1,), 1, 5
    return chosen


def main(argv=None):
    """Print each row as soon as it is measured, and write it with --write."""
    chosen = options(argv)
    torch.set_num_threads(1)
    settings = {"seeds": len(chosen.seeds), "rows": N_ROWS, "threads": 1}
    for name, priors in chain(mixtures(chosen), critics(chosen)):
        row = measure(name, priors, chosen.seeds)
        common.print_table([row])
        common.keep(chosen.write, settings, row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
