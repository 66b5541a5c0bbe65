"""Between the loop and skorch's callbacks."""

import dis

from skorch.callbacks import Callback


def raised_on_purpose(interrupt):
    """Tell a callback's ``raise KeyboardInterrupt``, skorch's way to stop, from Ctrl-C.

    A Ctrl-C surfaces at whatever instruction runs, or in a handler of signals, and not
    at an instruction of a callback's own that raises.
    """
    trace = interrupt.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    in_callback = isinstance(trace.tb_frame.f_locals.get("self"), Callback)
    instruction = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    return in_callback and dis.opname[instruction] == "RAISE_VARARGS"


class BatchHooks:
    """Batch-wise callbacks, called only where one overrides them.

    Reading a loss for them waits for the device, so training without such callbacks
    does not pay for it.
    """

    def __init__(self, net):
        self.net = net
        self._wanted = {
            name: any(_overrides(callback, name) for _, callback in net.callbacks_)
            for name in ("on_batch_begin", "on_batch_end", "on_grad_computed")
        }
        self._batchwise = self._wanted["on_batch_begin"] or self._wanted["on_batch_end"]

    def begin(self, batch):
        """Before a batch."""
        if self._batchwise:
            self.net.notify("on_batch_begin", batch=batch, training=True)

    def gradient(self, batch, moved=None):
        """After a backward pass, before the step of the parameters `moved`, or all."""
        if self._wanted["on_grad_computed"]:
            named = list(self.net.module_.named_parameters())
            if moved is not None:
                ids = {id(p) for p in moved}
                named = [(name, p) for name, p in named if id(p) in ids]
            self.net.notify(
                "on_grad_computed", named_parameters=named, batch=batch, training=True
            )

    def end(self, batch, log):
        """After a batch."""
        if self._batchwise:
            loss = log.last_loss()
            self.net.history.record_batch("train_loss", loss.item())
            self.net.history.record_batch("train_batch_size", len(batch.x))
            self.net.notify("on_batch_end", batch=batch, training=True, loss=loss)


def _overrides(callback, name):
    return getattr(type(callback), name) is not getattr(Callback, name)
