"""A fit that goes on from its checkpoint equals an undisturbed one."""

import os
import signal
from itertools import chain

import numpy as np
import pytest
import torch
from instances import OF_DIGITS, fit, small, variants
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, LRScheduler
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split

import skvae
from skvae import MCEMTransformer, VAETransformer
from skvae.persistence import read, write
from skvae.training import Snapshot
from skvae.training._epoch import EpochLog

N_EPOCHS = 3
ALL = dict(chain(variants(), variants(OF_DIGITS)))
SPECIAL = (
    *("VAETransformer-density-ratio", "VAETransformer-early-stopping"),
    *("CategoricalVAETransformer-target-propagation", "JMVAETransformer-iterated"),
    *("TaskInvariantVAETransformer-invariant", "VAETransformer-dropout"),
)
CASES = {k: v for k, v in ALL.items() if k in SPECIAL or k.endswith("-small")}
MORE = {
    "autograd": {"net_params": {"fast_path": False}},
    "autograd-stopping": {"early_stopping": True, "net_params": {"fast_path": False}},
    "long-warmup": {"kl_warmup": 9},
    "dynamic": {"likelihood": "bernoulli", "binarize": "dynamic"},
    "sgd": {"optimizer": "sgd"},
    "schedule": {"callbacks": [LRScheduler("StepLR", step_size=1, gamma=0.5)]},
    "skorch-stopping": {
        "callbacks": [SkorchEarlyStopping("train_loss", patience=1, threshold=9)]
    },
}
CASES |= {f"VAE-{name}": small(VAETransformer, **p) for name, p in MORE.items()}


class Killed(BaseException):
    """Stands for what ends a process."""


@pytest.fixture
def X(digits):
    return digits[:70]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.safetensors"


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that lets epoch n fail when its last step is taken."""

    def at(epoch, act):
        def written(log, history, module, write=EpochLog.write):
            if log.epoch == epoch:
                monkeypatch.undo()
                act()
            write(log, history, module)

        monkeypatch.setattr(EpochLog, "write", written)

    return at


def killed():
    raise Killed


def everything(estimator):
    """Return all that training left behind, as plain values."""
    net = estimator.net_
    state = Snapshot(net).take().state
    numbers = [value.tolist() for value in state["tensors"]]
    moments = [
        value.tolist() if isinstance(value, torch.Tensor) else value
        for states in state["optimizers"].values()
        for one in states.values()
        for value in one.values()
    ]
    history = [
        {name: v for name, v in row.items() if name not in ("seconds", "batches")}
        for row in net.history
    ]
    rates = [g["lr"] for o in net.optimizers().values() for g in o.param_groups]
    schedules = {k: v for k, v in vars(net.module_).items() if type(v) is float}
    return repr([numbers, moments, history, rates, schedules, state["moved"]])


@pytest.mark.parametrize("label", CASES)
def test_a_killed_fit_goes_on_to_the_same_bits(label, X, path, interrupt):
    estimator = clone(CASES[label]).set_params(max_epochs=N_EPOCHS)
    undisturbed = everything(fit(clone(estimator), X))
    estimator.set_params(checkpoint=path, checkpoint_every=1)
    interrupt(2, killed)
    with pytest.raises(Killed):
        fit(clone(estimator), X)
    resumed = fit(clone(estimator), X)
    assert everything(resumed) == undisturbed
    finished = fit(clone(estimator), X)  # trains no more
    assert everything(finished) == undisturbed
    seconds = [row["seconds"] for row in resumed.history_]
    assert [row["seconds"] for row in finished.history_] == seconds


@pytest.mark.parametrize("last", [1, 2, 4, 5, 9])
def test_early_stopping_keeps_its_count_and_its_best_weights(last, X, path, interrupt):
    model = small(VAETransformer, early_stopping=True, max_epochs=12, lr=0.05)
    model.set_params(n_iter_no_change=3, kl_warmup=3)
    undisturbed = clone(model).fit(X)
    assert 9 < undisturbed.n_iter_ < 12
    model.set_params(checkpoint=path, checkpoint_every=2)
    interrupt(last, killed)
    with pytest.raises(Killed):
        clone(model).fit(X)
    assert everything(clone(model).fit(X)) == everything(undisturbed)


def test_chains_of_mcem_go_on(X, path, interrupt):
    """Their state belongs to the rows, and is neither a weight nor in an optimizer."""
    model = small(MCEMTransformer, max_epochs=3, checkpoint=path, checkpoint_every=1)
    chains = clone(model).set_params(checkpoint=None).fit(X).module_.chains
    interrupt(3, killed)
    with pytest.raises(Killed):
        clone(model).fit(X)
    assert torch.equal(clone(model).fit(X).module_.chains, chains)


def test_an_unseeded_fit_keeps_the_seed_of_its_checkpoint(X, path, interrupt):
    model = small(VAETransformer, random_state=None, early_stopping=True, max_epochs=3)
    model.set_params(checkpoint=path, checkpoint_every=1)
    interrupt(3, killed)
    with pytest.raises(Killed):
        model.fit(X)
    resumed = clone(model).fit(X)
    again = clone(model).set_params(checkpoint=None, random_state=0).fit(X)
    assert resumed.n_iter_ == 3
    assert resumed._seed == read(path)[0]["checkpoint"]["seed"] != again._seed


def test_a_warm_start_goes_on(X, path, interrupt):
    model = small(VAETransformer, max_epochs=2, warm_start=True)
    undisturbed = everything(clone(model).fit(X).fit(X))
    first = clone(model).fit(X)
    first.save(path.parent / "first", training_state=True)
    first.set_params(checkpoint=path, checkpoint_every=1)
    interrupt(4, killed)
    with pytest.raises(Killed):
        first.fit(X)
    again = skvae.load(path.parent / "first")
    again.set_params(checkpoint=path)
    assert everything(again.fit(X)) == undisturbed
    with pytest.raises(ValueError, match=r"number of epochs before \(2 there, 0 here"):
        clone(again).fit(X)


# -- signals ---------------------------------------------------------------------------


def test_ctrl_c_writes_the_last_whole_epoch(X, path, interrupt):
    model = small(VAETransformer, max_epochs=3, checkpoint=path)
    interrupt(2, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert model.n_iter_ == read(path)[0]["checkpoint"]["n_epochs"] == 1
    assert model.fit(X).n_iter_ == 3


@pytest.mark.parametrize("returns", [True, False])
def test_sigterm_writes_before_it_takes_its_way(returns, X, path, interrupt):
    arrived = []

    def handler(*_):
        arrived.append(path.exists())
        if not returns:
            raise Killed

    model = small(VAETransformer, max_epochs=3, checkpoint=path)
    before = signal.signal(signal.SIGTERM, handler)
    try:
        interrupt(3, lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(SystemExit if returns else Killed):
            model.fit(X)
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert arrived == [True]
    assert read(path)[0]["checkpoint"]["n_epochs"] == 2


class Terminates(Callback):
    """Sends SIGTERM where the callbacks of an epoch have not all been called."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGTERM)


def test_sigterm_between_epochs_waits_for_the_callbacks(X, path):
    model = small(VAETransformer, max_epochs=3, early_stopping=True, checkpoint=path)
    model.set_params(callbacks=[Terminates()])
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(SystemExit):
            model.fit(X)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert read(path)[0]["checkpoint"]["n_epochs"] == 2


def test_an_ignored_sigterm_stays_ignored(X, path, interrupt):
    model = small(VAETransformer, max_epochs=2, checkpoint=path)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        interrupt(1, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert model.fit(X).n_iter_ == 2
    finally:
        signal.signal(signal.SIGTERM, before)


# -- what a checkpoint belongs to ------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory, digits):
    """A fitted model with a checkpoint."""
    path = tmp_path_factory.mktemp("checkpoints") / "fit"
    model = small(VAETransformer, max_epochs=1, early_stopping=True, checkpoint=path)
    return model.fit(digits[:70])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"lr": 0.1}, r"lr \(0.001 there, 0.1 here\)"),
        ({"random_state": 1}, r"random_state \(0 there, 1 here\)"),
        ({"max_epochs": 2, "beta": 2}, r"max_epochs \(1 .*, beta|beta .*, max_epochs"),
        ({"net_params": {"optimizer__eps": 1e-7}}, "net_params"),
        ({"callbacks": [LRScheduler()]}, "callbacks"),
    ],
)
def test_other_parameters_are_refused(model, digits, params, words):
    with pytest.raises(ValueError, match=f"of another fit, which differs in .*{words}"):
        clone(model).set_params(**params).fit(digits[:70])


def test_other_data_are_refused(model, digits):
    X = digits[:70].copy()
    X[-1, -1] += 1e-6
    with pytest.raises(ValueError, match=r"differs in the values of X\. Set"):
        clone(model).fit(X)
    with pytest.raises(ValueError, match=r"the number of rows \(70 there, 69 here\)"):
        clone(model).fit(X[:69])


def test_other_held_out_rows_are_refused(model, digits):
    held_out = Dataset(digits[70:80].copy())
    split = {"train_split": predefined_split(held_out)}
    model = clone(model).set_params(checkpoint=f"{model.checkpoint}-split")
    model.set_params(net_params=split).fit(digits[:70])
    held_out.X[0, 0] += 1
    with pytest.raises(ValueError, match="the split into training and held-out rows"):
        model.fit(digits[:70])


def test_what_does_not_change_the_result_may_change(model, digits):
    free = {"verbose": 1, "checkpoint_every": 7, "warm_start": True, "device": "cpu"}
    again = clone(model).set_params(**free).fit(digits[:70])
    assert everything(again) == everything(model)


def test_resume_never_starts_afresh(model, digits):
    again = clone(model).set_params(lr=0.1, resume="never")
    again.set_params(checkpoint=f"{model.checkpoint}-never")
    reference = everything(again.fit(digits[:70]))
    assert everything(again.set_params(lr=0.2).fit(digits[:70])) != reference


def test_a_damaged_file_is_refused(model, digits):
    path = f"{model.checkpoint}-damaged"
    contents = bytearray(model.checkpoint.read_bytes())
    contents[-1] ^= 1
    with open(path, "wb") as file:
        file.write(contents)
    with pytest.raises(ValueError, match="is damaged"):
        clone(model).set_params(checkpoint=path).fit(digits[:70])
    model.save(path)
    with pytest.raises(ValueError, match="is not a checkpoint"):
        clone(model).set_params(checkpoint=path).fit(digits[:70])


def test_other_versions_warn(model, digits):
    path = f"{model.checkpoint}-version"
    header, tensors = read(model.checkpoint)
    header["versions"]["torch"] = "1.0"
    write(path, header, tensors)
    with pytest.warns(skvae.exceptions.SkvaeLoadWarning, match=r"with torch 1\.0"):
        clone(model).set_params(checkpoint=path).fit(digits[:70])


def test_a_missing_folder_is_reported_before_training(model, digits):
    with pytest.raises(FileNotFoundError, match="No such folder"):
        clone(model).set_params(checkpoint="no/such/file").fit(digits[:70])


def test_load_does_not_take_a_checkpoint_for_a_model(model):
    with pytest.raises(ValueError, match="it is a checkpoint, from which fit goes on"):
        skvae.load(model.checkpoint)


def test_a_saved_model_does_not_say_where_fit_writes(model, tmp_path):
    model.save(tmp_path / "model")
    assert skvae.load(tmp_path / "model").checkpoint is None


# -- searches --------------------------------------------------------------------------


def test_each_fit_of_a_search_has_its_own_file(X, tmp_path, interrupt):
    model = small(VAETransformer, max_epochs=2, checkpoint=f"{tmp_path}/fits/")
    search = GridSearchCV(model, {"n_components": [1, 2]}, cv=2, error_score="raise")
    reference = GridSearchCV(
        clone(model).set_params(checkpoint=None), search.param_grid, cv=2
    )
    scores = reference.fit(X).cv_results_["mean_test_score"]
    interrupt(2, killed)
    with pytest.raises(Killed):
        search.fit(X)
    search.fit(X)
    assert len(os.listdir(tmp_path / "fits")) == 5
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores)
    interrupt(1, killed)  # not reached, as nothing is trained
    search.fit(X)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores)
