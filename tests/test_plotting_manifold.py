"""ManifoldDisplay: what a model decodes on a grid over two latents."""

import numpy as np
import pytest
from plots import PICTURE, X, cell, decoded
from scipy.stats import norm
from sklearn.decomposition import PCA

from skvae.plotting import ManifoldDisplay


@pytest.mark.parametrize("latents", [(0, 1), (2, 0), (-1, 1)])
def test_the_manifold_is_decoded_at_normal_quantiles(latents, pipeline):
    n, at = 4, np.array([0.3, -0.2, 0.5])
    display = ManifoldDisplay.from_estimator(
        pipeline, latents=latents, n_values=n, at=at, **PICTURE
    )
    across, up = (latent % 3 for latent in latents)
    for i in range(n):
        for j in range(n):
            z = at.copy()
            z[across] = norm.ppf((j + 0.5) / n)
            z[up] = norm.ppf((n - 1 - i + 0.5) / n)  # upwards
            np.testing.assert_allclose(
                cell(display, i, j),
                decoded(pipeline, z[None]).reshape(8, 8),
                rtol=1e-4,
                atol=1e-4,
            )
    assert display.ax_.get_xlabel() == f"vaetransformer{across}"
    assert display.ax_.get_ylabel() == f"vaetransformer{up}"
    height = dict(
        zip(
            [label.get_text() for label in display.ax_.get_yticklabels()],
            display.ax_.get_yticks(),
            strict=True,
        )
    )
    assert height["1.15"] == 3.5  # norm.ppf(7/8), centre of the top row
    assert height["−1.15"] == 3 * 9 + 3.5


def test_the_manifold_of_pca_follows_quantiles_of_the_data():
    pca = PCA(3).fit(X)
    display = ManifoldDisplay.from_estimator(pca, X, n_values=3, **PICTURE)
    Z = pca.transform(X)
    expected = np.quantile(Z, [1 / 6, 1 / 2, 5 / 6], axis=0)
    np.testing.assert_allclose(display.values[0], expected[:, 0])
    np.testing.assert_allclose(display.values[1], expected[:, 1])
    middle = pca.inverse_transform(np.median(Z, axis=0)[None])
    np.testing.assert_allclose(display.rows[1, 1], middle[0])


def test_a_manifold_of_a_table_is_a_map_a_column(pipeline):
    display = ManifoldDisplay.from_estimator(pipeline, n_values=5, columns=[20, 28])
    for k, (image, j) in enumerate(zip(display.mappable_, [20, 28], strict=True)):
        np.testing.assert_array_equal(image.get_array(), display.rows[..., k])
        assert image.origin == "lower"  # upwards
        top = np.array([[norm.ppf(0.1), norm.ppf(0.9), 0.0]])  # top left
        expected = decoded(pipeline, top)[0, j]
        assert image.get_array()[-1, 0] == pytest.approx(expected, rel=1e-4)
