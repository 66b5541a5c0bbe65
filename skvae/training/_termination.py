"""Let a fit save what it has done before SIGTERM ends the process."""

import os
import signal
import threading
from contextlib import contextmanager


class Terminated(SystemExit):
    """SIGTERM arrived; `Termination` sends it again when the fit has saved."""

    def __init__(self):
        super().__init__(128 + signal.SIGTERM)


class Termination:
    """Hold SIGTERM back in a ``with`` block, and send it again at its end.

    Only the main thread can do so, and only unless the process ignores the signal. In
    other cases the block changes nothing.
    """

    def __init__(self):
        self._pending = self._allowed = False
        self._previous = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGTERM)
            if previous not in (None, signal.SIG_IGN):  # None: not set by Python
                self._previous = previous
                signal.signal(signal.SIGTERM, self._arrived)
        return self

    def __exit__(self, *error):
        if self._previous is not None:
            signal.signal(signal.SIGTERM, self._previous)
            if self._pending:
                os.kill(os.getpid(), signal.SIGTERM)

    def _arrived(self, *_):
        self._pending = True
        if self._allowed:
            raise Terminated

    @contextmanager
    def allowed(self):
        """Raise `Terminated` in this block if the signal arrives, or has arrived."""
        try:
            self._allowed = True
            if self._pending:
                raise Terminated
            yield
        finally:
            self._allowed = False
