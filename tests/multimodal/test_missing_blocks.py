"""Which blocks may be missing, and which rows are refused."""

import functools

import numpy as np
import pandas as pd
import pytest
from instances import small

from multimodal.modality_models import (
    BLOCKS,
    HOLED,
    LABELS,
    PIXELS,
    each_model,
    fitted,
    fitted_to_three,
    make,
)
from skvae import JMVAETransformer


@functools.cache
def fitted_with_names():
    return make("experts").fit(pd.DataFrame(HOLED, columns=PIXELS + LABELS))


METHODS = ["transform", "impute", "reconstruct", "score_samples", "fit", "partial_fit"]


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (3, 5, np.nan, "'image' is partly NaN in row 3: column p5 is,"),
        (3, 15, np.nan, "'image' is partly NaN in row 3: column p15 is,"),
        (3, 0, np.nan, "'image' is partly NaN in row 3: column p0 is"),
        (7, 25, np.nan, "'label' is partly NaN in row 7: column y9 is,"),
        (7, 16, np.nan, "'label' is partly NaN in row 7: column y0 is"),
        (6, 4, 0.5, "'image' is partly NaN in row 6: column .* and column p4 is not"),
        (6, 0, 0.5, "'image' is partly NaN in row 6: column .* and column p0 is not"),
        (9, 20, 1.0, "'label' is partly NaN in row 9: column .* and column y4 is not"),
    ],
)
@pytest.mark.parametrize("among", ["whole", "holed"])
def test_a_partly_missing_block_is_refused(row, column, value, message, among, request):
    rows = request.getfixturevalue(among)
    if among == "whole" and not np.isnan(value):
        return  # a value in a complete table is not an error
    table = pd.DataFrame(rows, columns=PIXELS + LABELS)
    estimator = fitted_with_names()
    table.iloc[row, column] = value
    for method in METHODS:
        with pytest.raises(ValueError, match=message):
            getattr(estimator, method)(table)


@each_model
def test_an_empty_row_is_refused_by_its_number(model, holed):
    estimator = fitted(model)
    before = dict(vars(estimator))
    empty = holed.copy()
    empty[5], empty[41] = np.nan, np.nan
    for method in METHODS:
        with pytest.raises(ValueError, match=r"Row 5 has no modality .*'prior'"):
            getattr(estimator, method)(empty)
    assert vars(estimator) == before
    with pytest.raises(ValueError, match=r"Row 1 has nothing but 'image', .*'prior'"):
        estimator.generate(holed[[0, 1]], "image")
    with pytest.raises(ValueError, match="Row 1 has no modality at all"):
        estimator.generate(empty[[0, 5]], "image")


@each_model
def test_an_empty_row_can_be_given_the_prior(model, holed):
    empty = holed.copy()
    empty[5] = np.nan
    estimator = make(model, empty_rows="prior", max_epochs=15).fit(empty)
    np.testing.assert_array_equal(estimator.transform(empty)[5], np.zeros(3))
    assert np.isfinite(estimator.score_samples(empty)).all()
    if model != "hierarchy":  # which only estimates the probability of an empty row
        assert estimator.score_samples(empty)[5] == 0
        assert estimator.log_likelihood(empty, method="elbo")[5] == 0
    drawn = estimator.generate(
        empty[[5]], "image", n_samples=4000, mean=True, random_state=0
    )[:, 0]
    sampled = estimator.sample(4000, mean=True, random_state=1)[:, :16]
    error = np.sqrt((drawn.var(0) + sampled.var(0)) / 4000)
    assert np.all(np.abs(drawn.mean(0) - sampled.mean(0)) < 5 * error)
    assert drawn.std(0).max() > 1e-3  # the means differ between draws
    together = estimator.transform(empty)
    rest = np.delete(np.arange(len(empty)), 5)
    np.testing.assert_allclose(
        estimator.transform(empty[rest]), together[rest], rtol=1e-5, atol=1e-6
    )


@each_model
def test_no_modality_may_be_missing_from_the_whole_first_fit(model, holed):
    for way in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="'label' is missing in every row"):
            getattr(make(model), way)(holed[1::4])
    estimator = make(model).partial_fit(holed)
    for rows in (holed[1::4], holed[2::4], holed[:1], holed[1:2]):
        estimator.partial_fit(rows)
    assert np.isfinite(estimator.transform(holed)).all()
    assert np.isfinite(make(model, batch_size=1).fit(holed[:12]).score(holed))


def test_a_code_not_seen_in_fit_is_named(whole_three, three):
    estimator = fitted_to_three("experts")
    table = three.copy()
    table[7, 4] = 99
    with pytest.raises(ValueError, match="Column x4 holds the code 99"):
        estimator.transform(table)
    model = small(JMVAETransformer, likelihood="gaussian-shared").fit(whole_three)
    with pytest.raises(ValueError, match="fitted without modalities"):
        model.generate(whole_three, "kind")


def test_a_row_that_is_not_one_hot_is_named_by_its_row_number(holed):
    holed[7, 16:18] = 1.0
    with pytest.raises(ValueError, match="Row 7 is not one-hot"):
        fitted("experts").score(holed)
    with pytest.raises(ValueError, match="Row 7 is not one-hot"):
        make("experts").fit(holed)


def test_a_row_number_is_right_if_a_block_is_missing_everywhere(holed):
    holed[:, BLOCKS["image"]] = np.nan
    rows = holed[::2]
    rows[3, BLOCKS["label"]] = 0.5
    with pytest.raises(ValueError, match="Row 3 is not one-hot"):
        fitted("experts").score_samples(rows)
