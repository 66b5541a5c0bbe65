"""Edits change some columns of a row and adapt one modality."""

import numpy as np
import pytest

from multimodal.modality_models import (
    BLOCKS,
    TO_A_TWO,
    each_model,
    fitted,
    fitted_to_three,
    make,
)


@each_model
def test_an_edit_adds_the_difference_of_two_means(model, whole):
    estimator = fitted(model)
    rows = whole[:6]
    edited = estimator.edit(rows, TO_A_TWO, "image")
    changed = rows.copy()
    changed[:, 16:] = np.arange(10) == 2

    def mean_image(X):
        X = X.copy()
        X[:, BLOCKS["image"]] = np.nan
        return estimator.reconstruct(X)[:, :16]

    moved = mean_image(changed) - mean_image(rows)
    np.testing.assert_allclose(edited[:, :16], rows[:, :16] + moved, atol=1e-6)
    assert moved.any()
    np.testing.assert_array_equal(edited[:, 16:], changed[:, 16:])
    same = estimator.edit(rows[[2]], {18: 1.0}, "image")  # a 2 stays a 2
    np.testing.assert_array_equal(same, rows[[2]])
    np.testing.assert_array_equal(estimator.edit(rows, {}, "image"), rows)


@each_model
def test_an_edit_imputes_other_blocks_first(model, three):
    estimator = fitted_to_three(model)
    rows = three[[0, 1, 5]]  # the third has neither visits nor kind
    filled = estimator.impute(rows)
    edited = estimator.edit(rows, {1: 8.0}, "body")
    np.testing.assert_array_equal(edited, estimator.edit(filled, {1: 8.0}, "body"))
    others = [2, 4, 5]
    np.testing.assert_array_equal(edited[:, others], filled[:, others])
    np.testing.assert_array_equal(edited[:, 1], 8.0)


@pytest.mark.parametrize(
    ("changes", "modality", "message"),
    [
        ({18: 1.0}, "sound", "'modality' parameter .* among {'image', 'label'}"),
        ({18: 1.0}, 0, "'modality' parameter of JMVAETransformer"),
        ({3: 1.0}, "image", "changes has a column of the modality 'image'"),
        ({18: 1.0, -26: 0}, "image", "changes has a column of the modality 'image'"),
        ({26: 1.0}, "image", "Column 26 is out of range"),
        ({"y2": 1.0}, "image", "No column is named 'y2': X has no column names"),
        ({1.5: 1.0}, "image", "1.5 is neither the name nor the number"),
        ({18: np.nan}, "image", "'changes' parameter .*edit must be .* finite"),
        ({18: "a"}, "image", "'changes' parameter .* finite numbers. Got {18: 'a'}"),
        ({18: np.zeros(2)}, "image", "'changes' parameter of JMVAETransformer.edit"),
        ({18: [1.0]}, "image", "'changes' parameter .* from columns to finite numbers"),
        ({18: 1.0}, "image", "Row 0 is not one-hot .* Set the others to 0 in changes"),
        ({18: 1.0}, "label", "changes has a column of the modality 'label'"),
    ],
    ids=str,
)
def test_an_invalid_edit_is_named(changes, modality, message, whole):
    with pytest.raises(ValueError, match=message):
        fitted("experts").edit(whole[:3], changes, modality)


def test_only_changed_labels_must_stay_one_hot(holed):
    blocks = {"left": slice(0, 8), "right": slice(8, 16), "label": slice(16, None)}
    parts = [("bernoulli", [0]), ("categorical", slice(1, None))]
    likelihood = {"left": "bernoulli", "right": "gaussian", "label": parts}
    table = np.delete(holed, 16, axis=1)
    table = np.insert(table, 16, 1.0 * (np.arange(len(table)) % 2 == 0), axis=1)
    table = np.insert(table, 17, holed[:, 16], axis=1)
    table[1::4, 16] = np.nan  # together with the rest of its block
    estimator = make("experts", modalities=blocks, likelihood=likelihood).fit(table)
    rows = table[:2]  # the second has no label: probabilities are imputed
    one_hot = dict.fromkeys(range(17, 27), 0.0) | {19: 1.0}
    for changes in ({8: 2.0}, {16: 2.0}, one_hot, {16: 0.0} | one_hot):
        assert np.isfinite(estimator.edit(rows, changes, "left")).all()
    for changes, row in (({19: 1.0}, 0), (one_hot | {19: 0.5}, 0), ({17: 1.0}, 1)):
        with pytest.raises(ValueError, match=f"Row {row} is not one-hot .*x17 to x26"):
            estimator.edit(rows, changes, "left")


def test_a_missing_modality_cannot_be_edited(holed):
    with pytest.raises(ValueError, match="'image' is missing in row 2 and cannot"):
        fitted("experts").edit(holed, {18: 1.0}, "image")


@pytest.mark.parametrize(("changes"), [{1: 99.0}, {2: np.inf}, {2: -1.0}], ids=str)
def test_an_edit_to_impossible_values_is_refused(changes, whole_three):
    with pytest.raises(ValueError, match=r"not seen|finite|Negative"):
        fitted_to_three("experts").edit(whole_three[:2], changes, "body")


@pytest.mark.parametrize("changes", [None, [18]])
def test_changes_must_be_a_dict(changes, whole):
    with pytest.raises((ValueError), match="changes"):
        fitted("experts").edit(whole[:2], changes, "image")


def test_a_modality_of_codes_cannot_be_edited(whole_three):
    with pytest.raises(ValueError, match="'kind' has codes"):
        fitted_to_three("experts").edit(whole_three, {0: 2.0}, "kind")
