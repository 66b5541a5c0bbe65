"""Fits that start at a closed form, against PCA, factor analysis and formulas."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA, FactorAnalysis
from starting import TABLES, probabilistic_pca, standardised, started

from skvae import CVAETransformer, VAETransformer
from skvae.distributions import Gaussian, Working
from skvae.starts import fit_linear, principal_components

pytestmark = pytest.mark.usefixtures("closed_form")

# -- Gaussian columns ------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (32, 16)])
@pytest.mark.parametrize("name", TABLES)
def test_a_shared_scale_starts_at_probabilistic_pca(name, hidden):
    X = standardised(name)
    model = started(X, likelihood="gaussian-shared", hidden_layer_sizes=hidden)
    exact = probabilistic_pca(X, 5)
    np.testing.assert_allclose(model.score_samples(X), exact, rtol=1e-6, atol=1e-5)
    Z = PCA(5).fit_transform(X)
    correlation = np.corrcoef(model.transform(X).T, Z.T)[:5, 5:]
    np.testing.assert_allclose(np.abs(correlation), np.eye(5), atol=1e-5)


def test_columns_in_any_units_start_alike():
    X, unit = standardised("wine"), np.logspace(-3, 3, 13)
    near = started(X, likelihood="gaussian").score(X)
    far = started(X * unit + 50, likelihood="gaussian").score(X * unit + 50)
    assert far + np.log(unit).sum() == pytest.approx(near, abs=1e-4)


@pytest.mark.parametrize("likelihood", ["gaussian", Gaussian(scale="row")])
def test_a_scale_for_each_column_starts_at_factor_analysis(likelihood):
    X = standardised("wine")
    exact = FactorAnalysis(3, max_iter=5000, tol=1e-8).fit(X).score_samples(X)
    found = started(X, 3, likelihood=likelihood).score_samples(X)
    assert found.mean() == pytest.approx(exact.mean(), abs=0.005)
    np.testing.assert_allclose(found, exact, atol=0.2)  # EM ends early


def test_a_fixed_scale_starts_at_the_best_loadings():
    X = standardised("wine")
    model = started(X, 3, likelihood=Gaussian(scale=0.8))
    values = np.linalg.eigvalsh(X.T @ X / len(X))[::-1]
    kept = np.maximum(values[:3], 0.64)
    # ln N(0, C), C with eigenvalues `kept` and 0.64, averaged over the rows.
    logs = np.log(kept).sum() + 10 * np.log(0.64)
    exact = -0.5 * (13 * np.log(2 * np.pi) + logs)
    exact -= 0.5 * ((values[:3] / kept).sum() + values[3:].sum() / 0.64)
    assert model.score(X) == pytest.approx(exact, abs=1e-5)


def test_a_condition_takes_the_means_of_its_rows():
    X = standardised("wine")
    kind = load_wine().target
    within = X - np.stack([X[kind == k].mean(0) for k in range(3)])[kind]
    model = started(X, 4, CVAETransformer, kind, likelihood="gaussian-shared")
    exact = probabilistic_pca(within, 4)
    found = model.score_samples(X, condition=kind)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-4)
    means = [model.transform(X[kind == k], condition=kind[kind == k]) for k in range(3)]
    assert max(np.abs(Z.mean(0)).max() for Z in means) < 1e-6


def test_columns_far_from_zero_start_alike():
    X = standardised("wine")
    near = started(X, likelihood="gaussian-shared").score(X)
    far = started(X + 2**20, likelihood="gaussian-shared").score(X + 2**20)
    assert far == pytest.approx(near, abs=1e-4)


# -- other columns ---------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", ["bernoulli", "poisson", "codes", "mixed"])
def test_the_start_is_better_than_independent_columns(likelihood):
    X = load_digits().data[:500]
    X = X[:, X.std(0) > 0.5]
    if likelihood == "bernoulli":
        X = X / 16
    elif likelihood == "codes":
        X = np.round(X[:, :20] / 8)
    elif likelihood == "mixed":
        X = np.hstack([X[:, :20] / 16, np.round(X[:, 20:40] / 8)])
        first, second = slice(0, 20), slice(20, 40)
        likelihood = [("gaussian-shared", first), ("codes", second)]
    at_start = started(X, likelihood=likelihood)
    # Without loadings, every column has its own frequencies: the random start's bias.
    independent = started(X, likelihood=likelihood, init="random", beta=1.0)
    with torch.no_grad():
        for name, weight in independent.module_.head.named_parameters():
            if name.endswith("linear.weight"):
                weight.zero_()
    assert at_start.score(X) > independent.score(X) + 0.1
    Z = at_start.transform(X)
    assert (Z.var(0) > 0.1).all()


# -- the linear model ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Working.FIXED, Working.OWN, Working.SHARED])
def test_the_linear_model_has_independent_posteriors(kind):
    random = np.random.default_rng(0)
    y = random.normal(size=(300, 4)) @ random.normal(size=(4, 12))
    y += random.normal(size=y.shape)
    y -= y.mean(0)
    model = fit_linear(y, 3, np.full(12, kind), random)
    precision = np.eye(3) + (model.W / model.psi[:, None]).T @ model.W
    np.testing.assert_allclose(np.diag(1 / model.variance), precision, atol=1e-8)


@pytest.mark.parametrize("shape", [(50, 20), (20, 50)])
def test_principal_components_of_tall_and_wide_tables(shape):
    y = np.random.default_rng(0).normal(size=shape)
    y -= y.mean(0)
    directions, variance = principal_components(y, 5, np.random.default_rng(1))
    _, values, vectors = np.linalg.svd(y, full_matrices=False)
    np.testing.assert_allclose(variance, values[:5] ** 2 / len(y), rtol=1e-8)
    np.testing.assert_allclose(np.abs(vectors[:5] @ directions), np.eye(5), atol=1e-6)


def test_random_projections_find_the_leading_components(monkeypatch):
    random = np.random.default_rng(0)
    y = random.normal(size=(60, 5)) * [9, 7, 5, 3, 2] @ random.normal(size=(5, 40))
    y += 0.1 * random.normal(size=y.shape)
    _, expected = principal_components(y, 5, random)
    monkeypatch.setattr("skvae.starts._linear.MAX_COLUMNS", 10)
    _, found = principal_components(y, 5, random)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# -- training --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wine", "breast cancer"])
def test_the_start_is_the_worst_that_can_come_out(name):
    X = standardised(name)
    settings = {"likelihood": "gaussian-shared", "random_state": 0, "init": "pca"}
    # Steps so large that every epoch is worse than the start.
    model = VAETransformer(
        5, early_stopping=True, lr=1.0, max_epochs=5, **settings
    ).fit(X)
    start = started(X, early_stopping=True, dtype="float32")
    np.testing.assert_allclose(model.transform(X), start.transform(X), atol=1e-4)


def test_training_leaves_the_start_for_something_better():
    X = standardised("digits")
    model = VAETransformer(
        8,
        init="pca",
        likelihood="gaussian-shared",
        early_stopping=True,
        max_epochs=30,
        random_state=0,
    ).fit(X[:1200])
    assert model.score(X[1200:]) > PCA(8).fit(X[:1200]).score(X[1200:]) + 5
