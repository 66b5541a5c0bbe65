"""Noise differs between rows or is shared by them, and is never drawn globally."""

import math

import pytest
import torch
from families import assert_mean, numbers

from skvae.distributions import (
    BernoulliVector,
    CodeVector,
    Noise,
    Normal,
    OneHot,
    SharedNoise,
)

KINDS = ["normal", "uniform", "gumbel"]
EULER = 0.5772156649015329
MOMENTS = {
    "normal": (0.0, 1.0),
    "uniform": (1 / 2, 1 / 12),
    "gumbel": (EULER, math.pi**2 / 6),
}

# Distributions with six equal rows.
EQUAL_ROWS = {
    "normal": Normal(numbers(1, 3).expand(6, 3), numbers(3, seed=1).exp()),
    "bernoulli": BernoulliVector(numbers(1, 20).expand(6, 20)),
    "one-hot": OneHot(numbers(1, 20).expand(6, 20)),
    "codes": CodeVector(
        numbers(1, 9, 4).expand(6, 9, 4), torch.arange(36.0).view(9, 4)
    ),
}


def equal_rows(values):
    return torch.equal(values, values[..., :1, :].expand_as(values))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_the_moments_of_its_distribution(kind):
    like = torch.empty(1, dtype=torch.float64)
    draws = getattr(Noise.from_seed(0), kind)(like, 50_000)
    mean, variance = MOMENTS[kind]
    assert_mean(draws, mean)
    assert_mean((draws - mean).square(), variance)


@pytest.mark.parametrize("n_samples", [None, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_the_requested_shape_and_dtype(kind, n_samples):
    like = torch.empty(2, 6, 3, dtype=torch.float64)
    lead = () if n_samples is None else (n_samples,)
    fresh = getattr(Noise.from_seed(0), kind)(like, n_samples)
    shared = getattr(SharedNoise.from_seed(0), kind)(like, n_samples)
    assert fresh.shape == (*lead, 2, 6, 3)
    assert shared.shape == (*lead, 2, 1, 3)
    assert fresh.dtype == shared.dtype == torch.float64


@pytest.mark.parametrize("n_samples", [None, 7])
@pytest.mark.parametrize("family", EQUAL_ROWS)
def test_shared_noise_draws_the_same_for_equal_rows_and_noise_does_not(
    family, n_samples
):
    distribution = EQUAL_ROWS[family]
    shared = distribution.sample(SharedNoise.from_seed(0), n_samples)
    fresh = distribution.sample(Noise.from_seed(0), n_samples)
    assert shared.shape == fresh.shape
    assert equal_rows(shared)
    assert not equal_rows(fresh)


def test_shared_draws_do_not_depend_on_the_number_of_rows():
    few, many = numbers(2, 3), numbers(50, 3)
    few[0] = many[10]
    alone = Normal(few, torch.ones(3)).rsample(SharedNoise.from_seed(0), 4)
    among = Normal(many, torch.ones(3)).rsample(SharedNoise.from_seed(0), 4)
    assert torch.equal(alone[:, 0], among[:, 10])


def test_a_seed_repeats_the_noise_and_leaves_the_global_generator_alone():
    state = torch.random.get_rng_state()
    like = torch.empty(5, 2)
    first, second = (Noise.from_seed(3).normal(like) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, Noise.from_seed(4).normal(like))
    assert torch.equal(torch.random.get_rng_state(), state)


class ZeroNoise(Noise):
    """A source that always returns the smallest uniform number."""

    def uniform(self, like, n_samples=None):
        return torch.zeros(self._shape(like, n_samples), dtype=like.dtype)


def test_gumbel_is_finite_at_the_smallest_uniform():
    assert ZeroNoise(None).gumbel(torch.empty(2, 3)).isfinite().all()
