"""Callbacks that log or prune use the objects of the user; clones get copies."""

import copy
import pickle
import threading
from types import SimpleNamespace

import pytest
from instances import fit, small
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    Freezer,
    LoadInitState,
    MlflowLogger,
    NeptuneLogger,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    WandbLogger,
)

from skvae import TaskInvariantVAETransformer, VAETransformer
from skvae.metrics import WarnOfCollapse

N_EPOCHS = 3


def trained(digits, *callbacks, cls=VAETransformer, **params):
    params = {"max_epochs": N_EPOCHS, "early_stopping": True} | params
    return fit(small(cls, callbacks=[*callbacks], **params), digits)


class Calls:
    """Records the calls of any method, and cannot be copied or pickled."""

    def __init__(self, **attributes):
        self.calls, self._lock = [], threading.Lock()
        vars(self).update(attributes)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))

    def named(self, name):
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]


# -- loggers, as their documentation uses them -----------------------------------------


@pytest.mark.parametrize("cls", [VAETransformer, TaskInvariantVAETransformer])
def test_tensorboard_gets_every_value_of_the_history(cls, digits):
    writer = Calls()
    model = trained(digits, TensorBoard(writer), cls=cls)
    logged = [kwargs for _, kwargs in writer.named("add_scalar")]
    losses = [k["scalar_value"] for k in logged if k["tag"] == "Loss/valid_loss"]
    assert losses == model.history_[:, "valid_loss"]
    assert [k["global_step"] for k in logged if k["tag"] == "seconds"] == [1, 2, 3]
    assert len(writer.named("close")) == 1


def test_mlflow_gets_values_and_artifacts(digits):
    client = Calls()
    run = SimpleNamespace(info=SimpleNamespace(run_id="7"))
    model = trained(digits, MlflowLogger(run, client, log_on_batch_end=True))
    logged = [
        (*args[1:], kwargs["step"]) for args, kwargs in client.named("log_metric")
    ]
    values = model.history_[:, "valid_loss"]
    assert [entry for entry in logged if entry[0] == "valid_loss_epoch"] == [
        ("valid_loss_epoch", value, i) for i, value in enumerate(values, 1)
    ]
    names = [args[1].name for args, _ in client.named("log_artifact")]
    assert names == ["params.pth", "optimizer.pth", "criterion.pth", "history.json"]
    assert client.named("set_terminated") == [(("7",), {})]


def test_wandb_gets_values_and_the_best_weights(digits, tmp_path):
    run = Calls(dir=tmp_path)
    model = trained(digits, WandbLogger(run))
    assert run.named("watch") == [((model.net_.module_,), {})]
    logged = [args[0]["valid_loss"] for args, _ in run.named("log")]
    assert logged == model.history_[:, "valid_loss"]
    assert (tmp_path / "best_model.pth").exists()


def test_sacred_gets_values(digits):
    experiment = Calls()
    trained(digits, SacredLogger(experiment, log_on_batch_end=True))
    names = {args[0] for args, _ in experiment.named("log_scalar")}
    assert {"train_loss_batch", "valid_loss_batch", "valid_loss_epoch"} <= names


def test_the_table_of_skorch_is_printed(digits, capsys):
    trained(digits, PrintLog())
    shown = capsys.readouterr().out
    assert "valid_loss" in shown
    assert len(shown.splitlines()) == 2 + N_EPOCHS
    trained(digits, PrintLog(), net_params={"verbose": 0})
    assert capsys.readouterr().out == ""


def test_the_progress_bar_of_skorch_counts_batches(digits, capsys):
    trained(digits, ProgressBar(), batch_size=60)
    assert "/4" in capsys.readouterr().err  # three batches and one that is held out


# -- pruning ---------------------------------------------------------------------------


class Pruned(Exception):
    """As optuna.TrialPruned."""


class Pruning(Callback):
    """As Optuna's SkorchPruningCallback, which keeps its parameters as private."""

    def __init__(self, trial, monitor):
        self._trial, self._monitor = trial, monitor

    def on_epoch_end(self, net, **kwargs):
        self._trial.append(net.history[-1, self._monitor])
        if len(self._trial) == 2:
            raise Pruned


def test_a_pruner_in_memory_prunes(digits):
    trial = []
    model = small(VAETransformer, max_epochs=5, early_stopping=True)
    with pytest.raises(Pruned):
        model.set_params(callbacks=[Pruning(trial, "valid_loss")]).fit(digits)
    assert trial == model.history_[:, "valid_loss"]
    assert model.n_iter_ == 2


def test_a_pruner_cannot_be_cloned_without_a_word(digits):
    model = small(VAETransformer, callbacks=[Pruning([], "valid_loss")])
    with pytest.raises(TypeError, match="callback Pruning cannot be copied, as clone"):
        clone(model)


# -- whose objects ---------------------------------------------------------------------


class Counter(Callback):
    def __init__(self, more=0):
        self.more = more

    def initialize(self):
        self.n_epochs_ = 0
        return self

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1
        net.history.record("counted", self.n_epochs_)


def test_every_fit_begins_with_initialised_callbacks(digits):
    counter = Counter()
    model = trained(digits, counter)
    for _ in range(2):
        assert counter.n_epochs_ == N_EPOCHS
        assert model.history_[:, "counted"] == [1, 2, 3]
        model.fit(digits)
    model.set_params(warm_start=True).fit(digits)
    assert counter.n_epochs_ == model.history_[-1, "counted"] == 2 * N_EPOCHS


def test_a_resumed_fit_takes_other_callbacks(digits):
    first, second = Counter(), Counter()
    model = trained(digits, first)
    model.set_params(callbacks=[("other", second)], warm_start=True).fit(digits)
    assert first.n_epochs_ == second.n_epochs_ == N_EPOCHS
    assert "other" in dict(model.net_.callbacks_)


def test_a_clone_has_callbacks_of_its_own(digits):
    counter = Counter(more=[1])
    model = trained(digits, ("counter", counter), EarlyStopping, WarnOfCollapse())
    other = clone(model)
    (name, copied), kind, watch = other.callbacks
    assert (name, kind, copied.more) == ("counter", EarlyStopping, [1])
    assert type(watch) is WarnOfCollapse
    assert copied is not counter
    assert copied.more is not counter.more
    assert not hasattr(copied, "n_epochs_")
    assert model.callbacks[0][1] is counter
    assert other.fit(digits).history_[:, "counted"] == [1, 2, 3]


def test_copied_callbacks_refer_to_copies(tmp_path):
    checkpoint = TrainEndCheckpoint(dirname=tmp_path)
    loads = LoadInitState(checkpoint)
    for given in ([loads, checkpoint], [checkpoint, loads]):
        copies = clone(VAETransformer(callbacks=given)).callbacks
        load = copies[given.index(loads)]
        assert load.checkpoint is copies[given.index(checkpoint)] is not checkpoint


@pytest.mark.parametrize(
    "callback",
    [
        Freezer("encoder.*"),
        Checkpoint(f_params=None, f_optimizer=None, f_criterion=None, f_history=None),
        MlflowLogger(
            SimpleNamespace(info=SimpleNamespace(run_id=1)), create_artifact=False
        ),
        WarnOfCollapse(),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_a_fitted_estimator_with_callbacks_can_be_cloned(callback, digits):
    if isinstance(callback, MlflowLogger):
        callback.client = SimpleNamespace(
            log_metric=lambda *a, **k: None, set_terminated=lambda *a: None
        )
    model = trained(digits, callback)
    expected = model.transform(digits)
    assert (clone(model).fit(digits).transform(digits) == expected).all()
    assert (copy.deepcopy(model).transform(digits) == expected).all()


def test_what_cannot_be_copied_is_named(digits):
    model = trained(digits, TensorBoard(Calls()))
    with pytest.raises(TypeError, match=r"TensorBoard cannot be copied.*lock"):
        clone(model)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_gives_every_fit_its_own_callbacks(n_jobs, digits):
    counter = Counter()
    model = small(VAETransformer, callbacks=[counter], max_epochs=2)
    search = GridSearchCV(model, {"n_components": [2, 3]}, cv=2, n_jobs=n_jobs)
    best = search.fit(digits).best_estimator_
    assert best.history_[:, "counted"] == [1, 2]
    assert not hasattr(counter, "n_epochs_")
    assert pickle.loads(pickle.dumps(best)).callbacks[0].n_epochs_ == 2


def test_neptune_gets_settings_and_values(digits, monkeypatch):
    import sys

    class Handler(dict):
        def __missing__(self, key):
            self[key] = Handler()
            return self[key]

        def append(self, value):
            self.setdefault("values", []).append(value)

    types = SimpleNamespace(File=SimpleNamespace(from_content=lambda *a, **k: a[0]))
    monkeypatch.setitem(sys.modules, "neptune", SimpleNamespace(types=types))
    monkeypatch.setitem(sys.modules, "neptune.types", types)
    run = Handler()
    model = trained(digits, NeptuneLogger(run, close_after_train=False))
    logged = run["training"]["validation"]["epoch"]["loss"]["values"]
    assert logged == model.history_[:, "valid_loss"]
    assert run["training"]["config/criterion"] == "Identity"
