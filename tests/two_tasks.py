"""Data with two tasks, posteriors that depend on the task, and their information."""

import math
from functools import partial

import numpy as np
import pandas as pd
import torch
from instances import small
from scipy.integrate import quad
from scipy.stats import norm

from skvae import CVAETransformer
from skvae.distributions import Noise, Normal, StandardNormal
from skvae.metrics import task_accuracy, task_decomposition, task_information

LN2 = math.log(2)


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def density(z, means, shares, spread):
    return sum(w * norm.pdf(z, m, spread) for m, w in zip(means, shares, strict=True))


def integral(function):
    return quad(function, -20, 20, limit=200, points=[-2, 0, 2])[0]


def exact_task_information(means, shares, spread=1.0):
    """Compute I(S; Z) of a mixture of normals by quadrature."""

    def entropy(means, shares):
        # In the tails p ln p = 0 · ln 0 counts as 0.
        p = partial(density, means=means, shares=shares, spread=spread)
        return integral(lambda z: -p(z) * math.log(p(z) + 1e-300))

    return entropy(means, shares) - entropy([0.0], [1.0])


def tasks_of(shares, n=1200):
    """Return the task of n rows, by the share of each task, as a tensor (n,)."""
    counts = np.round(np.array(shares) * n).astype(int)
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


def posterior(means, task, scale, n_components=1, seed=0):
    """Return q(z | x, s) under which the first latent given s is N(m_s, 1)."""
    x = normals(len(task), n_components, seed=seed)
    loc = math.sqrt(1 - scale**2) * x
    loc[:, 0] += torch.tensor(means).double()[task]
    return Normal(loc, torch.full_like(loc, scale))


def draw(q):
    return q, StandardNormal(q.mean), q.sample(Noise.from_seed(1))


RNG = np.random.default_rng(0)
SIZES = [150, 90]
NAMES = np.repeat(["a", "b"], SIZES)
CODES = np.repeat([0.0, 1.0], SIZES)
CLASS = (np.arange(240) // 7) % 2
PLAIN = RNG.normal(size=(240, 4)) + 2.0 * CODES[:, None] * [1, 0, 0, 0]
PLAIN[:, 1] += 3 * CLASS
TABLE = np.column_stack([PLAIN, CODES])
FRAME = pd.DataFrame(PLAIN, columns=list("uvwx")).assign(task=NAMES)
METRICS = [task_information, task_decomposition, task_accuracy]


def conditional(**params):
    return small(CVAETransformer, n_components=2, **params)
