"""TraversalDisplay: one latent varied at a time."""

import numpy as np
from plots import PICTURE, Linear, X, cell, decoded, encoded
from scipy.stats import norm

from skvae.plotting import TraversalDisplay


def test_a_traversal_varies_one_latent_a_line(pipeline):
    display = TraversalDisplay.from_estimator(
        pipeline, X[5:6], latents=[2, 0], values=[-2.0, 0.0, 1.5], **PICTURE
    )
    base = encoded(pipeline, X[5:6])[0]
    for i, latent in enumerate([2, 0]):
        for j, value in enumerate([-2.0, 0.0, 1.5]):
            z = base.astype(float)
            z[latent] = value
            np.testing.assert_allclose(
                cell(display, i, j),
                decoded(pipeline, z[None]).reshape(8, 8),
                rtol=1e-4,
                atol=1e-4,
            )
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["vaetransformer2", "vaetransformer0"]
    values = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert values == ["−2", "0", "1.5"]


def test_traversals_have_the_most_effective_latents_first():
    W = np.diag([1.0, 3.0, 2.0])
    display = TraversalDisplay.from_estimator(
        Linear(W), values=5, max_latents=2, image_shape=(1, 3)
    )
    assert display.latent_names == ["z1", "z2"]
    np.testing.assert_allclose(display.values, norm.ppf([0.02, 0.26, 0.5, 0.74, 0.98]))
    np.testing.assert_allclose(display.rows[0, :, 1], 3 * display.values)
    np.testing.assert_array_equal(display.rows[0, :, [0, 2]], 0)


def test_options_of_the_model_reach_it():
    display = TraversalDisplay.from_estimator(
        Linear(np.eye(2)), values=2, decode_params={"shift": 7.0}, image_shape=(1, 2)
    )
    np.testing.assert_array_equal(display.base, [7.0, 7.0])


def test_a_traversal_of_a_table_is_in_standard_deviations():
    W = np.array([[1.0, 0.0, 4.0], [0.0, -2.0, 0.0]])
    rows = np.random.default_rng(0).normal(size=(40, 3)) * [1.0, 5.0, 2.0]
    display = TraversalDisplay.from_estimator(
        Linear(W), rows, latents=[0, 1], values=[-1.0, 0.0, 2.0]
    )
    start = Linear(W).transform(rows[:1])[0]
    for i, image in enumerate(display.mappable_):
        change = np.subtract([-1.0, 0.0, 2.0], start[i])
        expected = W[i][:, None] * change / rows.std(axis=0)[:, None]
        np.testing.assert_allclose(image.get_array(), expected, atol=1e-12)
        low, high = image.get_clim()
        assert low == -high  # no change is white
