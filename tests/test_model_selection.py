"""Tests of splits with many rows of some tasks and few of another."""

import copy
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import small
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import CVAETransformer
from skvae.metrics import compare
from skvae.model_selection import FewShotTransferSplit, task_of

TASK = np.repeat(["a", "b", "c"], [12, 20, 8])
CLASS = np.tile([0, 1], 20)
ROWS = np.column_stack(
    [np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1, 2], [12, 20, 8])]
)
FRAME = pd.DataFrame(ROWS[:, :3], columns=["u", "v", "w"]).assign(task=TASK)
Split = partial(FewShotTransferSplit, n_target=4, n_splits=3, random_state=0)


@st.composite
def cases(draw):
    """Draw shuffled tasks of some rows, and a splitter for them."""
    counts = draw(st.lists(st.integers(1, 12), min_size=2, max_size=4))
    counts[-1] += 1  # at least one target row to train on and one to test on
    task = draw(st.permutations(np.repeat(np.arange(len(counts)), counts).tolist()))
    source = draw(
        st.lists(st.integers(0, len(counts) - 2), min_size=1, unique=True)
        | st.integers(0, len(counts) - 2)
    )
    return np.array(task), FewShotTransferSplit(
        source,
        len(counts) - 1,
        n_target=draw(st.integers(0, counts[-1] - 1)),
        n_splits=draw(st.integers(1, 4)),
        random_state=draw(st.integers(0, 2**32 - 1)),
    )


@settings(deadline=None)
@given(cases())
def test_splits_are_disjoint_and_complete(case):
    task, splitter = case
    X = np.zeros((len(task), 1))
    splits = list(splitter.split(X, groups=task))
    assert len(splits) == splitter.get_n_splits(X, None, task)
    source = np.isin(task, splitter.source)
    target = task == splitter.target
    for train, test in splits:
        assert_array_equal(np.sort([*train, *test]), np.flatnonzero(source | target))
        assert target[test].all()
        assert target[train].sum() == splitter.n_target
        assert source[train].sum() == source.sum()
    again = list(copy.deepcopy(splitter).split(X, groups=task))
    for one, other in zip(splits, again, strict=True):
        assert_array_equal(np.concatenate(one), np.concatenate(other))


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(4, 30), min_size=2, max_size=4),
    share=st.floats(0.2, 0.8),
    seed=st.integers(0, 1000),
)
def test_stratified_draws_keep_the_class_shares(counts, share, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    n_target = max(len(counts), int(share * len(y)))
    n_target = min(n_target, len(y) - len(counts))
    splitter = FewShotTransferSplit("s", "t", n_target, 2, random_state=seed)
    task = np.array(["s", *["t"] * len(y)])
    y = np.array([0, *y])
    for train, _ in splitter.split(np.zeros((len(y), 1)), y, task):
        found = np.bincount(y[train[1:]], minlength=len(counts))
        expected = n_target * np.array(counts) / sum(counts)
        assert (np.abs(found - expected) < 1).all()


def drawn(splitter, X=ROWS, y=None, groups=TASK):
    return [tuple(train) for train, _ in splitter.split(X, y, groups)]


def test_seeds_and_splits_draw_different_rows():
    one, other = drawn(Split("a", "b")), drawn(Split("a", "b", random_state=1))
    assert len({*one, *other}) == 6
    stream = np.random.RandomState(0)
    own = Split("a", "b", random_state=stream)
    assert drawn(own) != drawn(own)


def test_global_generator_is_not_used():
    before = np.random.get_state()[1].copy()
    drawn(Split("a", "b"), y=CLASS)
    assert_array_equal(np.random.get_state()[1], before)


def test_classes_matter_only_with_stratify():
    plain = drawn(Split("a", "b"))
    assert drawn(Split("a", "b", stratify=False), y=CLASS) == plain
    assert drawn(Split("a", "b"), y=CLASS) != plain
    regression = np.linspace(0, 1, 40)
    assert drawn(Split("a", "b", stratify=False), y=regression) == plain


def test_no_target_rows_give_one_split():
    splitter = Split(["a", "c"], "b", n_target=0)
    [(train, test)] = splitter.split(ROWS, groups=TASK)
    assert_array_equal(train, np.flatnonzero(TASK != "b"))
    assert_array_equal(test, np.flatnonzero(TASK == "b"))
    assert splitter.get_n_splits() == 1


@pytest.mark.parametrize(
    ("X", "task", "names"),
    [
        (ROWS, -1, (0, 1)),
        (ROWS.tolist(), 3, (0, 1)),
        (ROWS.astype(object), 3, (0, 1)),
        (FRAME, "task", ("a", "b")),
        (FRAME, -1, ("a", "b")),
        (FRAME.astype({"task": "category"}), "task", ("a", "b")),
        (pl.from_pandas(FRAME), "task", ("a", "b")),
    ],
    ids=["array", "list", "objects", "name", "position", "categories", "polars"],
)
def test_task_column_is_equivalent_to_groups(X, task, names):
    column = drawn(Split(*names, task=task), X, groups=None)
    assert column == drawn(Split("a", "b"))


@pytest.mark.parametrize("groups", [TASK.tolist(), pd.Series(TASK, index=range(5, 45))])
def test_types_of_groups(groups):
    assert drawn(Split("a", "b"), groups=groups) == drawn(Split("a", "b"))


def test_tasks_of_strings_and_numbers():
    task = np.array(["a"] * 20 + [1] * 20, dtype=object)
    for train, test in Split("a", 1).split(ROWS, groups=task):
        assert set(task[test]) == {1}
        assert len(train) == 24


def test_clone_and_repr():
    splitter = Split("a", "b")
    shown = repr(clone(splitter, safe=False))
    assert shown == repr(splitter)
    assert "n_target=4" in shown
    assert "source='a'" in shown


# -- in scikit-learn -------------------------------------------------------------------


def by_hand(model, task=TASK):
    splits = Split("a", "b").split(ROWS, groups=task)
    return [clone(model).fit(ROWS[a]).score(ROWS[b]) for a, b in splits]


def test_cross_validate_with_and_without_metadata_routing():
    expected = by_hand(PCA(1))
    found = cross_validate(PCA(1), ROWS, cv=Split("a", "b"), groups=TASK)
    assert_array_equal(found["test_score"], expected)
    with sklearn.config_context(enable_metadata_routing=True):
        found = cross_validate(
            PCA(1), ROWS, cv=Split("a", "b"), params={"groups": TASK}
        )
    assert_array_equal(found["test_score"], expected)


def test_compare_uses_the_splits():
    table = compare({"pca": PCA(1)}, ROWS, cv=Split("a", "b"), groups=TASK)
    runs = [run["log_likelihood"] for run in table.attrs["runs"]]
    assert_array_equal(runs, by_hand(PCA(1)))


def test_search_over_a_conditional_pipeline():
    cvae = small(CVAETransformer, n_components=2, condition_columns=[-1])
    search = GridSearchCV(
        make_pipeline(StandardScaler(), cvae),
        {"cvaetransformer__beta": [0.5, 1.0]},
        cv=Split(0, 1, task=-1),
        error_score="raise",
    )
    assert np.isfinite(search.fit(ROWS).cv_results_["mean_test_score"]).all()


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "groups", "words"),
    [
        ({}, None, r"neither is given.*task=.*groups="),
        ({"task": -1}, TASK, r"both are given.*task=.*groups="),
        ({"source": "x"}, TASK, r"'x': the tasks are 'a', 'b', 'c'"),
        ({"target": "x"}, TASK, r"'x': the tasks are"),
        ({"source": ["a", "b"]}, TASK, "'source' parameter .* other than the target"),
        ({"source": []}, TASK, "'source' parameter"),
        ({"n_target": 20}, TASK, "n_target=20 leaves no test rows: .*'b' has 20 rows"),
        ({"n_target": -1}, TASK, "'n_target' parameter"),
        ({"n_target": 0.5}, TASK, "'n_target' parameter"),
        ({"n_splits": 0}, TASK, "'n_splits' parameter"),
        ({"stratify": "yes"}, TASK, "'stratify' parameter"),
        ({"random_state": -1}, TASK, "'random_state' parameter"),
        ({"task": 1.5}, TASK, "'task' parameter"),
        ({"task": "task"}, None, "No column is named 'task'"),
        ({"task": 9}, None, "Column 9 is out of range"),
        ({}, np.where(TASK == "c", np.nan, 1.0), "NaN"),
    ],
    ids=str,
)
def test_invalid_arguments(arguments, groups, words):
    splitter = Split(**({"source": "a", "target": "b"} | arguments))
    with pytest.raises(ValueError, match=words):
        list(splitter.split(ROWS, groups=groups))


@pytest.mark.parametrize(
    ("y", "n_target", "words"),
    [
        (np.arange(40) // 2, 4, "4 target rows cannot hold 10 classes"),
        (np.arange(40) // 2, 17, "3 target rows cannot hold 10 classes"),
        (np.arange(40) == 15, 4, "class True has only one target row"),
        (np.linspace(0, 1, 40), 4, "y is continuous"),
    ],
    ids=["train", "test", "single", "continuous"],
)
def test_too_few_rows_of_a_class(y, n_target, words):
    with pytest.raises(ValueError, match=f"{words}.*stratify=False"):
        drawn(Split("a", "b", n_target=n_target), y=y)


def test_tasks_of_another_length():
    with pytest.raises(ValueError, match="task has 3 values for 40 rows"):
        task_of(ROWS, ["a", "b", "c"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        drawn(Split("a", "b"), groups=TASK[:5])
