"""Formulas against torch.distributions, enumeration or quadrature."""

import itertools

import numpy as np
import pytest
import torch
from families import (
    EXACT,
    FAMILIES,
    LEVELS,
    assert_mean,
    bernoulli,
    codes,
    mixture,
    normal,
    normal_with_one_scale_per_column,
    numbers,
    one_hot,
    product,
    standard_normal,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson as poisson_of_scipy
from torch import distributions as td

from skvae.distributions import (
    Noise,
    Normal,
    NormalMixture,
    Point,
    PoissonVector,
    StandardNormal,
    kl,
)

# Families whose parameters may have a leading axis of decoded samples.
DECODED = sorted(FAMILIES.keys() - {"mixture", "standard-normal"})


@pytest.mark.parametrize("n_samples", [None, 6])
@pytest.mark.parametrize("family", FAMILIES)
def test_log_prob_matches_torch(family, n_samples):
    ours, theirs = FAMILIES[family]()
    value = ours.sample(Noise.from_seed(0), n_samples)
    expected = theirs.log_prob(value)
    assert expected.shape == value.shape[:-1]
    torch.testing.assert_close(ours.log_prob(value), expected, **EXACT)


@pytest.mark.parametrize("family", DECODED)
def test_log_prob_of_several_decoded_samples_matches_torch(family):
    ours, theirs = FAMILIES[family](5)
    value = ours.sample(Noise.from_seed(0))[0]  # (4, 3) against (5, 4, 3)
    torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value), **EXACT)


@pytest.mark.parametrize("family", FAMILIES)
def test_mean_matches_torch(family):
    ours, theirs = FAMILIES[family]()
    torch.testing.assert_close(ours.mean, theirs.mean, **EXACT)


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_of_draws_match_torch(family):
    ours, theirs = FAMILIES[family]()
    draws = ours.sample(Noise.from_seed(0), 20_000)
    assert_mean(draws, theirs.mean)
    assert_mean((draws - theirs.mean).square(), theirs.variance)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_drawn_independently(family):
    ours, theirs = FAMILIES[family]()
    centred = ours.sample(Noise.from_seed(0), 20_000) - theirs.mean
    assert_mean(centred[:, :1] * centred[:, 1:], 0.0)


def test_log_prob_of_codes_matches_categorical_variables():
    ours, theirs = codes()
    position = torch.tensor([[0, 1], [2, 0], [1, 1], [0, 0]])
    value = LEVELS.gather(1, position.T).T
    expected = theirs.log_prob(position).sum(-1)
    torch.testing.assert_close(ours.log_prob(value), expected, **EXACT)


def test_codes_are_drawn_with_their_probabilities():
    ours, theirs = codes()
    draws = ours.sample(Noise.from_seed(0), 20_000)
    assert_mean((draws.unsqueeze(-1) == LEVELS).double(), theirs.probs)


def test_mean_of_codes_is_the_most_probable_code():
    ours, theirs = codes()
    expected = [
        [LEVELS[j, k].item() for j, k in enumerate(row)]
        for row in theirs.probs.argmax(-1)
    ]
    assert ours.mean.tolist() == expected


def test_bernoulli_log_prob_of_grey_values_is_cross_entropy():
    ours, theirs = bernoulli()
    grey = torch.rand(4, 3, generator=torch.Generator(), dtype=torch.float64)
    p = theirs.mean
    expected = (grey * p.log() + (1 - grey) * (1 - p).log()).sum(-1)
    torch.testing.assert_close(ours.log_prob(grey), expected, **EXACT)


# -- enumeration ------------------------------------------------------------------


def grid(*values):
    return torch.tensor(list(itertools.product(*values)), dtype=torch.float64)


COUNTS = range(100)  # rates are below 10
SUPPORTS = {
    "bernoulli": (lambda: bernoulli()[0], grid(*[[0, 1]] * 3)),
    "one-hot": (lambda: one_hot()[0], torch.eye(3, dtype=torch.float64)),
    "codes": (lambda: codes()[0], grid([0, 2, 5], [1, 3])),
    "poisson": (lambda: PoissonVector(numbers(4, 1).exp()), grid(COUNTS)),
}


def product_support():
    """All values of `product`, in its order of columns."""
    supports = [SUPPORTS[name][1] for name in ("bernoulli", "one-hot", "codes")]
    rows = itertools.product(*supports, grid(range(40)))
    together = torch.stack([torch.cat(parts) for parts in rows])
    columns = torch.cat([columns for _, columns in product().blocks])
    return together[:, columns.argsort()]


SUPPORTS["product"] = (product, product_support())


@pytest.mark.parametrize("family", SUPPORTS)
def test_probabilities_sum_to_one(family):
    build, support = SUPPORTS[family]
    total = build().log_prob(support.unsqueeze(1)).exp().sum(0)
    torch.testing.assert_close(total, torch.ones(4, dtype=torch.float64), **EXACT)


def test_product_keeps_the_columns_of_each_block():
    distribution = product()
    draws = distribution.sample(Noise.from_seed(0))
    expected = sum(b.log_prob(draws[:, columns]) for b, columns in distribution.blocks)
    torch.testing.assert_close(distribution.log_prob(draws), expected)
    assert (draws[:, [7, 1, 4]].sum(1) == 1).all()
    for block, columns in distribution.blocks:
        assert torch.equal(distribution.mean[:, columns], block.mean)


# -- mixtures ---------------------------------------------------------------------


# The terms of the expanded square cancel to about (z / scale)^2 roundings of doubles.
@pytest.mark.parametrize(("width", "atol"), [(1.0, 1e-12), (1e-4, 1e-6)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_narrow_mixtures_match_torch(width, atol, dtype):
    loc, scale = numbers(5, 3).to(dtype), torch.full((5, 3), width, dtype=dtype)
    ours = NormalMixture(loc, scale, n_rows=5)
    value = torch.addcmul(loc, scale, numbers(5, 3, seed=2).to(dtype))
    theirs = td.MixtureSameFamily(
        td.Categorical(torch.ones(5, dtype=torch.float64)),
        td.Independent(td.Normal(loc.double(), scale.double()), 1),
    )
    expected = theirs.log_prob(value.double()).to(dtype)
    rtol = 1e-6 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(ours.log_prob(value), expected, rtol=rtol, atol=atol)


def test_divergence_from_a_mixture_is_unbiased():
    q = Normal(*(torch.tensor([[v]], dtype=torch.float64) for v in (0.3, 0.5)))
    p = NormalMixture(2 * numbers(4, 1), numbers(4, 1, seed=1).exp(), n_rows=1)
    z = torch.linspace(-8, 8, 20_001, dtype=torch.float64).reshape(-1, 1, 1)
    log_q, log_p = q.log_prob(z), p.log_prob(z)
    exact = torch.trapezoid(log_q.exp() * (log_q - log_p), z[:, :, 0], dim=0)
    assert_mean(kl(q, p, q.rsample(Noise.from_seed(0), 20_000)), exact)


# -- divergences ------------------------------------------------------------------

CLOSED_FORMS = {
    "to-standard": (normal, standard_normal),
    "column-scale-to-standard": (normal_with_one_scale_per_column, standard_normal),
    "to-normal": (normal, lambda: normal(seed=7)),
    "to-column-scale": (lambda: normal(seed=7), normal_with_one_scale_per_column),
}


@pytest.mark.parametrize("pair", CLOSED_FORMS)
def test_closed_form_divergence_matches_torch_and_draws(pair):
    (q, their_q), (p, their_p) = (build() for build in CLOSED_FORMS[pair])
    exact = kl(q, p)
    expected = td.kl_divergence(their_q, their_p)
    torch.testing.assert_close(exact, expected, **EXACT)
    z = q.rsample(Noise.from_seed(0), 20_000)
    assert_mean(q.log_prob(z) - p.log_prob(z), exact)


def test_divergence_without_closed_form_needs_draws():
    with pytest.raises(ValueError, match=r"KL\(Normal \|\| NormalMixture\) .* samples"):
        kl(normal()[0], mixture()[0])


LOCS = st.lists(st.floats(-10, 10), min_size=2, max_size=2)
SCALES = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=2)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(LOCS, SCALES, LOCS, SCALES)
def test_divergence_is_zero_from_itself_and_never_negative(loc, scale, loc_p, scale_p):
    q, p = (
        Normal(*(torch.tensor([v], dtype=torch.float64) for v in pair))
        for pair in ((loc, scale), (loc_p, scale_p))
    )
    assert kl(q, q).item() == 0
    assert kl(q, p).item() >= -1e-12
    assert kl(q, StandardNormal(q.loc)).item() >= -1e-12


# -- draws ------------------------------------------------------------------------


def test_gradients_flow_through_rsample_and_not_through_sample():
    loc, scale = numbers(4, 3).requires_grad_(), torch.ones(3).requires_grad_()
    q = Normal(loc, scale)
    assert not q.sample(Noise.from_seed(0)).requires_grad
    z = q.rsample(Noise.from_seed(0), 2)
    by_loc, by_scale = torch.autograd.grad(z.sum(), (loc, scale))
    assert torch.equal(by_loc, torch.full_like(loc, 2.0))
    torch.testing.assert_close(by_scale, (z - loc).sum((0, 1)).float())


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "one-hot", "mixture"])
def test_rsample_raises_without_a_reparameterised_draw(family):
    with pytest.raises(NotImplementedError, match="has no reparameterised draw"):
        FAMILIES[family]()[0].rsample(Noise.from_seed(0))


def test_a_point_draws_itself():
    loc = numbers(4, 3)
    point = Point(loc)
    assert torch.equal(point.mean, loc)
    assert torch.equal(point.sample(Noise.from_seed(0)), loc)
    assert torch.equal(point.rsample(n_samples=2), torch.stack([loc, loc]))


def gradients(q_parameters, p, n_draws):
    """Gradients of the sampled KL(N(q) || p) in q's mean and scale, one per draw."""
    found = []
    for seed in range(n_draws):
        loc, scale = (v.clone().requires_grad_() for v in q_parameters)
        q = Normal(loc, scale)
        kl(q, p, q.rsample(Noise.from_seed(seed))).sum().backward()
        found.append(torch.cat([loc.grad.flatten(), scale.grad.flatten()]))
    return torch.stack(found)


def test_the_gradient_of_a_sampled_divergence_is_unbiased():
    q = torch.tensor([[0.5, -1.0]]).double(), torch.tensor([[0.3, 1.5]]).double()
    p = torch.tensor([[0.0, 1.0]]).double(), torch.tensor([[1.0, 0.7]]).double()
    loc, scale = (v.clone().requires_grad_() for v in q)
    kl(Normal(loc, scale), Normal(*p)).sum().backward()
    exact = torch.cat([loc.grad.flatten(), scale.grad.flatten()])
    draws = gradients(q, NormalMixture(*p, n_rows=1), 3000)
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - exact).abs() < 4 * error).all()


def test_a_posterior_equal_to_the_prior_gets_no_gradient():
    q = torch.tensor([[0.5, -1.0]]).double(), torch.tensor([[0.3, 1.5]]).double()
    assert gradients(q, NormalMixture(*q, n_rows=1), 20).abs().max() < 1e-12


@pytest.mark.parametrize("rate", [1e3, 1e5, 1e7])
def test_large_poisson_counts_keep_their_precision(rate):
    counts = np.random.default_rng(0).poisson(rate, (500, 1)).astype(np.float32)
    p = PoissonVector(torch.full((500, 1), rate))
    found = p.log_prob(torch.from_numpy(counts)).numpy()
    expected = poisson_of_scipy.logpmf(counts[:, 0], rate)
    np.testing.assert_allclose(found, expected, atol=1e-4)
