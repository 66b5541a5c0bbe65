"""Callbacks: schedules, the history and progress bars."""

import copy
import math
import sys
import time
from contextlib import contextmanager

from skorch.callbacks import Callback
from tqdm.auto import tqdm


class KLWarmup(Callback):
    """Raise the weight of the KL divergence linearly from 0 to 1.

    Parameters
    ----------
    n_epochs : int
        Epoch e (from 0) trains with weight min(1, e / n_epochs).
    """

    name = "kl_warmup"

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net, **kwargs):
        done = len(net.history) - 1  # the history already has this epoch's row
        weight = 1.0 if self.n_epochs == 0 else min(1.0, done / self.n_epochs)
        net.module_.kl_weight = weight


class Anneal(Callback):
    """Lower a number of the module from epoch to epoch.

    Parameters
    ----------
    name : str
        Name of the module's attribute.
    start : float
        Value in the first epoch.
    decay : float
        In epoch e (from 0) the value is max(floor, start · exp(−decay · e)).
    floor : float
        Lowest value.
    """

    def __init__(self, name, start, decay, floor):
        self.name, self.start, self.decay, self.floor = name, start, decay, floor

    def on_epoch_begin(self, net, **kwargs):
        done = len(net.history) - 1  # the history already has this epoch's row
        value = max(self.floor, self.start * math.exp(-self.decay * done))
        setattr(net.module_, self.name, value)


class RecordEpoch(Callback):
    """Write the epoch's seconds, scheduled values and best losses into the history.

    Parameters
    ----------
    warmup : int, default=0
        Epochs at the start, whose losses are not compared with later ones.
    best : bool, default=False
        Whether to record if ``train_loss`` and ``valid_loss`` are the lowest so far.
    """

    def __init__(self, warmup=0, best=False):
        self.warmup, self.best = warmup, best

    def on_train_begin(self, net, **kwargs):
        self._lowest = {}

    def on_epoch_begin(self, net, **kwargs):
        self._start = time.perf_counter()
        for name, value in net.module_.scheduled().items():
            net.history.record(name, value)

    def on_epoch_end(self, net, **kwargs):
        net.history.record("seconds", time.perf_counter() - self._start)
        for name in ("train_loss", "valid_loss"):
            if self.best and name in net.history[-1]:
                self._record_best(net.history, name)

    def _record_best(self, history, name):
        loss, done = history[-1][name], len(history)
        if name not in self._lowest or done == self.warmup + 1:
            first = self.warmup if done > self.warmup else 0
            before = [row[name] for row in history[first:-1] if name in row]
            self._lowest[name] = min(before, default=float("inf"))
        history.record(f"{name}_best", loss < self._lowest[name])
        self._lowest[name] = min(loss, self._lowest[name])


@contextmanager
def watching(estimator, n_epochs, X, y):
    """Report a fit to scikit-learn's callbacks and, if verbose, on a progress bar.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted; its ``net_`` is set.
    n_epochs : int
        Maximum number of epochs of this fit.
    X, y : object
        The data, passed to the callbacks.

    Yields
    ------
    list of watchers
        Objects with ``begin_epoch()`` and ``end_epoch(net)``.
    """
    tasks = FitTasks(estimator, n_epochs, {"X": X, "y": y})
    if not (estimator.verbose and estimator.net_.is_main):
        yield [tasks]
    else:
        with Progress(type(estimator).__name__, n_epochs) as progress:
            yield [tasks, progress]
    tasks.close()


class FitTasks:
    """Report every epoch to scikit-learn's callbacks (ProgressBar, ScoringMonitor).

    They exist since scikit-learn 1.9; with older releases nothing happens.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted; its ``net_`` is set.
    n_epochs : int
        Maximum number of epochs of this fit.
    data : dict
        ``X`` and ``y``, passed to the callbacks.
    """

    def __init__(self, estimator, n_epochs, data):
        self.estimator, self.data = estimator, data
        self._root = self._epoch = None
        if hasattr(estimator, "_init_callback_context"):
            self._root = estimator._init_callback_context(max_subtasks=n_epochs)
            self._root.call_on_fit_task_begin(estimator=estimator, **data)

    def begin_epoch(self):
        """Begin the epoch's task."""
        if self._root is not None:
            self._epoch = self._root.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self, net):
        """End the epoch's task; return whether a callback asks to stop."""
        return self._end(self._epoch)

    def close(self):
        """End the fit's task."""
        self._end(self._root)

    def _end(self, context):
        return context is not None and bool(
            context.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=self._fitted_so_far,
                **self.data,
            )
        )

    def _fitted_so_far(self):
        net = self.estimator.net_
        # Without the user's callbacks, which may hold what cannot be copied.
        bare = {id(net.callbacks): [], id(net.callbacks_): []}
        net = copy.deepcopy(net, bare)
        net.module_.eval()
        return {"net_": net}


class Progress:
    """Show the epochs of a fit, their bound, and the held-out bound if any.

    On a terminal and in a notebook this is a progress bar. Elsewhere, such as in a log,
    it is a line per tenth of the epochs.

    Parameters
    ----------
    label : str
        Title of the bar or the lines.
    n_epochs : int
        Maximum number of epochs of this fit.
    """

    def __init__(self, label, n_epochs):
        self._label, self._n_epochs, self._done = label, n_epochs, 0
        self._bar = None
        if sys.stderr.isatty() or in_notebook():
            self._bar = tqdm(total=n_epochs, desc=label, unit="epoch")

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        stopped = kind is None and self._done < self._n_epochs
        if stopped:
            self._end_in_words()
        if self._bar is not None:
            self._bar.close()

    def begin_epoch(self):
        """Do nothing."""

    def end_epoch(self, net):
        """Count the epoch, and show it if it is time; never asks to stop."""
        self._done += 1
        row = net.history[-1]
        shown = {"bound": f"{-row['train_loss']:.2f}"}
        if "valid_loss" in row:
            shown["held-out"] = f"{-row['valid_loss']:.2f}"
        if self._bar is not None:
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update()
        elif self._tenths(self._done) > self._tenths(self._done - 1):
            values = ", ".join(f"{name} {value}" for name, value in shown.items())
            self._write(f"epoch {self._done} of {self._n_epochs}, {values}")
        return False

    def _tenths(self, n_epochs):
        return 10 * n_epochs // self._n_epochs

    def _end_in_words(self):
        """Note on the bar that early stopping ended the fit."""
        if self._bar is None:
            self._write(f"stopped early after {self._done} epochs")
        else:
            self._bar.total = self._done  # a notebook shows an unfinished bar in red
            self._bar.set_description(f"{self._label}, stopped early")

    def _write(self, words):
        print(f"{self._label}: {words}", file=sys.stderr, flush=True)


def in_notebook():
    """Return whether tqdm has chosen its bar for notebooks."""
    return any(base.__module__ == "tqdm.notebook" for base in tqdm.__mro__)
