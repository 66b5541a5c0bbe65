"""Callbacks of skorch and scikit-learn, the progress bar and Ctrl-C."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from instances import batch_of, fit, rows_of, small
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler
from test_common import assert_same_weights

from skvae import VAETransformer
from skvae.discovery import all_estimators
from skvae.distributions import Noise

try:
    import sklearn.callback as sklearn_callback
except ImportError:  # scikit-learn before 1.9
    sklearn_callback = None

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
needs_sklearn_callbacks = pytest.mark.skipif(
    sklearn_callback is None, reason="scikit-learn has no callbacks before 1.9"
)


class Spy(Callback):
    """Record every call of a hook."""

    def __init__(self):
        self.calls = []

    def on_train_begin(self, net, **kwargs):
        self.calls.append("train")

    def on_epoch_end(self, net, **kwargs):
        self.calls.append("epoch")

    def on_batch_end(self, net, batch, training, loss, **kwargs):
        self.calls.append(float(loss))

    def on_grad_computed(self, net, named_parameters, **kwargs):
        assert all(p.grad is not None for _, p in named_parameters)
        self.calls.append("gradient")


@each_estimator
def test_skorch_callbacks_see_every_batch_and_change_nothing(cls, digits):
    spy = Spy()
    by_autograd = {"net_params": {"fast_path": False}}
    plain = fit(small(cls, batch_size=100, **by_autograd), digits)
    watched = fit(small(cls, batch_size=100, callbacks=[("spy", spy)]), digits)
    assert_same_weights(plain, watched)
    assert dict(watched.net_.callbacks_)["spy"] is spy
    calls = spy.calls
    kinds = [call if isinstance(call, str) else "batch" for call in calls]
    module, batch = watched.module_, batch_of(watched, digits)
    module.begin(rows_of(watched, digits))
    epoch = []
    for phase in module.phases:
        n_steps = len([*module.losses(batch, phase, Noise.from_seed(0))])
        epoch += 2 * [*["gradient"] * n_steps, "batch"]  # two batches per pass
    assert kinds == ["train", *[*epoch, "epoch"] * 2]


def test_skorchs_gradient_clipping_and_schedules_work(digits):
    estimator = small(
        VAETransformer,
        max_epochs=3,
        callbacks=[
            GradientNormClipping(1e-6),
            LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5),
        ],
    ).fit(digits)
    assert estimator.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(1.25e-4)
    norm = torch.cat([p.grad.flatten() for p in estimator.module_.parameters()]).norm()
    assert norm <= 1.001e-6


def test_a_users_callback_may_have_the_name_of_a_built_in_one(digits):
    spy = ("early_stopping", Spy())
    estimator = small(VAETransformer, early_stopping=True, callbacks=[spy]).fit(digits)
    calls = dict(estimator.net_.callbacks_)["early_stopping"].calls
    assert calls.count("epoch") == 2


def test_callbacks_see_the_last_epoch_before_early_stopping(digits):
    estimator = small(
        VAETransformer,
        early_stopping=True,
        n_iter_no_change=1,
        tol=1e9,
        max_epochs=9,
        callbacks=[("spy", Spy())],
    ).fit(digits)
    calls = dict(estimator.net_.callbacks_)["spy"].calls
    assert calls.count("epoch") == estimator.n_iter_ == 2


def test_a_callback_may_stop_training(digits):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=1e9)
    estimator = small(VAETransformer, max_epochs=50, callbacks=[stop])
    assert estimator.fit(digits).n_iter_ < 5


def test_net_params_override_other_parameters(digits):
    estimator = small(
        VAETransformer,
        lr=1e-3,
        net_params={"lr": 1e-2, "optimizer__betas": (0.5, 0.99), "batch_size": 20},
    ).fit(digits)
    group = estimator.net_.optimizer_.param_groups[0]
    assert (group["lr"], group["betas"]) == (1e-2, (0.5, 0.99))
    assert estimator.net_.batch_size == 20


def test_net_params_may_set_the_number_of_epochs(digits):
    assert small(VAETransformer, net_params={"max_epochs": 3}).fit(digits).n_iter_ == 3


def test_unknown_net_params_are_named_in_the_error(digits):
    with pytest.raises(ValueError, match="optimiser__lr"):
        small(VAETransformer, net_params={"optimiser__lr": 1}).fit(digits)


@each_estimator
def test_verbose_shows_a_progress_bar_on_a_terminal(cls, digits, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fit(small(cls, verbose=1), digits)
    shown = capsys.readouterr().err
    assert cls.__name__ in shown
    assert "2/2" in shown
    assert "bound=" in shown


@pytest.mark.parametrize(("n_epochs", "n_lines"), [(3, 3), (10, 10), (25, 10)])
def test_without_a_terminal_there_is_a_line_per_tenth(
    n_epochs, n_lines, digits, capsys
):
    how = {"max_epochs": n_epochs, "early_stopping": False}
    small(VAETransformer, verbose=1, **how).fit(digits)
    shown = capsys.readouterr().err
    lines = shown.splitlines()
    assert "\r" not in shown
    assert len(lines) == n_lines
    assert lines[-1].startswith(
        f"VAETransformer: epoch {n_epochs} of {n_epochs}, bound"
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_early_stopping_ends_the_bar_in_words(terminal, digits, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    how = {"max_epochs": 50, "early_stopping": True, "n_iter_no_change": 1, "tol": 1e6}
    vae = small(VAETransformer, verbose=1, **how).fit(digits)
    assert len(vae.history_) < 50
    assert "stopped early" in capsys.readouterr().err


@needs_sklearn_callbacks
def test_sklearns_progress_bar_counts_epochs_in_a_grid_search(digits):
    seen = []

    class Tasks(sklearn_callback.ProgressBar):
        def on_fit_task_end(self, estimator, context):
            seen.append((context.estimator_name, context.task_name))
            return super().on_fit_task_end(estimator, context)

    pipeline = make_pipeline(StandardScaler(), small(VAETransformer))
    search = GridSearchCV(pipeline, {"vaetransformer__n_components": [2, 3]}, cv=2)
    search.set_callbacks(Tasks(max_propagation_depth=None)).fit(digits)
    n_fits = 2 * 2 + 1  # and the refit
    assert seen.count(("VAETransformer", "epoch")) == n_fits * 2  # epochs


@needs_sklearn_callbacks
def test_sklearns_callbacks_see_the_current_estimator_and_may_stop_it(digits):
    scores, ended = [], []

    class Score:
        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
            ended.append(context.task_name)
            if context.task_name == "epoch":
                scores.append(fitted_estimator.score(X))
                return len(scores) == 3
            return None

    estimator = small(VAETransformer, max_epochs=10)
    estimator.set_callbacks(Score()).fit(digits)
    assert estimator.n_iter_ == 3
    assert ended == ["epoch"] * 3 + ["fit"]
    assert scores[2] > scores[0]
    assert scores[2] == estimator.score(digits)


@contextmanager
def ctrl_c_when(ready):
    """Send SIGINT to this process from a thread as soon as `ready()` is true.

    Python ignores an interrupt that arrives in a destructor, so the signal is sent
    again if nothing has happened for a while.
    """
    over = threading.Event()

    def press():
        while not (ready() or over.is_set()):  # over at once if training fails
            time.sleep(0.003)
        while not over.is_set():
            os.kill(os.getpid(), signal.SIGINT)
            over.wait(20)

    # A shell starts background processes with SIGINT ignored.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, before)


def epochs_done(estimator):
    return len(vars(estimator)["net_"].history) if hasattr(estimator, "net_") else 0


@each_estimator
@pytest.mark.parametrize("n_epochs", [2, 3, 7, 20, 50, 51])
def test_ctrl_c_keeps_the_completed_epochs_and_propagates(cls, n_epochs, digits):
    estimator = small(cls, max_epochs=10**6)
    with ctrl_c_when(lambda: epochs_done(estimator) >= n_epochs):
        fit(estimator, digits)
    assert estimator.n_iter_ >= n_epochs - 1  # the last epoch may have been undone
    again = fit(small(cls, max_epochs=estimator.n_iter_), digits)
    np.testing.assert_array_equal(estimator.transform(digits), again.transform(digits))
    assert estimator.history_[:, "train_loss"] == again.history_[:, "train_loss"]


class Slow(Callback):
    """A callback that is slow enough for Ctrl-C to arrive in it."""

    entered = threading.Event()

    def on_epoch_end(self, net, **kwargs):
        self.entered.set()
        time.sleep(30)


def test_ctrl_c_in_a_callback_propagates_and_keeps_the_epoch(digits):
    Slow.entered.clear()
    estimator = small(VAETransformer, callbacks=[Slow()])
    with ctrl_c_when(Slow.entered.is_set):
        estimator.fit(digits)
    assert estimator.n_iter_ == 1


def test_ctrl_c_from_a_custom_signal_handler_propagates(digits):
    def handle(*_):
        raise KeyboardInterrupt

    Slow.entered.clear()
    before = signal.signal(signal.SIGINT, handle)
    try:
        with ctrl_c_when(Slow.entered.is_set):
            small(VAETransformer, callbacks=[Slow()]).fit(digits)
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_stops_a_grid_search(digits):
    Slow.entered.clear()
    search = GridSearchCV(
        small(VAETransformer, callbacks=[Slow()]), {"lr": [1e-3, 1e-2]}, cv=2
    )
    start = time.perf_counter()
    with ctrl_c_when(Slow.entered.is_set):
        search.fit(digits)
    assert time.perf_counter() - start < 20  # one of the five fits takes 60 s
