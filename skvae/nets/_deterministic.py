"""cuDNN's deterministic algorithms, while a model trains or is evaluated."""

import threading
from contextlib import contextmanager

import torch


class _Flag:
    """torch's flag, which belongs to the whole process, and its users."""

    lock = threading.Lock()
    n_users = 0  # threads that are inside the context
    before = False  # the flag before the first of them


@contextmanager
def deterministic_convolutions():
    """Let convolutions on a GPU give the same gradients each time.

    By default cuDNN may add the terms of a gradient in any order, so that two fits with
    one seed differ. Of several threads, the first sets the flag, and the last restores
    it.
    """
    with _Flag.lock:
        if _Flag.n_users == 0:
            _Flag.before = torch.backends.cudnn.deterministic
            torch.backends.cudnn.deterministic = True
        _Flag.n_users += 1
    try:
        yield
    finally:
        with _Flag.lock:
            _Flag.n_users -= 1
            if _Flag.n_users == 0:
                torch.backends.cudnn.deterministic = _Flag.before
