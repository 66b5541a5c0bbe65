"""Early stopping."""

import copy

from skorch.callbacks import Callback

from skvae.training._snapshot import Snapshot


class EarlyStopping(Callback):
    """Stop when the held-out bound no longer rises, and restore the best weights.

    Parameters
    ----------
    n_iter_no_change : int
        Epochs without improvement after which training stops.
    tol : float
        Smallest improvement that counts, in nats per row.
    warmup : int
        Epochs at the start that do not count, as the KL warm-up changes their bound.
    first : dict or None
        A ``state_dict`` of the module that counts as well: the end is never worse.
    """

    def __init__(self, n_iter_no_change, tol, warmup=0, first=None):
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warmup = warmup
        self.first = first

    def on_train_begin(self, net, **kwargs):
        self._best, self._since, self._snapshot = float("inf"), 0, None
        self._first_loss = float("inf")

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        done = len(net.history) - 1  # the history already has this epoch's row
        if dataset_valid is None or done < self.warmup or self._snapshot is not None:
            return
        if self.first is not None:
            self._first_loss = self._loss_of_first(net, dataset_valid)
        if done > self.warmup:
            # A resumed fit must not end with worse weights than it began with.
            self._keep(net, net.held_out_loss(dataset_valid))

    def _loss_of_first(self, net, dataset_valid):
        current = copy.deepcopy(net.module_.state_dict())
        net.module_.load_state_dict(self.first)
        loss = net.held_out_loss(dataset_valid)
        net.module_.load_state_dict(current)
        return loss

    def _keep(self, net, loss):
        self._best, self._since = loss, 0
        self._snapshot = Snapshot(net).take()

    def on_epoch_end(self, net, **kwargs):
        loss = net.history[-1].get("valid_loss")
        if loss is None or len(net.history) <= self.warmup:
            return
        if self.improves(net):
            self._keep(net, loss)
            return
        self._since += 1
        if self._since >= self.n_iter_no_change:
            raise KeyboardInterrupt  # skorch's way to stop

    def improves(self, net):
        """Return whether the weights after this epoch will be kept."""
        loss = net.history[-1].get("valid_loss")
        if loss is None or len(net.history) <= self.warmup:
            return False
        return self._snapshot is None or loss < self._best - self.tol

    @property
    def has_kept(self):
        """Whether there are weights to restore at the end."""
        return self._snapshot is not None

    def state(self):
        """Return what a resumed fit needs, as tensors and plain data."""
        return {
            "best": self._best,
            "since": self._since,
            "first_loss": self._first_loss,
            "first": None if self.first is None else dict(self.first),
            "snapshot": None if self._snapshot is None else self._snapshot.state,
        }

    def restore_state(self, net, state):
        """Restore what `state` returned."""
        self._best, self._since = state["best"], state["since"]
        self._first_loss, self.first = state["first_loss"], state["first"]
        if state["snapshot"] is not None:
            self._snapshot = Snapshot(net, state["snapshot"])

    def on_train_end(self, net, **kwargs):
        if self._snapshot is not None:
            self._snapshot.restore()
            if self._first_loss <= self._best:
                net.module_.load_state_dict(self.first)
        self._snapshot = self.first = None
