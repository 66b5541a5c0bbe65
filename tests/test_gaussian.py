"""The Gaussian likelihood: scales, means and the floor, in any units."""

import copy

import numpy as np
import pytest
import torch
from families import EXACT, numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as td

from skvae.distributions import Gaussian

X = np.random.default_rng(0).normal([5, -2, 0.1], [2, 1, 0.1], (50, 3))
MEAN, STD = torch.as_tensor(X.mean(0)), torch.as_tensor(X.std(0))
RMS = STD.square().mean().sqrt().expand(3)
N_HIDDEN = 6
H = numbers(50, N_HIDDEN)


@pytest.fixture(autouse=True, scope="module")
def double():
    """Build heads in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def head_of(X, **params):
    """Build a head whose weights do not depend on the data."""
    head = Gaussian(**params).fit(X).head(N_HIDDEN)
    with torch.no_grad():
        for seed, parameter in enumerate(head.parameters()):
            parameter.copy_(numbers(*parameter.shape, seed=seed) / 3)
    return head


def from_origin(X):
    """Return the table as a head that was fitted to it sees it."""
    return X - Gaussian().fit(X).origin_


def start(X, **params):
    """Return the untrained distribution of one row."""
    with torch.no_grad():
        return Gaussian(**params).fit(X).head(N_HIDDEN)(torch.zeros(1, N_HIDDEN))


def log_prob(head, X):
    with torch.no_grad():
        return head(H).log_prob(torch.as_tensor(X))


# -- scales -----------------------------------------------------------------------

# The unit of σ, and the raw values that its softplus is applied to.
SCALES = {
    "column": (STD, lambda scale: 10 * scale.weight),
    "shared": (RMS, lambda scale: 10 * scale.weight),
    "row": (STD, lambda scale: scale.linear(H)),
}


@pytest.mark.parametrize("min_scale", [0.01, 0.2])
@pytest.mark.parametrize("scale", SCALES)
def test_a_learned_scale_is_a_floor_plus_a_softplus(scale, min_scale):
    head = head_of(X, scale=scale, min_scale=min_scale)
    unit, raw = SCALES[scale]
    expected = unit * (min_scale + raw(head.scale).exp().log1p())
    torch.testing.assert_close(head(H).scale, expected, **EXACT)


@pytest.mark.parametrize("scale", SCALES)
def test_a_learned_scale_never_falls_below_its_floor(scale):
    head = head_of(X, scale=scale, min_scale=0.05)
    with torch.no_grad():
        for parameter in head.scale.parameters():
            parameter.fill_(0.0 if parameter.ndim == 2 else -1e6)
    lowest = 0.05 * SCALES[scale][0]
    torch.testing.assert_close(head(H).scale, lowest.expand(head(H).scale.shape))


@pytest.mark.parametrize(
    ("scale", "expected"), [("column", STD), ("shared", RMS), ("row", STD)]
)
def test_a_scale_starts_near_the_standard_deviation(scale, expected):
    found = start(X, scale=scale).scale.reshape(-1)
    torch.testing.assert_close(found, 1.01 * expected)


def test_a_fixed_scale_is_in_the_datas_units_and_not_learned():
    head = head_of(X, scale=0.3)
    assert head(H).scale.tolist() == [0.3] * 3
    assert {name for name, _ in head.named_parameters()} == {
        "linear.weight",
        "linear.bias",
    }


# -- means ------------------------------------------------------------------------

MEANS = {
    "identity": lambda raw: MEAN + STD * raw,
    "sigmoid": lambda raw: 1 / (1 + (-raw).exp()),
    "tanh": lambda raw: (raw.exp() - (-raw).exp()) / (raw.exp() + (-raw).exp()),
}


@pytest.mark.parametrize("mean", MEANS)
def test_the_mean_is_a_function_of_a_linear_map(mean):
    head = head_of(X, mean=mean)
    expected = MEANS[mean](head.linear(H))
    torch.testing.assert_close(head(H).mean, expected, **EXACT)


@pytest.mark.parametrize(
    ("mean", "low", "high"), [("sigmoid", 0.1, 0.9), ("tanh", -0.9, 0.9)]
)
def test_a_bounded_mean_starts_at_the_columns_means(mean, low, high):
    data = np.random.default_rng(0).uniform(low, high, (50, 3))
    expected = torch.as_tensor(data.mean(0))
    torch.testing.assert_close(start(data, mean=mean).mean[0], expected)


@pytest.mark.parametrize("mean", ["sigmoid", "tanh"])
def test_a_bounded_mean_starts_finite_for_data_out_of_range(mean):
    head = Gaussian(mean=mean).fit(100 * X).head(N_HIDDEN)
    assert head(H).mean.isfinite().all()


@pytest.mark.parametrize("scale", ["column", "shared", "row", 0.3])
@pytest.mark.parametrize("mean", MEANS)
def test_log_density_matches_torch(scale, mean):
    head = head_of(X, scale=scale, mean=mean)
    p = head(H)
    expected = td.Normal(p.mean, p.scale).log_prob(torch.as_tensor(X)).sum(-1)
    torch.testing.assert_close(log_prob(head, X), expected.detach(), **EXACT)


# -- units ------------------------------------------------------------------------

FACTORS = st.lists(st.floats(-3, 3).map(lambda e: 10.0**e), min_size=3, max_size=3)
SHIFTS = st.lists(st.floats(-100, 100), min_size=3, max_size=3)
by_hypothesis = settings(derandomize=True, deadline=None, max_examples=30)


@pytest.mark.parametrize("scale", ["column", "row", "shared"])
@by_hypothesis
@given(FACTORS, SHIFTS)
def test_changing_units_shifts_the_log_density_by_its_jacobian(scale, factors, shifts):
    a, b = np.array(factors), np.array(shifts)
    if scale == "shared":  # a shared scale has one unit
        a[:] = a[0]
    moved = (X + b) * a
    head, moved_head = head_of(X, scale=scale), head_of(moved, scale=scale)
    expected = log_prob(head, X) - np.log(a).sum()
    seen = from_origin(moved)
    torch.testing.assert_close(
        log_prob(moved_head, seen), expected, rtol=1e-8, atol=1e-8
    )
    features = [
        h.features(torch.as_tensor(x)) for h, x in ((head, X), (moved_head, seen))
    ]
    torch.testing.assert_close(*features, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_a_fixed_scale_is_invariant_to_shifts_only(scale):
    head, moved_head = head_of(X, scale=scale), head_of(X + 7.0, scale=scale)
    moved = log_prob(moved_head, from_origin(X + 7.0))
    torch.testing.assert_close(moved, log_prob(head, X))


def test_rare_values_are_scaled_by_a_tenth_of_the_range():
    rare = np.zeros((1000, 1))
    rare[0] = 1.0
    head = head_of(rare)
    spread = head.features(torch.as_tensor(rare[:2]))
    assert (spread[0] - spread[1]).item() == pytest.approx(10.0)
    assert start(rare).scale.item() == pytest.approx(1.01 * rare.std())


# -- constant columns -------------------------------------------------------------


def with_constant(X, value=3.0):
    return np.column_stack([X, np.full(len(X), value)])


@pytest.mark.parametrize("scale", ["column", "row"])
def test_the_floor_of_a_constant_column_is_min_scale_itself(scale):
    head = head_of(with_constant(X), scale=scale, min_scale=0.05)
    with torch.no_grad():
        for parameter in head.scale.parameters():
            parameter.fill_(0.0 if parameter.ndim == 2 else -1e6)
    assert head(H).scale[..., -1].unique().item() == pytest.approx(0.05)
    assert head(H).mean.isfinite().all()


def test_the_feature_of_a_constant_column_is_zero():
    data = with_constant(X, 0.1)
    features = head_of(data).features(torch.as_tensor(data))
    assert torch.equal(features[:, -1], torch.zeros(50))


@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_a_constant_column_does_not_set_the_unit_of_a_shared_scale(unit):
    alone, beside = (
        start(data, scale="shared").scale[0].item()
        for data in (unit * X, with_constant(unit * X))
    )
    assert alone / 2 < beside < alone * 2


def test_a_shared_scale_of_constant_columns_is_finite():
    data = np.full((50, 3), 2.0)
    assert log_prob(head_of(data, scale="shared"), data).isfinite().all()


def test_double_precision_keeps_what_fit_learned():
    large = X + 1e9
    torch.set_default_dtype(torch.float32)  # as when an estimator builds its head
    try:
        head = copy.deepcopy(Gaussian().fit(large).head(N_HIDDEN)).double()
    finally:
        torch.set_default_dtype(torch.float64)
    features = head.features(torch.as_tensor(from_origin(large))).numpy()
    np.testing.assert_allclose(features, (X - X.mean(0)) / X.std(0), atol=1e-4)
