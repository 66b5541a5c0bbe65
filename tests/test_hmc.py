"""Hamiltonian Monte Carlo and Monte Carlo EM against known posteriors."""

import numpy as np
import pytest
import torch
from instances import small
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from skvae import MCEMTransformer, load
from skvae.distributions import Noise, SharedNoise
from skvae.hmc import adapted, transition


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:120] / 16


MEAN = torch.tensor([1.0, -2.0, 0.5]).double()
FACTOR = torch.tensor([[1.0, 0, 0], [0.6, 0.8, 0], [-0.3, 0.2, 0.5]]).double()
PRECISION = torch.linalg.inv(FACTOR @ FACTOR.T)


def log_prob(z):
    centered = z - MEAN
    return -0.5 * (centered @ PRECISION * centered).sum(-1)


def tuned(n_rows=200, n=300):
    """Run adapted chains and return positions, step size and the last acceptances."""
    noise, step = Noise.from_seed(0), torch.tensor(0.1).double()
    z, accepted = torch.zeros(n_rows, 3).double(), []
    for _ in range(n):
        z, acceptance = transition(log_prob, z, noise, step, 10)
        step = adapted(step, acceptance.mean(), 0.9)
        accepted.append(float(acceptance.mean()))
    return z, step, accepted


def test_the_step_size_is_tuned_to_the_target_acceptance():
    _, _, accepted = tuned()
    assert 0.85 < np.mean(accepted[-100:]) < 0.95
    assert accepted[0] > 0.97  # the first step was too small


def test_chains_have_the_moments_of_a_gaussian():
    z, step, _ = tuned()
    noise, draws = Noise.from_seed(1), []
    for _ in range(400):
        z, _ = transition(log_prob, z, noise, step, 10)
        draws.append(z)
    draws = torch.stack(draws)  # (400, 200, 3)
    by_chain = draws.mean(0)  # chains are independent, draws within a chain are not
    error = by_chain.std(0) / 200**0.5
    assert ((by_chain.mean(0) - MEAN).abs() < 4 * error).all()
    covariance = torch.cov(draws.flatten(0, 1).T)
    torch.testing.assert_close(covariance, FACTOR @ FACTOR.T, atol=0.05, rtol=0.05)


def test_with_shared_noise_a_chain_does_not_depend_on_the_other_rows():
    start = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()
    step = torch.tensor(0.3).double()
    together, _ = transition(log_prob, start, SharedNoise.from_seed(2), step, 7)
    for i in range(5):
        alone, _ = transition(log_prob, start[[i]], SharedNoise.from_seed(2), step, 7)
        torch.testing.assert_close(alone[0], together[i], rtol=1e-12, atol=1e-12)


def test_a_step_that_overflows_is_rejected():
    z = torch.ones(4, 3).double()
    moved, acceptance = transition(
        log_prob, z, Noise.from_seed(0), torch.tensor(1e200).double(), 5
    )
    assert torch.equal(moved, z)
    assert (acceptance == 0).all()


def linear_gaussian():
    random = np.random.default_rng(0)
    W = random.normal(size=(2, 6))
    X = random.normal(size=(1200, 2)) @ W
    X += np.exp(random.uniform(-1, 0.3, 6)) * random.normal(size=X.shape)
    X = (X - X[:800].mean(0)) / X[:800].std(0)
    return X[:800], X[800:]


def test_a_linear_model_agrees_with_factor_analysis():
    train, test = linear_gaussian()
    model = MCEMTransformer(
        2,
        hidden_layer_sizes=(),
        lr=1e-2,
        max_epochs=60,
        likelihood="gaussian",
        batch_size=128,
        early_stopping=False,
        callbacks=[LRScheduler(CosineAnnealingLR, T_max=60)],
        n_draws=200,
        random_state=0,
    ).fit(train)
    exact = FactorAnalysis(2, max_iter=3000, tol=1e-6).fit(train)
    assert model.score(test) == pytest.approx(exact.score(test), abs=0.5)
    assert 0.85 < model.history_[-1]["acceptance"] < 0.95
    head = model.module_.head
    W = (head.linear.weight * head.spread[:, None]).detach().numpy()  # (6, 2)
    mean = (head.center + head.spread * head.linear.bias).detach().numpy()
    var = head.scale(None).detach().numpy() ** 2
    covariance = np.linalg.inv(np.eye(2) + W.T @ (W / var[:, None]))
    means = (test - mean) @ (W / var[:, None]) @ covariance
    q, _ = model._distributions(test)
    # Rows share their noise, so each column has the error of one chain of 200 draws:
    # within 4 standard errors of 200 independent draws.
    scale = np.diag(covariance) ** 0.5
    errors = np.abs(q.loc.numpy() - means)
    assert (errors < 4 * scale / 200**0.5).all()
    np.testing.assert_allclose(
        q.scale.numpy().mean(0), scale, rtol=4 / (2 * 200) ** 0.5
    )


# -- chains of the training rows ------------------------------------------------------


class Table:
    """A stand-in for `Rows`."""

    def __init__(self, X):
        self.X, self.n_numbers = X, len(X)


def test_chains_continue_on_the_same_table_and_restart_on_another(digits):
    model = small(MCEMTransformer, warm_start=True).fit(digits)
    chains = model.module_.chains.clone()
    assert chains.shape == (120, 8)
    model.module_.begin(Table(digits))
    assert torch.equal(model.module_.chains, chains)
    model.module_.begin(Table(digits + 1))
    assert model.module_.fresh.all()


def test_chains_belong_to_the_training_state(digits, tmp_path):
    model = small(MCEMTransformer).fit(digits)
    model.save(tmp_path / "model")
    model.save(tmp_path / "whole", training_state=True)
    plain, whole = load(tmp_path / "model"), load(tmp_path / "whole")
    assert len(plain.module_.chains) == 0
    assert torch.equal(whole.module_.chains, model.module_.chains)
    for one in (plain, whole):
        np.testing.assert_array_equal(one.transform(digits), model.transform(digits))
    more = [m.partial_fit(digits).history_[-1]["train_loss"] for m in (whole, model)]
    assert more[0] == more[1]


def test_held_out_rows_have_a_bound_but_no_chain(digits):
    model = small(MCEMTransformer, early_stopping=True).fit(digits)
    assert np.isfinite(model.history_[:, "valid_loss"]).all()
    assert model.module_.fresh.sum() == 12  # the held-out tenth


def test_likelihoods_agree_with_a_grid_for_multimodal_posteriors():
    """A run from one point would miss most of the posterior of two latents."""
    X = (load_digits().data > 7.5).astype(np.float64)
    train, test = X[:500], X[500:700]
    model = MCEMTransformer(
        2,
        likelihood="bernoulli",
        hidden_layer_sizes=(32,),
        activation="tanh",
        batch_size=100,
        lr=1e-2,
        max_epochs=30,
        random_state=0,
    ).fit(train)
    line = np.linspace(-5, 5, 101)
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    p = model.inverse_transform(grid).astype(np.float64).clip(1e-12, 1 - 1e-12)
    log_joint = test @ np.log(p).T + (1 - test) @ np.log1p(-p).T
    log_joint += norm.logpdf(grid).sum(1) + 2 * np.log(line[1] - line[0])
    exact = logsumexp(log_joint, axis=1)  # (200,)
    found, error, _ = model.log_likelihood(test, n_samples=500, return_std_error=True)
    assert (np.abs(found - exact) < np.maximum(5 * error, 0.1)).mean() > 0.97
    assert found.mean() == pytest.approx(exact.mean(), abs=0.1)
