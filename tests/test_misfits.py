"""Test the warning about columns of two values under a Gaussian likelihood."""

import numpy as np
import pandas as pd
import pytest
from instances import small
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale

from skvae import AETransformer, JMVAETransformer, VAETransformer
from skvae.distributions import Gaussian, as_likelihood
from skvae.distributions._misfits import BLOCK, one_hot_groups, two_valued
from skvae.exceptions import SkvaeDataWarning

PARTS = [
    ("gaussian", slice(0, 2)),
    ("bernoulli", [2]),
    ("categorical", slice(3, 7)),
]


@pytest.fixture
def mixed():
    """Return 100 rows of two numbers, one flag and one variable of four levels."""
    random = np.random.default_rng(0)
    levels = np.arange(100)[:, None] % 4
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(levels)
    numbers = random.normal(size=(100, 2))
    return np.column_stack([numbers, np.arange(100) % 2, one_hot])


def flags(n_rows, n_ones):
    return (np.arange(n_rows) < n_ones).astype(float)


def misfits(X, likelihood="gaussian"):
    columns, groups = as_likelihood(likelihood).fit(X[:5]).misfits(X)
    return columns.tolist(), [group.tolist() for group in groups]


def test_columns_of_two_values():
    columns = {
        "constant": np.zeros(100),
        "flag": flags(100, 50),
        "scaled flag": scale(flags(100, 50)),
        "rare": flags(100, 10),
        "too rare": flags(100, 9),
        "too frequent": flags(100, 91),
        "three values": np.arange(100) % 3,
        "numbers": np.arange(100),
    }
    found = two_valued(np.column_stack(list(columns.values())))
    assert [list(columns)[j] for j in found] == ["flag", "scaled flag", "rare"]


def test_a_column_that_shows_its_third_value_late():
    late = flags(BLOCK + 5, 50)
    flag = late.copy()
    late[-1] = 2
    assert two_valued(np.column_stack([late, flag])).tolist() == [1]
    assert two_valued(flag[:, None].astype(np.float32)).tolist() == [0]


@pytest.mark.parametrize(("n_ones", "found"), [(99, []), (100, [0])])
def test_the_rarer_value_is_in_one_row_of_a_hundred(n_ones, found):
    assert two_valued(flags(10_000, n_ones)[:, None]).tolist() == found


def test_few_rows_are_not_judged():
    X = np.eye(2)[np.arange(19) % 2]
    assert misfits(X) == ([], [])
    assert misfits(np.vstack([X, X])) == ([0, 1], [[0, 1]])


def test_groups_of_one_hot_columns():
    levels = np.arange(200)
    one = np.eye(4)[levels % 4]
    other = np.eye(3)[np.where(levels == 7, 2, levels % 2)]  # the last is rare
    flag = flags(200, 50)[:, None]  # as many ones as a level
    numbers = levels[:, None]
    X = np.hstack([flag, one, other, numbers, flag, 1 - flag, flag])
    assert one_hot_groups(X) == [slice(1, 5), slice(5, 8), slice(9, 11)]
    columns, groups = misfits(X)
    assert columns == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11]  # not the numbers
    assert groups == [[1, 2, 3, 4], [5, 6, 7], [9, 10]]


def test_columns_that_sum_to_one_on_average_are_no_group():
    flag = flags(200, 100)
    assert one_hot_groups(np.column_stack([flag, flag])) == []
    assert one_hot_groups(np.ones((200, 1))) == []


@pytest.mark.parametrize("n_rows", [50, 200, 1797])
@pytest.mark.parametrize("scaled", [False, True])
def test_pictures_and_numbers_fit(n_rows, scaled):
    for load in (load_digits, load_breast_cancer, load_wine):
        X = load().data[:n_rows]
        assert misfits(StandardScaler().fit_transform(X) if scaled else X) == ([], [])


@pytest.mark.parametrize("kind", ["column", "row"])
def test_scales_that_are_learned_per_column_or_row(kind, mixed):
    with pytest.warns(SkvaeDataWarning, match="x2, x3, x4, x5, x6"):
        Gaussian(kind).fit(mixed)


@pytest.mark.parametrize("likelihood", ["gaussian-shared", "gaussian-unit", PARTS])
def test_likelihoods_that_fit(likelihood, mixed):
    small(VAETransformer, likelihood=likelihood).fit(mixed)


def test_scaled_one_hot_columns(mixed):
    with pytest.warns(SkvaeDataWarning, match="x2, x3, x4, x5, x6") as record:
        small(AETransformer, likelihood="gaussian").fit(scale(mixed))
    assert len(record) == 1
    assert record[0].filename == __file__


def test_at_most_five_columns_are_named(mixed):
    pytest.importorskip("pandas")
    X = np.hstack([mixed, mixed[:, 2:]])
    frame = pd.DataFrame(X, columns=list("abcdefghijkl"))
    expected = r"c, d, e, f, g and 5 more \(d to g are one-hot\)"
    with pytest.warns(SkvaeDataWarning, match=expected):
        small(VAETransformer, likelihood="gaussian").fit(frame)


def test_one_warning_for_all_parts_of_a_list(mixed):
    parts = [("gaussian", [0, 2]), (Gaussian(scale="row"), [1, 3, 4, 5, 6])]
    assert misfits(mixed, parts) == ([2, 3, 4, 5, 6], [[3, 4, 5, 6]])
    with pytest.warns(SkvaeDataWarning, match="x2, x3, x4, x5, x6") as record:
        small(VAETransformer, likelihood=parts).fit(mixed)
    assert len(record) == 1


def test_rows_without_the_block_do_not_count(mixed):
    mixed[:50, 2:] = np.nan
    blocks = {"numbers": [0, 1], "kind": slice(2, 7)}
    with pytest.warns(SkvaeDataWarning, match="x2, x3, x4, x5, x6"):
        small(JMVAETransformer, modalities=blocks, likelihood="gaussian").fit(mixed)
    mixed[:90, 2:] = np.nan  # ten rows are too few
    small(JMVAETransformer, modalities=blocks, likelihood="gaussian").fit(mixed)


@pytest.mark.parametrize(
    "likelihood",
    ["gaussian-shared", [("gaussian-shared", slice(0, 8)), ("gaussian", slice(8, 13))]],
)
def test_one_scale_for_unlike_spreads(likelihood):
    X, _ = load_wine(return_X_y=True, as_frame=True)
    X = X[["proline", *X.columns[:-1]]]
    expected = r"proline has 314, the median is .* likelihood='gaussian'"
    with pytest.warns(SkvaeDataWarning, match=expected):
        small(VAETransformer, likelihood=likelihood).fit(X)


@pytest.mark.parametrize("likelihood", ["gaussian-shared", "gaussian"])
def test_like_spreads_or_a_scale_per_column(likelihood):
    X = load_wine().data
    X = scale(X) if likelihood == "gaussian-shared" else X
    X = np.column_stack([X, np.ones(len(X)), np.full(len(X), 1e6)])  # no spread
    small(VAETransformer, likelihood=likelihood).fit(X)
