"""What skorch's callbacks see of an epoch besides its row of the history."""

import dis
import sys
import traceback
from contextlib import contextmanager

import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    InputShapeSetter,
    WandbLogger,
)

from skvae._kinds import cut
from skvae._validation import POSITIVE_INT, check_parameter
from skvae.training._iterating import TensorBatches

SCORING = (EpochScoring, BatchScoring)
OF_ARGUMENTS = (
    *(ArithmeticError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)
LIBRARIES = {*sys.stdlib_module_names, "skorch", "torch", "numpy"}


class BatchHooks:
    """Calls the hooks for batches, if any callback overrides them.

    Reading a loss waits for the device, so it is not read unless a callback needs it.
    With callbacks of the user, the history gets skorch's rows of batches in any case,
    but only at the end of the epoch.

    Parameters
    ----------
    net : VariationalNet
        An initialised net.
    training : bool, default=True
        Whether the batches are trained on, or held out.
    """

    def __init__(self, net, training=True):
        self.net, self.training = net, training
        self.prefix = "train" if training else "valid"
        callbacks = [callback for _, callback in net.callbacks_]
        kinds = {type(callback) for callback in callbacks}
        self.batchwise = _overridden(kinds, "on_batch_begin", "on_batch_end")
        self.gradientwise = _overridden(kinds, "on_grad_computed")
        self.recording = any(not _is_ours(callback) for callback in callbacks)
        self.predicting = any(_caches(c, net, training) for c in callbacks)

    def begin(self, batch):
        """Call the hooks before a batch."""
        if self.batchwise:
            self.net.notify(
                "on_batch_begin", batch=_pair(batch), training=self.training
            )

    def gradient(self, batch, moved=None):
        """Call the hooks after a backward pass, for `moved` or all parameters."""
        named = list(self.net.module_.named_parameters())
        if moved is not None:
            ids = {id(p) for p in moved}
            named = [(name, p) for name, p in named if id(p) in ids]
        self.net.notify(
            "on_grad_computed",
            named_parameters=named,
            batch=_pair(batch),
            training=True,
        )

    def end(self, batch, loss, once=True):
        """Call the hooks after a batch; `loss` is a function that returns it, ().

        Scores are not told of further passes over the same rows, if not `once`.
        """
        if not self.batchwise:
            return
        loss = loss()
        self._record(loss.item(), len(batch.x))
        predicts = self.predicting and once
        predicted = self.net.evaluation_step(batch) if predicts else None
        self.net.module_.train(self.training)
        seen = {"batch": _pair(batch), "training": self.training, "loss": loss}
        with naming_callbacks():
            for _, callback in self.net.callbacks_:
                if once or not isinstance(callback, SCORING):
                    callback.on_batch_end(self.net, y_pred=predicted, **seen)

    def finish(self, batches):
        """At the end of an epoch, record the batches that have not been recorded.

        Parameters
        ----------
        batches : callable
            Returns the loss of each batch, (n_batches,), and their numbers of rows.
        """
        if not self.recording:
            return
        losses, sizes = batches()
        if not self.batchwise:
            for loss, size in zip(losses.tolist(), sizes, strict=True):
                self.net.history.new_batch()
                self._record(loss, size)
        self.net.history.record(f"{self.prefix}_batch_count", len(sizes))

    def _record(self, loss, size):
        self.net.history.record_batch(f"{self.prefix}_loss", loss)
        self.net.history.record_batch(f"{self.prefix}_batch_size", size)


def _pair(batch):
    """Return a batch as skorch's callbacks unpack it: X and y."""
    return batch.x, batch.y


def _is_ours(callback):
    return type(callback).__module__.partition(".")[0] == "skvae"


def _caches(callback, net, training):
    """Return whether a callback collects predictions for these batches."""
    if not isinstance(callback, SCORING) or callback.on_train != training:
        return False
    in_general = net.use_caching
    return callback.use_caching if in_general == "auto" else in_general


def _overridden(kinds, *names):
    """Return whether one of these kinds of callbacks overrides one of the hooks."""
    return any(
        getattr(kind, name) is not getattr(Callback, name)
        for kind in kinds
        for name in names
    )


@contextmanager
def naming_callbacks():
    """Turn errors from within skorch's own callbacks into ValueErrors that name them.

    Mostly an argument of the callback is not valid, which torch finds out when it is
    used. Errors of a user's callbacks and functions are not changed.
    """
    try:
        yield
    except OF_ARGUMENTS as error:
        callback = _at_fault(error)
        if callback is None:
            raise
        name = type(callback).__name__
        raise ValueError(f"The callback {name} cannot be used: {error}") from error


def _at_fault(error):
    """Return skorch's callback that raised an error, None if code of a user did."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        owner, module = frame.f_locals.get("self"), frame.f_globals["__name__"]
        if found is not None and module.partition(".")[0] not in LIBRARIES:
            return None
        if isinstance(owner, Callback) and type(owner).__module__.startswith("skorch."):
            found = owner
    return found


def check_callbacks(net, train, valid):
    """Raise ValueError for a callback that cannot do what it is for.

    Parameters
    ----------
    net : VariationalNet
        An initialised net.
    train : Rows
        The training rows.
    valid : Rows or None
        The rows that are held out.
    """
    scored = {c.name_ for _, c in net.callbacks_ if isinstance(c, SCORING)}
    for name, callback in net.callbacks_:
        if isinstance(callback, InputShapeSetter):
            raise ValueError(
                f"The callback {name} cannot be used: the width of the network follows "
                "from the columns of X."
            )
        if isinstance(callback, SCORING) and train.table.y is None:
            _check_scoring(name, callback.scoring)
        wanted = _monitored(callback)
        if valid is None and wanted.startswith("valid_") and wanted not in scored:
            raise ValueError(
                f"The callback {name} needs {wanted!r}, but no rows are held out. "
                "Set early_stopping=True or a train_split in net_params, or let it "
                "monitor 'train_loss'."
            )


def check_iterators(net, rows):
    """Raise ValueError if the net's iterators do not yield batches of rows."""
    for training in (True, False):
        name = "iterator_train" if training else "iterator_valid"
        try:
            batches = net.get_iterator(rows, training)
        except TypeError as error:
            raise ValueError(f"The {name} of net_params: {error}") from error
        if not isinstance(batches, TensorBatches):
            raise ValueError(
                f"The {name} of net_params must be a subclass of TensorBatches of "
                f"skvae.training. Got {cut(getattr(net, name))} instead."
            )
        size = batches.batch_size
        check_parameter(f"{name}__batch_size", size, (POSITIVE_INT,), "net_params")


def _check_scoring(name, scoring):
    kind = getattr(scoring, "__module__", None) or ""
    if isinstance(scoring, str) or kind.startswith("sklearn.metrics"):
        raise ValueError(
            f"The callback {name} compares predictions with targets, which this model "
            f"does not have. Got scoring={cut(scoring)}. Pass None for the bound "
            "(higher is better), or a function of (net, rows, y), where y is None."
        )


def _monitored(callback):
    """Return the value of the history that a callback monitors, or ""."""
    if isinstance(callback, WandbLogger) and callback.save_model:
        return "valid_loss_best"
    found = getattr(callback, "monitor", getattr(callback, "_monitor", ""))
    return found if isinstance(found, str) else ""


def raised_on_purpose(interrupt):
    """Return whether a callback raised KeyboardInterrupt itself, to stop the training.

    A Ctrl-C surfaces at whatever instruction runs, or in a signal handler, but not at a
    ``raise`` statement of the callback itself.
    """
    trace = interrupt.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    in_callback = isinstance(trace.tb_frame.f_locals.get("self"), Callback)
    instruction = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    return in_callback and dis.opname[instruction] == "RAISE_VARARGS"


def means(bounds, sizes):
    """Return minus the mean bound of each batch, (n_batches,), and the sizes."""
    return torch.stack([-bound.mean() for bound in bounds.split(sizes)]), sizes
