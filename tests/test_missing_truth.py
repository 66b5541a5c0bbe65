"""Holes in linear models, against densities of normal distributions."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from skvae import VAETransformer
from skvae.distributions import Working
from skvae.starts import fit_linear, fit_with_holes

N_LATENTS, N_COLUMNS = 2, 6
RANDOM = np.random.default_rng(0)
LOADINGS = RANDOM.normal(size=(N_COLUMNS, N_LATENTS))
SHARED = np.full(N_COLUMNS, Working.SHARED)
OWN = np.full(N_COLUMNS, Working.OWN)


def rows(n, share=0.3):
    """Draw rows of a linear model, some of whose cells are missing."""
    noise = 0.5 * RANDOM.normal(size=(n, N_COLUMNS))
    X = 3 + RANDOM.normal(size=(n, N_LATENTS)) @ LOADINGS.T + noise
    return np.where(RANDOM.random(X.shape) < share, np.nan, X)


def log_density(X, mean, covariance):
    """Return ln p of the observed cells of each row."""
    found = np.zeros(len(X))
    for i, x in enumerate(X):
        (o,) = np.nonzero(~np.isnan(x))
        if len(o):
            part = covariance[np.ix_(o, o)]
            found[i] = multivariate_normal.logpdf(x[o], mean[o], part)
    return found


def conditional(x, mean, covariance):
    """Return mean and covariance of the missing cells of a row."""
    (o,), (m,) = np.nonzero(~np.isnan(x)), np.nonzero(np.isnan(x))
    inverse = np.linalg.inv(covariance[np.ix_(o, o)])
    given = covariance[np.ix_(m, o)] @ inverse
    rest = covariance[np.ix_(m, m)] - given @ covariance[np.ix_(o, m)]
    return mean[m] + given @ (x[o] - mean[o]), rest


def most_likely(X, shared):
    """Return mean and covariance of the linear model, by gradients of its density."""
    seen = torch.tensor(~np.isnan(X)).double()
    x = torch.tensor(np.nan_to_num(X))
    W, mean = torch.tensor(LOADINGS + 0.1), torch.tensor(np.nanmean(X, 0))
    log_psi = torch.zeros(1 if shared else N_COLUMNS).double()
    values = [v.requires_grad_() for v in (W, mean, log_psi)]
    how = {"max_iter": 500, "tolerance_change": 1e-12, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS(values, **how)

    def covariance():
        return W @ W.mT + torch.diag(log_psi.exp().expand(N_COLUMNS))

    def loss():
        optimizer.zero_grad()
        some = seen[:, :, None] * covariance() * seen[:, None] + torch.diag_embed(
            1 - seen
        )
        root = torch.linalg.cholesky(some)
        left = (seen * (x - mean))[:, :, None]
        squares = torch.linalg.solve_triangular(root, left, upper=False).square()
        logs = root.diagonal(dim1=1, dim2=2).log().sum()
        value = (0.5 * squares.sum() + logs) / len(x)
        value.backward()
        return value

    optimizer.step(loss)
    return mean.detach().numpy(), covariance().detach().numpy()


@pytest.mark.parametrize("noise", [SHARED, OWN], ids=["shared", "own"])
def test_expectation_maximisation_finds_the_most_likely_model(noise):
    X = rows(300)
    mean = np.nanmean(X, 0)
    seen = ~np.isnan(X)
    y = np.where(seen, X - mean, 0.0)
    model = fit_with_holes(y, seen, N_LATENTS, noise, np.random.default_rng(0))
    found = log_density(X, mean + model.mean, model.W @ model.W.T + np.diag(model.psi))
    best = log_density(X, *most_likely(X, shared=noise is SHARED))
    assert found.mean() == pytest.approx(best.mean(), abs=2e-4)


@pytest.mark.parametrize("noise", [SHARED, OWN], ids=["shared", "own"])
def test_without_holes_it_is_the_model_of_complete_rows(noise):
    X = rows(300, share=0.0)
    y = X - X.mean(0)
    random = np.random.default_rng(0)
    seen = np.ones(y.shape, dtype=bool)
    values = [
        log_density(y, model.mean, model.W @ model.W.T + np.diag(model.psi)).mean()
        for model in (
            fit_with_holes(y, seen, N_LATENTS, noise, random),
            fit_linear(y, N_LATENTS, noise, random),
        )
    ]
    assert values[0] == pytest.approx(values[1], abs=2e-4)


@pytest.fixture(scope="module")
def fitted():
    """Return training rows, a linear model of them, and its mean and covariance."""
    X = rows(400)
    model = VAETransformer(
        N_LATENTS,
        hidden_layer_sizes=(),
        n_importance_samples=20,
        max_epochs=40,
        early_stopping=False,
        lr=5e-3,
        random_state=0,
    ).fit(X)
    mean = model.inverse_transform(np.zeros((1, N_LATENTS)))[0]
    W = (model.inverse_transform(np.eye(N_LATENTS)) - mean).T
    scale = model.module_.head.scale(None).detach().numpy().astype(float)
    return X, model, mean, W @ W.T + np.diag(scale**2)


def test_a_linear_model_is_probabilistic_pca_of_the_observed_cells(fitted):
    X, _, *truth = fitted
    best = log_density(X, *most_likely(X, shared=True)).mean()
    assert log_density(X, *truth).mean() == pytest.approx(best, abs=0.05)


def test_its_scores_are_densities_of_the_observed_cells(fitted):
    _, model, *truth = fitted
    X = rows(200)
    found = model.log_likelihood(X, return_std_error=True)
    exact = log_density(X, *truth)
    assert found.mean_std_error < 0.01
    assert abs(found.values.mean() - exact.mean()) < 4 * found.mean_std_error


def test_its_imputed_values_are_conditional_means(fitted):
    _, model, *truth = fitted
    X = rows(100)
    holed = np.isnan(X).any(1) & ~np.isnan(X).all(1)
    X = X[holed]
    sizes = model.log_likelihood(X, 1000, return_diagnostics=True)[3]
    filled = model.impute(X, n_samples=1000)
    errors = []
    for x, imputed, size in zip(X, filled, sizes, strict=True):
        mean, covariance = conditional(x, *truth)
        deviation = imputed[np.isnan(x)] - mean
        errors.append(deviation / np.sqrt(np.diag(covariance) / size))
    errors = np.concatenate(errors)
    assert np.abs(errors).max() < 4
    assert abs(errors.mean()) < 4 / np.sqrt(len(X))


def test_its_draws_have_the_conditional_moments(fitted):
    _, model, *truth = fitted
    x = rows(20)[:6]
    x[:, :2], x[:, 2:] = np.nan, np.nan_to_num(x[:, 2:], nan=3.0)
    drawn = model.impute(x, 400, n_imputations=400, random_state=0)[..., :2]
    for i in range(len(x)):
        mean, covariance = conditional(x[i], *truth)
        std_error = np.sqrt(np.diag(covariance) / 200)  # of draws from weighted draws
        assert (np.abs(drawn[:, i].mean(0) - mean) < 4.5 * std_error).all()
        np.testing.assert_allclose(
            np.cov(drawn[:, i].T), covariance, rtol=0.4, atol=0.1
        )
