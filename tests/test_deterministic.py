"""cuDNN's flag: set while a model trains or is evaluated, as before afterwards."""

import threading
from typing import ClassVar

import numpy as np
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


class Seeing(torch.nn.Linear):
    """A decoder that notes the flag whenever it computes."""

    seen: ClassVar[list] = []

    def forward(self, z):
        self.seen.append(flag())
        return super().forward(z)


@pytest.mark.parametrize(
    "ask",
    ["score_samples", "reconstruct", "impute", "inverse_transform", "sample"],
)
def test_answers_are_computed_with_the_flag(ask, digits):
    model = small(VAETransformer, decoder=lambda n_in: Seeing(n_in, 4)).fit(digits)
    holed = digits.copy()
    holed[0, 0] = np.nan
    given = {"impute": holed, "inverse_transform": model.transform(digits), "sample": 3}
    Seeing.seen.clear()
    getattr(model, ask)(given.get(ask, digits))
    assert Seeing.seen
    assert all(Seeing.seen)
    assert not flag()
