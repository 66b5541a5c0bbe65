"""VAEImputer: scikit-learn's conventions, tables of every kind, and what it fills."""

import os

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from skvae import CVAETransformer, JMVAETransformer, VAEImputer, VAETransformer

RANDOM = np.random.default_rng(0)
QUICK = {
    "max_epochs": 2,
    "hidden_layer_sizes": (8,),
    "early_stopping": False,
    "random_state": 0,
}


def quick(cls=VAETransformer, **params):
    return cls(2, **(QUICK | params))


@pytest.fixture
def X():
    table = np.random.default_rng(1).normal(size=(60, 3))
    table[np.random.default_rng(2).random(table.shape) < 0.3] = np.nan
    return table


@pytest.fixture
def frame():
    random = np.random.default_rng(3)
    table = pd.DataFrame(
        {"size": random.normal(size=60), "kind": random.choice(["a", "b", "c"], 60)}
    )
    table.loc[::5, "kind"] = None
    table.loc[3::7, "size"] = np.nan
    return table


@pytest.mark.parametrize("params", [{}, {"add_indicator": True}])
def test_check_estimator_passes(params):
    assert os.environ.get("SCIPY_ARRAY_API") == "1", "set it, or a check is skipped"
    imputer = VAEImputer(quick(), random_state=0, **params)
    found = estimator_checks.check_estimator(imputer, on_fail=None, on_skip=None)
    failed = [r for r in found if r["status"] != "passed"]
    assert failed == []


def test_it_is_the_model_that_it_wraps(X):
    imputer = VAEImputer(quick(), n_samples=10).fit(X)
    expected = quick().fit(X).impute(X, n_samples=10)
    np.testing.assert_array_equal(imputer.transform(X), expected)
    other = VAEImputer(quick(), random_state=5).fit(X)
    assert not np.array_equal(other.transform(X), expected)


def test_draws_vary_as_cells_do(X):
    means = VAEImputer(quick(), random_state=0).fit(X).transform(X)
    imputer = VAEImputer(quick(), sample_posterior=True, random_state=0).fit(X)
    drawn = imputer.transform(X)
    np.testing.assert_array_equal(imputer.transform(X), drawn)
    missing = np.isnan(X)
    np.testing.assert_array_equal(drawn[~missing], X[~missing])
    assert drawn[missing].std() > 2 * means[missing].std()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_with_words_come_back_as_frames(frame, library):
    table = frame if library == "pandas" else pl.from_pandas(frame)
    imputer = VAEImputer(quick(likelihood="auto"), add_indicator=True).fit(table)
    filled = imputer.transform(table)
    assert type(filled) is type(table)
    assert list(filled.columns) == list(imputer.get_feature_names_out())
    assert list(filled.columns[2:]) == [
        "missingindicator_size",
        "missingindicator_kind",
    ]
    filled = filled if library == "pandas" else filled.to_pandas()
    assert set(filled["kind"]) == {"a", "b", "c"}
    seen = frame["kind"].notna()
    assert (filled["kind"][seen] == frame["kind"][seen]).all()
    assert (filled["missingindicator_kind"] == ~seen).all()


@pytest.mark.parametrize(
    ("missing", "column"), [(-1, "size"), ("?", "kind"), (-1.0, "size")]
)
def test_other_values_may_stand_for_missing(frame, missing, column):
    marked = frame.copy()
    marked[column] = marked[column].fillna(missing)
    imputer = VAEImputer(quick(likelihood="auto"), missing_values=missing)
    expected = VAEImputer(quick(likelihood="auto")).fit_transform(frame)
    pd.testing.assert_frame_equal(imputer.fit_transform(marked), expected)
    fitted = VAEImputer(quick(likelihood="auto")).fit(frame)
    assert fitted.set_params(missing_values=missing).transform(marked).equals(expected)


def test_whole_numbers_may_stand_for_missing():
    X = RANDOM.integers(0, 5, (50, 3))
    filled = VAEImputer(quick(), missing_values=0).fit_transform(X)
    np.testing.assert_array_equal(filled[X != 0], X[X != 0])
    assert (filled != 0).all()


def test_conditions_and_modalities_stay_in_their_columns(X):
    table = np.column_stack([X, RANDOM.integers(0, 2, len(X))])
    model = quick(CVAETransformer, condition_columns=[3])
    imputer = VAEImputer(model, add_indicator=True).fit(table)
    filled = imputer.transform(table)
    np.testing.assert_array_equal(filled[:, 3], table[:, 3])
    np.testing.assert_array_equal(filled[:, 4:], np.isnan(X))
    blocks = {"left": [0, 1], "right": [2, 3]}
    model = quick(JMVAETransformer, modalities=blocks, empty_rows="prior")
    assert np.isfinite(VAEImputer(model).fit_transform(table)).all()


def test_it_goes_before_a_predictor(X):
    y = np.where(np.isnan(X[:, 0]), 0, X[:, 0]) > 0
    pipe = make_pipeline(VAEImputer(quick(), add_indicator=True), LogisticRegression())
    assert cross_val_score(pipe, X, y, cv=2).min() > 0.6


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimator": LogisticRegression()}, "'estimator' parameter of VAEImputer"),
        ({"n_samples": 0}, "'n_samples' parameter of VAEImputer"),
        ({"missing_values": [1]}, "'missing_values' parameter of VAEImputer"),
        ({"add_indicator": "yes"}, "'add_indicator' parameter of VAEImputer"),
    ],
)
def test_invalid_parameters_are_named(params, message, X):
    with pytest.raises(ValueError, match=message):
        VAEImputer(**params).fit(X)
