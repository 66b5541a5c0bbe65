"""What all displays share: figures, axes, names and the units of a pipeline."""

import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from plots import PICTURE, SMALL, X, Y
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder

from skvae import VAETransformer
from skvae.plotting import (
    LatentMapDisplay,
    ManifoldDisplay,
    ReconstructionDisplay,
    SampleDisplay,
    TrainingCurvesDisplay,
    TraversalDisplay,
)

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
    with pytest.raises(ValueError, match="already in use"):
        display.plot(ax=display.ax_)
    with pytest.raises(ValueError, match="not part of a subplot grid"):
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


@pytest.fixture(scope="module")
def frame():
    """Two numeric columns and one of strings."""
    words = np.array(["red", "green", "blue"])[Y % 3]
    return pd.DataFrame({"width": X[:, 20], "height": X[:, 28], "colour": words})


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


def test_a_display_prints_as_words():
    display = SampleDisplay(np.random.default_rng(0).normal(size=(9, 3)))
    assert repr(display) == "<SampleDisplay, not plotted yet>"
    assert repr(display.plot()) == "<SampleDisplay of 3 panels>"
