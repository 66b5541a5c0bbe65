"""TrainingCurvesDisplay: the training history by epoch."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from plots import SMALL, X

from skvae import VAETransformer
from skvae.plotting import TrainingCurvesDisplay


def test_curves_are_the_history(pipeline):
    display = TrainingCurvesDisplay.from_estimator(pipeline)
    history = pipeline[1].history_
    assert list(display.lines_) == [
        "train_loss",
        "valid_loss",
        "reconstruction",
        "kl",
        "beta",  # scheduled values come last
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
        ([5.0, 3.0, 2.9, 2.8], 0.5, 0, 2),  # improves by less than tol
        ([1.0, 3.0, 2.0, 2.5], 0.0, 1, 3),  # epoch 1 is part of the warm-up
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
