"""Conditions of every kind come back exactly, and a model accepts its own samples."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from instances import small
from scipy.sparse import csr_array
from sklearn.preprocessing import OneHotEncoder

from skvae import CMMATransformer, CVAETransformer, load
from skvae.conditional._base import BaseConditionalTransformer
from skvae.discovery import all_estimators
from skvae.exceptions import SkvaeDataWarning

N = 24
FLOATS = np.random.default_rng(0).normal(size=(N, 2))
FRAME = pd.DataFrame(FLOATS, columns=["a", "b"])
each_estimator = pytest.mark.parametrize(
    "cls",
    [cls for _, cls in all_estimators() if issubclass(cls, BaseConditionalTransformer)],
)
ID = 2**60
LEVELS = {
    "bool": [True, False, False],
    "integer": [1_000_000_001, 1_000_000_002, 1_000_000_003],
    "large integer": [ID + 1, ID + 2, ID + 3],
    "float": [0.1, 0.3, 1e9 + 0.1],
    "string": ["b", "a", "ä"],
    "category": pd.Categorical(["b", "a", "ä"] * (N // 3)),
    "datetime": pd.to_datetime(["2020-02-29", "2020-03-01", "2021-01-01"]),
    "nanosecond": np.array([1, 2, 3], dtype="datetime64[ns]"),
    "date": [datetime.date(2020, 2, day) for day in (27, 28, 29)],
}


def column_of(kind):
    return np.resize(LEVELS[kind], N) if kind != "category" else LEVELS[kind]


def exact(values):
    """Return values as Python objects that compare exactly, with their kinds."""
    if np.asarray(values[0]).dtype.kind == "M" or isinstance(values[0], datetime.date):
        values = [str(pd.Timestamp(v).to_datetime64().astype("M8[ns]")) for v in values]
    return [(v, type(v)) for v in values]


@each_estimator
@pytest.mark.parametrize("kind", LEVELS)
def test_condition_columns_come_back_as_they_went_in(cls, kind, tmp_path):
    frame = FRAME.assign(c=column_of(kind))
    model = small(cls, condition_columns=["c"], max_epochs=1).fit(frame)
    given = frame["c"].astype(object).tolist()
    samples = model.sample(N, random_state=0)
    back = model.reconstruct(frame)
    found = {
        "reconstruct": back[:, 2],
        "inverse_transform": model.inverse_transform(
            model.transform(frame), condition=frame["c"]
        )[:, 2],
    }
    if back.dtype != object:  # an array of floats, which holds these integers exactly
        assert kind in ("integer", "float")
        given = [np.float64(value) for value in given]
    for values in found.values():
        assert exact(values) == exact(given)
    assert {*exact([*samples[:, 2]])} <= {*exact(given)}
    one = model.sample(2, condition=frame["c"].iloc[1])
    assert exact([*one[:, 2]]) == exact(given[1:2] * 2)
    for rows in (samples, back, one):
        assert np.isfinite(
            model.score_samples(pd.DataFrame(rows, columns=frame.columns))
        ).all()
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert exact([*loaded.reconstruct(frame)[:, 2]]) == exact([*back[:, 2]])
    assert loaded.conditions_.levels_[0].dtype == model.conditions_.levels_[0].dtype
    np.testing.assert_array_equal(loaded.transform(frame), model.transform(frame))


@pytest.mark.parametrize("kind", LEVELS)
def test_translation_writes_the_condition_in_its_kind(kind):
    frame = FRAME.assign(c=column_of(kind))
    model = small(CVAETransformer, condition_columns=["c"], max_epochs=1).fit(frame)
    value = frame["c"].iloc[1]
    moved = model.translate(frame, value)
    assert {*exact([*moved[:, 2]])} == {*exact([*model.reconstruct(frame)[[1], 2]])}


@pytest.mark.parametrize("kind", LEVELS)
def test_the_argument_may_be_of_every_kind_in_every_container(kind):
    column = pd.Series(column_of(kind))
    model = small(CMMATransformer, max_epochs=1).fit(FLOATS, condition=column)
    expected = model.transform(FLOATS, condition=column)
    for given in (
        [*column],
        column.to_frame(),
        column.to_numpy(),
        column.astype(object),
    ):
        np.testing.assert_array_equal(
            model.transform(FLOATS, condition=given), expected
        )
        again = small(CMMATransformer, max_epochs=1).fit(FLOATS, condition=given)
        np.testing.assert_array_equal(
            again.transform(FLOATS, condition=given), expected
        )


@pytest.mark.parametrize("container", [pl.Series, pa.array, pa.chunked_array, tuple])
def test_words_may_be_in_columns_of_other_libraries(container):
    words = ["u", "v"] * (N // 2)
    given = container([words] if container is pa.chunked_array else words)
    model = small(CVAETransformer, max_epochs=1).fit(FLOATS, condition=given)
    assert model.conditions_.levels_[0].tolist() == ["u", "v"]
    np.testing.assert_array_equal(
        model.transform(FLOATS, condition=given),
        model.transform(FLOATS, condition=words),
    )


def test_rows_in_single_precision_have_the_same_condition():
    dose = np.resize([0.1, 0.3], N)
    X = np.column_stack([FLOATS, dose])
    model = small(CVAETransformer, condition_columns=[2]).fit(X)
    single = X.astype(np.float32)
    np.testing.assert_array_equal(model.reconstruct(single)[:, 2], dose)
    model = small(CVAETransformer, condition_columns=[2]).fit(single)
    assert model.sample(3, condition=0.1)[:, 2].tolist() == [np.float32(0.1)] * 3
    assert model.sample(3).dtype == np.float32


def test_identifiers_in_a_tensor_stay_apart():
    numbers = torch.tensor([ID + 1, ID + 2] * (N // 2))
    for condition in (numbers, [*numbers], [[number] for number in numbers]):
        model = small(CVAETransformer).fit(FLOATS, condition=condition)
        assert model.conditions_.levels_[0].tolist() == [ID + 1, ID + 2]


@each_estimator
@pytest.mark.parametrize(
    ("condition", "error", "match"),
    [
        (
            OneHotEncoder().fit_transform(np.ones((N, 1))),
            TypeError,
            "sparse csr_matrix",
        ),
        (
            csr_array(np.ones((N, 1))),
            TypeError,
            "sparse csr_array instead: pass the lab",
        ),
        ((i for i in range(N)), TypeError, "Got a generator"),
        ({"a": [1] * N}, TypeError, "Got a dict"),
        ({1, 2}, TypeError, "Got a set"),
        (pl.LazyFrame({"a": [1] * N}), TypeError, "Got a LazyFrame"),
        (np.zeros((N, 1, 1)), ValueError, r"shape \(24, 1, 1\), but it must be"),
        (b"a", ValueError, "The condition holds bytes"),
        (np.array([b"a"] * N), ValueError, "The condition holds bytes"),
        (np.zeros((N, 2), complex), ValueError, "Condition 0 holds complex numbers"),
        (
            pd.DataFrame({"u": [1] * N, "v": [1j] * N}),
            ValueError,
            "condition 'v' holds",
        ),
        (range(10**12), ValueError, "condition has 1000000000000 rows"),
        (np.zeros((N, 0)), ValueError, "condition has no columns"),
        (
            pd.DataFrame([[1, 2]] * N, columns=["u", "u"]),
            ValueError,
            "condition has 2 columns named 'u'",
        ),
        (pd.NA, ValueError, "The condition is missing in row 0"),
        (np.nan, ValueError, "The condition is missing in row 0"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_a_condition_is_refused_in_fit(cls, condition, error, match):
    with pytest.raises(error, match=match):
        small(cls).fit(FLOATS, condition=condition)


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ([b"a"] * N, "condition 'c' holds bytes"),
        ([1, "a"] * (N // 2), "condition 'c' mixes integers and strings"),
        ([None] + ["a"] * (N - 1), "condition 'c' is missing in row 0"),
        (pd.Series([1] * N, dtype="timedelta64[s]"), "condition 'c' holds durations"),
    ],
)
def test_errors_name_the_condition_column(column, match):
    frame = FRAME.assign(c=column)
    with pytest.raises(ValueError, match=match):
        small(CVAETransformer, condition_columns=["c"]).fit(frame)
    with pytest.raises(ValueError, match=match.replace("'c'", "'x2'")):
        small(CVAETransformer, condition_columns=[2]).fit(frame.to_numpy())


# -- names -----------------------------------------------------------------------------


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_of_conditions_is_matched_by_name(library, tmp_path):
    numbers = np.random.default_rng(0).integers(0, 3, (N, 2))
    frame = library.DataFrame({"donor": numbers[:, 0], "lane": numbers[:, 1]})
    other = library.DataFrame({"lane": numbers[:, 1], "donor": numbers[:, 0]})
    new = library.DataFrame({"donor": numbers[:, 0], "run": numbers[:, 1]})
    model = small(CVAETransformer).fit(FLOATS, condition=frame)
    model.save(tmp_path / "model")
    for fitted in (model, load(tmp_path / "model")):
        expected = fitted.transform(FLOATS, condition=frame)
        found = fitted.transform(FLOATS, condition=numbers)
        np.testing.assert_array_equal(found, expected)
        for wrong in (other, new):
            for method in (fitted.transform, fitted.score, fitted.partial_fit):
                with pytest.raises(ValueError, match="in fit they were"):
                    method(FLOATS, condition=wrong)
            with pytest.raises(ValueError, match="in fit they were"):
                fitted.sample(N, condition=wrong)


def test_a_frame_is_matched_with_the_condition_columns_by_name():
    frame = FRAME.assign(site=["u", "v"] * (N // 2), run=[0, 1, 2] * (N // 3))
    model = small(CVAETransformer, condition_columns=["site", "run"]).fit(frame)
    Z = model.transform(frame)
    model.inverse_transform(Z, condition=frame[["site", "run"]])
    with pytest.raises(ValueError, match="in fit they were"):
        model.inverse_transform(Z, condition=frame[["run", "site"]])


def test_columns_may_have_the_names_of_attributes():
    names = ["collect", "dtype", "type", "select", "column_names", "notna", "tz"]
    frame = pd.DataFrame(np.resize(FLOATS, (N, len(names))), columns=names)
    frame["null_count"] = ["u", "v"] * (N // 2)
    model = small(CVAETransformer, condition_columns=["null_count"]).fit(frame)
    model.sample(N, condition=frame[["null_count"]])
    two = frame[["collect", "dtype"]] > 0
    separate = small(CVAETransformer).fit(FLOATS, condition=two)
    assert separate.transform(FLOATS, condition=two.iloc[0]).shape == (N, 8)


# -- one combination for all rows ------------------------------------------------------


def test_one_combination_of_conditions_stands_for_all_rows():
    frame = pd.DataFrame({"site": ["u", "v"] * (N // 2), "run": [0, 1, 2] * (N // 3)})
    model = small(CVAETransformer).fit(FLOATS, condition=frame)
    rows = pd.DataFrame({"site": ["v"] * N, "run": [2] * N})
    expected = model.transform(FLOATS, condition=rows)
    for one in (["v", 2], ("v", 2), np.array(["v", 2], dtype=object), rows.iloc[0]):
        np.testing.assert_array_equal(model.transform(FLOATS, condition=one), expected)
    two_rows = model.transform(FLOATS[:2], condition=["v", 2])
    np.testing.assert_array_equal(two_rows, expected[:2])
    assert model.sample(3, condition=["v", 2]).shape == (3, 2)
    assert model.translate(FLOATS, ["v", 2], own=frame).shape == FLOATS.shape
    with pytest.raises(
        ValueError, match=r"\(3,\), but there were 2 conditions per row"
    ):
        model.transform(FLOATS, condition=["u", "v", "u"])
    with pytest.raises(ValueError, match="in fit they were"):
        model.transform(FLOATS, condition=rows[["run", "site"]].iloc[0])


# -- quantities ------------------------------------------------------------------------


@each_estimator
def test_a_quantity_under_one_hot_encoding_is_pointed_out(cls):
    X = np.random.default_rng(0).normal(size=(60, 2))
    dose = X[:, 0]
    with pytest.warns(SkvaeDataWarning, match=r"60 levels in 60 rows.*'passthrough'"):
        model = small(cls, max_epochs=1).fit(X, condition=dose)
    with pytest.raises(ValueError, match="and 40 more") as caught:
        model.transform(X, condition=dose + 1)
    assert len(str(caught.value)) < 1000
    small(cls, max_epochs=1, condition_encoding="passthrough").fit(X, condition=dose)
    small(cls, max_epochs=1).fit(X, condition=np.arange(60) // 2)  # two rows each


@each_estimator
@pytest.mark.parametrize(
    ("given", "match"),
    [
        (["a"] * N, "holds strings. With condition_encoding='passthrough' it must"),
        (np.array(["2020"] * N, "M8[D]"), "holds datetimes"),
        ([1.0, None] * (N // 2), "missing in row 1"),
        ([1.0, np.inf] * (N // 2), "is inf in row 1"),
    ],
)
def test_numbers_that_pass_unencoded_are_checked(cls, given, match):
    with pytest.raises(ValueError, match=match):
        small(cls, condition_encoding="passthrough").fit(FLOATS, condition=given)
