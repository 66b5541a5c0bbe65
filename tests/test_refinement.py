"""Refined posteriors, and draws keyed by rows, against linear models and formulas."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from instances import OF_DIGITS, PLAIN, VARIANTS, fitted, small, variants
from scipy.stats import kstest, multivariate_normal
from sklearn.datasets import load_iris

from skvae import CategoricalVAETransformer, VAETransformer, refinement
from skvae.distributions import Normal, RowNoise, row_keys
from skvae.exceptions import SkvaeEstimateWarning
from skvae.refinement import Widened, best_start, refined
from skvae.training import Batch

ROWS = torch.arange(50.0)[:, None].expand(50, 3)
REFINABLE = {
    label: estimator
    for label, estimator in variants(VARIANTS | OF_DIGITS)
    if label.endswith(("small", "vamp", "density-ratio", "condition", "iterated"))
    and hasattr(estimator, "sample")
    and not isinstance(estimator, CategoricalVAETransformer)
}


# -- draws -----------------------------------------------------------------------------


def draws(rows, n=400, seed=0):
    return RowNoise(row_keys(seed, rows)).normal(torch.zeros(len(rows), 5), n)


def test_the_numbers_of_rows_are_standard_normal_and_independent():
    z = draws(ROWS).double()  # (400, 50, 5)
    assert kstest(z.flatten().numpy(), "norm").pvalue > 1e-3
    by_row = z.permute(1, 2, 0).reshape(250, 400)
    correlation = torch.corrcoef(by_row).fill_diagonal_(0)
    assert correlation.abs().max() < 5.5 / 400**0.5
    assert abs(correlation.sum() / correlation.numel()) < 0.002


def test_uniform_numbers_are_uniform_and_the_next_ones_differ():
    noise = RowNoise(row_keys(0, ROWS))
    first, second = (noise.uniform(torch.zeros(50, 4), 100) for _ in range(2))
    assert kstest(first.flatten().numpy(), "uniform").pvalue > 1e-3
    assert (first != second).float().mean() > 0.999


def test_the_numbers_of_a_row_do_not_depend_on_the_others():
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(draws(ROWS[order]), draws(ROWS)[:, order])
    assert torch.equal(draws(ROWS[7:8]), draws(ROWS)[:, 7:8])
    assert not torch.equal(draws(ROWS, seed=1), draws(ROWS))
    assert torch.equal(row_keys(0, -ROWS[:1]), row_keys(0, ROWS[:1]))  # of zeros


def test_a_condition_changes_the_numbers_of_a_row():
    plain, with_condition = row_keys(0, ROWS, None), row_keys(0, ROWS, ROWS)
    assert not torch.isin(plain, with_condition).any()
    assert len(plain.unique()) == len(with_condition.unique()) == 50


def test_a_widened_posterior_is_the_mixture_that_it_draws_from():
    q = Normal(torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    p = Widened(q, 3.0)
    grid = torch.linspace(-15, 15, 6001)[:, None, None]
    density = p.log_prob(grid).exp()[:, 0]
    np.testing.assert_allclose(torch.trapezoid(density, grid[:, 0, 0]), 1, rtol=1e-4)
    noise = RowNoise(row_keys(0, torch.zeros(1, 1)))
    z = p.sample(noise, 20_000)[:, 0, 0]
    grid = grid[:, 0, 0].numpy()
    cumulative = np.cumsum(density.numpy()) * (grid[1] - grid[0])
    assert kstest(z.numpy(), lambda x: np.interp(x, grid, cumulative)).pvalue > 1e-3


# -- estimates -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def misled():
    """A linear model whose encoder is wrong, rows, and their exact ln p(x)."""
    X = load_iris().data
    model = VAETransformer(
        2,
        hidden_layer_sizes=(),
        likelihood="gaussian",
        max_epochs=60,
        batch_size=128,
        lr=1e-2,
        dtype="float64",
        random_state=0,
        **PLAIN,
    ).fit(X)
    module = model.module_
    with torch.no_grad():
        module.loc_scale.linear.bias[:2] += 1.5
        module.loc_scale.linear.weight[2:] = 0.0
        z = torch.eye(3, 2, dtype=torch.float64)
        p = module.likelihood(z)
        offset = p.mean[2]
        loadings, scale = p.mean[:2] - offset, p.scale.expand(3, 4)[0]
    covariance = loadings.T @ loadings + scale.square().diag()
    return model, X, multivariate_normal(offset, covariance).logpdf(X)


def test_refinement_mends_what_a_wrong_encoder_costs(misled):
    model, X, truth = misled
    model = copy.deepcopy(model)
    with pytest.warns(SkvaeEstimateWarning, match="one draw has most of the weight"):
        before = model.log_likelihood(X, refine=0).mean()
    assert before - truth.mean() < -0.5
    assert abs(model.score(X) - truth.mean()) < 0.05


def test_a_model_warns_once_and_not_of_few_draws(misled):
    model, X, _ = misled
    model = copy.deepcopy(model)
    model.log_likelihood(X, 8, refine=0)
    with pytest.warns(SkvaeEstimateWarning):
        model.log_likelihood(X, refine=0)
    model.log_likelihood(X, refine=0)


def test_errors_cover_the_truth_and_the_mean_stays_below_it(misled):
    model, X, truth = misled
    covered, above = [], []
    for seed in range(20):
        model._seed = seed
        found = model.log_likelihood(X, 256, refine=30, return_std_error=True)
        covered.append(np.abs(found.values - truth) < 1.96 * found.std_error)
        excess = found.values.mean() - truth.mean()
        above.append(excess / found.mean_std_error)
    assert 0.88 <= np.mean(covered) <= 0.99
    assert np.mean(above) < 1.0
    assert np.std(above) < 2.0  # the error of the mean is that of independent rows


def test_more_steps_do_not_hurt(misled):
    model, X, truth = misled
    found = [model.log_likelihood(X, refine=n).mean() for n in (5, 20, 60)]
    assert found[0] < found[1] + 0.05
    assert abs(found[2] - truth.mean()) < 0.05


@pytest.mark.parametrize("label", REFINABLE)
def test_a_refined_row_does_not_depend_on_the_others(label, digits):
    estimator = fitted(REFINABLE[label], digits)
    together = estimator.log_likelihood(digits[:45], refine=3)
    order = np.random.default_rng(0).permutation(45)
    shuffled = estimator.log_likelihood(digits[order], refine=3)
    np.testing.assert_allclose(shuffled, together[order], atol=1e-7)
    alone = [estimator.log_likelihood(digits[i : i + 1], refine=3)[0] for i in range(3)]
    np.testing.assert_allclose(alone, together[:3], atol=1e-7)


@pytest.mark.parametrize("label", [x for x in REFINABLE if x.endswith("small")])
def test_a_row_with_another_start_does_not_depend_on_the_others(
    label, digits, monkeypatch
):
    estimator = fitted(REFINABLE[label], digits)
    without = estimator.log_likelihood(digits[:40])
    for name, value in {"FAR": -1e9, "N_DRAWN": 8, "N_TRIED": 2, "N_TRIAL": 4}.items():
        monkeypatch.setattr(refinement, name, value)
    together = estimator.log_likelihood(digits[:40])
    refines = estimator.module_.n_refinements > 0
    assert np.array_equal(together, without) != refines
    assert abs(together.mean() - without.mean()) < 1.0
    alone = [estimator.log_likelihood(digits[i : i + 1])[0] for i in range(2)]
    np.testing.assert_allclose(alone, together[:2], atol=1e-7)


class TwoModes:
    """x = 10 is likely near z = 1, and much less likely near z = −1."""

    def prior(self, batch):
        return Normal(torch.zeros(len(batch.x), 1), torch.ones(len(batch.x), 1))

    def likelihood(self, z, batch):
        heights = (
            height * torch.exp(-4 * (z - at).square())
            for at, height in ((1, 10), (-1, 6))
        )
        return Normal(sum(heights), torch.full_like(z, 0.3))

    def log_likelihood(self, z, batch):
        return self.likelihood(z, batch).log_prob(batch.x)


def test_a_search_leaves_the_wrong_mode():
    batch = Batch(x=torch.full((40, 1), 10.0))
    wrong = Normal(torch.full((40, 1), -1.0), torch.full((40, 1), 0.1))
    noise = RowNoise(row_keys(0, torch.arange(40.0)[:, None]))
    module = TwoModes()
    stuck, _ = refined(module, batch, wrong, 40, noise)
    assert (stuck.loc < 0).all()
    assert ((best_start(module, batch, wrong, noise).loc - 1).abs() < 0.3).all()


def test_refinement_touches_nothing_and_works_in_threads_and_inference_mode(digits):
    model = small(VAETransformer).fit(digits)
    expected = model.log_likelihood(digits, refine=5)
    parameters = list(model.module_.parameters())
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    before = [(p.clone(), p.grad.clone()) for p in parameters]
    generator = torch.get_rng_state()
    with torch.inference_mode():
        np.testing.assert_array_equal(model.log_likelihood(digits, refine=5), expected)
    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(model.log_likelihood, digits, refine=5) for _ in range(4)]
        for task in tasks:
            np.testing.assert_array_equal(task.result(), expected)
    assert torch.equal(torch.get_rng_state(), generator)
    for parameter, (value, gradient) in zip(parameters, before, strict=True):
        assert torch.equal(parameter, value)
        assert torch.equal(parameter.grad, gradient)
        assert parameter.requires_grad


def test_wrong_settings_are_named(digits):
    model = small(VAETransformer).fit(digits)
    with pytest.raises(ValueError, match="'refine' parameter of VAETransformer"):
        model.log_likelihood(digits, refine=-1)
    with pytest.raises(ValueError, match="method='importance' only"):
        model.log_likelihood(digits, method="elbo", refine=3)
    categories = small(CategoricalVAETransformer).fit(digits)
    with pytest.raises(ValueError, match="no Gaussian posterior"):
        categories.log_likelihood(digits, refine=3)
