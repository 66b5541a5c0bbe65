"""The log-likelihood of one modality given others, against closed forms."""

import numpy as np
import pytest
import torch
from instances import batch_of, small
from sklearn.datasets import load_digits

from multimodal.gaussian_truth import BLOCKS, EVERY, TRUTH, replicates
from skvae import CMMATransformer, CVAETransformer, JMVAETransformer
from skvae.metrics import conditional_log_likelihood


@pytest.mark.parametrize("target", BLOCKS)
def test_the_importance_weighted_conditional_is_exact(target, experts, X):
    (other,) = (at for name, at in BLOCKS.items() if name != target)
    exact = TRUTH.log_prob(X, EVERY) - TRUTH.log_prob(X, other)
    found = conditional_log_likelihood(
        experts, X, target=target, method="importance", n_samples=20_000
    )
    # Half of the proposal is exact, so weights are at most 2 and their variance is < 1.
    assert (np.abs(found - exact) < 4 * (2 / 20_000) ** 0.5).all()


@pytest.mark.parametrize("target", BLOCKS)
def test_its_error_covers_the_truth(target, experts, X):
    (other,) = (at for name, at in BLOCKS.items() if name != target)
    exact = TRUTH.log_prob(X, EVERY) - TRUTH.log_prob(X, other)
    found = conditional_log_likelihood(
        experts,
        X,
        target=target,
        method="importance",
        n_samples=400,
        return_diagnostics=True,
    )
    covered = np.abs(found.values - exact) < 1.96 * found.std_error
    assert 0.88 < covered.mean() < 0.99
    expected = np.sqrt(np.square(found.std_error).sum()) / len(X)
    assert found.mean_std_error == pytest.approx(expected)
    assert (found.effective_sample_size > 100).all()
    with pytest.raises(ValueError, match="return_diagnostics goes with"):
        conditional_log_likelihood(experts, X, target=target, return_diagnostics=True)


@pytest.mark.parametrize("target", BLOCKS)
@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_the_predictive_conditional_has_the_exact_expectation(
    which, target, seen, X, request
):
    """E_q ln p(x_t | z) = ln N(x_t; W E(z) + μ, σ²) − ½ tr(W V Wᵀ) / σ²."""
    model, rows = request.getfixturevalue(which), X[:100]
    (rest,) = (name for name in BLOCKS if name != target)
    at, given = BLOCKS[target], EVERY if seen else BLOCKS[rest]
    gain, variance = TRUTH.posterior(given)
    if which == "iterated" and not seen:
        # q is the joint posterior of the imputed row. Its variance and that of its mean
        # add up to the variance of the conditional.
        _, variance = TRUTH.posterior(BLOCKS[rest])
    z = (rows[:, given] - TRUTH.mean[given]) @ gain.T
    residual = rows[:, at] - TRUTH.mean[at] - z @ TRUTH.W[at].T
    spread = (TRUTH.W[at] ** 2 @ variance).sum()
    squares = (residual**2).sum(1) + spread
    var = TRUTH.var[at[0]]
    exact = -0.5 * squares / var - 0.5 * len(at) * np.log(2 * np.pi * var)
    names = [rest, target] if seen else [rest]

    def ask(m):
        return conditional_log_likelihood(
            m, rows, target=target, given=names, n_samples=20
        ).mean()

    found = replicates(model, ask, n=60 if which == "iterated" else 30)
    std_error = found.std(ddof=1) / len(found) ** 0.5
    assert abs(found.mean() - exact.mean()) < 4 * std_error
    assert std_error < 0.2


@pytest.mark.parametrize("cls", [CVAETransformer, CMMATransformer])
def test_conditional_models_are_supported(cls, X):
    model = small(
        cls, condition_columns=BLOCKS["narrow"], condition_encoding="passthrough"
    ).fit(X)
    found = conditional_log_likelihood(model, X, method="importance", n_samples=64)
    np.testing.assert_array_equal(found, model.score_samples(X))
    blind = conditional_log_likelihood(model, X)
    seeing = conditional_log_likelihood(model, X, given=["data", "condition"])
    assert blind.shape == seeing.shape == (len(X),)
    with pytest.raises(ValueError, match=r"'given' .* must have 'condition'"):
        conditional_log_likelihood(model, X, given=["data"])
    moved = X.copy()
    moved[:, BLOCKS["wide"]] += 1  # the target itself must not matter
    module = model.module_
    before, after = (
        module.blind_posterior(batch_of(model, rows)) for rows in (X, moved)
    )
    torch.testing.assert_close(before.loc, after.loc, rtol=0, atol=0)


def test_given_modalities_must_not_be_missing(experts, X):
    holed = X.copy()
    holed[3, BLOCKS["wide"]] = np.nan
    for method in ("predictive", "importance"):
        with pytest.raises(ValueError, match="'wide' is missing in row 3"):
            conditional_log_likelihood(experts, holed, target="narrow", method=method)


@pytest.mark.parametrize("n_samples", [5, 100])
def test_a_discrete_target_has_at_most_probability_one(n_samples):
    X, y = load_digits(return_X_y=True)
    table = np.column_stack([X / 16, np.eye(10)[y]])
    model = JMVAETransformer(
        4,
        modalities={"image": slice(0, 64), "label": slice(64, 74)},
        likelihood={"image": "gaussian-shared", "label": "categorical"},
        alpha=0,
        n_iterations=2,
        hidden_layer_sizes=(32,),
        max_epochs=10,
        random_state=0,
    ).fit(table[:500])
    found = conditional_log_likelihood(
        model, table[500:800], target="label", method="importance", n_samples=n_samples
    )
    assert (found <= 1e-6).all()


@pytest.mark.parametrize("given", [3, (), "wide", ["deep"], iter(["wide"])])
def test_an_invalid_given_is_named(given, experts, X):
    with pytest.raises(ValueError, match="'given' parameter of conditional_log"):
        conditional_log_likelihood(experts, X, target="narrow", given=given)
