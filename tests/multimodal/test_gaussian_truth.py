"""Models with the weights of a linear Gaussian truth, against closed forms."""

import numpy as np
import pytest
import torch
from instances import batch_of
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from multimodal.gaussian_truth import BLOCKS, EVERY, TRUTH, K, replicates, without
from skvae import JMVAETransformer
from skvae.distributions import Noise


@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_the_joint_log_likelihood_is_exact(which, X, request):
    model = request.getfixturevalue(which)
    np.testing.assert_allclose(
        model.score_samples(X), TRUTH.log_prob(X, EVERY), atol=1e-9
    )


@pytest.mark.parametrize("missing", BLOCKS)
def test_experts_are_the_posterior_given_the_present_modality(missing, experts, X):
    """Under the exact posterior all importance weights of a row are equal."""
    (other,) = (at for name, at in BLOCKS.items() if name != missing)
    module, batch = experts.module_, batch_of(experts, without(X, missing))
    z = torch.randn(5, len(X), 2, generator=torch.Generator().manual_seed(0)).double()
    q, p = module.posterior(batch), module.prior(batch)
    with torch.no_grad():
        log_joint = module.likelihood(z, batch).log_prob(batch.x)
        log_joint = log_joint + p.log_prob(z) - q.log_prob(z)
    exact = np.broadcast_to(TRUTH.log_prob(X, other), log_joint.shape)
    np.testing.assert_allclose(log_joint.numpy(), exact, atol=1e-9)


@pytest.mark.parametrize("missing", BLOCKS)
@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_a_missing_block_is_left_out_of_the_likelihood(which, missing, X, request):
    (other,) = (at for name, at in BLOCKS.items() if name != missing)
    found = request.getfixturevalue(which).log_likelihood(
        without(X, missing), n_samples=20_000, return_std_error=True
    )
    exact = TRUTH.log_prob(X, other)
    assert found.mean_std_error < 0.05
    assert abs(found.values.mean() - exact.mean()) < 4 * found.mean_std_error


@pytest.mark.parametrize("missing", BLOCKS)
@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_imputed_means_are_conditional_means(which, missing, X, request):
    model, rows = request.getfixturevalue(which), X[:40]
    (other,) = (at for name, at in BLOCKS.items() if name != missing)
    at = BLOCKS[missing]
    found = replicates(model, lambda m: m.impute(without(rows, missing), 100)[:, at])
    error = found - TRUTH.conditional_mean(rows, at, other)  # (R, n, columns)
    # Rows share their draws, so errors are averaged over rows, per column.
    by_column = error.mean(1)
    std_error = by_column.std(0, ddof=1) / len(found) ** 0.5
    assert (np.abs(by_column.mean(0)) < 4 * std_error).all()
    assert std_error.max() < 0.1


def test_generated_blocks_have_the_conditional_moments(experts, iterated, X):
    at, other = BLOCKS["narrow"], BLOCKS["wide"]
    given = TRUTH.covariance(at, other) @ np.linalg.inv(TRUTH.covariance(other, other))
    covariance = TRUTH.covariance(at, at) - given @ TRUTH.covariance(other, at)
    mean = TRUTH.conditional_mean(X[:5], at, other)
    for model in (experts, iterated):
        drawn = model.generate(X[:5], "narrow", n_samples=3000, random_state=0)
        assert drawn.shape == (3000, 5, 3)
        std_error = np.sqrt(np.diag(covariance) / 3000)
        assert (np.abs(drawn.mean(0) - mean) < 4.5 * std_error).all()
        found = np.cov(np.concatenate(drawn - mean).T)
        np.testing.assert_allclose(found, covariance, atol=0.06)


def test_a_fit_without_experts_reaches_the_true_likelihood():
    train, test = TRUTH.sample(4000, seed=2), TRUTH.sample(4000, seed=3)
    model = JMVAETransformer(
        K,
        modalities=BLOCKS,
        alpha=0.0,
        hidden_layer_sizes=(),
        lr=1e-2,
        max_epochs=60,
        callbacks=[LRScheduler(CosineAnnealingLR, T_max=60)],
        random_state=0,
    ).fit(train)
    exact = TRUTH.log_prob(test, EVERY).mean()
    assert model.score(test) == pytest.approx(exact, abs=0.2)
    assert model.score(test) < exact + 0.02


def test_rows_with_a_missing_block_train_on_their_expert(experts, X):
    table = without(X, "narrow")
    batch = batch_of(experts, table)
    bound = experts.module_.bound(batch, Noise.from_seed(0))
    # The expert is the exact posterior, so the bound is ln p(x) in expectation.
    draws = [experts.module_.bound(batch, Noise.from_seed(i)) for i in range(200)]
    mean = torch.stack([bound, *draws]).mean(0).detach().numpy()
    exact = TRUTH.log_prob(X, BLOCKS["wide"])
    assert mean.mean() == pytest.approx(exact.mean(), abs=0.02)


def test_missing_blocks_are_zero_in_training_without_experts(iterated, X):
    module = iterated.module_
    center = np.empty(8)
    for modality, at in zip(module.modalities, BLOCKS.values(), strict=True):
        center[at] = modality.head.center
    filled = np.where(np.isnan(without(X, "wide")), center, X)  # features are zero
    batch = batch_of(iterated, without(X, "wide"))
    whole = batch_of(iterated, filled)
    torch.testing.assert_close(
        module.inferred(batch)[0].loc, module.posterior(whole).loc
    )
