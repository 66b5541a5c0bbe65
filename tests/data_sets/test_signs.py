"""Pictures of printed digits."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skvae.datasets import make_digits_as_signs


def test_a_seed_gives_the_same_pictures():
    one, same, other = (make_digits_as_signs(5, random_state=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.data, same.data)
    assert not np.array_equal(one.data, other.data)


def test_pictures_are_grey_and_have_contrast():
    found = make_digits_as_signs(50, image_shape=(24, 40), random_state=0)
    assert found.data.shape == (50, 960)
    assert found.images.shape == (50, 24, 40)
    assert found.data.dtype == np.float32
    assert 0 <= found.data.min() <= found.data.max() <= 1
    assert (np.ptp(found.data, axis=1) > 0.1).all()


def test_the_class_is_that_of_the_digit_in_the_picture():
    """A linear classifier of contrasts does better than chance by far."""
    found = make_digits_as_signs(3000, random_state=0)
    contrast = np.abs(found.data - np.median(found.data, axis=1, keepdims=True))
    contrast /= contrast.max(axis=1, keepdims=True)
    model = LogisticRegression(C=0.01, max_iter=200)
    model.fit(contrast[:2500], found.target[:2500])
    assert model.score(contrast[2500:], found.target[2500:]) > 0.3
    assert set(found.target) == set(range(10))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_samples": 0}, "'n_samples' parameter"),
        ({"image_shape": 32}, "'image_shape' parameter"),
        ({"fonts": []}, "'fonts' parameter .* a non-empty list of paths"),
        ({"random_state": "x"}, "'random_state' parameter"),
    ],
)
def test_invalid_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        make_digits_as_signs(**params)
