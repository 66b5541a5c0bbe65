"""skorch callbacks that the estimators' parameters stand for."""

import math
import time

from skorch.callbacks import Callback

from skvae.training._snapshot import Snapshot


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
        Epochs without improvement after which training stops.
    tol : float
        Smallest improvement that counts, in nats per row.
    warmup : int
        Epochs at the start that do not count, as the KL warm-up changes their bound.
    """

    def __init__(self, n_iter_no_change, tol, warmup=0):
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warmup = warmup

    def on_train_begin(self, net, **kwargs):
        self._best, self._since, self._snapshot = float("inf"), 0, None

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        # A resumed fit must not end with worse weights than it began with.
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
