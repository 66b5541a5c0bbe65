"""LatentMapDisplay: rows as points in the plane of two latents."""

import numpy as np
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from plots import X, Y, encoded
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skvae.plotting import LatentMapDisplay


def offsets(display):
    parts = [np.asarray(points.get_offsets()) for points in display.mappable_]
    return np.concatenate(parts)


def test_more_than_two_latents_are_projected_on_principal_components(pipeline):
    display = LatentMapDisplay.from_estimator(pipeline, X)
    pca = PCA(2).fit(encoded(pipeline, X).astype(float))
    np.testing.assert_allclose(
        np.abs(offsets(display)),
        np.abs(pca.transform(encoded(pipeline, X).astype(float))),
        atol=1e-5,
    )
    share = f"({pca.explained_variance_ratio_[1]:.0%} of variance)"
    assert display.ax_.get_ylabel() == f"PC 2 of 3 latents {share}"


def test_two_latents_are_shown_as_they_are(pipeline):
    Z = encoded(pipeline, X)
    display = LatentMapDisplay.from_estimator(pipeline, X, latents=(2, 0))
    np.testing.assert_allclose(offsets(display), Z[:, [2, 0]])
    assert display.ax_.get_xlabel() == "vaetransformer2"
    display = LatentMapDisplay.from_estimator(pipeline, X, reduction=None)
    np.testing.assert_allclose(offsets(display), Z[:, :2])


def test_any_transformer_can_reduce(pipeline):
    swap = FunctionTransformer(lambda Z: Z[:, ::-1])
    display = LatentMapDisplay.from_estimator(pipeline, X, reduction=swap)
    np.testing.assert_allclose(offsets(display), encoded(pipeline, X)[:, [2, 1]])
    assert display.ax_.get_xlabel() == "FunctionTransformer 1 of 3 latents"


def test_tsne_is_repeatable(pipeline):
    maps = [
        LatentMapDisplay.from_estimator(
            pipeline, X, reduction="tsne", max_points=40, random_state=5
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(maps[0].Z, maps[1].Z)
    assert maps[0].ax_.get_xlabel() == "t-SNE 1 of 3 latents"


def test_any_transformer_is_mapped():
    pca = PCA(2).fit(X)
    for model in (pca, make_pipeline(pca), make_pipeline(pca, LogisticRegression())):
        if hasattr(model, "predict"):
            model.set_params(logisticregression__max_iter=1000).fit(X, Y)
        display = LatentMapDisplay.from_estimator(model, X)
        np.testing.assert_allclose(offsets(display), pca.transform(X), atol=1e-8)
        assert display.ax_.get_xlabel() == "pca0"


def test_a_seeded_part_of_the_points_keeps_their_classes(pipeline):
    display, again, other = (
        LatentMapDisplay.from_estimator(
            pipeline, X, Y, reduction=None, max_points=50, random_state=seed
        )
        for seed in (0, 0, 1)
    )
    Z = encoded(pipeline, X)[:, :2]
    rows = [int(np.flatnonzero((z == Z).all(axis=1))[0]) for z in display.Z]
    assert len(set(rows)) == 50
    np.testing.assert_array_equal(display.y, Y[rows])
    np.testing.assert_array_equal(display.Z, again.Z)
    assert not np.array_equal(display.Z, other.Z)


PETROFF = [  # Petroff (2021), ten-colour sequence
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
]


@pytest.mark.parametrize("kind", ["numbers", "words", "floats"])
def test_every_class_has_its_colour_and_a_name(kind, pipeline):
    y = {"numbers": Y, "words": np.array(list("abcdefghij"))[Y], "floats": Y / 1.0}
    display = LatentMapDisplay.from_estimator(pipeline, X, y[kind])
    (points,) = display.mappable_
    expected = colors.to_rgba_array(PETROFF)[Y, :3]
    np.testing.assert_allclose(points.get_facecolors()[:, :3], expected)
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == list("abcdefghij" if kind == "words" else "0123456789")
    handles = display.ax_.get_legend().legend_handles
    assert [colors.to_hex(handle.get_color()) for handle in handles] == PETROFF


def test_further_classes_take_the_colours_with_another_marker():
    y = np.arange(25)
    Z = np.random.default_rng(0).normal(size=(25, 2))
    display = LatentMapDisplay(Z, y=y).plot()
    assert [len(points.get_offsets()) for points in display.mappable_] == [10, 10, 5]
    looks = set()
    for points in display.mappable_:
        shape = points.get_paths()[0].vertices.tobytes()
        looks |= {(shape, *colour[:3]) for colour in points.get_facecolors()}
    assert len(looks) == 25
    np.testing.assert_allclose(offsets(display), Z)


def test_continuous_values_have_a_colour_bar(pipeline):
    values = X[:, 20] + 0.25
    display = LatentMapDisplay.from_estimator(pipeline, X, values, cmap="magma")
    (points,) = display.mappable_
    np.testing.assert_array_equal(points.get_array(), values)
    assert points.get_cmap().name == "magma"
    assert points.colorbar is not None
    assert display.classes_ is None


def test_names_can_stand_at_the_medians_of_their_classes(pipeline):
    display = LatentMapDisplay.from_estimator(
        pipeline, X, Y, latents=(0, 1), class_labels="median"
    )
    Z = encoded(pipeline, X)[:, :2]
    for text in display.ax_.texts:
        expected = np.median(Z[int(text.get_text()) == Y], axis=0)
        np.testing.assert_allclose(text.get_position(), expected)
    assert len(display.ax_.texts) == 10
    assert display.ax_.get_legend() is None


def test_more_points_are_smaller_and_fainter():
    few, many = (LatentMapDisplay(np.zeros((n, 2))).plot() for n in (100, 10_000))
    assert many.mappable_[0].get_sizes()[0] < few.mappable_[0].get_sizes()[0]
    assert many.mappable_[0].get_alpha() < few.mappable_[0].get_alpha()
    styled = LatentMapDisplay(np.zeros((9, 2))).plot(scatter_kw={"s": 7})
    assert styled.mappable_[0].get_sizes() == [7]


def test_maps_may_share_their_axes(pipeline):
    figure, (left, right) = plt.subplots(1, 2, sharex=True, sharey=True)
    for ax in (left, right):
        LatentMapDisplay.from_estimator(pipeline, X, y=Y, ax=ax)
    figure.canvas.draw()
    assert left.get_xlim() == right.get_xlim()
