"""Cross-validated probabilities of the task, against the true ones."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import log_softmax
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from skvae.metrics._task_classifier import (
    GaussianDiscriminant,
    _classifiers,
    _folds,
    _pool_weights,
    _shrunk,
    classifier_log_share,
)


def information(log_share, task):
    share = np.bincount(task) / len(task)
    return log_share.mean() - (share * np.log(share)).sum()


def bound(z, task, seed=0):
    found = classifier_log_share(z, task, np.random.RandomState(seed))
    assert found.shape == task.shape
    assert (found <= 0).all()
    return information(found, task)


def own(logs, task):
    """Select the true ln p(s | z) of each row's own task."""
    return log_softmax(logs, 1)[np.arange(len(task)), task]


def with_noise(informative, n_components, random):
    """Append latents that are independent of the task."""
    noise = random.normal(size=(len(informative), n_components - informative.shape[1]))
    return np.hstack([informative, noise])


def shifted(shares, random, n=2000):
    """Normal tasks with means 0, 2, 4, ... in one latent."""
    task = np.repeat(
        np.arange(len(shares)), np.round(np.multiply(shares, n)).astype(int)
    )
    z = random.normal(size=(len(task), 1)) + 2 * task[:, None]
    means = 2 * np.arange(len(shares))
    return z, task, own(np.log(shares) - 0.5 * (z - means) ** 2, task)


def ring(random, n=2000):
    """One task a disc in the plane, the other a ring around it."""
    task = np.arange(n) % 2
    angle = random.uniform(0, 2 * np.pi, n)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    z = 0.5 * random.normal(size=(n, 2)) + 2 * task[:, None] * circle
    # The density of the ring is that of the disc times exp(-8) I0(8 |z|).
    ratio = np.log(np.i0(8 * np.linalg.norm(z, axis=1))) - 8
    return z, task, own(np.stack([np.zeros(n), ratio], 1), task)


def correlated(random, n=2000):
    """Two latents with a correlation of 0.8 in one task, -0.8 in the other."""
    task = np.arange(n) % 2
    x = random.normal(size=(n, 2))
    sign = 2 * task - 1
    z = np.stack([x[:, 0], 0.8 * sign * x[:, 0] + 0.6 * x[:, 1]], 1)
    covariances = [np.array([[1, c], [c, 1]]) for c in (-0.8, 0.8)]
    logs = [multivariate_normal(cov=c).logpdf(z) for c in covariances]
    return z, task, own(np.stack(logs, 1), task)


CASES = {
    "two": lambda random: shifted([0.5, 0.5], random),
    "unbalanced": lambda random: shifted([0.95, 0.05], random),
    "five": lambda random: shifted([0.2] * 5, random),
    "ring": ring,
    "correlated": correlated,
}


@pytest.mark.parametrize(
    ("case", "n_components", "loss"),
    [
        ("two", 1, 0.005),
        ("two", 32, 0.02),
        ("unbalanced", 1, 0.01),
        ("unbalanced", 16, 0.02),
        ("five", 1, 0.02),
        ("five", 16, 0.04),
        ("ring", 2, 0.025),
        ("ring", 16, 0.03),
        ("correlated", 2, 0.01),
    ],
)
def test_bound_is_close_to_the_truth_and_below(case, n_components, loss):
    random = np.random.default_rng(0)
    z, task, truth = CASES[case](random)
    found = bound(with_noise(z, n_components, random), task)
    # The truth is taken on the same draws, so only the classifier's errors remain.
    truth = information(truth, task)
    assert truth - loss < found < truth + 0.005


@pytest.mark.parametrize(("n_rows", "share"), [(120, 0.9), (600, 0.5)])
def test_bound_is_zero_on_average_if_the_task_is_independent(n_rows, share):
    found = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        task = (np.arange(n_rows) >= share * n_rows).astype(int)
        found.append(bound(random.normal(size=(n_rows, 4)), task, seed))
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert np.mean(found) < 3 * error
    assert_allclose(found, 0, atol=10 / n_rows)


def test_bound_does_not_depend_on_the_scale_of_latents():
    random = np.random.default_rng(0)
    z, task, _ = shifted([0.5, 0.5], random, 400)
    z = with_noise(z, 3, random)
    found = bound(z, task)
    assert_allclose(bound(z * [1e-6, 1e6, 1] + [0, 0, 1e3], task), found, atol=1e-3)
    assert_allclose(bound(with_noise(z, 3, random), task), found, atol=1e-12)


def test_constant_latents_and_very_few_rows():
    task = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    z = np.zeros((8, 3))
    z[:, 0] = np.random.default_rng(0).normal(size=8)
    assert np.isfinite(bound(z, task))
    assert np.isfinite(bound(z[[0, 1, 4, 5]], np.array([0, 0, 1, 1])))


def test_many_tasks_are_classified_without_trees():
    random = np.random.default_rng(0)
    task = np.arange(1200) % 12
    found = bound(random.normal(size=(1200, 2)) + 100 * task[:, None], task)
    assert_allclose(found, math.log(12), atol=0.01)
    assert len(_classifiers(12)) == len(_classifiers(10)) - 1


def test_every_fold_leaves_rows_of_every_task():
    task = np.repeat([0, 1, 2, 3], [2, 3, 17, 98])
    fold = _folds(task, np.random.RandomState(0))
    for k in range(4):
        counts = np.bincount(fold[task == k], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(fold)) <= 1


def test_discriminant_has_the_true_probabilities():
    random = np.random.default_rng(0)
    z, task, truth = correlated(random, 20_000)
    probability = GaussianDiscriminant().fit(z, task).predict_proba(z)
    assert_allclose(probability.sum(1), 1)
    difference = np.log(probability[np.arange(len(z)), task]) - truth
    assert np.abs(difference).mean() < 0.02


def test_shrinkage_of_ledoit_and_wolf():
    rows = np.random.default_rng(0).normal(size=(40, 6)) @ np.diag(np.arange(1, 7))
    expected, _ = ledoit_wolf(rows, assume_centered=True)
    assert_allclose(_shrunk(rows), expected)


def test_weights_undo_overconfidence():
    # Three times the true log odds: the best weight is a third. Noise gets none.
    random = np.random.default_rng(0)
    odds = random.normal(size=20_000)
    task = (random.uniform(size=20_000) < 1 / (1 + np.exp(-odds))).astype(int)
    true = np.stack([np.zeros_like(odds), 3 * odds], 1)
    noise = np.stack([np.zeros_like(odds), random.normal(size=20_000)], 1)
    found = _pool_weights(np.stack([true, noise]), task, np.log([0.5, 0.5]))
    assert_allclose(found, [1 / 3, 0], atol=0.03)
