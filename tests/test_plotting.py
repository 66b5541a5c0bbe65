"""What the displays draw: pixels, points and curves, not only that they run."""

import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from scipy.stats import ks_2samp, norm
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OrdinalEncoder

from skvae import AETransformer, VAETransformer
from skvae.plotting import (
    LatentMapDisplay,
    ManifoldDisplay,
    ReconstructionDisplay,
    SampleDisplay,
    TrainingCurvesDisplay,
    TraversalDisplay,
)

X, Y = (array[:150] for array in load_digits(return_X_y=True))
PICTURE = {"image_shape": (8, 8)}
SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def pipeline():
    """Pixels from 0 to 16, which the model sees in [0, 1]; a classifier behind it."""
    vae = VAETransformer(3, kl_warmup=2, early_stopping=True, **SMALL)
    behind = LogisticRegression(max_iter=1000)
    return make_pipeline(MinMaxScaler(), vae, behind).fit(X, Y)


@pytest.fixture(scope="module")
def frame():
    """Two numbers, one column of words."""
    words = np.array(["red", "green", "blue"])[Y % 3]
    return pd.DataFrame({"width": X[:, 20], "height": X[:, 28], "colour": words})


def decoded(pipeline, Z):
    return pipeline[0].inverse_transform(pipeline[1].inverse_transform(Z))


def encoded(pipeline, rows):
    return pipeline[:2].transform(rows)


class Linear(TransformerMixin, BaseEstimator):
    """z -> z W, and a word to add."""

    def __init__(self, W):
        self.W = W

    def fit(self, rows, y=None):
        return self

    def transform(self, rows):
        return rows @ np.linalg.pinv(self.W)

    def inverse_transform(self, Z, shift=0.0):
        return Z @ self.W + shift

    def get_feature_names_out(self, names=None):
        return [f"z{i}" for i in range(len(self.W))]

    def __sklearn_is_fitted__(self):
        return True


# -- the convention --------------------------------------------------------------------

DISPLAYS = {
    "map": lambda m, **kw: LatentMapDisplay.from_estimator(m, X, Y, **kw),
    "map of values": lambda m, **kw: LatentMapDisplay.from_estimator(
        m, X, X[:, 20] + 0.5, **kw
    ),
    "manifold": lambda m, **kw: ManifoldDisplay.from_estimator(
        m, n_values=3, **PICTURE, **kw
    ),
    "reconstruction": lambda m, **kw: ReconstructionDisplay.from_estimator(
        m, X, **PICTURE, **kw
    ),
    "samples": lambda m, **kw: SampleDisplay.from_estimator(
        m, n_samples=5, random_state=0, **PICTURE, **kw
    ),
    "traversal": lambda m, **kw: TraversalDisplay.from_estimator(m, **PICTURE, **kw),
    "curves": TrainingCurvesDisplay.from_estimator,
}
TABLES = {
    "manifold": lambda m, **kw: ManifoldDisplay.from_estimator(
        m, n_values=3, columns=slice(20, 22), **kw
    ),
    "reconstruction": lambda m, **kw: ReconstructionDisplay.from_estimator(
        m, X, columns=slice(20, 22), **kw
    ),
    "samples": lambda m, **kw: SampleDisplay.from_estimator(
        m, X, columns=slice(20, 22), random_state=0, **kw
    ),
    "traversal": lambda m, **kw: TraversalDisplay.from_estimator(
        m, X, columns=slice(20, 22), **kw
    ),
}
ALL = [*DISPLAYS.values(), *TABLES.values()]


@pytest.mark.parametrize("make", ALL)
def test_it_makes_one_figure_and_can_be_plotted_again(make, pipeline):
    display = make(pipeline)
    assert plt.get_fignums() == [display.figure_.number]
    assert display.ax_ in display.figure_.axes
    first = display.ax_
    assert display.plot() is display
    assert display.ax_ is not first
    assert len(plt.get_fignums()) == 2


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("layout", [None, "constrained"])
def test_it_draws_on_the_axes_given(make, layout, pipeline):
    figure, (one, other) = plt.subplots(1, 2, layout=layout, figsize=(14, 8))
    display = make(pipeline, ax=one)
    assert display.ax_ is one
    assert display.plot(ax=other).ax_ is other
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    figure.canvas.draw()


@pytest.mark.parametrize("make", [*TABLES.values(), DISPLAYS["curves"]])
def test_panels_go_to_as_many_axes_as_are_given(make, pipeline):
    n = len(make(pipeline).axes_)
    if make is DISPLAYS["curves"]:
        assert n == 1 + 3  # the losses, reconstruction, kl and beta
    _, axes = plt.subplots(1, n)
    display = make(pipeline, ax=axes)
    assert display.ax_ is None
    assert display.axes_.tolist() == axes.tolist()
    with pytest.raises(ValueError, match=f"draws {n} panels, but ax holds {n - 1}"):
        display.plot(ax=axes[1:])


@pytest.mark.parametrize("make", TABLES.values())
def test_one_axes_cannot_be_divided_twice_or_out_of_a_grid(make, pipeline):
    display = make(pipeline)
    with pytest.raises(ValueError, match="in use already"):
        display.plot(ax=display.ax_)
    with pytest.raises(ValueError, match="in no grid"):
        display.plot(ax=plt.figure().add_axes((0, 0, 1, 1)))


@pytest.mark.parametrize("make", ALL)
def test_without_matplotlib_it_says_how_to_get_it(make, pipeline, monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "skvae\[plot\]"'):
        make(pipeline)


@pytest.mark.parametrize("make", ALL)
def test_a_search_is_shown_as_its_best_pipeline(make, pipeline):
    search = GridSearchCV(pipeline, {})
    search.best_estimator_ = pipeline
    plain, found = make(pipeline), make(search)
    for name, value in vars(plain).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_array_equal(value, getattr(found, name))


@pytest.mark.parametrize("make", ALL)
def test_global_random_numbers_stay_untouched(make, pipeline):
    before = np.random.get_state()[1].copy()
    make(pipeline)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


# -- pictures --------------------------------------------------------------------------


def cell(display, i, j, gap=1):
    """The pixels of a picture of 8 x 8 in the mosaic."""
    whole = np.ma.filled(display.mappable_.get_array(), np.nan)
    top, left = i * (8 + gap), j * (8 + gap)
    return whole[top : top + 8, left : left + 8]


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


def test_many_pictures_go_on_in_further_pairs_of_lines(pipeline):
    display = ReconstructionDisplay.from_estimator(pipeline, X, n_samples=12, **PICTURE)
    whole = np.ma.filled(display.mappable_.get_array(), np.nan)
    third = int(display.ax_.get_yticks()[2] - 3.5)
    assert third > 18  # set off by more than the gap within a pair
    np.testing.assert_array_equal(whole[third : third + 8, :8], X[10].reshape(8, 8))
    assert np.isnan(whole[third:, 18:]).all()  # there is no thirteenth


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
    assert height["1.15"] == 3.5  # norm.ppf(7/8), the middle of the top line
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


def test_samples_are_the_models_in_the_units_of_the_pipeline(pipeline):
    display = SampleDisplay.from_estimator(
        pipeline, n_samples=6, random_state=3, **PICTURE
    )
    drawn = pipeline[1].sample(6, random_state=3, mean=True)
    expected = pipeline[0].inverse_transform(drawn)
    for k in range(6):  # three a line
        np.testing.assert_allclose(
            cell(display, k // 3, k % 3), expected[k].reshape(8, 8), rtol=1e-6
        )
    low, high = np.quantile(expected, [0.01, 0.99])
    assert display.mappable_.get_clim() == pytest.approx((low, high), rel=1e-5)
    display = SampleDisplay.from_estimator(pipeline, X, random_state=3, **PICTURE)
    assert display.mappable_.get_clim() == (0, 16)
    assert display.samples.shape == (64, 64)


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


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_colours_are_clipped_and_may_have_their_channels_first(top):
    rows = np.linspace(0, top, 2 * 4 * 5 * 3).reshape(2, 60)
    rows[0, 0], rows[1, -1] = -0.1 * top, 1.1 * top
    pictures = rows.reshape(2, 4, 5, 3)
    first = np.moveaxis(pictures, -1, 1).reshape(2, 60)
    plots = [
        SampleDisplay(rows, image_shape=(4, 5, 3)).plot(),
        SampleDisplay(first, image_shape=(3, 4, 5)).plot(),
    ]
    for display in plots:
        drawn = display.mappable_.get_array()
        expected = np.clip(pictures / top, 0, 1)
        np.testing.assert_allclose(drawn[:4, :5, :3], expected[0])
        np.testing.assert_allclose(drawn[:4, 6:, :3], expected[1])
        assert (drawn[:4, :5, 3] == 1).all()
        assert (drawn[:, 5, 3] == 0).all()  # nothing in the gap


def test_one_channel_is_grey():
    shown = [SampleDisplay(X[:4], image_shape=s).plot() for s in [(8, 8, 1), (8, 8)]]
    arrays = [np.ma.filled(s.mappable_.get_array(), np.nan) for s in shown]
    np.testing.assert_array_equal(*arrays)


def test_styles_of_the_user_come_last(pipeline):
    display = ReconstructionDisplay.from_estimator(
        pipeline, X, cmap="gray_r", im_kw={"vmax": 5}, **PICTURE
    )
    assert display.mappable_.get_cmap().name == "gray_r"
    assert display.mappable_.get_clim() == (0, 5)


# -- tables ----------------------------------------------------------------------------


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


def test_samples_of_a_column_are_shares_of_rows(pipeline):
    display = SampleDisplay.from_estimator(
        pipeline, X, columns=[20, 28], n_samples=400, random_state=1
    )
    drawn = pipeline[0].inverse_transform(pipeline[1].sample(400, random_state=1))
    np.testing.assert_allclose(display.samples, drawn[:, [20, 28]], rtol=1e-6)
    for panel, j in zip(display.axes_, [20, 28], strict=True):
        for steps, rows in zip(panel.patches, [X[:, j], drawn[:, j]], strict=True):
            values, bins, _ = steps.get_data()
            counts, _ = np.histogram(rows, bins)
            np.testing.assert_allclose(values, counts / len(rows))
            assert values.sum() > 0.99
        assert panel.get_title().endswith(
            f"KS = {ks_2samp(X[:, j], drawn[:, j]).statistic:.2f}"
        )


def test_samples_of_codes_are_bars():
    data = np.array([0, 0, 0, 1, 2, 2, 2, 2])[:, None]
    samples = np.array([0, 2, 2, 3])[:, None]
    display = SampleDisplay(samples, X=data, feature_names=["code"]).plot()
    heights = [bar.get_height() for bar in display.axes_[0].patches]
    np.testing.assert_allclose(
        heights, [3 / 8, 1 / 8, 4 / 8, 0, 1 / 4, 0, 2 / 4, 1 / 4]
    )
    middles = [bar.get_x() + bar.get_width() / 2 for bar in display.axes_[0].patches]
    np.testing.assert_allclose(
        np.add(middles[:4], middles[4:]), [0, 2, 4, 6], atol=1e-9
    )
    alone = SampleDisplay(samples).plot()
    heights = [bar.get_height() for bar in alone.axes_[0].patches]
    np.testing.assert_allclose(heights, [1 / 4, 2 / 4, 1 / 4])


def test_a_manifold_of_a_table_is_a_map_a_column(pipeline):
    display = ManifoldDisplay.from_estimator(pipeline, n_values=5, columns=[20, 28])
    for k, (image, j) in enumerate(zip(display.mappable_, [20, 28], strict=True)):
        np.testing.assert_array_equal(image.get_array(), display.rows[..., k])
        assert image.origin == "lower"  # upwards
        top = np.array([[norm.ppf(0.1), norm.ppf(0.9), 0.0]])  # left, at the top
        expected = decoded(pipeline, top)[0, j]
        assert image.get_array()[-1, 0] == pytest.approx(expected, rel=1e-4)


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


def test_words_come_back_through_the_encoder(frame):
    words = frame[["colour"]].assign(shape=np.where(Y > 4, "round", "square"))
    vae = VAETransformer(2, likelihood="codes", **SMALL)
    model = make_pipeline(OrdinalEncoder(), vae).fit(words)
    display = ReconstructionDisplay.from_estimator(model, words)
    assert set(display.original[:, 0]) == {"red", "green", "blue"}
    assert set(display.reconstruction.ravel()) <= {*words.colour, *words["shape"]}
    assert display.feature_names == ["colour", "shape"]
    traversal = TraversalDisplay.from_estimator(model, words)
    for image, rows in zip(traversal.mappable_, traversal.rows, strict=True):
        changed = rows != traversal.base
        np.testing.assert_array_equal(image.get_array(), changed.T)
    ManifoldDisplay.from_estimator(model, n_values=3)
    SampleDisplay.from_estimator(model, words, random_state=0).figure_.canvas.draw()


def test_rows_that_cannot_be_inverted_are_shown_as_the_model_sees_them(frame):
    before = make_column_transformer(
        (MinMaxScaler(), ["height"]),
        (OrdinalEncoder(), ["colour"]),
        verbose_feature_names_out=False,
    )
    likelihood = [("gaussian", [0]), ("codes", [1])]
    vae = VAETransformer(2, likelihood=likelihood, **SMALL)
    model = make_pipeline(before, vae).fit(frame)
    display = ReconstructionDisplay.from_estimator(model, frame)
    assert display.feature_names == ["height", "colour"]
    np.testing.assert_array_equal(display.original, before.transform(frame))
    np.testing.assert_array_equal(
        display.reconstruction, vae.reconstruct(before.transform(frame))
    )
    display = SampleDisplay.from_estimator(
        model, frame, columns=["colour"], random_state=0
    )
    assert display.feature_names == ["colour"]
    assert set(display.samples.ravel()) <= {0.0, 1.0, 2.0}


# -- the map ---------------------------------------------------------------------------


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


PETROFF = [  # Petroff (2021), the sequence of ten
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


# -- the curves ------------------------------------------------------------------------


def test_curves_are_the_history(pipeline):
    display = TrainingCurvesDisplay.from_estimator(pipeline)
    history = pipeline[1].history_
    assert list(display.lines_) == [
        "train_loss",
        "valid_loss",
        "reconstruction",
        "kl",
        "beta",  # what was set stands last
    ]
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_ydata(), history[:, name])
        np.testing.assert_array_equal(line.get_xdata(), history[:, "epoch"])
    titles = [panel.get_title() for panel in display.axes_]
    assert titles == ["", "reconstruction", "kl", "beta"]


def test_chosen_curves_share_one_axes(pipeline):
    _, ax = plt.subplots()
    display = TrainingCurvesDisplay.from_estimator(pipeline, ax=ax)
    assert list(display.lines_) == ["train_loss", "valid_loss"]
    display.plot(which=["kl", "reconstruction"], line_kw={"lw": 4})
    assert display.axes_.tolist() == [display.ax_]
    assert {line.get_linewidth() for line in display.lines_.values()} == {4}
    assert list(display.plot(which="kl").lines_) == ["kl"]


def test_losses_of_other_groups_and_values_not_in_every_epoch_are_found():
    history = [
        {"epoch": 1, "batches": [], "gamma": 0.1, "beta": 1.0, "train_loss": 9.0},
        {"epoch": 2, "batches": [], "gamma": 0.2, "beta": 1.0, "train_loss": 7.0},
    ]
    for row in history:
        row.update(critic_loss=2.0 - row["gamma"], mmd=row["gamma"], seconds=5.0)
    history[1]["valid_loss"] = 8.0
    vae = VAETransformer(2, **SMALL).fit(X)
    del vae.history_[:]
    vae.history_.extend(history)
    display = TrainingCurvesDisplay.from_estimator(vae)
    assert list(display.lines_) == [
        *("train_loss", "valid_loss", "critic_loss", "mmd", "gamma")
    ]
    np.testing.assert_array_equal(display.curves["valid_loss"], [np.nan, 8.0])
    np.testing.assert_array_equal(display.curves["beta"], [1.0, 1.0])
    assert "beta" in display.plot(which="beta").lines_


@pytest.mark.parametrize(
    ("losses", "tol", "warmup", "best"),
    [
        ([5.0, 3.0, 4.0], 0.0, 0, 2),
        ([5.0, 3.0, 2.9, 2.8], 0.5, 0, 2),  # too little better
        ([1.0, 3.0, 2.0, 2.5], 0.0, 1, 3),  # the first epoch had another bound
        ([np.nan, 3.0, 4.0], 0.0, 0, 2),
        ([1.0, 2.0], 0.0, 5, None),
    ],
)
def test_the_best_epoch_is_marked(losses, tol, warmup, best):
    vae = VAETransformer(2, tol=tol, kl_warmup=warmup, **SMALL).fit(X)
    del vae.history_[:]
    rows = [
        {"epoch": i, "train_loss": 0.0, "valid_loss": v} for i, v in enumerate(losses)
    ]
    vae.history_.extend(rows)
    display = TrainingCurvesDisplay.from_estimator(vae, which=["valid_loss"])
    assert display.best_epoch == best
    marks = [line for line in display.ax_.lines if line.get_linestyle() == ":"]
    assert [mark.get_xdata()[0] for mark in marks] == [best] * (best is not None)


def test_the_marked_epoch_is_the_one_whose_weights_are_kept():
    settings = {**SMALL, "max_epochs": 60}
    vae = VAETransformer(
        2, early_stopping=True, n_iter_no_change=2, lr=0.05, **settings
    ).fit(X)
    best = TrainingCurvesDisplay.from_estimator(vae).best_epoch
    assert best == len(vae.history_) - 2 < 60
    shorter = VAETransformer(2, early_stopping=True, lr=0.05, **SMALL)
    shorter.set_params(max_epochs=best, n_iter_no_change=60).fit(X)
    np.testing.assert_array_equal(vae.transform(X), shorter.transform(X))


# -- errors ----------------------------------------------------------------------------

WRONG = {
    "image_shape: too small": (
        lambda m: ReconstructionDisplay.from_estimator(m, X, image_shape=(8, 7)),
        r"'image_shape' .* \(8, 7\), which makes 56 values, but .* 64 columns",
    ),
    "image_shape: two channels": (
        lambda m: SampleDisplay.from_estimator(m, image_shape=(2, 4, 8)),
        "'image_shape' .* 1, 3 or 4 channels",
    ),
    "image_shape: an int": (
        lambda m: ManifoldDisplay.from_estimator(m, image_shape=64),
        "'image_shape' .* must be a tuple",
    ),
    "columns": (
        lambda m: ReconstructionDisplay.from_estimator(m, X, columns=[64]),
        "Column 64 is out of range",
    ),
    "n_samples: pictures": (
        lambda m: ReconstructionDisplay.from_estimator(m, X, n_samples=0),
        "'n_samples' .* of ReconstructionDisplay",
    ),
    "n_samples: draws": (
        lambda m: SampleDisplay.from_estimator(m, n_samples=2.5),
        "'n_samples' .* of SampleDisplay",
    ),
    "decode_params": (
        lambda m: SampleDisplay.from_estimator(m, decode_params=[1]),
        "'decode_params' .* a dict",
    ),
    "im_kw": (
        lambda m: SampleDisplay.from_estimator(m, im_kw="gray", **PICTURE),
        "'im_kw' .* a dict",
    ),
    "max_columns": (
        lambda m: SampleDisplay.from_estimator(m, max_columns=0),
        "'max_columns' .* of SampleDisplay",
    ),
    "n_values": (
        lambda m: ManifoldDisplay.from_estimator(m, n_values=1),
        "'n_values' .* of ManifoldDisplay",
    ),
    "at": (
        lambda m: ManifoldDisplay.from_estimator(m, at=[0.0]),
        r"'at' .* shape \(3,\)",
    ),
    "latents: one": (
        lambda m: ManifoldDisplay.from_estimator(m, latents=[1]),
        "'latents' .* 2 different ints from -3 to 2",
    ),
    "latents: the same": (
        lambda m: ManifoldDisplay.from_estimator(m, latents=[1, -2]),
        "'latents' .* of ManifoldDisplay",
    ),
    "latents: too large": (
        lambda m: TraversalDisplay.from_estimator(m, latents=[3]),
        "'latents' .* of TraversalDisplay",
    ),
    "values: one": (
        lambda m: TraversalDisplay.from_estimator(m, values=1),
        "'values' .* of TraversalDisplay",
    ),
    "values: falling": (
        lambda m: TraversalDisplay.from_estimator(m, values=[1.0, 0.0]),
        "'values' .* increasing",
    ),
    "max_latents": (
        lambda m: TraversalDisplay.from_estimator(m, max_latents=0),
        "'max_latents' .* of TraversalDisplay",
    ),
    "reduction": (
        lambda m: LatentMapDisplay.from_estimator(m, X, reduction="umap"),
        "'reduction' .* {'pca', 'tsne'}, a transformer or None",
    ),
    "reduction: to a line": (
        lambda m: LatentMapDisplay.from_estimator(m, X, reduction=PCA(1)),
        "'reduction' .* two columns or more",
    ),
    "max_points": (
        lambda m: LatentMapDisplay.from_estimator(m, X, max_points=0),
        "'max_points' .* of LatentMapDisplay",
    ),
    "class_labels": (
        lambda m: LatentMapDisplay.from_estimator(m, X, Y, class_labels="mean"),
        "'class_labels' .* {'legend', 'median'} or None",
    ),
    "y": (
        lambda m: LatentMapDisplay.from_estimator(m, X, Y[:3]),
        r"'y' .* shape \(150,\).* shape \(3,\)",
    ),
    "one latent": (
        lambda m: LatentMapDisplay.from_estimator(PCA(1).fit(X), X),
        "two latents or more",
    ),
    "which": (
        lambda m: TrainingCurvesDisplay.from_estimator(m, which="loss"),
        "'which' .* \\['beta', 'kl', 'reconstruction', 'train_loss', 'valid_loss'\\]",
    ),
    "feature_names": (
        lambda m: SampleDisplay(X, feature_names=["a"]).plot(),
        "'feature_names' .* 1 names for 64 columns",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_are_named(name, pipeline):
    plot, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        plot(pipeline)


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        (SampleDisplay.from_estimator, "that can transform"),
        (TrainingCurvesDisplay.from_estimator, "needs an estimator of skvae"),
        (ManifoldDisplay.from_estimator, "that can transform"),
        (lambda m: LatentMapDisplay.from_estimator(m, X), "that can transform"),
    ],
)
def test_a_model_that_cannot_is_refused(plot, message):
    classifier = LogisticRegression(max_iter=1000).fit(X, Y)
    with pytest.raises(TypeError, match=message):
        plot(classifier)


def test_a_model_that_does_not_say_how_many_latents_it_has_is_refused():
    class Mute(Linear):
        get_feature_names_out = None

    with pytest.raises(TypeError, match="tells its latents by get_feature_names_out"):
        TraversalDisplay.from_estimator(Mute(np.eye(2)))


def test_a_model_without_prior_has_no_samples():
    ae = AETransformer(2, **SMALL).fit(X)
    with pytest.raises(TypeError, match="needs a model with a prior"):
        SampleDisplay.from_estimator(ae)


# -- names -----------------------------------------------------------------------------


def test_long_names_are_cut_where_they_are_all_the_same():
    words = ["iron", "zinc"]
    names = [f"the concentration of {word} in the water" for word in words]
    vae = VAETransformer(2, **SMALL).fit(pd.DataFrame(X[:, 20:22], columns=names))
    display = SampleDisplay.from_estimator(vae, random_state=0)
    assert [panel.get_title() for panel in display.axes_] == ["…iron…", "…zinc…"]
    alike = ["Married-AF-spouse", "Married-civ-spouse", "Divorced"]
    words = np.array(alike, dtype=object)[:, None]
    (panel,) = SampleDisplay(words).plot().axes_
    labels = [label.get_text() for label in panel.get_xticklabels()]
    assert labels == ["Divorced", "Married-AF-…", "Married-civ…"]
    alone = SampleDisplay(X[:, :1], feature_names=names[:1]).plot()
    title = alone.axes_[0].get_title()
    assert len(title) == 22
    assert title.startswith("the conc")
    assert title.endswith("he water")


def test_maps_may_share_their_axes(pipeline):
    figure, (left, right) = plt.subplots(1, 2, sharex=True, sharey=True)
    for ax in (left, right):
        LatentMapDisplay.from_estimator(pipeline, X, y=Y, ax=ax)
    figure.canvas.draw()
    assert left.get_xlim() == right.get_xlim()
