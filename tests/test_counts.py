"""The negative binomial distribution against scipy and its closed forms."""

import numpy as np
import pytest
import torch
from scipy import stats

from skvae import VAETransformer
from skvae.distributions import (
    NegativeBinomial,
    NegativeBinomialVector,
    Noise,
    PoissonVector,
    SharedNoise,
)
from skvae.exceptions import SkvaeCollapseWarning

MEAN = torch.tensor([[0.02, 1.0, 40.0], [3.0, 0.5, 2e4]], dtype=torch.float64)
SIZE = torch.tensor([0.05, 2.0, 30.0], dtype=torch.float64)


def oracle():
    return stats.nbinom(SIZE.numpy(), (SIZE / (SIZE + MEAN)).numpy())


@pytest.mark.parametrize("count", [0, 1, 7, 1000, 10**6])
def test_the_probability_is_that_of_scipy(count):
    x = torch.full_like(MEAN, count)
    found = NegativeBinomialVector(MEAN, SIZE).log_prob(x)
    expected = oracle().logpmf(x.numpy()).sum(-1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_probabilities_sum_to_one():
    x = torch.arange(3000.0, dtype=torch.float64)[:, None].expand(-1, 3)
    p = NegativeBinomialVector(MEAN[0], SIZE)
    terms = [p.log_prob(torch.where(torch.arange(3) == j, x, 0.0)) for j in range(3)]
    at_zero = p.log_prob(torch.zeros(3))
    each = NegativeBinomialVector(MEAN[0, :, None], SIZE[:, None]).log_prob
    for j, term in enumerate(terms):
        others = at_zero - each(torch.zeros(3, 1))[j]
        assert (term - others).exp().sum() == pytest.approx(1.0, rel=1e-9)


def test_a_large_size_is_a_poisson_distribution():
    x = torch.tensor([[0.0, 2.0, 35.0]], dtype=torch.float64)
    found = NegativeBinomialVector(MEAN[:1], torch.full((3,), 1e9)).log_prob(x)
    torch.testing.assert_close(
        found, PoissonVector(MEAN[:1]).log_prob(x), rtol=1e-6, atol=0
    )


def test_draws_have_the_distribution():
    n = 20_000
    p = NegativeBinomialVector(MEAN[0].expand(n, -1), SIZE)
    draws = p.sample(Noise.from_seed(0)).numpy()
    for j in range(3):
        law = stats.nbinom(SIZE[j].item(), (SIZE[j] / (SIZE[j] + MEAN[0, j])).item())
        error = np.sqrt(law.var() / n)
        assert abs(draws[:, j].mean() - law.mean()) < 4.5 * error
        zeros = law.pmf(0)
        spread = np.sqrt(zeros * (1 - zeros) / n)
        assert abs((draws[:, j] == 0).mean() - zeros) < 4.5 * spread


def test_shared_noise_gives_equal_rows_equal_draws():
    mean = MEAN[0].expand(5, -1)
    draws = NegativeBinomialVector(mean, SIZE).sample(SharedNoise.from_seed(1), 4)
    assert draws.shape == (4, 5, 3)
    assert (draws == draws[:, :1]).all()


def test_an_untrained_head_has_the_moments_of_the_column():
    X = np.random.default_rng(0).negative_binomial(2, 0.1, (4000, 1)).astype(float)
    head = NegativeBinomial().fit(X).head(3)
    p = head(torch.zeros(1, 3))
    assert p.mean.item() == pytest.approx(X.mean(), rel=1e-5)
    variance = p.mean + p.mean**2 / p.size
    assert variance.item() == pytest.approx(X.var(), rel=1e-4)


def test_a_model_without_latents_in_use_finds_the_dispersion():
    random = np.random.default_rng(0)
    X = random.negative_binomial([1, 5], [0.2, 0.5], (2000, 2)).astype(float)
    vae = VAETransformer(
        1, likelihood="negative-binomial", beta=50.0, max_epochs=40, random_state=0
    )
    with pytest.warns(SkvaeCollapseWarning):
        vae.fit(X)
    law = stats.nbinom([1, 5], [0.2, 0.5])
    expected = law.logpmf(X).sum(1).mean()
    assert vae.score(X) == pytest.approx(expected, abs=0.02)
    np.testing.assert_allclose(vae.module_.head.size.detach(), [1, 5], rtol=0.15)


def test_fractions_and_negative_numbers_are_refused():
    for value, words in ((0.5, "NegativeBinomial likelihood requires"), (-1, "Negat")):
        with pytest.raises(ValueError, match=words):
            NegativeBinomial().fit(np.array([[0.0], [value]]))
