"""Distributions of four rows, paired with torch's, and how to compare them."""

import math

import torch
from torch import distributions as td

from skvae.distributions import (
    BernoulliVector,
    CodeVector,
    Normal,
    NormalMixture,
    OneHot,
    PoissonVector,
    Product,
    StandardNormal,
)

EXACT = {"rtol": 1e-10, "atol": 1e-12}
NAN = math.nan
LEVELS = torch.tensor([[0.0, 2.0, 5.0], [1.0, 3.0, NAN]], dtype=torch.float64)


def numbers(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def normal(*lead, seed=0):
    loc = numbers(*lead, 4, 3, seed=seed)
    scale = numbers(*lead, 4, 3, seed=seed + 1).exp()
    return Normal(loc, scale), td.Independent(td.Normal(loc, scale), 1)


def normal_with_one_scale_per_column(*lead):
    loc, scale = numbers(*lead, 4, 3), numbers(3, seed=1).exp()
    return Normal(loc, scale), td.Independent(td.Normal(loc, scale), 1)


def standard_normal(*lead):
    zero = torch.zeros(*lead, 4, 3, dtype=torch.float64)
    return StandardNormal(zero + 7), td.Independent(td.Normal(zero, zero + 1), 1)


def mixture():
    loc, scale = 2 * numbers(5, 3), numbers(5, 3, seed=1).exp()
    theirs = td.MixtureSameFamily(
        td.Categorical(torch.ones(5, dtype=torch.float64)),
        td.Independent(td.Normal(loc, scale), 1),
    )
    return NormalMixture(loc, scale, n_rows=4), theirs.expand((4,))


def bernoulli(*lead):
    logits = 2 * numbers(*lead, 4, 3)
    return BernoulliVector(logits), td.Independent(td.Bernoulli(logits=logits), 1)


def poisson(*lead):
    rate = numbers(*lead, 4, 3).exp()
    return PoissonVector(rate), td.Independent(td.Poisson(rate), 1)


def one_hot(*lead):
    logits = numbers(*lead, 4, 3)
    return OneHot(logits), td.OneHotCategorical(logits=logits)


def codes():
    """Two variables, with three and two levels."""
    logits = numbers(4, 2, 3)
    logits[:, 1, 2] = -torch.inf
    return CodeVector(logits, LEVELS), td.Categorical(logits=logits)


def product():
    """All discrete families, with interleaved columns: (4, 9)."""
    parts = [
        (bernoulli()[0], [0, 3, 8]),
        (one_hot()[0], [7, 1, 4]),
        (codes()[0], [5, 2]),
        (PoissonVector(numbers(4, 1).exp()), [6]),
    ]
    return Product([(block, torch.tensor(columns)) for block, columns in parts])


FAMILIES = {
    "normal": normal,
    "normal-column-scale": normal_with_one_scale_per_column,
    "standard-normal": standard_normal,
    "mixture": mixture,
    "bernoulli": bernoulli,
    "poisson": poisson,
    "one-hot": one_hot,
}


def assert_mean(draws, expected):
    """Check the mean over the first axis, within five standard errors of `expected`."""
    error = draws.std(0) / math.sqrt(len(draws))
    assert ((draws.mean(0) - expected).abs() <= 5 * error + 1e-12).all()
