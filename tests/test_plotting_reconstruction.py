"""ReconstructionDisplay: originals next to their reconstructions."""

import numpy as np
from plots import PICTURE, SMALL, X, Y, cell, decoded, encoded
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skvae import AETransformer, VAETransformer
from skvae.plotting import ReconstructionDisplay


def test_originals_stand_above_reconstructions(pipeline):
    display = ReconstructionDisplay.from_estimator(pipeline, X, n_samples=4, **PICTURE)
    expected = decoded(pipeline, encoded(pipeline, X[:4]))
    for j in range(4):
        np.testing.assert_array_equal(cell(display, 0, j), X[j].reshape(8, 8))
        np.testing.assert_allclose(
            cell(display, 1, j), expected[j].reshape(8, 8), rtol=1e-5, atol=1e-5
        )
    whole = display.mappable_.get_array()
    assert whole.shape == (17, 35)
    assert np.ma.getmaskarray(whole)[8].all()  # the gaps
    assert np.ma.getmaskarray(whole)[:, [8, 17, 26]].all()
    assert display.mappable_.get_clim() == (0, 16)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["original", "reconstruction"]
    assert display.ax_.get_yticks().tolist() == [3.5, 12.5]


def test_many_pictures_continue_in_further_pairs_of_lines(pipeline):
    display = ReconstructionDisplay.from_estimator(pipeline, X, n_samples=12, **PICTURE)
    whole = np.ma.filled(display.mappable_.get_array(), np.nan)
    third = int(display.ax_.get_yticks()[2] - 3.5)
    assert third > 18  # a wider gap than within a pair
    np.testing.assert_array_equal(whole[third : third + 8, :8], X[10].reshape(8, 8))
    assert np.isnan(whole[third:, 18:]).all()  # no thirteenth picture


def test_pca_reconstructs_by_encoding_and_decoding():
    model = make_pipeline(MinMaxScaler(), PCA(5), LogisticRegression(max_iter=500))
    model.fit(X, Y)
    display = ReconstructionDisplay.from_estimator(model, X, n_samples=3, **PICTURE)
    expected = model[:-1].inverse_transform(model[:-1].transform(X[:3]))
    np.testing.assert_allclose(display.reconstruction, expected)


def test_an_autoencoder_reconstructs_too():
    ae = AETransformer(2, **SMALL).fit(X)
    display = ReconstructionDisplay.from_estimator(ae, X, n_samples=3, **PICTURE)
    np.testing.assert_array_equal(display.reconstruction, ae.reconstruct(X[:3]))


def test_columns_choose_the_picture():
    wide = np.column_stack([np.full(len(X), 100.0), X])
    vae = VAETransformer(2, **SMALL).fit(wide)
    display = ReconstructionDisplay.from_estimator(
        vae, wide, columns=slice(1, None), n_samples=2, **PICTURE
    )
    np.testing.assert_array_equal(cell(display, 0, 1), X[1].reshape(8, 8))
    np.testing.assert_array_equal(
        cell(display, 1, 1), vae.reconstruct(wide[:2])[1, 1:].reshape(8, 8)
    )


def test_styles_of_the_user_come_last(pipeline):
    display = ReconstructionDisplay.from_estimator(
        pipeline, X, cmap="gray_r", im_kw={"vmax": 5}, **PICTURE
    )
    assert display.mappable_.get_cmap().name == "gray_r"
    assert display.mappable_.get_clim() == (0, 5)


def test_a_numeric_column_is_points_about_the_diagonal(pipeline):
    display = ReconstructionDisplay.from_estimator(pipeline, X, columns=[20, 30])
    expected = decoded(pipeline, encoded(pipeline, X))
    for points, panel, j in zip(
        display.mappable_, display.axes_, [20, 30], strict=True
    ):
        offsets = np.asarray(points.get_offsets())
        np.testing.assert_allclose(offsets[:, 0], X[:, j])
        np.testing.assert_allclose(offsets[:, 1], expected[:, j], rtol=1e-4, atol=1e-4)
        x, y = panel.lines[0].get_data()
        np.testing.assert_array_equal(x, y)
        assert panel.get_title().endswith(f"{r2_score(X[:, j], expected[:, j]):.2f}")


def test_a_column_of_words_is_a_table_of_shares():
    original = np.array([["a"], ["a"], ["a"], ["b"], ["b"]], dtype=object)
    made = np.array([["a"], ["a"], ["c"], ["b"], ["a"]], dtype=object)
    display = ReconstructionDisplay(original, made, feature_names=["word"]).plot()
    (image,) = display.mappable_
    expected = [[2 / 3, 1 / 2, 0], [0, 1 / 2, 0], [1 / 3, 0, 0]]  # made x original
    np.testing.assert_allclose(image.get_array(), expected)
    assert image.origin == "lower"
    assert display.axes_[0].get_title() == "word\nequal = 0.60"
    words = [label.get_text() for label in display.axes_[0].get_yticklabels()]
    assert words == ["a", "b", "c"]


def test_of_many_columns_those_reconstructed_worst_are_shown():
    rng = np.random.default_rng(0)
    original = rng.normal(size=(50, 5))
    made = original + rng.normal(size=(50, 5)) * [0.1, 2.0, 0.1, 1.0, 0.1]
    display = ReconstructionDisplay(original, made).plot(max_columns=2)
    assert display.columns_.tolist() == [1, 3]
    assert [panel.get_title()[:2] for panel in display.axes_] == ["x1", "x3"]
    texts = [t.get_text() for ax in display.figure_.axes for t in ax.texts]
    assert texts == ["2 of 5 columns, those reconstructed worst"]
