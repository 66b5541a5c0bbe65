"""What likelihoods learn from columns, what they reject, and what they build."""

import numpy as np
import pandas as pd
import pytest
import torch
from families import numbers
from sklearn.base import clone
from sklearn.compose import make_column_selector

from skvae import VAETransformer
from skvae.distributions import (
    SHORTHAND,
    Bernoulli,
    Categorical,
    Codes,
    Gaussian,
    Likelihood,
    Mixed,
    Noise,
    Poisson,
    as_likelihood,
)
from skvae.exceptions import SkvaeDataWarning

RANDOM = np.random.default_rng(0)
N_HIDDEN = 6
DATA = {
    "bernoulli": RANDOM.random((50, 3)),
    "categorical": np.eye(3)[RANDOM.choice(3, 50, p=[0.6, 0.3, 0.1])],
    "codes": np.stack([RANDOM.choice([0, 2, 5], 50), RANDOM.choice([1, 3], 50)], 1),
    "gaussian": RANDOM.normal([5, -2, 0.1], [2, 1, 0.1], (50, 3)),
    "poisson": RANDOM.poisson([0.5, 4, 30], (50, 3)),
    "negative-binomial": RANDOM.negative_binomial([1, 2, 9], [0.5, 0.2, 0.3], (50, 3)),
}
DATA = {name: X.astype(float) for name, X in DATA.items()}
for scale in ("shared", "relative", "unit"):
    DATA[f"gaussian-{scale}"] = DATA["gaussian"]
DATA["auto"] = np.concatenate([DATA["gaussian"], DATA["categorical"]], 1)
BLOCKS = ("gaussian", "codes", "bernoulli", "poisson", "categorical")
DATA["mixed"] = np.concatenate([DATA[name] for name in BLOCKS], 1)
MIXED = [
    ("gaussian", slice(0, 3)),
    ("codes", [3, 4]),
    ("bernoulli", [7, 6, 5]),
    ("poisson", range(8, 11)),
    ("categorical", [11, 12, -1]),
]
SPECS = {name: name for name in SHORTHAND} | {"mixed": MIXED}
each_likelihood = pytest.mark.parametrize("name", SPECS)


@pytest.fixture(autouse=True, scope="module")
def double():
    """Build heads in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def fitted(name, names=None):
    return as_likelihood(SPECS[name]).fit(DATA[name], names)


def tensor(name):
    return torch.as_tensor(DATA[name])


# -- the parameter ----------------------------------------------------------------


@each_likelihood
def test_a_clone_is_unfitted_and_equal(name):
    likelihood = fitted(name)
    copy = clone(likelihood)
    assert repr(copy) == repr(as_likelihood(SPECS[name]))
    assert [key for key in vars(copy) if key.endswith("_")] == []


def test_an_object_is_copied_before_it_is_fitted():
    likelihood = Gaussian(scale="row")
    copy = as_likelihood(likelihood)
    assert copy is not likelihood
    assert copy.get_params() == likelihood.get_params()
    assert copy.scale == "row"


def test_parameters_are_searchable_inside_an_estimator():
    estimator = VAETransformer(likelihood=Gaussian())
    copy = clone(estimator).set_params(likelihood__scale="shared")
    assert copy.get_params()["likelihood__scale"] == "shared"
    assert estimator.likelihood.scale == "column"


@pytest.mark.parametrize("value", ["normal", None, Gaussian, [], ["gaussian"], 1.0])
def test_an_invalid_likelihood_raises(value):
    message = r"'likelihood' parameter of Model must be .* Got .* instead"
    with pytest.raises(ValueError, match=message):
        as_likelihood(value, "Model")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scale": "rows"}, "'scale' parameter of Gaussian .* Got 'rows'"),
        ({"scale": 0.0}, "'scale' parameter of Gaussian"),
        ({"mean": "relu"}, "'mean' parameter of Gaussian"),
        ({"min_scale": 0.0}, "'min_scale' parameter of Gaussian"),
    ],
)
def test_invalid_gaussian_parameters_raise(params, message):
    with pytest.raises(ValueError, match=message):
        Gaussian(**params).fit(DATA["gaussian"])


def test_a_likelihood_must_implement_head():
    with pytest.raises(NotImplementedError):
        Likelihood().head(N_HIDDEN)


def test_which_families_are_positive_only_or_binary():
    positive = [name for name in SPECS if as_likelihood(SPECS[name]).positive_only]
    binary = [name for name in SPECS if as_likelihood(SPECS[name]).binary]
    assert positive == ["bernoulli", "categorical", "negative-binomial", "poisson"]
    assert binary == ["bernoulli", "categorical"]
    assert as_likelihood([("poisson", [0]), ("bernoulli", [1])]).positive_only


# -- invalid data -----------------------------------------------------------------

GOOD = np.array([[0.0, 1.0], [1.0, 0.0]])
INVALID_IN_FIT = {
    "bernoulli-negative": (Bernoulli(), [[0, -0.1]], "Negative values in data"),
    "poisson-negative": (Poisson(), [[0, -1]], "Negative values in data"),
    "poisson-fraction": (Poisson(), [[3, 1.5]], "Column sex .* not whole numbers"),
    "categorical-negative": (Categorical(), [[2, -1]], "Negative values in data"),
    "categorical-two": (Categorical(), [[1, 0], [1, 1]], "Row 1 .* age to sex"),
    "categorical-none": (Categorical(), [[0, 0]], "Row 0 is not"),
    "categorical-grey": (Categorical(), [[0.5, 0.5]], "Row 0 is not one-hot"),
    # Every code must be exact in float32.
    "codes-fraction": (Codes(), [[0, 0.1], [1, 0.2]], "Column sex .* whole numbers"),
    "codes-large": (Codes(), [[0, 2**24], [1, 2**24 + 1]], "Column sex"),
    "codes-many": (
        Codes(),
        np.stack([np.zeros(1001), np.arange(1001)], 1),
        "Column sex has 1001 different values",
    ),
}
INVALID_LATER = {
    **{name: case for name, case in INVALID_IN_FIT.items() if name[:5] != "codes"},
    "codes-unseen": (
        Codes(),
        [[0, 1], [0, 7]],
        r"Column sex holds the code 7, which was not seen in fit \(seen: 0, 1\)",
    ),
    "mixed-unseen": (
        Mixed([(Poisson(), [1]), (Codes(), [0])]),
        [[3, 1]],
        "Column age holds the code 3",
    ),
}


@pytest.mark.parametrize("label", INVALID_IN_FIT)
def test_invalid_data_raise_in_fit(label):
    likelihood, X, message = INVALID_IN_FIT[label]
    with pytest.raises(ValueError, match=message):
        clone(likelihood).fit(np.array(X, dtype=float), ["age", "sex"])


@pytest.mark.parametrize("label", INVALID_LATER)
def test_invalid_data_raise_after_fit(label):
    likelihood, X, message = INVALID_LATER[label]
    likelihood = clone(likelihood).fit(GOOD)
    likelihood.check(GOOD)
    with pytest.raises(ValueError, match=message):
        likelihood.check(np.array(X, dtype=float), ["age", "sex"])


UNREADABLE = [
    (Codes(), 7.0, "Column sex holds the code 7"),
    (Poisson(), -1.0, "Negative values"),
    (Mixed([(Codes(), [1]), (Gaussian(), [0])]), 7.0, "Column sex holds"),
]


@pytest.mark.parametrize(("likelihood", "x", "message"), UNREADABLE)
def test_check_codes_raises_for_what_the_encoder_cannot_read(likelihood, x, message):
    likelihood = clone(likelihood).fit(GOOD)
    likelihood.check_codes(GOOD)
    with pytest.raises(ValueError, match=message):
        likelihood.check_codes(np.array([[0.0, x]]), ["age", "sex"])


def test_values_above_one_warn_under_bernoulli():
    with pytest.warns(SkvaeDataWarning, match="Column sex reaches 255 under"):
        Bernoulli().fit(np.array([[0.5, 255.0], [1.5, 0.0]]), ["age", "sex"])


# -- mixed tables -----------------------------------------------------------------

FRAME = pd.DataFrame(
    DATA["mixed"][:, :5], columns=["age", "height", "bmi", "sex", "job"]
)
FRAME = FRAME.astype({"sex": int, "job": int})
SAME_PARTS = {
    "names": (["age", "height", "bmi"], ["sex", "job"]),
    "slices": (slice(3), slice("sex", None)),
    "masks": ([True, True, True, False, False], np.array([0, 0, 0, 1, 1], bool)),
    "positions": (range(3), [-2, -1]),
    "functions": (
        make_column_selector(dtype_include=float),
        lambda frame: list(frame.columns[3:]),
    ),
}


@pytest.mark.parametrize("label", SAME_PARTS)
def test_parts_may_be_selected_as_in_sklearn(label):
    reals, codes = SAME_PARTS[label]
    likelihood = as_likelihood([("gaussian", reals), ("codes", codes)])
    likelihood.fit(FRAME.to_numpy(float), list(FRAME.columns), FRAME)
    assert [columns.tolist() for columns in likelihood.columns_] == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([("gaussian", ["age", "bmi"])], "no part for height, sex, job"),
        (
            [("gaussian", slice(0, 4)), ("codes", ["sex", "job"])],
            "more than one part for sex",
        ),
        ([("gaussian", slice(None)), ("codes", [])], "part that selects no column"),
        ([("gaussian", slice(None)), ("codes", ["size"])], "No column is named 'size'"),
    ],
)
def test_missing_and_overlapping_columns_raise(parts, message):
    with pytest.raises(ValueError, match=message):
        as_likelihood(parts).fit(FRAME.to_numpy(float), list(FRAME.columns), FRAME)


def test_log_prob_of_a_mixed_table_is_the_sum_over_blocks():
    likelihood = fitted("mixed")
    head, h = likelihood.head(N_HIDDEN), numbers(50, N_HIDDEN)
    expected = sum(
        part(h).log_prob(torch.as_tensor(DATA["mixed"][:, columns]))
        for part, columns in zip(head.heads, likelihood.columns_, strict=True)
    )
    torch.testing.assert_close(head(h).log_prob(tensor("mixed")), expected)


# -- heads ------------------------------------------------------------------------


@each_likelihood
def test_every_parameter_of_a_head_gets_a_finite_gradient(name):
    head, h = fitted(name).head(N_HIDDEN), numbers(50, N_HIDDEN).requires_grad_()
    head(h).log_prob(tensor(name)).sum().backward()
    for label, parameter in [("h", h), *head.named_parameters()]:
        assert parameter.grad.isfinite().all(), label
        assert (parameter.grad != 0).any(), label


@each_likelihood
def test_an_untrained_head_predicts_the_columns_averages(name):
    mean = fitted(name).head(N_HIDDEN)(torch.zeros(1, N_HIDDEN)).mean[0].detach()
    codes = {"codes": [0, 1], "mixed": [3, 4]}.get(name, [])  # a code has no average
    given, expected = (np.delete(m, codes) for m in (mean.numpy(), DATA[name].mean(0)))
    np.testing.assert_allclose(given, expected, rtol=1e-5)


@each_likelihood
def test_draws_are_in_the_support(name):
    likelihood = fitted(name)
    head = likelihood.head(N_HIDDEN)
    draws = head(numbers(50, N_HIDDEN)).sample(Noise.from_seed(0))
    likelihood.check(draws.numpy())
    assert draws.shape == DATA[name].shape


FEATURES = {
    "bernoulli": lambda X: X,
    "categorical": lambda X: X,
    "codes": lambda X: np.concatenate([X[:, :1] == [0, 2, 5], X[:, 1:] == [1, 3]], 1),
    "gaussian": lambda X: (X - X.mean(0)) / X.std(0),
    "poisson": np.log1p,
}


@pytest.mark.parametrize("name", [*FEATURES, "mixed"])
def test_the_encoder_sees_the_features_of_the_family(name):
    head = fitted(name).head(N_HIDDEN)
    features = head.features(tensor(name))
    if name == "mixed":
        expected = np.concatenate([FEATURES[part](DATA[part]) for part in BLOCKS], 1)
        expected[:, [8, 10]] = expected[:, [10, 8]]  # Bernoulli columns are reversed
    else:
        expected = FEATURES[name](DATA[name])
    np.testing.assert_allclose(features.numpy(), expected.astype(float), rtol=1e-9)
    assert head.n_features == expected.shape[1]
