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


COLUMNS = PIXELS + LABELS
METHODS = ["transform", "impute", "reconstruct", "score_samples", "fit", "partial_fit"]


@pytest.mark.parametrize("among", ["whole", "holed"])
def test_a_partly_missing_one_hot_block_is_refused(among, request):
    table = request.getfixturevalue(among).copy()
    table[7, 16:26], table[7, 20] = np.nan, 1.0
    table = pd.DataFrame(table, columns=PIXELS + LABELS)
    estimator = fitted_with_names()
    for method in METHODS:
        with pytest.raises(ValueError, match="Row 7 is partly NaN in the columns y0"):
            getattr(estimator, method)(table)


@pytest.mark.parametrize("among", ["whole", "holed"])
def test_single_cells_of_a_block_may_be_missing(among, request):
    table = request.getfixturevalue(among).copy()
    before = fitted_with_names().score_samples(pd.DataFrame(table, None, COLUMNS))
    table[[3, 6], 5] = np.nan
    estimator = fitted_with_names()
    frame = pd.DataFrame(table, columns=COLUMNS)
    after = estimator.score_samples(frame)
    changed = np.flatnonzero(before != after)
    there = np.flatnonzero(~np.isnan(table[:, 4]))
    np.testing.assert_array_equal(changed, np.intersect1d([3, 6], there))
    filled = estimator.impute(frame)
    assert np.isfinite(filled).all()
    known = ~np.isnan(table)
    np.testing.assert_array_equal(filled[known], table[known])


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
