"""cuDNN's flag: set while a model trains or is evaluated, as before afterwards."""

import threading

import pytest
import torch
from instances import small
from skorch.callbacks import Callback

from skvae import VAETransformer
from skvae.nets import deterministic_convolutions


def flag():
    return torch.backends.cudnn.deterministic


class Watch(Callback):
    """Note the flag in each epoch."""

    def __init__(self, seen):
        self.seen = seen

    def __deepcopy__(self, memo):
        return self

    def on_epoch_end(self, net, **_):
        self.seen.append(flag())


@pytest.mark.parametrize("before", [False, True])
def test_training_sets_the_flag_and_restores_it(digits, before, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", before)
    seen = []
    small(VAETransformer, callbacks=[Watch(seen)]).fit(digits)
    assert seen
    assert all(seen)
    assert flag() is before


def test_a_failed_fit_restores_the_flag(digits):
    class Broken(Callback):
        def on_epoch_end(self, net, **_):
            assert flag()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        small(VAETransformer, callbacks=[Broken()]).fit(digits)
    assert not flag()


def test_the_last_thread_restores_the_flag():
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with deterministic_convolutions():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    with deterministic_convolutions():
        thread.start()
        assert entered.wait(10)
    assert flag()
    leave.set()
    thread.join(10)
    assert not flag()
