"""Columns are selected as in ColumnTransformer; statistics need no copy."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.compose import ColumnTransformer, make_column_selector

from skvae._columns import column_names, column_statistics, resolve_columns

NAMES = ["age", "sex", "height", "weight"]
FRAME = pd.DataFrame({"age": [1, 2], "sex": ["m", "f"], "height": [1.0, 2.0]})
FRAME["weight"] = [3.0, 4.0]

SELECTIONS = {
    "names": ["weight", "age"],
    "index": pd.Index(["sex", "age"]),
    "positions": [3, 0],
    "array-of-positions": np.array([1, -2]),
    "slice": slice(1, 3),
    "slice-with-step": slice(0, None, 2),
    "slice-from-the-end": slice(-2, None),
    "reversed": slice(None, None, -1),
    "slice-of-names": slice("sex", "height"),
    "open-slice-of-names": slice("height", None),
    "slice-up-to-a-name": slice(None, "sex"),
    "mask": [True, False, False, True],
    "array-mask": np.array([False, True, True, False]),
    "empty-mask": [False] * 4,
    "empty": [],
    "function": lambda frame: list(frame.columns[2:]),
    "selector": make_column_selector(dtype_include=np.number),
}


def selected_by_sklearn(selection):
    transformer = ColumnTransformer(
        [("part", "passthrough", selection)], verbose_feature_names_out=False
    )
    return list(transformer.fit(FRAME).get_feature_names_out())


@pytest.mark.parametrize("label", SELECTIONS)
def test_selections_mean_the_same_as_in_sklearn(label):
    positions = resolve_columns(SELECTIONS[label], 4, NAMES, FRAME)
    assert positions.dtype.kind == "i"
    assert [NAMES[j] for j in positions] == selected_by_sklearn(SELECTIONS[label])


@pytest.mark.parametrize(
    ("column", "position"), [("height", 2), (2, 2), (-1, 3), (np.int64(1), 1)]
)
def test_a_single_column_can_be_selected(column, position):
    assert resolve_columns(column, 4, NAMES).tolist() == [position]


@pytest.mark.parametrize(
    ("selection", "names", "message"),
    [
        ("size", NAMES, r"No column is named 'size': the columns are \['age', 'sex'"),
        (slice("age", "size"), NAMES, "No column is named 'size'"),
        (slice(None, None, 0), NAMES, "does not select columns: slice step"),
        (lambda: [0], NAMES, "does not select columns: .* takes 0 positional"),
        ("age", None, "No column is named 'age': X has no column names"),
        (4, NAMES, "Column 4 is out of range: X has 4 columns"),
        ([0, -5], NAMES, "Column -5 is out of range"),
        ([True, False], NAMES, "A column mask has 2 entries for 4 columns"),
    ],
)
def test_an_invalid_selection_raises(selection, names, message):
    with pytest.raises(ValueError, match=message):
        resolve_columns(selection, 4, names)


def test_columns_without_names_are_numbered():
    assert column_names(None, 3) == ["x0", "x1", "x2"]
    assert column_names(np.array(["a", "b"], dtype=object), 2) == ["a", "b"]


# -- statistics -------------------------------------------------------------------

TABLES = npst.arrays(
    st.sampled_from([np.float32, np.float64]),
    st.tuples(st.integers(1, 30), st.integers(1, 4)),
    elements=st.floats(-1000, 1000, width=32),
)


@settings(derandomize=True, deadline=None, max_examples=80)
@given(TABLES, st.integers(1, 40))
def test_statistics_match_numpy_for_any_block_size(X, block):
    expected = [getattr(X.astype(float), name)(axis=0) for name in ("mean", "std")]
    mean, std, low, high = column_statistics(X, block)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-12, atol=1e-9)
    # Variances have the rounding error of squares up to 2000^2.
    np.testing.assert_allclose(std**2, expected[1] ** 2, rtol=1e-10, atol=1e-8)
    np.testing.assert_array_equal(low, X.min(axis=0))
    np.testing.assert_array_equal(high, X.max(axis=0))


def test_the_spread_is_accurate_despite_a_large_offset():
    X = np.random.default_rng(0).normal(size=(5000, 2)) + 1e8
    np.testing.assert_allclose(column_statistics(X)[1], X.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("value", [0.1, 1e8 / 3, -7.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_column_has_no_spread(value, dtype):
    assert column_statistics(np.full((10_000, 1), value, dtype))[1].tolist() == [0.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_statistics_read_a_table_block_by_block(dtype):
    X = np.ones((40_000, 50), dtype)
    X.flags.writeable = False
    tracemalloc.start()
    column_statistics(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2
