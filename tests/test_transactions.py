"""Until its first new epoch is complete, a fit leaves the estimator as it was."""

from functools import partial

import numpy as np
import pytest
import torch
from instances import fit, having, partial_fit, small
from saved import answers
from skorch.callbacks import Callback

import skvae.training._callbacks as watchers
from skvae import (
    JMVAETransformer,
    MCEMTransformer,
    TaskInvariantVAETransformer,
    VAETransformer,
)
from skvae.discovery import all_estimators

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
HOW = {
    "fit": fit,
    "warm start": lambda estimator, X: fit(estimator.set_params(warm_start=True), X),
    "partial_fit": partial_fit,
}
each_way = pytest.mark.parametrize("how", HOW)


class Interrupts(Callback):
    """Raises an error when training begins, or in the middle of an epoch."""

    def __init__(self, when, error):
        self.when, self.error = when, error

    def on_train_begin(self, net, **kwargs):
        if self.when == "begin":
            raise self.error

    def on_grad_computed(self, net, **kwargs):
        if self.when == "epoch":
            raise self.error


def state(estimator, X):
    """Everything that a fitted estimator is: answers, history, optimizers, chains."""
    net = estimator.net_
    optimizers = net.optimizers().values()
    rates = [group["lr"] for o in optimizers for group in o.param_groups]
    moments = [
        value.sum().item() if isinstance(value, torch.Tensor) else value
        for optimizer in optimizers
        for one in optimizer.state.values()
        for value in one.values()
    ]
    kept = {
        name: value.tolist() if isinstance(value, torch.Tensor) else value
        for name, value in estimator.module_.training_state().items()
    }
    plain = repr([kept, estimator.module_.kl_weight, rates, moments])
    return [*answers(estimator, X), len(estimator.history_), plain]


def assert_same_state(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@each_way
@each_estimator
def test_a_non_finite_first_epoch_changes_nothing(cls, how, digits):
    estimator = fit(small(cls, likelihood="gaussian-unit"), digits)
    before = state(estimator, digits)
    estimator.set_params(lr=0.5)
    with pytest.raises((FloatingPointError, ValueError)):
        HOW[how](estimator, digits[:50] * 1e38)
    assert_same_state(state(estimator.set_params(lr=1e-3), digits), before)


@each_way
@pytest.mark.parametrize("when", ["begin", "epoch"])
@pytest.mark.parametrize("cls", [VAETransformer, MCEMTransformer])
def test_an_interrupt_in_the_first_epoch_changes_nothing(cls, when, how, digits):
    estimator = small(cls, callbacks=[Interrupts(None, KeyboardInterrupt)])
    before = state(estimator.fit(digits), digits)
    ((_, callback),) = [p for p in estimator.net_.callbacks_ if p[0] == "Interrupts"]
    callback.when = when
    estimator.set_params(callbacks=[Interrupts(when, KeyboardInterrupt)])
    with pytest.raises(KeyboardInterrupt):
        HOW[how](estimator, digits[:50])
    callback.when = None
    assert_same_state(state(estimator, digits), before)


def test_an_interrupt_before_training_changes_nothing(digits, monkeypatch):
    estimator = small(VAETransformer).fit(digits)
    before = state(estimator, digits)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(watchers, "FitTasks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(2 * digits)
    assert_same_state(state(estimator, digits), before)
    first = small(VAETransformer)
    with pytest.raises(KeyboardInterrupt):
        first.fit(digits)
    assert vars(first).keys() == first.get_params().keys()


@each_way
@pytest.mark.parametrize(
    "wrong",
    [
        {"beta": 1e300},
        {"tol": 10**400},
        {"net_params": {"batch_size": 0}},
        {"net_params": {"max_epochs": 0}},
        {"net_params": {"lr": -1.0}},
        {"net_params": {"device": "cpu"}},
        {"net_params": {"dataset": None}},
        {"net_params": {"module__n": 1}},
        {"net_params": {"train_split": 3}},
    ],
    ids=str,
)
def test_a_value_that_would_fail_in_training_is_refused_before(wrong, how, digits):
    estimator = small(VAETransformer).fit(digits)
    before = state(estimator, digits)
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        HOW[how](estimator.set_params(**wrong, callbacks=[Never()]), digits)
    estimator.set_params(**small(VAETransformer).get_params())
    assert_same_state(state(estimator, digits), before)


class Never(Callback):
    """Fails when training begins."""

    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training has begun")


NEW_NETS = {
    "iterator": {"net_params": {"iterator_train": None}},
    "loader": {"net_params": {"iterator_valid": torch.utils.data.DataLoader}},
    "argument": {"net_params": {"iterator_train__shuffle": True}},
    "size": {"net_params": {"iterator_train__batch_size": 0}},
    "LBFGS": {"optimizer": partial(torch.optim.LBFGS)},
    "sparse": {"optimizer": torch.optim.SparseAdam},
    "base": {"optimizer": torch.optim.Optimizer},
    "function": {"net_params": {"optimizer": len}},
    "unknown": {"net_params": {"optimizer__nope": 1}},
}


@pytest.mark.parametrize("label", NEW_NETS)
def test_parts_of_the_net_that_cannot_be_used_are_refused_before_training(
    label, digits
):
    wrong = NEW_NETS[label]
    with pytest.raises(ValueError, match=r"iterator_|The optimizer "):
        small(VAETransformer, callbacks=[Never()], **wrong).fit(digits)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_rate_may_be_a_number_of_numpy(kind, digits):
    one = small(VAETransformer, lr=kind(2.0**-10), weight_decay=kind(0.125))
    other = small(VAETransformer, lr=2.0**-10, weight_decay=0.125)
    expected = other.fit(digits).transform(digits)
    np.testing.assert_array_equal(one.fit(digits).transform(digits), expected)


def test_all_rows_may_be_one_batch_as_in_skorch(digits):
    one = small(VAETransformer, net_params={"batch_size": -1}).fit(digits)
    other = small(VAETransformer, batch_size=len(digits)).fit(digits)
    np.testing.assert_array_equal(one.transform(digits), other.transform(digits))


def test_a_fit_that_fails_keeps_the_very_objects_of_the_user(digits):
    given = {"modalities": {"all": slice(0, 64)}, "likelihood": {"all": "gaussian"}}
    estimator = small(JMVAETransformer, **given).fit(digits)
    with pytest.raises((FloatingPointError, ValueError)):
        estimator.fit(digits * 1e38)
    assert all(getattr(estimator, name) is value for name, value in given.items())


@pytest.mark.parametrize("cls", having("likelihood"))
def test_a_first_fit_that_fails_leaves_an_unfitted_estimator(cls, digits):
    estimator = small(cls, likelihood="gaussian-unit")
    parameters = vars(estimator).copy()
    with pytest.raises((FloatingPointError, ValueError)):
        fit(estimator, digits * 1e38)
    assert vars(estimator) == parameters


def test_an_interrupt_in_a_later_epoch_keeps_the_epochs_before(digits):
    class InThird(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    estimator = small(TaskInvariantVAETransformer, max_epochs=5, callbacks=[InThird()])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(digits)
    assert estimator.n_iter_ == 2
    two = small(TaskInvariantVAETransformer, max_epochs=2).fit(digits)
    np.testing.assert_array_equal(estimator.transform(digits), two.transform(digits))
    assert estimator.score(digits) == two.score(digits)


def test_settings_of_a_failed_fit_do_not_stay_in_the_optimizer(digits):
    one, other = (small(VAETransformer).fit(digits) for _ in range(2))
    with pytest.raises(FloatingPointError):
        one.set_params(
            lr=0.7, weight_decay=0.5, likelihood="gaussian-shared"
        ).partial_fit(digits * 1e38)
    one.set_params(lr=1e-3, weight_decay=0.0)
    np.testing.assert_array_equal(
        one.partial_fit(digits).transform(digits),
        other.partial_fit(digits).transform(digits),
    )
