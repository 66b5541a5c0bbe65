"""Linear networks against models with a closed form.

With a linear encoder, a linear decoder and a Gaussian likelihood, the VAE is
probabilistic PCA (one shared scale) or factor analysis (one scale per column). The true
posterior is in the encoder's family, so training must reach their likelihood. A quarter
of the rows is held out, and the columns are standardised on the rest. The floor of the
scale is the default, 0.01 of a column's standard deviation, far below every fitted
scale. The learning rate decays to zero, as with a constant one the weights would keep
moving around the optimum.
"""

import numpy as np
import pytest
import torch
from instances import PLAIN, small
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from skvae import (
    CMMATransformer,
    CVAETransformer,
    TaskInvariantVAETransformer,
    VAETransformer,
    WakeSleepTransformer,
)
from skvae.datasets import make_task_gaussians
from skvae.distributions import Gaussian, Noise
from skvae.training import Batch


def linear_gaussian(n_rows=2000, n_columns=10, k=4):
    random = np.random.default_rng(0)
    loadings = random.normal(size=(k, n_columns))
    noise = np.exp(random.uniform(-1.5, 0.5, n_columns))
    X = random.normal(size=(n_rows, k)) @ loadings
    return X + noise * random.normal(size=X.shape) + 3


TABLES = {
    "digits": (lambda: load_digits().data, 8, 300),
    "wine": (lambda: load_wine().data, 3, 600),
    "linear-gaussian": (linear_gaussian, 4, 100),
}
LIMITS = {
    "gaussian-shared": PCA,
    "gaussian": lambda k: FactorAnalysis(k, max_iter=3000, tol=1e-5),
}


def standardised(X):
    train, test = train_test_split(X, random_state=0)
    kept = train.std(axis=0) > 0  # the density of a constant column is unbounded
    scaler = StandardScaler().fit(train[:, kept])
    return scaler.transform(train[:, kept]), scaler.transform(test[:, kept])


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("likelihood", LIMITS)
def test_a_linear_vae_reaches_the_closed_form(table, likelihood):
    load, k, n_epochs = TABLES[table]
    train, test = standardised(load())
    vae = VAETransformer(
        k,
        hidden_layer_sizes=(),
        likelihood=likelihood,
        batch_size=128,
        lr=1e-2,
        max_epochs=n_epochs,
        **PLAIN,
        callbacks=[LRScheduler(CosineAnnealingLR, T_max=n_epochs)],
        random_state=0,
    ).fit(train)
    exact = LIMITS[likelihood](k).fit(train).score(test)
    assert vae.score(test) == pytest.approx(exact, abs=0.2)
    scale = vae.module_.head.scale(None)
    assert scale.min() > 5 * Gaussian().min_scale


@pytest.mark.parametrize(
    "cls", [CVAETransformer, TaskInvariantVAETransformer, CMMATransformer]
)
def test_linear_conditional_models_reach_the_true_likelihood(cls):
    """Tasks that differ by an offset are in the family of all three models."""
    truth = make_task_gaussians(4000, 3, separation=3.0, noise=0.7, random_state=0)
    table = np.column_stack([truth.data, truth.task])
    model = small(
        cls,
        n_components=2,
        condition_columns=[-1],
        hidden_layer_sizes=(),
        likelihood="gaussian-shared",
        lr=1e-2,
        max_epochs=60,
        callbacks=[LRScheduler(CosineAnnealingLR, T_max=60)],
    ).fit(table[:3000])
    held_out = truth.log_likelihood[3000:].mean()
    assert model.score(table[3000:]) == pytest.approx(held_out, abs=0.2)
    wrong = table[3000:].copy()
    wrong[:, -1] = (wrong[:, -1] + 1) % 3
    assert model.score(wrong) < held_out - 1  # the condition matters


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_unit_of_a_column_only_shifts_the_density(factor):
    train, test = standardised(linear_gaussian(600))
    unit = np.array([factor] * 5 + [1.0] * 5)
    settings = PLAIN | {"likelihood": "gaussian", "hidden_layer_sizes": ()}
    settings |= {"max_epochs": 20, "random_state": 0}
    found = [
        VAETransformer(4, **settings)
        .fit(train * u)
        .log_likelihood(test * u, 25_000, "elbo", return_std_error=True)
        for u in (np.ones(10), unit)
    ]
    shift = np.log(unit).sum()
    first, second = found[0].values.mean(), found[1].values.mean() + shift
    error = np.hypot(*(each.mean_std_error for each in found))
    assert error < 1e-3  # the draws differ, as they depend on the values of the row
    assert second == pytest.approx(first, abs=4 * error)


def test_the_score_uses_beta_one_whatever_the_training_beta():
    train, test = standardised(linear_gaussian(600))
    vae = VAETransformer(
        4, hidden_layer_sizes=(), beta=4.0, lr=5e-3, max_epochs=200, random_state=0
    ).fit(train)
    score = vae.score(test)
    vae.module_.beta = 1.0
    assert vae.score(test) == score
    elbo = vae.log_likelihood(test, n_samples=2000, method="elbo").mean()
    assert elbo < score


def test_the_estimate_rises_with_importance_samples():
    train, _ = standardised(linear_gaussian(600))
    vae = VAETransformer(
        2, hidden_layer_sizes=(32,), max_epochs=30, random_state=0, **PLAIN
    ).fit(train)
    estimates = [
        vae.log_likelihood(train, n_samples=k, refine=0, return_std_error=True)
        for k in (1, 10, 100, 1000)
    ]
    means = [estimate.values.mean() for estimate in estimates]
    errors = [estimate.mean_std_error for estimate in estimates[1:]]
    assert means == sorted(means)
    assert errors == sorted(errors, reverse=True)


def test_the_training_bound_tightens_with_samples_and_stays_below():
    train, _ = standardised(linear_gaussian(400))
    vae = VAETransformer(2, hidden_layer_sizes=(32,), max_epochs=20, random_state=0)
    module = vae.fit(train).module_
    truth = vae.log_likelihood(train, n_samples=5000, return_std_error=True)
    batch = Batch(x=torch.as_tensor(train, dtype=torch.float32))
    bounds = []
    for module.n_importance_samples in (1, 5, 50):
        noises = (Noise.from_seed(seed) for seed in range(20))
        draws = [module.bound(batch, noise).mean().item() for noise in noises]
        bounds.append(np.mean(draws))
    assert bounds == sorted(bounds)
    assert bounds[-1] < truth.values.mean() + 4 * truth.mean_std_error


def test_linear_wake_sleep_reaches_factor_analysis():
    train, test = standardised(linear_gaussian())
    model = WakeSleepTransformer(
        4,
        hidden_layer_sizes=(),
        lr=1e-2,
        max_epochs=200,
        callbacks=[LRScheduler(CosineAnnealingLR, T_max=200)],
        random_state=0,
    ).fit(train)
    exact = FactorAnalysis(4, max_iter=3000, tol=1e-5).fit(train).score(test)
    assert model.score(test) == pytest.approx(exact, abs=1.0)
