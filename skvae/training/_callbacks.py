"""skorch callbacks that the estimators' parameters stand for."""

import math
import time

from skorch.callbacks import Callback
from tqdm.auto import tqdm

from skvae.training._epoch import Snapshot


class KLWarmup(Callback):
    """Raise the weight of the divergence linearly from 0 to 1.

    Parameters
    ----------
    n_epochs : int
        Epoch e (from 0) trains with the weight min(1, e / n_epochs).
    """

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net, **kwargs):
        done = len(net.history) - 1  # this epoch's row is there already
        weight = 1.0 if self.n_epochs == 0 else min(1.0, done / self.n_epochs)
        net.module_.kl_weight = weight


class Anneal(Callback):
    """Lower a number of the module from epoch to epoch.

    Parameters
    ----------
    name : str
        Of the module's attribute.
    start : float
        Its value in the first epoch.
    decay : float
        Epoch e (from 0) has max(floor, start · exp(−decay · e)).
    floor : float
        Its lowest value.
    """

    def __init__(self, name, start, decay, floor):
        self.name, self.start, self.decay, self.floor = name, start, decay, floor

    def on_epoch_begin(self, net, **kwargs):
        done = len(net.history) - 1  # this epoch's row is there already
        value = max(self.floor, self.start * math.exp(-self.decay * done))
        setattr(net.module_, self.name, value)


class RecordEpoch(Callback):
    """Write the epoch's seconds and scheduled values into the history."""

    def on_epoch_begin(self, net, **kwargs):
        self._start = time.perf_counter()
        for name, value in net.module_.scheduled().items():
            net.history.record(name, value)

    def on_epoch_end(self, net, **kwargs):
        net.history.record("seconds", time.perf_counter() - self._start)


class EarlyStopping(Callback):
    """Stop when the held-out bound no longer rises, and go back to the best weights.

    Parameters
    ----------
    n_iter_no_change : int
        How many epochs without improvement are borne.
    tol : float
        What counts as an improvement, in nats a row.
    warmup : int
        Epochs at the start that do not count, as their bound is another one.
    """

    def __init__(self, n_iter_no_change, tol, warmup=0):
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warmup = warmup

    def on_train_begin(self, net, **kwargs):
        self._best, self._since, self._snapshot = float("inf"), 0, None

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        # A fit that goes on must not end with worse weights than it began with.
        begun = self._snapshot is not None or len(net.history) - 1 <= self.warmup
        if dataset_valid is not None and not begun:
            self._keep(net, net.held_out_loss(dataset_valid))

    def _keep(self, net, loss):
        self._best, self._since = loss, 0
        self._snapshot = Snapshot(net)
        self._snapshot.take()

    def on_epoch_end(self, net, **kwargs):
        loss = net.history[-1].get("valid_loss")
        if loss is None or len(net.history) <= self.warmup:
            return
        if self._snapshot is None or loss < self._best - self.tol:
            self._keep(net, loss)
            return
        self._since += 1
        if self._since >= self.n_iter_no_change:
            raise KeyboardInterrupt  # skorch's way to stop

    def on_train_end(self, net, **kwargs):
        if self._snapshot is not None:
            self._snapshot.restore()
        self._snapshot = None


class Progress:
    """Show a bar over the epochs with the bound, held out too if rows are.

    Parameters
    ----------
    label : str
        What the bar is called.
    n_epochs : int
        Epochs of one call of ``fit``.
    hidden : bool, default=False
        Whether to show nothing after all.
    """

    def __init__(self, label, n_epochs, hidden=False):
        self._bar = tqdm(total=n_epochs, desc=label, unit="epoch", disable=hidden)

    def begin_epoch(self):
        """Nothing to show yet."""

    def end_epoch(self, net):
        """Move the bar by one epoch."""
        if self._bar.disable:
            return
        row = net.history[-1]
        shown = {"bound": f"{-row['train_loss']:.2f}"}
        if "valid_loss" in row:
            shown["held-out"] = f"{-row['valid_loss']:.2f}"
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def close(self):
        """Leave the bar as it is."""
        self._bar.close()
