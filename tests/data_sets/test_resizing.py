"""Resizing images, and converting colours to grey."""

import numpy as np
import pytest
from scipy import ndimage

from skvae import datasets
from skvae.datasets import _images

RANDOM = np.random.default_rng(0)


def test_halving_weighs_pixels_by_distance():
    # A triangle filter has the weights (1, 3, 3, 1) / 8 around each new centre.
    row = RANDOM.random(8).astype(np.float32)
    found = _images.resize(row[None, None].repeat(2, axis=1), (1, 4))[0, 0]
    weights = np.array([1, 3, 3, 1]) / 8
    np.testing.assert_allclose(found[1], weights @ row[1:5], rtol=1e-5)
    np.testing.assert_allclose(found[2], weights @ row[3:7], rtol=1e-5)
    np.testing.assert_allclose(
        found[0], weights[1:] @ row[:3] / weights[1:].sum(), 1e-5
    )


def test_enlarging_agrees_with_scipy():
    images = RANDOM.random((3, 16, 16)).astype(np.float32)
    found = _images.resize(images, (28, 28))
    zoom = (1, 28 / 16, 28 / 16)
    wanted = ndimage.zoom(images, zoom, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("image_shape", "padding", "border"),
    [((28, 28), "auto", 1), ((28, 28), 0, 0), ((28, 28), 2, 2), ((20, 20), "auto", 0)],
)
def test_usps_has_a_border_before_it_is_enlarged(
    image_shape, padding, border, tmp_path
):
    images = RANDOM.random((3, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "usps.npz", X_test=images, y_test=[0, 1, 2])
    found = datasets.load_usps(
        tmp_path, subset="test", image_shape=image_shape, padding=padding
    )
    framed = np.zeros((3, 16 + 2 * border, 16 + 2 * border), np.float32)
    framed[:, border : border + 16, border : border + 16] = images
    zoom = (1, *np.divide(image_shape, framed.shape[1:]))
    wanted = ndimage.zoom(framed, zoom, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(found.images, wanted, atol=1e-5)


@pytest.mark.parametrize("image_shape", [(28, 20), (7, 90), (1, 1)])
def test_resizing_keeps_white(image_shape):
    found = _images.resize(np.ones((2, 64, 64), np.float32), image_shape)
    assert found.shape == (2, *image_shape)
    assert found.max() <= 1
    np.testing.assert_allclose(found, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("colour", "grey"),
    [((255, 255, 255), 1.0), ((0, 255, 0), 0.587), ((9, 0, 0), 0.01055)],
)
def test_colours_become_luma(colour, grey, tmp_path):
    np.savez(tmp_path / "svhn.npz", X_test=np.full((2, 32, 32, 3), colour, np.uint8))
    found = datasets.load_svhn(tmp_path, subset="test")
    np.testing.assert_allclose(found.data, grey, rtol=1e-3)
    assert found.data.max() <= 1
