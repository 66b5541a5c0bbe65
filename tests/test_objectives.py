"""Identities between the bounds that hold for any numbers."""

import math

import pytest
import torch
from families import EXACT, assert_mean, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from skvae.distributions import Noise, Normal, StandardNormal, kl
from skvae.objectives import elbo, importance_weighted, log_weights

LOG_WEIGHTS = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20)
by_hypothesis = settings(derandomize=True, deadline=None, max_examples=50)


def column(values):
    """Weights of a single row, (S, 1)."""
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_beta_weights_the_divergence_only(beta):
    reconstruction, divergence = numbers(6), numbers(6, seed=1)
    expected = [
        r - beta * d
        for r, d in zip(reconstruction.tolist(), divergence.tolist(), strict=True)
    ]
    assert elbo(reconstruction, divergence, beta).tolist() == pytest.approx(expected)


def test_beta_is_one_by_default():
    one, two, three = (numbers(4, 6, seed=seed) for seed in range(3))
    assert torch.equal(elbo(one, two), elbo(one, two, 1.0))
    assert torch.equal(log_weights(one, two, three), log_weights(one, two, three, 1.0))


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_one_importance_sample_gives_the_sampled_elbo(beta):
    q, p = (
        Normal(numbers(6, 2), numbers(2, seed=1).exp()),
        StandardNormal(numbers(6, 2)),
    )
    z = q.rsample(Noise.from_seed(0), 1)  # (1, 6, 2)
    log_likelihood = -z.square().sum(-1)
    log_w = log_weights(log_likelihood, p.log_prob(z), q.log_prob(z), beta)
    divergence = q.log_prob(z[0]) - p.log_prob(z[0])
    sampled_elbo = elbo(log_likelihood[0], divergence, beta)
    torch.testing.assert_close(importance_weighted(log_w), sampled_elbo, **EXACT)


def test_elbo_is_the_mean_of_log_weights():
    q, p = (
        Normal(numbers(6, 2), numbers(2, seed=1).exp()),
        StandardNormal(numbers(6, 2)),
    )
    z = q.rsample(Noise.from_seed(0), 20_000)
    nothing = torch.zeros(len(z), 6, dtype=torch.float64)
    log_w = log_weights(nothing, p.log_prob(z), q.log_prob(z), beta=2.0)
    assert_mean(log_w, elbo(nothing[0], kl(q, p), beta=2.0))


@by_hypothesis
@given(st.floats(-1e4, 1e4), st.integers(1, 50))
def test_the_bound_of_equal_weights_is_that_weight(log_w, n_samples):
    bound = importance_weighted(column([log_w] * n_samples))
    assert bound.item() == pytest.approx(log_w, rel=1e-12, abs=1e-12)


@by_hypothesis
@given(LOG_WEIGHTS)
def test_weighted_bound_lies_between_mean_and_maximum(log_w):
    bound = importance_weighted(column(log_w)).item()
    assert sum(log_w) / len(log_w) - 1e-9 <= bound <= max(log_w) + 1e-9
    assert bound >= max(log_w) - math.log(len(log_w)) - 1e-9


@by_hypothesis
@given(LOG_WEIGHTS, st.floats(-100, 100))
def test_weighted_bound_shifts_by_a_constant_and_ignores_the_order(log_w, constant):
    bound = importance_weighted(column(log_w)).item()
    moved = [value + constant for value in reversed(log_w)]
    assert importance_weighted(column(moved)).item() == pytest.approx(bound + constant)


def test_weighted_bound_is_the_log_of_the_mean_of_each_row():
    log_w = numbers(7, 5)
    expected = log_w.exp().mean(0).log()
    torch.testing.assert_close(importance_weighted(log_w), expected, **EXACT)


def test_duplicating_samples_changes_nothing():
    log_w = numbers(7, 5)
    torch.testing.assert_close(
        importance_weighted(log_w), importance_weighted(log_w.repeat(3, 1)), **EXACT
    )
