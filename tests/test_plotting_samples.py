"""SampleDisplay: rows drawn from a model."""

import numpy as np
import pytest
from plots import PICTURE, X, cell
from scipy.stats import ks_2samp

from skvae.plotting import ReconstructionDisplay, SampleDisplay


def test_samples_are_the_models_in_the_units_of_the_pipeline(pipeline):
    display = SampleDisplay.from_estimator(
        pipeline, n_samples=6, random_state=3, **PICTURE
    )
    drawn = pipeline[1].sample(6, random_state=3, mean=True)
    expected = pipeline[0].inverse_transform(drawn)
    for k in range(6):  # three per line
        np.testing.assert_allclose(
            cell(display, k // 3, k % 3), expected[k].reshape(8, 8), rtol=1e-6
        )
    low, high = np.quantile(expected, [0.01, 0.99])
    assert display.mappable_.get_clim() == pytest.approx((low, high), rel=1e-5)
    display = SampleDisplay.from_estimator(pipeline, X, random_state=3, **PICTURE)
    assert display.mappable_.get_clim() == (0, 16)
    assert display.samples.shape == (64, 64)


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


def test_strings_are_compared_without_an_order():
    data = np.array(["b", "a", "a", "c"], dtype=object)[:, None]
    samples = np.array(["c", "a", "c", "c"], dtype=object)[:, None]
    display = SampleDisplay(samples, X=data).plot()  # shares 2 1 1 and 1 0 3 of 4
    assert display.axes_[0].get_title().endswith("TV = 0.50")


def test_constant_columns_have_no_panel():
    rng = np.random.default_rng(0)
    data = np.column_stack([np.ones(30), rng.normal(size=30), np.arange(30) % 2])
    samples = data.copy()
    samples[:, 2] = 0.0  # constant in the samples only
    for display in (
        SampleDisplay(samples, X=data).plot(),
        ReconstructionDisplay(data, samples).plot(),
    ):
        assert display.columns_.tolist() == [1, 2]
    assert SampleDisplay(np.ones((5, 2))).plot().columns_.tolist() == [0, 1]
