"""Samples and likelihoods of fitted estimators."""

import numpy as np
import pytest
import torch
from instances import small
from sklearn.datasets import load_digits

from skvae import AETransformer, CVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.distributions import Bernoulli, Categorical, Codes, Gaussian, Poisson
from skvae.training import Batch

BITS = np.array([[b >> i & 1 for i in range(6)] for b in range(64)], dtype=float)

TABLES = {
    "bernoulli": (Bernoulli(), (load_digits().data[:150] > 8).astype(float)),
    "gaussian": (Gaussian(), load_digits().data[:150]),
    "row": (Gaussian(scale="row"), load_digits().data[:150]),
    "sigmoid": (Gaussian(scale=0.1, mean="sigmoid"), load_digits().data[:150] / 16),
    "tanh": (Gaussian("shared", mean="tanh"), load_digits().data[:150] / 8 - 1),
    "categorical": (Categorical(), np.eye(10)[load_digits().target[:150]]),
    "codes": (Codes(), load_digits().data[:150, :20]),
    "poisson": (Poisson(), load_digits().data[:150]),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("cls", [AETransformer, VAETransformer])
def test_every_likelihood_trains_scores_and_reconstructs(name, cls):
    likelihood, X = TABLES[name]
    estimator = small(cls, likelihood=likelihood, max_epochs=20).fit(X)
    assert estimator.history_[-1]["train_loss"] < estimator.history_[0]["train_loss"]
    assert np.isfinite(estimator.score(X))
    assert estimator.reconstruct(X).shape == X.shape


@pytest.mark.parametrize("prior", ["standard-normal", "vamp"])
@pytest.mark.parametrize("name", TABLES)
def test_samples_are_valid_rows(name, prior):
    likelihood, X = TABLES[name]
    vae = small(VAETransformer, likelihood=likelihood, prior=prior).fit(X)
    rows = vae.sample(40, random_state=0)
    assert rows.shape == (40, X.shape[1])
    assert np.isfinite(vae.score_samples(rows)).all()
    np.testing.assert_array_equal(rows, vae.sample(40, random_state=0))
    assert not np.array_equal(rows, vae.sample(40, random_state=1))
    assert vae.sample(3, random_state=0, mean=True).shape == (3, X.shape[1])


def test_samples_without_a_seed_differ_between_calls(digits):
    vae = small(VAETransformer).fit(digits)
    assert not np.array_equal(vae.sample(3), vae.sample(3))


@pytest.mark.parametrize("prior", ["standard-normal", "vamp"])
def test_log_likelihoods_of_all_bit_strings_sum_to_one(prior):
    X = BITS[np.random.default_rng(0).integers(10, size=200)]
    vae = small(
        VAETransformer,
        n_components=2,
        likelihood="bernoulli",
        prior=prior,
        max_epochs=60,
        lr=1e-2,
        dtype="float64",
    ).fit(X)
    estimate = vae.log_likelihood(BITS, n_samples=4000, return_std_error=True)
    total = np.exp(estimate.values).sum()
    # Rows share their draws, so errors may all have the same sign: they add up.
    error = (np.exp(estimate.values) * estimate.std_error).sum()
    assert total == pytest.approx(1.0, abs=4 * error)
    assert error < 0.01


def test_the_likelihood_under_one_latent_agrees_with_quadrature():
    """ln p(x) by importance sampling, against quadrature over the single latent."""
    X = BITS[np.random.default_rng(1).integers(64, size=200)]
    vae = small(VAETransformer, n_components=1, likelihood="bernoulli", dtype="float64")
    vae.set_params(max_epochs=60, lr=1e-2).fit(X)
    grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    x = torch.as_tensor(X[:20])
    log_p = vae.module_.likelihood(grid[:, None, None]).log_prob(x)
    log_joint = log_p.detach() - 0.5 * grid[:, None] ** 2 - 0.5 * np.log(2 * np.pi)
    exact = torch.logsumexp(log_joint, 0) + np.log(16 / 4000)
    estimate = vae.log_likelihood(X[:20], n_samples=5000, return_std_error=True)
    distance = (estimate.values - exact.numpy()) / estimate.std_error
    assert np.abs(distance).max() < 4
    elbo = vae.log_likelihood(X[:20], n_samples=5000, method="elbo")
    assert (elbo < exact.numpy() + 0.05).all()


def test_samples_follow_the_model():
    X = BITS[np.random.default_rng(0).integers(10, size=200)]
    vae = small(VAETransformer, likelihood="bernoulli", max_epochs=60, lr=1e-2).fit(X)
    rows = vae.sample(20000, random_state=0)
    means = vae.sample(20000, random_state=1, mean=True)
    np.testing.assert_allclose(rows.mean(0), means.mean(0), atol=0.02)


def test_a_rows_score_does_not_depend_on_the_other_rows(digits):
    vae = small(VAETransformer).fit(digits)
    together = vae.score_samples(digits)
    np.testing.assert_allclose(vae.score_samples(digits[5:6]), together[5:6], rtol=1e-6)
    np.testing.assert_allclose(
        vae.score_samples(digits[::-1]), together[::-1], rtol=1e-6
    )


def test_score_is_the_mean_of_score_samples(digits):
    vae = small(VAETransformer).fit(digits)
    assert vae.score(digits) == vae.score_samples(digits).mean()
    assert vae.score(digits) == vae.log_likelihood(digits, n_samples=64).mean()


def test_the_autoencoder_has_no_density(digits):
    ae = small(AETransformer).fit(digits)
    for name in ("sample", "score_samples", "log_likelihood"):
        assert not hasattr(ae, name)
    assert not {"beta", "prior", "kl_warmup"} & ae.get_params().keys()
    batch = Batch(x=torch.as_tensor(digits, dtype=torch.float32))
    bound = ae.module_.bound(batch).mean().item()
    assert ae.score(digits) == pytest.approx(bound, rel=1e-5)


def test_beta_trades_reconstruction_for_divergence(digits):
    vae = small(VAETransformer, max_epochs=40, lr=3e-3)
    last = [
        vae.set_params(beta=beta).fit(digits).history_[-1] for beta in (0.1, 1.0, 3.0)
    ]
    kls = [row["kl"] for row in last]
    assert kls == sorted(kls, reverse=True)
    reconstructions = [row["reconstruction"] for row in last]
    assert reconstructions == sorted(reconstructions, reverse=True)


# --- draws of latents -----------------------------------------------------------------

WITH_POSTERIOR = [cls for _, cls in all_estimators() if hasattr(cls, "sample_latents")]


@pytest.mark.parametrize("cls", WITH_POSTERIOR)
def test_latents_are_drawn_from_the_posterior_of_each_row(cls, digits):
    model = small(cls, max_epochs=1, dtype="float64").fit(digits)
    X, n_draws = digits[:8], 4000
    Z = model.sample_latents(X, n_draws, random_state=0)
    q, _ = model._distributions(X)
    mean = q.mean.numpy()
    scale = q.scale.numpy() if hasattr(q, "scale") else np.sqrt(mean * (1 - mean))
    assert Z.shape == (n_draws, *mean.shape)
    assert (np.abs(Z.mean(0) - mean) < 5 * scale / np.sqrt(n_draws)).all()
    np.testing.assert_allclose(Z.std(0), scale, rtol=0.1)
    assert np.array_equal(Z, model.sample_latents(X, n_draws, random_state=0))
    assert not np.array_equal(Z, model.sample_latents(X, n_draws, random_state=1))


def test_latents_are_drawn_under_the_condition_and_in_the_precision_of_x(digits):
    X, task = digits[:40].astype(np.float32), np.arange(40) % 2
    model = small(CVAETransformer).fit(X, condition=task)
    one, other = (
        model.sample_latents(X, condition=c, random_state=0)[0] for c in (task, 1)
    )
    assert one.dtype == np.float32
    assert one.shape == (40, 8)
    is_same = (one == other).all(1)
    assert is_same[1::2].all()
    assert not is_same[::2].any()
    with pytest.raises(ValueError, match="sample_latents"):
        model.sample_latents(X, 0, condition=task)
    with pytest.raises(ValueError, match="condition"):
        model.sample_latents(X)
