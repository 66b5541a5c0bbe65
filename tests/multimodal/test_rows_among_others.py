"""The results for a row do not depend on the other rows."""

import numpy as np
import pytest

from multimodal.modality_models import (
    HOLED,
    MODELS,
    OF_THREE,
    THREE,
    each_model,
    fitted,
    fitted_to_three,
    make,
)


def answers(estimator, X):
    methods = ("transform", "impute", "score_samples")
    return [getattr(estimator, method)(X) for method in methods]


@pytest.mark.parametrize("of", ["digits", "three"])
@each_model
def test_a_row_does_not_depend_on_the_other_rows(model, of):
    X, fit = (HOLED, fitted) if of == "digits" else (THREE, fitted_to_three)
    estimator = fit(model)
    together = answers(estimator, X)
    order = np.random.default_rng(0).permutation(len(X))
    alone = [[row] for row in range(1, 7) if np.isnan(X[row]).any()]
    for rows in (order, [0, 1], np.repeat(order, 3), *alone[:3]):
        for found, expected in zip(answers(estimator, X[rows]), together, strict=True):
            np.testing.assert_allclose(found, expected[rows], rtol=1e-5, atol=1e-6)
    for again, expected in zip(answers(estimator, X), together, strict=True):
        np.testing.assert_array_equal(again, expected)


@each_model
def test_a_complete_row_is_encoded_alike_among_incomplete_ones(model):
    estimator = fitted(model)
    together = estimator.transform(HOLED), estimator.reconstruct(HOLED)
    rows = [0, 3, 4, 119]
    for found, expected in zip(
        (estimator.transform(HOLED[rows]), estimator.reconstruct(HOLED[rows])),
        together,
        strict=True,
    ):
        np.testing.assert_allclose(found, expected[rows], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "n_times"),
    [("transform", 36), ("impute", 3)],  # more than one slice of 4096 or of 256 rows
)
@each_model
def test_slices_of_many_rows_give_the_same_result(model, method, n_times):
    answer = getattr(fitted(model), method)
    found, expected = answer(np.tile(HOLED, (n_times, 1))), answer(HOLED)
    expected = np.tile(expected, (n_times, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", ["iterated", "hierarchy"])
def test_draws_of_counts_do_not_depend_on_the_other_rows(model, three):
    estimator = make(model, **(OF_THREE | MODELS[model][1])).fit(three)
    Z = estimator.transform(three)
    np.testing.assert_allclose(estimator.transform(three[::-1])[::-1], Z, atol=1e-6)
    np.testing.assert_allclose(estimator.transform(three[1:2]), Z[1:2], atol=1e-6)


@pytest.mark.parametrize("model", ["iterated", "hierarchy"])
def test_a_complete_row_is_scored_alike_among_incomplete_ones(model):
    estimator = fitted(model)
    np.testing.assert_allclose(
        estimator.score_samples(HOLED[:1]),
        estimator.score_samples(HOLED)[:1],
        rtol=1e-5,
    )
