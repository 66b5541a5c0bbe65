"""Likelihood estimates for a linear Gaussian model, whose p(x) is known."""

import math

import numpy as np
import pytest
import torch
from families import assert_mean, numbers
from torch import distributions as td
from torch import nn

from skvae import chunks, inference
from skvae.distributions import Normal, NormalMixture, StandardNormal, kl
from skvae.inference import Evaluator
from skvae.training import Batch, LatentModel

N_FEATURES, N_COMPONENTS, NOISE = 5, 2, 0.6
IDENTITY = torch.eye(N_FEATURES, dtype=torch.float64)


class LinearGaussian(LatentModel):
    """z ~ N(0, I), x ~ N(W z + b, σ² I); W has orthogonal columns.

    The exact posterior is then diagonal; `shift` and `stretch` distort it.
    """

    n_components = N_COMPONENTS

    def __init__(self, shift=0.0, stretch=1.0):
        super().__init__()
        basis, _ = torch.linalg.qr(numbers(N_FEATURES, N_COMPONENTS))
        self.weight = nn.Parameter(basis * torch.tensor([1.5, 0.7], dtype=basis.dtype))
        self.bias = nn.Parameter(numbers(N_FEATURES, seed=1))
        self.shift, self.stretch = shift, stretch

    def posterior(self, batch):
        precision = self.weight.square().sum(0) / NOISE**2 + 1
        loc = (batch.x - self.bias) @ self.weight / NOISE**2 / precision
        return Normal(loc + self.shift, self.stretch * precision.rsqrt())

    def likelihood(self, z, batch=None):
        scale = torch.full((N_FEATURES,), NOISE, dtype=z.dtype)
        return Normal(z @ self.weight.T + self.bias, scale)

    def prior(self, batch):
        return StandardNormal(batch.x[:, :N_COMPONENTS])


class MixturePrior(LinearGaussian):
    """The same model, with N(0, I) as a one-component mixture: no closed-form KL."""

    def prior(self, batch):
        zero = torch.zeros(1, N_COMPONENTS, dtype=batch.x.dtype)
        return NormalMixture(zero, zero + 1, n_rows=len(batch.x))


def truth(X):
    """ln p(x) = ln N(x; b, W Wᵀ + σ² I)."""
    model = LinearGaussian()
    with torch.no_grad():
        covariance = model.weight @ model.weight.T + NOISE**2 * IDENTITY
        p = td.MultivariateNormal(model.bias, covariance)
        return p.log_prob(torch.as_tensor(X)).numpy()


X = (2 * numbers(300, N_FEATURES, seed=2)).numpy()
FEW = X[:40]
DISTORTED = {"shift": 0.3, "stretch": 1.2}


def estimate(
    X, n_samples=16, seed=0, method="importance", model=LinearGaussian, refine=0, **how
):
    return Evaluator(model(**how)).log_likelihood(X, n_samples, seed, method, refine)


def repeated(repeats, **how):
    """Return values, standard errors and that of the mean for many seeds."""
    results = [estimate(FEW, seed=seed, **how) for seed in range(repeats)]
    parts = list(zip(*results, strict=True))[:3]
    return [torch.as_tensor(np.stack(part)) for part in parts]


# -- the value --------------------------------------------------------------------


@pytest.mark.parametrize("model", [LinearGaussian, MixturePrior])
@pytest.mark.parametrize("n_samples", [1, 7])
@pytest.mark.parametrize("refine", [0, None])
def test_the_exact_posterior_gives_the_exact_likelihood(n_samples, model, refine):
    result = estimate(X, n_samples, model=model, refine=refine)
    np.testing.assert_allclose(result.values, truth(X), rtol=1e-12, atol=1e-11)
    if n_samples > 1:
        assert np.abs(result.std_error).max() < 1e-10
        assert abs(result.mean_std_error) < 1e-10


def test_a_wrong_posterior_underestimates_less_with_more_samples():
    losses = []
    for n_samples in (1, 4, 16):
        values, *_ = repeated(1000, n_samples=n_samples, shift=0.4)
        loss = (torch.as_tensor(truth(FEW)) - values).mean(1)  # of each seed
        assert loss.mean() > 4 * loss.std() / math.sqrt(len(loss))
        losses.append(loss.mean())
    assert losses == sorted(losses, reverse=True)


def test_the_mean_weight_is_unbiased():
    values, *_ = repeated(2000, n_samples=4, **DISTORTED)
    assert_mean((values - torch.as_tensor(truth(FEW))).exp(), 1.0)


@pytest.mark.parametrize("model", [LinearGaussian, MixturePrior])
def test_the_elbo_is_the_likelihood_minus_the_posteriors_divergence(model):
    values, *_ = repeated(500, model=model, method="elbo", n_samples=8, **DISTORTED)
    batch = Batch(x=torch.as_tensor(FEW))
    with torch.no_grad():
        q, exact = (m.posterior(batch) for m in (model(**DISTORTED), model()))
        expected = torch.as_tensor(truth(FEW)) - kl(q, exact)
    assert_mean(values, expected)


def test_one_importance_sample_equals_a_one_sample_elbo():
    weighted = estimate(X, 1, model=MixturePrior, **DISTORTED).values
    elbo = estimate(X, 1, model=MixturePrior, method="elbo", **DISTORTED).values
    np.testing.assert_allclose(weighted, elbo, rtol=1e-12)


# -- its error --------------------------------------------------------------------


@pytest.mark.parametrize("method", ["importance", "elbo"])
def test_the_standard_error_is_the_spread_over_seeds(method):
    repeats = 1000
    values, errors, mean_errors = repeated(
        repeats, n_samples=100, method=method, **DISTORTED
    )
    # The spread of 1000 draws is known to 1/sqrt(2000) = 2 % (a little more, as the
    # values are not normal); the estimated error varies from seed to seed as well.
    spread, claimed = values.std(0), errors.square().mean(0).sqrt()
    assert ((spread / claimed - 1).abs() < 0.15).all()
    assert abs((spread / claimed).mean() - 1) < 0.05
    spread_of_mean = values.mean(1).std()
    assert abs(spread_of_mean / mean_errors.square().mean().sqrt() - 1) < 0.1


def test_averaging_equal_rows_does_not_reduce_the_error():
    same = np.repeat(X[:1], 50, axis=0)
    result = estimate(same, **DISTORTED)
    assert result.mean_std_error == pytest.approx(result.std_error[0])
    some = np.concatenate([same, X[1:51]])
    error = np.hypot(0.5 * result.mean_std_error, 0.5 * _mean_error(X[1:51]))
    assert estimate(some, **DISTORTED).mean_std_error == pytest.approx(error)


def _mean_error(rows):
    """The error of a mean of independent rows."""
    errors = estimate(rows, **DISTORTED).std_error
    return np.sqrt(np.square(errors).sum()) / len(rows)


def test_one_draw_has_no_standard_error():
    result = estimate(X, 1)
    assert np.isnan(result.std_error).all()
    assert math.isnan(result.mean_std_error)


# -- rows do not depend on each other ---------------------------------------------

SUBSETS = {
    "one": [7],
    "few": [250, 3, 128],
    "a-slice-and-one": list(range(129)),
    "reversed": list(range(300))[::-1],
    "repeated": [5] * 200,
}


@pytest.mark.parametrize("label", SUBSETS)
@pytest.mark.parametrize("how", [{}, {"refine": 5}, {"method": "elbo"}])
def test_a_rows_value_does_not_depend_on_the_other_rows(how, label):
    which = SUBSETS[label]
    everything = estimate(X, **how, **DISTORTED)
    some = estimate(X[which], **how, **DISTORTED)
    for name in ("values", "std_error"):
        expected = getattr(everything, name)[which]
        np.testing.assert_allclose(getattr(some, name), expected, rtol=1e-12)


# Normal numbers are drawn in pairs. Chunks of even size therefore use the same random
# numbers as a single chunk.
@pytest.mark.parametrize("rows", [32, 100])
@pytest.mark.parametrize("draws", [8, 24])
@pytest.mark.parametrize("method", ["importance", "elbo"])
def test_slices_and_chunks_do_not_change_the_estimate(method, draws, rows, monkeypatch):
    whole = estimate(X, 48, method=method, **DISTORTED)
    monkeypatch.setattr(inference, "LIKELIHOOD_ROWS", rows)
    monkeypatch.setattr(chunks, "LIKELIHOOD_ROWS", rows)
    monkeypatch.setattr(chunks, "CHUNK_ELEMENTS", draws * rows * N_FEATURES)
    parts = estimate(X, 48, method=method, **DISTORTED)
    for given, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(given, expected, rtol=1e-10)


# -- encoding, decoding, drawing --------------------------------------------------

QUESTIONS = {
    "encode": lambda evaluator, X: evaluator.encode(X),
    "decode": lambda evaluator, X: evaluator.decode(X[:, :N_COMPONENTS]),
    "reconstruct": lambda evaluator, X: evaluator.reconstruct(X),
    "likelihood": lambda evaluator, X: evaluator.reconstruction_log_likelihood(X),
}


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


VIEWS = {
    "one-row": lambda X: X[4:5],
    "read-only": read_only,
    "reversed": lambda X: X[::-1],
    "single-precision": lambda X: X.astype(np.float32).astype(np.float64),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_results_are_computed_row_by_row(question, view, monkeypatch):
    ask, rows = QUESTIONS[question], VIEWS[view](X)
    monkeypatch.setattr(inference, "ROWS", 64)
    answer = ask(Evaluator(LinearGaussian()), rows)
    with torch.no_grad():
        model, batch = LinearGaussian(), Batch(x=torch.as_tensor(rows.copy()))
        z = batch.x[:, :N_COMPONENTS] if question == "decode" else model.encode(batch)
        expected = {"encode": z, "decode": model.decode(z)}
        expected["reconstruct"] = expected["decode"]
        expected["likelihood"] = model.likelihood(z).log_prob(batch.x)
    np.testing.assert_allclose(answer, expected[question].numpy(), rtol=1e-12)


@pytest.mark.parametrize("mean", [False, True])
def test_draws_have_the_models_moments(mean, monkeypatch):
    monkeypatch.setattr(inference, "ROWS", 1000)
    model = LinearGaussian()
    draws = Evaluator(model).sample(8500, N_FEATURES, seed=0, mean=mean)
    assert draws.shape == (8500, N_FEATURES)
    with torch.no_grad():
        covariance = model.weight @ model.weight.T
        covariance += (0 if mean else NOISE**2) * IDENTITY
        centred = torch.as_tensor(draws) - model.bias
    assert_mean(centred, 0.0)
    assert_mean(centred.unsqueeze(1) * centred.unsqueeze(2), covariance)


def test_draws_repeat_with_the_seed():
    first, same, other = (
        Evaluator(LinearGaussian()).sample(5, N_FEATURES, seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_an_overflow_names_its_row_in_any_slice():
    evaluator, row = Evaluator(nn.Linear(2, 2)), inference.ROWS + 500

    def function(batch):
        return torch.where(batch.index == row, torch.inf, 0.0)

    with pytest.raises(FloatingPointError, match=f"row {row} is not finite"):
        evaluator.in_slices(np.zeros((row + 400, 2)), function)
