"""What the latents of fitted estimators reveal about the task."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from instances import small
from numpy.testing import assert_allclose, assert_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from two_tasks import (
    CLASS,
    CODES,
    FRAME,
    LN2,
    METRICS,
    NAMES,
    PLAIN,
    SIZES,
    TABLE,
    conditional,
    true_information,
)

from skvae import AETransformer, CMMATransformer, CVAETransformer, VAETransformer
from skvae.metrics import (
    mutual_information,
    prior_gap,
    target_log_likelihood,
    task_accuracy,
    task_decomposition,
    task_information,
)


def fixed_cvae(mean, scale):
    """Return a CVAE with one latent, q(z | x, s) = N(±mean, scale²) for any x."""
    cvae = small(
        CVAETransformer,
        n_components=1,
        hidden_layer_sizes=(),
        condition_columns=[-1],
        dtype="float64",
    )
    cvae.fit(TABLE)
    linear = cvae.module_.loc_scale.linear
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[0, -2:] = torch.tensor([-mean, mean])
        linear.bias[:] = torch.tensor([0.0, math.log(math.expm1(scale - 1e-4))])
    return cvae


def test_decomposition_of_a_fitted_model():
    rows = np.repeat(TABLE, 5, axis=0)
    shares = np.array(SIZES) / 240
    kl, of_task, of_rows, gap = task_decomposition(fixed_cvae(1.0, 0.8), rows)
    truth = true_information([-1.0, 1.0], shares, 0.8)
    assert_allclose(kl, 0.5 * (1 + 0.64 - 1) - math.log(0.8))
    assert_allclose(of_task, truth, atol=0.02)
    assert_allclose(of_rows, 0.0, atol=0.02)
    assert_allclose(gap, kl - truth, atol=0.02)
    assert of_task == task_information(fixed_cvae(1.0, 0.8), rows)
    entropy = -(shares * np.log(shares)).sum()
    assert_allclose(task_information(fixed_cvae(99.0, 0.8), rows), entropy, rtol=1e-6)
    found = task_information(fixed_cvae(0.0, 0.8), rows, return_bounds=True)
    assert found.posteriors < 1e-6  # all posteriors are equal
    assert found.value < 0.002


def test_bounds_of_task_information():
    cvae = conditional(condition_columns=[-1]).fit(TABLE)
    found = task_information(cvae, TABLE, return_bounds=True)
    assert found._fields == ("value", "bound", "posteriors", "classifier")
    assert found.value == task_information(cvae, TABLE)
    assert found.value == max(0.0, found.posteriors, found.classifier)
    larger = found.posteriors >= found.classifier
    assert found.bound == ("posteriors" if larger else "classifier")


def test_decomposition_agrees_with_the_other_metrics():
    cvae = conditional(condition_columns=[-1]).fit(TABLE)
    found = task_decomposition(cvae, TABLE)
    upper = mutual_information(cvae, TABLE, bound="upper")
    assert_allclose(found[1] + found[2], upper)
    assert_allclose(found.prior_gap, prior_gap(cvae, TABLE), atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_task_as_a_column_an_array_or_a_condition(metric):
    columns = conditional(condition_columns=[-1]).fit(TABLE)
    expected = metric(columns, TABLE)
    assert metric(columns, TABLE, task=-1) == expected
    assert metric(columns, TABLE, task=NAMES) == expected
    frame = conditional(condition_columns=["task"]).fit(FRAME)
    assert_allclose(metric(frame, FRAME), expected)
    assert_allclose(metric(frame, FRAME, task="task"), expected)
    argument = conditional().fit(PLAIN, condition=NAMES)
    assert_allclose(metric(argument, PLAIN, task=NAMES), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_unconditional_model_in_a_pipeline(metric):
    model = make_pipeline(StandardScaler(), small(VAETransformer, n_components=2))
    vae = clone(model[1]).fit(StandardScaler().fit_transform(PLAIN))
    rows = model.fit(PLAIN)[0].transform(PLAIN)
    assert metric(model, PLAIN, task=NAMES) == metric(vae, rows, task=CODES)


@pytest.mark.parametrize("metric", [task_information, task_accuracy])
def test_metrics_are_scorers(metric):
    cvae = conditional(condition_columns=[-1])
    scoring = {"own": metric, "named": partial(metric, task=-1)}
    cv = StratifiedKFold(2)
    found = cross_validate(
        make_pipeline(StandardScaler(), cvae), TABLE, CODES, cv=cv, scoring=scoring
    )
    assert np.isfinite(found["test_own"]).all()
    assert_allclose(found["test_own"], found["test_named"])


@pytest.mark.parametrize("metric", METRICS)
def test_seed_determines_the_subsample(metric):
    vae = small(VAETransformer, n_components=2).fit(PLAIN)
    state = np.random.get_state(), torch.random.get_rng_state()
    one, same, other = (
        metric(vae, PLAIN, task=NAMES, n_rows=70, random_state=seed)
        for seed in (1, 1, 2)
    )
    assert one == same != other
    assert_equal(np.random.get_state(), state[0])
    assert (torch.random.get_rng_state() == state[1]).all()


def test_task_accuracy_of_normal_tasks_is_the_bayes_rate():
    task = np.tile([-1, 1], 1000)
    Z = np.random.default_rng(0).normal(size=(2000, 3))
    Z[:, 0] += task
    latents = FunctionTransformer().fit(Z)
    for classifier in (None, LinearDiscriminantAnalysis()):
        found = task_accuracy(latents, Z, task=task, classifier=classifier)
        assert_allclose(found, norm.cdf(1.0), atol=0.025)  # 3 standard errors


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_task_accuracy_of_uninformative_latents_is_chance(share):
    random = np.random.default_rng(0)
    task = random.permutation(np.arange(1000) < 1000 * share)
    Z = random.normal(size=(1000, 2))
    pca = PCA(2).fit(Z)
    accuracy, chance = task_accuracy(pca, Z, task=task, return_chance=True)
    assert chance == share
    assert_allclose(accuracy, chance, atol=0.05)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, r"needs task=.*VAETransformer has no condition columns"),
        ({"task": NAMES[:9]}, "task has 9 values for 240 rows"),
        ({"task": "task"}, "No column is named 'task'"),
        ({"task": np.arange(240) == 5}, "rows per task. Task True has 1 of 240"),
        ({"task": NAMES, "n_rows": 1}, "'n_rows' parameter"),
    ],
    ids=["none", "short", "name", "single", "rows"],
)
def test_invalid_arguments(metric, arguments, words):
    vae = small(VAETransformer).fit(PLAIN)
    with pytest.raises(ValueError, match=words):
        metric(vae, PLAIN, **arguments)


def test_task_is_required_with_several_condition_columns():
    table = np.column_stack([TABLE, CLASS])
    cvae = conditional(condition_columns=[-2, -1]).fit(table)
    with pytest.raises(ValueError, match="has several condition columns"):
        task_information(cvae, table)
    assert 0 <= task_information(cvae, table, task=-2) <= LN2


def test_a_single_task():
    with pytest.raises(ValueError, match="needs several tasks; all rows have 'a'"):
        task_accuracy(PCA(2).fit(PLAIN), PLAIN[:50], task=NAMES[:50])
    vae = small(VAETransformer).fit(PLAIN)
    found = task_information(vae, PLAIN[:50], task=NAMES[:50], return_bounds=True)
    assert found == (0.0, "posteriors", 0.0, 0.0)


@pytest.mark.parametrize("metric", [task_information, task_decomposition])
@pytest.mark.parametrize("model", [small(AETransformer), PCA(2)])
def test_models_without_a_posterior(metric, model):
    with pytest.raises(TypeError, match="needs"):
        metric(clone(model).fit(PLAIN), PLAIN, task=NAMES)


def test_decomposition_needs_one_prior():
    cmma = small(CMMATransformer, n_components=2, condition_columns=[-1]).fit(TABLE)
    with pytest.raises(TypeError, match=r"one prior p\(z\)"):
        task_decomposition(cmma, TABLE)
    assert 0 <= task_information(cmma, TABLE) <= LN2


@pytest.mark.parametrize("target", ["a", "b"])
def test_target_log_likelihood_is_that_of_its_rows(target):
    rows = np.equal(NAMES, target)
    columns = conditional(condition_columns=["task"]).fit(FRAME)
    expected = columns.score(FRAME[rows])
    assert_allclose(target_log_likelihood(columns, FRAME, target=target), expected)
    argument = conditional().fit(PLAIN, condition=NAMES)
    found = target_log_likelihood(argument, PLAIN, target=target, task=NAMES)
    assert_allclose(found, argument.score(PLAIN[rows], condition=NAMES[rows]))
    pca = PCA(2).fit(PLAIN)
    found = target_log_likelihood(pca, PLAIN.tolist(), target=target, task=NAMES)
    assert_allclose(found, pca.score(PLAIN[rows]))


def test_target_log_likelihood_without_density_or_rows():
    with pytest.raises(TypeError, match="log_likelihood nor score_samples"):
        target_log_likelihood(
            small(AETransformer).fit(PLAIN), PLAIN, target="a", task=NAMES
        )
    with pytest.raises(ValueError, match="No row has the target 'c'"):
        target_log_likelihood(PCA(2).fit(PLAIN), PLAIN, target="c", task=NAMES)
