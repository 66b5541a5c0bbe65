"""Estimates of I(S; Z) and of the decomposition of the KL, against closed forms."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.stats import norm
from two_tasks import (
    LN2,
    density,
    draw,
    exact_task_information,
    integral,
    normals,
    posterior,
    tasks_of,
)

from skvae.distributions import Noise, Normal
from skvae.metrics._latents import _information
from skvae.metrics._task_information import _decomposition, _task_information


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.03])
@pytest.mark.parametrize(
    ("means", "shares"),
    [
        ([-1.0, 1.0], [0.5, 0.5]),
        ([-1.0, 1.0], [0.25, 0.75]),
        ([-1.5, 0.0, 2.5], [0.5, 0.25, 0.25]),
    ],
    ids=["equal", "unequal", "three"],
)
def test_the_information_of_normal_tasks_agrees_with_quadrature(means, shares, scale):
    task = tasks_of(shares)
    found = _task_information(*draw(posterior(means, task, scale)), task)
    # ln q(s | z) has a standard deviation of 0.5 to 0.7: 0.02 for the mean of 1200.
    assert_allclose(found, exact_task_information(means, shares), atol=0.05)


@pytest.mark.parametrize("n_tasks", [2, 5])
def test_tasks_far_apart_are_fully_identified(n_tasks):
    task = tasks_of(np.full(n_tasks, 1 / n_tasks), 200)
    q = posterior(1e3 * np.arange(n_tasks), task, 0.5)
    assert_allclose(_task_information(*draw(q), task), math.log(n_tasks), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("n_components", [1, 16])
def test_identical_tasks_give_no_information(scale, n_components):
    # The plain averages would give -40 nats for 16 narrow latents.
    task = tasks_of([0.5, 0.5], 600)
    q = posterior([0.0, 0.0], task, scale, n_components)
    assert 0 <= _task_information(*draw(q), task) < 0.02


@pytest.mark.parametrize("scale", [0.5, 0.03])
def test_many_narrow_latents_still_reveal_the_task(scale):
    task = tasks_of([0.5, 0.5])
    truth = exact_task_information([-2.0, 2.0], [0.5, 0.5])  # 0.60
    q = posterior([-2.0, 2.0], task, scale, n_components=8)
    found = _task_information(*draw(q), task)
    assert 0.75 * truth < found < truth + 0.05  # a lower bound


def test_a_rows_own_posterior_is_left_out():
    # Otherwise every row would be identified by its own narrow posterior.
    task = tasks_of([0.5, 0.5], 100)
    q = posterior([0.0, 0.0], task, 1e-3)
    assert _task_information(*draw(q), task) < 0.1


def test_slices_of_rows_do_not_change_the_result(monkeypatch):
    task = tasks_of([0.5, 0.5], 90)
    drawn = draw(posterior([-1.0, 1.0], task, 0.5))
    whole = _task_information(*drawn, task)
    monkeypatch.setattr("skvae.metrics._latents.CHUNK_ELEMENTS", 1000)
    assert_allclose(_task_information(*drawn, task), whole, rtol=1e-12)


@pytest.mark.parametrize(("a", "scale"), [(0.8, 0.6), (1.5, 0.5), (0.0, 1.3)])
def test_the_decomposition_agrees_with_closed_forms(a, scale):
    # x given s is N(0, 1) and z given x and s N(a x + m_s, scale²).
    means, shares = [-1.0, 2.0], [0.5, 0.5]
    task = tasks_of(shares, 2000)
    loc = a * normals(2000, 1) + torch.tensor(means).double()[task, None]
    found = _decomposition(*draw(Normal(loc, torch.full_like(loc, scale))), task)
    variance = a**2 + scale**2
    spread = math.sqrt(variance)

    def of_the_gap(z):
        q = density(z, means, shares, spread)
        return q * (math.log(q + 1e-300) - norm.logpdf(z))

    truth = {
        "kl": 0.5 * (variance + 2.5 - 1) - math.log(scale),
        "mutual_information_task": exact_task_information(means, shares, spread),
        "mutual_information_rows": 0.5 * math.log(variance / scale**2),
        "prior_gap": integral(of_the_gap),
    }
    assert_allclose(truth["kl"], sum(truth.values()) - truth["kl"])
    for name, value in truth.items():
        assert_allclose(getattr(found, name), value, atol=0.06, err_msg=name)
    assert_allclose(found.kl, sum(found[1:]), rtol=1e-12)


def test_a_prior_per_condition_does_not_bound_the_information():
    # Posterior and prior agree, so the KL is 0, but the latents identify the task.
    task = tasks_of([0.5, 0.5], 400)
    q = posterior([-9.0, 9.0], task, 1.0)
    found = _information(q, Normal(q.loc, q.scale), q.sample(Noise.from_seed(0)))
    assert found.kl == 0
    assert_allclose(found.upper, LN2, atol=0.01)
