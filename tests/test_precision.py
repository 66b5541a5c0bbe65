"""Columns far from zero, as unix seconds are, are computed as those near zero."""

import copy
import pickle

import numpy as np
import pytest
import torch
from instances import (
    HALVES,
    OF_DIGITS,
    PLAIN,
    VARIANTS,
    decode,
    fit,
    fitted,
    having,
    small,
    variants,
)
from sklearn.base import clone

from skvae import CVAETransformer, VAETransformer, load
from skvae._columns import FAR, origins, statistics_from_origin
from skvae.distributions import Gaussian, Mixed, Poisson
from skvae.metrics import conditional_log_likelihood, reconstruction_error
from skvae.training import Rows, Table

FAR_AWAY = 2.0**30  # a double holds sixteenths beside it, a single multiples of 64
SECONDS = 1.7e9
GAUSSIAN = {
    label: params
    for label, params in (VARIANTS | OF_DIGITS).items()
    if params.get("likelihood") != "bernoulli"
}
CASES = dict(variants(GAUSSIAN))


def shift_of(estimator, width=64):
    """Return the shift of each column: conditions are not moved."""
    shift = np.full(width, FAR_AWAY)
    columns = estimator.get_params(deep=False).get("condition_columns")
    if columns is not None:
        shift[columns] = 0
    return shift


@pytest.fixture(scope="module")
def pairs(digits):
    """Fits of digits and of moved digits, by case, so that each is fitted once."""
    found = {}

    def pair(case):
        if case not in found:
            shift = shift_of(CASES[case])
            here, there = (fitted(CASES[case], X) for X in (digits, digits + shift))
            found[case] = here, there, shift
        return found[case]

    return pair


# -- every estimator --------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_a_fit_does_not_depend_on_the_offset(case, digits, pairs):
    here, there, shift = pairs(case)
    others = there.module_.state_dict()
    for name, tensor in here.module_.state_dict().items():
        assert torch.equal(tensor, others[name]), name
    Z = here.transform(digits)
    np.testing.assert_array_equal(there.transform(digits + shift), Z)
    assert there.score(digits + shift) == here.score(digits)


def assert_moved(far, near, shift):
    assert far.dtype == np.float64
    np.testing.assert_allclose(far - shift, near, rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_decoded_rows_come_back_where_they_were(case, digits, pairs):
    here, there, shift = pairs(case)
    moved = digits + shift
    assert_moved(there.reconstruct(moved), here.reconstruct(digits), shift)
    Z = here.transform(digits).astype(np.float32)
    assert_moved(decode(there, Z, moved), decode(here, Z, digits), shift)


@pytest.mark.parametrize("case", [c for c in CASES if hasattr(CASES[c], "sample")])
@pytest.mark.parametrize("mean", [False, True])
def test_samples_come_from_where_the_rows_were(case, mean, pairs):
    here, there, shift = pairs(case)
    near, far = (model.sample(50, random_state=0, mean=mean) for model in (here, there))
    assert_moved(far, near, shift)


@pytest.mark.parametrize("case", [c for c in CASES if c.endswith("-small")])
def test_a_file_or_a_copy_gives_the_same_answers(case, digits, pairs, tmp_path):
    _, there, shift = pairs(case)
    X = digits + shift
    there.save(tmp_path / "model")
    copies = (
        load(tmp_path / "model"),
        pickle.loads(pickle.dumps(there)),
        copy.deepcopy(there),
        clone(there).fit(X),
    )
    for model in copies:
        np.testing.assert_array_equal(model.transform(X), there.transform(X))
        np.testing.assert_array_equal(model.reconstruct(X), there.reconstruct(X))


@pytest.mark.parametrize("case", [c for c in CASES if c.endswith("-small")])
def test_training_resumes_from_the_same_origin(case, digits):
    shift = shift_of(CASES[case])
    models = [clone(CASES[case]).set_params(warm_start=True) for _ in range(2)]
    for model, move in zip(models, (0, shift), strict=True):
        fit(fit(model, digits + move), digits[:90] + move)
    np.testing.assert_array_equal(
        models[0].transform(digits), models[1].transform(digits + shift)
    )


# -- answers of some estimators -----------------------------------------------------


@pytest.mark.parametrize("cls", having("modalities"))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_are_filled_where_they_were(cls, dtype, digits):
    # Single precision holds these values exactly beside the origin 2 ** 15.
    X, shift = digits.astype(dtype), dtype(2.0**15)
    models = [
        small(cls, modalities=HALVES, n_iterations=3).fit(X + move)
        for move in (dtype(0), shift)
    ]
    holed = X.copy()
    holed[::2, HALVES["right"]] = np.nan
    tables = [(models[0], holed), (models[1], holed + shift)]
    near, far = (model.impute(table) for model, table in tables)
    assert_moved(far, near, shift)
    near, far = (
        model.generate(table, "right", 3, random_state=0) for model, table in tables
    )
    assert_moved(far, near, shift)
    near, far = (
        model.edit(table[1::2], {0: table[1, 1]}, "right") for model, table in tables
    )
    assert_moved(far, near, shift)


@pytest.mark.parametrize("cls", having("condition_encoding"))
def test_translated_rows_come_back_where_they_were(cls, digits):
    if not hasattr(cls, "translate"):
        assert cls.__name__ == "CMMATransformer"  # its decoder sees no condition
        return
    task = np.arange(200) % 2
    near, far = (
        small(cls).fit(X, condition=task).translate(X, condition=1, own=task)
        for X in (digits, digits + FAR_AWAY)
    )
    assert_moved(far, near, FAR_AWAY)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [1e5, 1e7, 1e9, -3e9])
def test_scores_do_not_depend_on_any_offset(offset, dtype):
    z = np.random.default_rng(0).normal(size=(300, 2))
    X = z @ [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]] + 0.1 * z[::-1, :1]
    settings = {"hidden_layer_sizes": (), "max_epochs": 5, "batch_size": 32}
    settings |= PLAIN | {"likelihood": "gaussian"}
    near, far = (
        VAETransformer(2, dtype=dtype, random_state=0, **settings).fit(table)
        for table in (X, X + offset)
    )
    # A double beside 3e9 is rounded to 5e-7, so the draws of a row differ.
    found = [
        model.log_likelihood(table, 5000, "elbo", return_std_error=True)
        for model, table in ((near, X), (far, X + offset))
    ]
    error = np.hypot(*(each.mean_std_error for each in found))
    assert error < 1e-3
    assert abs(found[0].values.mean() - found[1].values.mean()) < 4 * error + 1e-5
    latents = near.transform(X), far.transform(X + offset)
    np.testing.assert_allclose(*latents, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_of_unix_seconds_differ(dtype):
    seconds = SECONDS + 600 * np.random.default_rng(0).random((300, 1))
    model = small(VAETransformer, dtype=dtype, n_components=1).fit(seconds)
    drawn = model.sample(500, random_state=0)
    assert len(np.unique(drawn)) > 490
    assert abs(drawn.mean() - SECONDS - 300) < 300


@pytest.mark.parametrize("method", ["predictive", "importance"])
@pytest.mark.parametrize("cls", [*having("modalities"), *having("condition_encoding")])
def test_metrics_do_not_depend_on_the_offset(cls, method, digits):
    joint = {"modalities": HALVES} if cls in having("modalities") else {}
    target = {"target": "left"} if joint else {}
    found, errors = [], []
    for X in (digits, digits + FAR_AWAY):
        model = small(cls, **joint).fit(X)
        given = conditional_log_likelihood(
            model, X, method=method, n_samples=5, **target
        )
        found.append([*given, *model.log_likelihood(X[:9], 5, refine=2)])
        errors.append(reconstruction_error(model, X))
    np.testing.assert_array_equal(*found)
    assert errors[1] == pytest.approx(errors[0], rel=1e-5)


# -- numbers as conditions ----------------------------------------------------------


@pytest.mark.parametrize("cls", having("condition_encoding"))
def test_a_numeric_condition_may_be_far_from_zero(cls, digits, tmp_path):
    near = np.round(np.random.default_rng(0).normal(size=200), 3)
    far = np.round(near + FAR_AWAY, 3)  # at thousandths, a double has digits to spare
    models = [
        small(cls, condition_encoding="passthrough").fit(digits, condition=given)
        for given in (near, far)
    ]
    latents = [
        model.transform(digits, condition=given)
        for model, given in zip(models, (near, far), strict=True)
    ]
    np.testing.assert_allclose(*latents, atol=1e-5)
    models[1].save(tmp_path / "model")
    again = load(tmp_path / "model").transform(digits, condition=far)
    np.testing.assert_array_equal(again, latents[1])


@pytest.mark.parametrize("encoding", ["one-hot", "passthrough"])
def test_a_condition_column_comes_back_unchanged(encoding, digits):
    numbers = SECONDS + np.arange(200.0) % 5
    table = np.column_stack([digits, numbers])
    model = small(CVAETransformer, condition_columns=[-1], condition_encoding=encoding)
    rows = model.fit(table).sample(20, random_state=0)
    assert {*rows[:, -1]} <= {*numbers}
    assert np.isfinite(model.score(rows))  # its conditions are levels of fit


def test_a_level_that_single_precision_cannot_hold_comes_back_unchanged(digits):
    table = np.column_stack([digits, np.where(np.arange(200) % 2, 0.1, 0.7)])
    model = small(CVAETransformer, condition_columns=[-1]).fit(table)
    assert {*model.sample(20, random_state=0)[:, -1]} <= {0.1, 0.7}


# -- origins --------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 31.0, -31.0])
def test_a_column_near_zero_stays_as_it_is(shift):
    X = np.random.default_rng(0).normal(size=(1000, 1))
    likelihood = Gaussian().fit(shift * X.std() + X - X.mean())
    assert likelihood.origin is None


def test_an_origin_is_a_multiple_of_a_power_of_two_near_the_mean():
    spread = np.array([1e-6, 0.3, 1.0, 7.0, 1e5])
    mean = np.array([3.0, -1e9, 1e9, 1e12, 1e8])
    origin = origins(mean, spread)
    assert (np.abs(origin - mean) <= FAR * spread).all()
    steps = origin / 2.0 ** np.ceil(np.log2(FAR * spread))
    np.testing.assert_array_equal(steps, np.round(steps))


def test_statistics_from_the_origin_are_exact():
    X = np.random.default_rng(0).integers(-99, 99, (500, 3)) / 8.0
    origin, *found = statistics_from_origin(X + FAR_AWAY)
    assert origin.tolist() == [FAR_AWAY] * 3
    _, *expected = statistics_from_origin(X)
    np.testing.assert_array_equal(found, expected)


def test_a_constant_column_far_from_zero():
    X = np.column_stack([np.full(50, 1e20), np.random.default_rng(0).normal(size=50)])
    model = small(VAETransformer).fit(X)
    np.testing.assert_allclose(model.sample(9, random_state=0)[:, 0], 1e20)


def test_a_bounded_mean_and_counts_have_no_origin():
    assert Gaussian(mean="sigmoid").fit(np.full((9, 1), 1e9)).origin is None
    assert Poisson().fit(np.full((9, 1), 1e9)).origin is None


def test_parts_have_origins_of_their_own():
    shift = np.array([0.0, 2.0**20, 0.0, 2.0**20])
    X = np.random.default_rng(0).poisson(5, (100, 4)) + shift
    inner = Mixed([(Poisson(), [1]), (Gaussian(), [0])])  # columns 0 and 1 of X
    likelihood = Mixed([(Gaussian(), [2, 3]), (inner, [1, 0])]).fit(X)
    assert likelihood.origin.tolist() == shift.tolist()


# -- rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("writeable", [True, False])
def test_rows_are_subtracted_before_the_cast(dtype, writeable):
    expected, origin = np.arange(40.0).reshape(20, 2), np.array([2.0**23, 0.0])
    X = (expected + origin).astype(dtype)
    X.flags.writeable = writeable
    origin.flags.writeable = writeable
    rows = Rows(X, "cpu", torch.float32, origin=origin)
    np.testing.assert_array_equal(rows._on_device().numpy(), expected)  # for a GPU
    which = torch.tensor([3, 0, 3])
    for batch, numbers in (
        (rows.take(which), expected[which]),
        (rows.neighbours(slice(2, 9)), expected[2:9]),
        (rows.subset(np.array([4])).take(torch.tensor([4])), expected[[4]]),
    ):
        assert batch.x.dtype == torch.float32
        np.testing.assert_array_equal(batch.x.numpy(), numbers)


def test_missing_values_are_zero_at_the_origin():
    X = np.array([[5.0, np.nan], [5.0, 7.0]])
    observed = ~np.isnan(X)
    rows = Rows(
        Table(X, observed=observed), "cpu", torch.float32, origin=np.full(2, 4.0)
    )
    assert rows.take(torch.arange(2)).x.tolist() == [[1.0, 0.0], [1.0, 3.0]]
