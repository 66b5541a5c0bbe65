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
