"""Models of several modalities on every kind of table, in pipelines and searches."""

import warnings

import numpy as np
import polars as pl
import pytest
import torch
from saved import assert_same_answers, through_pickle
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags

from multimodal.modality_models import (
    LABELS,
    PIXELS,
    TO_A_TWO,
    assert_same_weights,
    each_model,
    fitted,
    make,
)


@each_model
def test_every_kind_of_table_gives_the_same_result(model, holed, frame):
    estimator = fitted(model)
    expected = estimator.transform(holed)
    tables = {
        "array": holed,
        "Fortran": np.asfortranarray(holed),
        "backwards": holed[::-1][::-1],
        "lists with None": np.where(np.isnan(holed), None, holed).tolist(),
        "tensor": torch.tensor(holed),
        "pandas NA": frame.convert_dtypes(),
        "polars NaN": pl.from_pandas(frame, nan_to_null=False),
        "polars null": pl.from_pandas(frame, nan_to_null=True),
    }
    read_only = tables["read only"] = holed.copy()
    read_only.flags.writeable = False
    for label, table in tables.items():
        other = clone(estimator).fit(table)
        assert_same_weights(estimator, other)
        found = other.transform(table)
        np.testing.assert_array_equal(found, expected, err_msg=label)
    np.testing.assert_array_equal(other.impute(table), estimator.impute(holed))


@each_model
def test_precision_is_kept_and_the_input_unchanged(model, holed):
    before = holed.copy()
    estimator = make(model, dtype="float64").fit(holed)
    for dtype in (np.float32, np.float64):
        X = holed.astype(dtype)
        assert estimator.transform(X).dtype == dtype
        assert estimator.impute(X).dtype == dtype
        assert estimator.generate(X[::4], "image").dtype == dtype
        assert estimator.edit(X[::4], TO_A_TWO, "image").dtype == dtype
    np.testing.assert_array_equal(holed, before)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_latents_are_returned_in_the_requested_frame(kind, frame):
    table = frame if kind == "pandas" else pl.from_pandas(frame)
    estimator = make("experts", modalities={"image": PIXELS, "label": LABELS})
    Z = estimator.set_output(transform=kind).fit_transform(table)
    assert list(Z.columns) == [f"jmvaetransformer{k}" for k in range(3)]
    np.testing.assert_array_equal(
        Z.to_numpy(), make("experts").fit(frame).transform(frame)
    )
    to_a_two = dict.fromkeys(LABELS, 0.0) | {"y2": 1.0}
    from_the_end = {column - 26: value for column, value in TO_A_TWO.items()}
    edited = estimator.edit(table[::4], to_a_two, "image")
    by_place = estimator.edit(table[::4], from_the_end, "image")
    np.testing.assert_array_equal(edited, by_place)


def test_nan_is_allowed_without_modalities_too(holed):
    without = make("experts", modalities=None, likelihood="gaussian-shared")
    assert get_tags(without).input_tags.allow_nan
    assert np.isfinite(without.fit(holed).transform(holed)).all()


def test_alpha_and_n_components_can_be_searched_in_a_pipeline(frame, whole):
    classes = whole[:, 16:].argmax(1) % 2
    scale = make_column_transformer(
        (MinMaxScaler(clip=True), PIXELS),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    latents = make("experts", modalities={"image": PIXELS, "label": LABELS})
    pipeline = make_pipeline(scale, latents, LogisticRegression())
    grid = {
        "jmvaetransformer__alpha": [0.0, 1.0],
        "jmvaetransformer__n_components": [2, 3],
        "jmvaetransformer__n_iterations": [3],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(frame, classes)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = clone(search.best_estimator_).fit(frame, classes)  # in the main process
    np.testing.assert_array_equal(
        search.predict_proba(frame), again.predict_proba(frame)
    )


@each_model
def test_a_model_of_several_modalities_is_its_own_scorer(model, holed):
    grid = {"n_components": [(2, 2), (3, 2)] if model == "hierarchy" else [2, 3]}
    search = GridSearchCV(make(model), grid, cv=2).fit(holed)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.impute(holed).shape == holed.shape


def test_some_columns_of_a_table_can_be_encoded(frame):
    latents = make(
        "experts",
        modalities={"few": ["p3", "p4"], "label": LABELS},
        likelihood={"few": "gaussian", "label": "categorical"},
        empty_rows="prior",
    )
    part = frame[["p4", *LABELS, "p3"]]
    columns = make_column_transformer((latents, list(part)), (StandardScaler(), ["p5"]))
    expected = clone(latents).fit(part).transform(part)
    np.testing.assert_array_equal(columns.fit_transform(frame)[:, :3], expected)


def test_a_fold_without_a_modality_is_named(holed):
    ordered = np.concatenate([holed[1::4], holed[::4]])  # labels in the second half
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = cross_val_score(make("experts"), ordered, cv=KFold(2))
    assert np.isnan(found).tolist() == [False, True]
    assert "'label' is missing in every row" in str(caught[0].message)


@each_model
def test_pickles_and_clones_of_a_fitted_model_are_equal(model, frame):
    estimator = make(
        model, modalities={"image": make_column_selector("^p"), "label": LABELS}
    ).fit(frame)
    assert_same_answers(estimator, through_pickle(estimator), frame)
    copied = clone(estimator)
    assert not hasattr(copied, "modalities_")
    assert_same_weights(copied.fit(frame), estimator)
