"""Estimates of I(S; Z) and of its companions, against closed forms."""

import math

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from two_tasks import (
    LN2,
    density,
    draw,
    integral,
    normals,
    posterior,
    tasks_of,
    true_information,
)

from skvae.distributions import Noise, Normal
from skvae.metrics._mutual_information import _information
from skvae.metrics._task_information import _decomposition, _task_information


def estimate(q, task):
    return _task_information(*draw(q), task, RandomState(0))


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
def test_task_information_of_normal_tasks_equals_quadrature(means, shares, scale):
    task = tasks_of(shares)
    found = estimate(posterior(means, task, scale), task).value
    # ln q(s | z) has a standard deviation of 0.5 to 0.7, and its mean over 1200 rows
    # one of 0.02.
    assert_allclose(found, true_information(means, shares), atol=0.05)


@pytest.mark.parametrize("n_tasks", [2, 5])
def test_task_information_of_distant_tasks_is_the_entropy(n_tasks):
    task = tasks_of(np.full(n_tasks, 1 / n_tasks), 200)
    q = posterior(1e3 * np.arange(n_tasks), task, 0.5)
    assert_allclose(estimate(q, task).value, math.log(n_tasks), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("n_components", [1, 16])
def test_task_information_of_equal_tasks_is_zero(scale, n_components):
    # Without widening, the estimate would be -40 nats for 16 narrow latents.
    task = tasks_of([0.5, 0.5], 600)
    q = posterior([0.0, 0.0], task, scale, n_components)
    assert 0 <= estimate(q, task).value < 0.02


@pytest.mark.parametrize("scale", [0.5, 0.05])
def test_task_information_of_many_latents_is_not_below_logistic_regression(scale):
    task = tasks_of([0.5, 0.5], 2000)
    truth = true_information([0.0, 2.0], [0.5, 0.5])  # 0.337
    q = posterior([0.0, 2.0], task, scale, n_components=32)
    found = estimate(q, task)
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    loss = -cross_val_score(
        classifier,
        draw(q)[2].numpy(),
        task.numpy(),
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        scoring="neg_log_loss",
    ).mean()
    assert found.bound == "classifier"
    assert found.posteriors < 0.25
    # ln q(s | z) has a standard deviation of 0.5.
    assert LN2 - loss <= found.value == found.classifier < truth + 0.03


def test_the_larger_bound_is_named():
    # Fifty stripes of each task in turn, with too few rows each for a classifier.
    task = torch.arange(400) % 2
    loc = (torch.arange(400).double() // 8 * 2 + task)[:, None]
    found = estimate(Normal(loc, torch.full_like(loc, 0.1)), task)
    assert found.bound == "posteriors"
    assert found.classifier < 0.5 < found.value == found.posteriors


def test_task_information_leaves_out_the_own_posterior():
    # Otherwise each row would be recognised by its own narrow posterior.
    task = tasks_of([0.5, 0.5], 100)
    q = posterior([0.0, 0.0], task, 1e-3)
    assert estimate(q, task).value < 0.1


def test_slices_of_rows_do_not_change_the_result(monkeypatch):
    task = tasks_of([0.5, 0.5], 90)
    q = posterior([-1.0, 1.0], task, 0.5)
    whole = estimate(q, task)
    monkeypatch.setattr("skvae.metrics._mutual_information.CHUNK_ELEMENTS", 1000)
    found = estimate(q, task)
    assert_allclose(found.posteriors, whole.posteriors, rtol=1e-12)
    assert found.classifier == whole.classifier


@pytest.mark.parametrize(("a", "scale"), [(0.8, 0.6), (1.5, 0.5), (0.0, 1.3)])
def test_decomposition_has_closed_forms(a, scale):
    # x given s is N(0, 1), and z given x and s is N(a x + m_s, scale²).
    means, shares = [-1.0, 2.0], [0.5, 0.5]
    task = tasks_of(shares, 2000)
    loc = a * normals(2000, 1) + torch.tensor(means).double()[task, None]
    found = _decomposition(
        *draw(Normal(loc, torch.full_like(loc, scale))), task, RandomState(0)
    )
    variance = a**2 + scale**2
    spread = math.sqrt(variance)

    def gap_integrand(z):
        q = density(z, means, shares, spread)
        return q * (math.log(q + 1e-300) - norm.logpdf(z))

    truth = {
        "kl": 0.5 * (variance + 2.5 - 1) - math.log(scale),
        "mutual_information_task": true_information(means, shares, spread),
        "mutual_information_rows": 0.5 * math.log(variance / scale**2),
        "prior_gap": integral(gap_integrand),
    }
    assert_allclose(truth["kl"], sum(truth.values()) - truth["kl"])
    for name, value in truth.items():
        assert_allclose(getattr(found, name), value, atol=0.06, err_msg=name)
    assert_allclose(found.kl, sum(found[1:]), rtol=1e-12)


def test_kl_to_a_conditional_prior_is_not_an_upper_bound():
    # Posterior and prior agree: no divergence, but full information about the task.
    task = tasks_of([0.5, 0.5], 400)
    q = posterior([-9.0, 9.0], task, 1.0)
    found = _information(q, Normal(q.loc, q.scale), q.sample(Noise.from_seed(0)))
    assert found.kl == 0
    assert_allclose(found.upper, LN2, atol=0.01)
