"""Rows in which single cells are missing, in every model."""

import numpy as np
import pandas as pd
import pytest
from instances import fit, small
from sklearn.utils import get_tags

import skvae
from skvae import (
    AETransformer,
    CategoricalVAETransformer,
    CVAETransformer,
    JMVAETransformer,
    MCEMTransformer,
    VAETransformer,
)
from skvae.discovery import all_estimators

RANDOM = np.random.default_rng(0)
N_ROWS = 60
COLUMNS = 4
KINDS = [
    ("gaussian", [0, 1]),
    ("codes", [2]),
    ("bernoulli", [3]),
    ("poisson", [4]),
    ("categorical", slice(5, 8)),
]


def numbers(n_rows=N_ROWS):
    z = RANDOM.normal(size=(n_rows, 2))
    return z @ RANDOM.normal(size=(2, COLUMNS)) + 0.3 * RANDOM.normal(
        size=(n_rows, COLUMNS)
    )


def all_kinds(n_rows=N_ROWS):
    labels = RANDOM.integers(0, 3, n_rows)
    return np.column_stack(
        [
            labels + RANDOM.normal(size=n_rows),
            RANDOM.normal(size=n_rows) - labels,
            np.array([2.0, 5.0, 7.0])[labels],
            labels > 1,
            RANDOM.poisson(1 + labels),
            np.eye(3)[labels],
        ]
    )


def with_holes(X, share=0.3, one_hot=()):
    hole = RANDOM.random(X.shape) < share
    hole[0] = False
    if len(one_hot):
        hole[:, one_hot] = hole[:, one_hot[:1]]
    return np.where(hole, np.nan, X)


X = numbers()
HOLED = with_holes(X)
MIXED = with_holes(all_kinds(), one_hot=[5, 6, 7])
each_estimator = pytest.mark.parametrize(("name", "cls"), all_estimators())


def scores(model, X):
    if isinstance(model, AETransformer):
        return model.score(X)
    return model.score_samples(X)


@each_estimator
def test_every_model_takes_holes_everywhere(name, cls, tmp_path):
    model = fit(small(cls, init="pca") if hasattr(cls(), "init") else small(cls), HOLED)
    assert get_tags(model).input_tags.allow_nan
    Z = model.transform(HOLED)
    assert np.isfinite(Z).all()
    assert np.isfinite(scores(model, HOLED)).all()
    filled, seen = model.impute(HOLED), ~np.isnan(HOLED)
    np.testing.assert_array_equal(filled[seen], HOLED[seen])
    assert np.isfinite(filled).all()
    model.save(tmp_path / "model.safetensors")
    loaded = skvae.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.transform(HOLED), Z)
    np.testing.assert_array_equal(loaded.impute(HOLED), filled)


@each_estimator
def test_a_model_of_complete_rows_takes_holes_later(name, cls):
    model = fit(small(cls), X)
    alone = model.transform(X)
    among = model.transform(np.concatenate([X[:40], HOLED[40:]]))
    np.testing.assert_allclose(among[:40], alone[:40], rtol=1e-4, atol=1e-5)
    assert np.isfinite(among).all()
    assert not np.allclose(among[40:], alone[40:])
    assert np.isfinite(scores(model, HOLED)).all()


@each_estimator
def test_every_kind_of_column_may_have_holes(name, cls):
    model = fit(small(cls, likelihood=KINDS), MIXED)
    assert np.isfinite(model.transform(MIXED)).all()
    filled = model.impute(MIXED)
    assert np.isin(filled[:, 2], [2, 5, 7]).all()
    assert np.isin(filled[:, [3, 5, 6, 7]], [0, 1]).all()
    assert (filled[:, 5:].sum(1) == 1).all()
    if cls is AETransformer:
        return
    drawn = model.impute(MIXED, n_imputations=3, random_state=0)
    assert drawn.shape == (3, *MIXED.shape)
    assert np.isin(drawn[..., 2], [2, 5, 7]).all()
    assert (drawn[..., 4] == np.floor(drawn[..., 4])).all()
    seen = ~np.isnan(MIXED)
    for one in drawn:
        np.testing.assert_array_equal(one[seen], MIXED[seen])
    assert not np.array_equal(drawn[0], drawn[1])
    again = model.impute(MIXED, n_imputations=3, random_state=0)
    np.testing.assert_array_equal(drawn, again)


SCORED = [cls for _, cls in all_estimators() if cls is not AETransformer]


@pytest.mark.parametrize("cls", SCORED)
def test_results_of_a_row_do_not_depend_on_the_others(cls):
    model = fit(small(cls), HOLED)
    order = np.random.default_rng(1).permutation(len(HOLED))[:40]
    for answer in (model.score_samples, model.impute):
        np.testing.assert_allclose(
            answer(HOLED)[order], answer(HOLED[order]), rtol=1e-4, atol=1e-4
        )


@each_estimator
def test_a_column_without_values_is_named(name, cls):
    table = pd.DataFrame(X, columns=list("abcd"))
    table["c"] = np.nan
    with pytest.raises(ValueError, match="Column c has no value"):
        small(cls).fit(table)


@pytest.mark.parametrize(
    "cls", [VAETransformer, CVAETransformer, CategoricalVAETransformer]
)
def test_a_row_without_values_has_the_prior(cls):
    model = small(cls).fit(HOLED)
    empty = np.full((2, COLUMNS), np.nan)
    np.testing.assert_allclose(model.score_samples(empty), 0, atol=1e-5)
    uniform = 0.1 if cls is CategoricalVAETransformer else 0.0
    np.testing.assert_allclose(model.transform(empty), uniform, atol=1e-6)


def test_the_chains_of_an_empty_row_sample_the_prior():
    model = small(MCEMTransformer, n_draws=200).fit(HOLED)
    found = model.log_likelihood(np.full((1, COLUMNS), np.nan), return_std_error=True)
    assert abs(found.values[0]) < 4 * found.std_error[0] + 1e-6


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, np.nan])
def test_every_way_to_say_missing(missing):
    model = small(VAETransformer).fit(HOLED)
    table = HOLED.astype(object)
    table[np.isnan(HOLED)] = missing
    np.testing.assert_array_equal(model.transform(table), model.transform(HOLED))
    frame = pd.DataFrame(table)
    np.testing.assert_array_equal(model.transform(frame), model.transform(HOLED))
    np.testing.assert_array_equal(
        model.transform(frame.convert_dtypes()), model.transform(HOLED)
    )
    refitted = small(VAETransformer).fit(table)
    np.testing.assert_array_equal(refitted.transform(X), model.transform(X))


def test_infinite_values_are_still_refused():
    table = HOLED.copy()
    table[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        small(VAETransformer).fit(table)


@pytest.mark.parametrize(
    ("likelihood", "value", "message"),
    [
        ("bernoulli", -1.0, "Negative values .*column x1"),
        ("poisson", 0.5, "Column x1 holds values that are not whole"),
        ("codes", 0.5, "Column x1 must hold whole numbers"),
    ],
)
def test_values_are_checked_beside_holes(likelihood, value, message):
    table = np.array([[0, np.nan], [1, 1], [np.nan, 0], [1, 0.0]])
    table[3, 1] = value
    with pytest.raises(ValueError, match=message):
        small(VAETransformer, likelihood=likelihood).fit(table)


def test_cells_of_a_block_and_whole_blocks_may_be_missing():
    table = np.concatenate([X, numbers()], axis=1)
    table[:20, :4] = np.nan
    table[40:, 5] = np.nan
    blocks = {"left": slice(0, 4), "right": slice(4, 8)}
    for alpha in (0.0, 1.0):
        model = small(JMVAETransformer, modalities=blocks, alpha=alpha, n_iterations=2)
        model.fit(table)
        filled = model.impute(table)
        assert np.isfinite(filled).all()
        seen = ~np.isnan(table)
        np.testing.assert_array_equal(filled[seen], table[seen])


def test_arguments_of_impute_are_checked():
    model = small(VAETransformer).fit(HOLED)
    with pytest.raises(ValueError, match=r"'n_samples' parameter .*impute"):
        model.impute(HOLED, n_samples=0)
    with pytest.raises(ValueError, match=r"'n_imputations' parameter .*impute"):
        model.impute(HOLED, n_imputations=0)


def test_conditions_stay_what_they_are():
    frame = pd.DataFrame(HOLED, columns=list("abcd")).assign(task=["x", "y"] * 30)
    model = small(CVAETransformer, condition_columns=["task"]).fit(frame)
    filled = model.impute(frame)
    assert list(filled[:, 4]) == list(frame["task"])
    assert pd.notna(filled).all()
    draws = model.impute(frame, n_imputations=2, random_state=0)
    assert draws.shape == (2, *frame.shape)
    assert list(draws[1, :, 4]) == list(frame["task"])


def test_words_are_imputed_as_words():
    frame = pd.DataFrame(
        {"size": X[:, 0], "colour": np.where(X[:, 1] > 0, "red", "blue")}
    )
    frame.loc[::3, "colour"] = None
    frame.loc[1::3, "size"] = None
    model = small(VAETransformer, likelihood="auto").fit(frame)
    filled = model.impute(frame)
    assert set(filled["colour"]) == {"red", "blue"}
    assert filled["size"].notna().all()
    assert (filled["colour"][1::3] == frame["colour"][1::3]).all()
