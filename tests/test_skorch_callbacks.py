"""skorch's callbacks do what their documentation says."""

import pickle

import numpy as np
import pytest
import torch
from instances import fit, small
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    ParamMapper,
    PassthroughScoring,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
)
from test_common import assert_same_weights

from skvae import AETransformer, CVAETransformer, VAETransformer
from skvae.discovery import all_estimators

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])


def trained(digits, *callbacks, cls=VAETransformer, **params):
    params = {"max_epochs": 3, "batch_size": 64, "early_stopping": True} | params
    return fit(small(cls, callbacks=[*callbacks], **params), digits)


# -- checkpoints -----------------------------------------------------------------------


@each_estimator
def test_a_checkpoint_holds_the_weights_of_its_epoch(cls, digits, tmp_path):
    name = "params_{last_epoch[epoch]}.pt"
    trained(
        digits,
        Checkpoint(None, f_params=name, dirname=tmp_path, f_pickle="net"),
        cls=cls,
    )
    assert {f.name for f in tmp_path.iterdir()} == {
        *(f"params_{epoch}.pt" for epoch in (1, 2, 3)),
        *("optimizer.pt", "criterion.pt", "history.json", "net"),
    }
    plain = fit(small(cls, max_epochs=2, batch_size=64, early_stopping=True), digits)
    saved = torch.load(tmp_path / "params_2.pt", weights_only=True)
    for name, parameter in plain.module_.named_parameters():
        if len(plain.history_) == 2 and plain.history_[-1].get("valid_loss_best", 1):
            assert saved[name].shape == parameter.shape
    with open(tmp_path / "net", "rb") as file:
        assert len(pickle.load(file).history) == 3


def test_a_checkpoint_monitors_the_best_held_out_loss(digits, tmp_path):
    model = trained(digits, Checkpoint(dirname=tmp_path), max_epochs=6, lr=0.05)
    losses = np.array(model.history_[:, "valid_loss"])
    best = [loss < losses[:i].min(initial=np.inf) for i, loss in enumerate(losses)]
    assert model.history_[:, "valid_loss_best"] == best
    assert model.history_[:, "event_cp"] == best
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, tensor in model.module_.state_dict().items():
        assert torch.equal(tensor, saved[name])  # early stopping restores the same


def test_the_best_checkpoint_is_loaded_after_training(digits, tmp_path):
    best = Checkpoint("train_loss_best", dirname=tmp_path, load_best=True)
    model = trained(digits, best, early_stopping=False, max_epochs=4, lr=1e-3)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    assert torch.equal(saved["head.linear.bias"], model.module_.head.linear.bias)


def test_losses_of_the_warm_up_are_not_compared_with_later_ones(digits):
    model = trained(digits, Recorder(), kl_warmup=2, max_epochs=4, beta=4.0, lr=1e-4)
    best = model.history_[:, "valid_loss_best"]
    assert best[2]  # the first at the full weight, although its loss is higher
    assert model.history_[2, "valid_loss"] > model.history_[1, "valid_loss"]


@pytest.mark.parametrize("last", [True, False])
def test_training_resumes_from_a_checkpoint_as_if_not_interrupted(
    last, digits, tmp_path
):
    def resumable():
        checkpoint = (
            TrainEndCheckpoint(dirname=tmp_path)
            if last
            else Checkpoint(None, dirname=tmp_path)
        )
        return [LoadInitState(checkpoint), checkpoint]

    plain = {"early_stopping": False, "max_epochs": 2, "init": "random"}
    first = trained(digits, *resumable(), **plain)
    again = trained(digits, *resumable(), **plain)
    whole = trained(digits, **plain | {"max_epochs": 4})
    assert (first.n_iter_, again.n_iter_) == (2, 4)
    assert_same_weights(again, whole)


def test_a_failed_resumed_fit_leaves_the_estimator_unfitted(digits, tmp_path):
    trained(digits, TrainEndCheckpoint(dirname=tmp_path))
    checkpoint = Checkpoint(
        None, dirname=tmp_path, fn_prefix="train_end_", event_name=None
    )
    broken = small(VAETransformer, callbacks=[LoadInitState(checkpoint), Raises()])
    with pytest.raises(RuntimeError, match="in the first new epoch"):
        broken.fit(digits)
    assert not hasattr(broken, "net_")


class Raises(Callback):
    def on_epoch_begin(self, net, **kwargs):
        raise RuntimeError("in the first new epoch")


# -- scores ----------------------------------------------------------------------------


class Recorder(Callback):
    """Collects what the hooks get."""

    def initialize(self):
        self.batches_ = []
        return self

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        X, y = batch
        self.batches_.append((training, len(X), float(loss), y, y_pred))


def test_epoch_scoring_without_a_function_records_the_bound(digits):
    valid = EpochScoring(None, lower_is_better=False, name="bound")
    train = EpochScoring(None, lower_is_better=False, name="on_train", on_train=True)
    model = trained(digits, valid, train)
    expected = [-loss for loss in model.history_[:, "valid_loss"]]
    assert model.history_[:, "bound"] == expected
    assert len(model.history_[:, "on_train"]) == 3
    assert model.history_[0, "bound_best"]


@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("on_train", [True, False])
@each_estimator
def test_epoch_scoring_predicts_reconstructions(cls, on_train, use_caching, digits):
    if cls is CVAETransformer or hasattr(cls, "translate"):
        use_caching = True

    def error(net, rows, y):
        assert y is None
        predicted = net.predict(rows)
        return float(np.square(predicted - rows.X[rows.index]).mean())

    score = EpochScoring(error, on_train=on_train, use_caching=use_caching)
    model = trained(digits, score, cls=cls, early_stopping=True, batch_size=500)
    assert len(model.history_[:, "error"]) == model.n_iter_
    slow = {"fast_path": False}  # scores of batches need autograd's loop
    plain = trained(
        digits, cls=cls, early_stopping=True, batch_size=500, net_params=slow
    )
    assert_same_weights(model, plain)


def test_scores_of_batches_are_averaged(digits):
    def half(net, X, y):
        return len(X) / 2

    model = trained(
        digits,
        BatchScoring(half, name="half"),
        PassthroughScoring("valid_loss", lower_is_better=True),
        batch_size=13,
    )
    sizes = np.array([13, 7])
    assert model.history_[-1, "half"] == pytest.approx(
        np.average(sizes / 2, weights=sizes)
    )


@pytest.mark.parametrize("scoring", ["r2", "explained_variance"])
def test_scores_that_need_targets_are_refused_before_training(scoring, digits):
    with pytest.raises(ValueError, match="compares predictions with targets"):
        trained(digits, EpochScoring(scoring), Raises())


@pytest.mark.parametrize(
    "callback",
    [
        Checkpoint(),
        EarlyStopping(),
        WandbLogger(None),
        EarlyStopping("valid_loss_best"),
    ],
)
def test_what_needs_held_out_rows_says_so_before_training(callback, digits):
    with pytest.raises(ValueError, match=r"but no rows are held out"):
        trained(digits, callback, Raises(), early_stopping=False)


def test_the_width_cannot_be_set_by_a_callback(digits):
    with pytest.raises(ValueError, match="InputShapeSetter cannot be used"):
        trained(digits, InputShapeSetter(), Raises())


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (EpochScoring, "The callbacks cannot be used: .*scoring"),
        (LRScheduler("StepLR"), "The callback LRScheduler cannot be used: .*step_size"),
        (GradientNormClipping("a"), "The callback GradientNormClipping cannot be used"),
    ],
)
def test_an_argument_of_a_callback_is_named(callback, message, digits):
    with pytest.raises(ValueError, match=message):
        trained(digits, callback)


def test_two_callbacks_of_one_name_are_refused(digits):
    with pytest.raises(ValueError, match="duplicate user-set callback name 'a'"):
        trained(digits, ("a", Recorder()), ("a", Recorder()))


def test_an_error_of_a_users_function_is_not_changed(digits):
    def score(net, X, y):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        trained(digits, EpochScoring(score, name="mine"))


def test_the_history_has_a_row_of_every_batch(digits):
    seen, plain = Recorder(), EarlyStopping(patience=100)
    one, other = (
        trained(digits, seen, batch_size=70),
        trained(digits, plain, batch_size=70),
    )
    for row, same in zip(one.history_, other.history_, strict=True):
        for batch, other_batch in zip(row["batches"], same["batches"], strict=True):
            assert batch == pytest.approx(other_batch, rel=1e-5)
        assert [b.get("train_batch_size") for b in row["batches"]] == [70, 70, 40, None]
        assert row["batches"][-1]["valid_batch_size"] == 20
        losses = [b["train_loss"] for b in row["batches"][:3]]
        mean = np.average(losses, weights=[70, 70, 40])
        assert mean == pytest.approx(row["train_loss"], rel=1e-5)
        assert row["batches"][-1]["valid_loss"] == pytest.approx(row["valid_loss"])
        assert (row["train_batch_count"], row["valid_batch_count"]) == (3, 1)
    assert [kind for kind, *_ in seen.batches_] == [True, True, True, False] * 3
    assert trained(digits, batch_size=70).history_[-1]["batches"] == []


# -- parameters ------------------------------------------------------------------------


def test_a_frozen_part_stays_as_it_was(digits):
    start = trained(digits, max_epochs=1, early_stopping=False, lr=1e-12)
    frozen = trained(
        digits, Freezer("encoder.*"), early_stopping=False, init=start.init
    )
    for name, value in start.module_.named_parameters():
        moved = not torch.allclose(value, dict(frozen.module_.named_parameters())[name])
        assert moved == (not name.startswith("encoder."))
    again = [Freezer("encoder.*"), Unfreezer("encoder.*", at=2)]
    moved = trained(digits, *again, early_stopping=False)
    weights = [m.module_.encoder[0].weight for m in (start, moved)]
    assert not torch.allclose(*weights)


@pytest.mark.parametrize("cls", [VAETransformer, AETransformer])
def test_everything_may_be_frozen(cls, digits):
    trained(digits, Freezer("*"), cls=cls)


def test_a_group_may_be_frozen(digits):
    from skvae import TaskInvariantVAETransformer

    trained(digits, Freezer("prior_module.*"), cls=TaskInvariantVAETransformer)


def test_a_parameter_mapper_sets_parameters(digits):
    zero = ParamMapper("head.linear.weight", fn=torch.nn.init.zeros_, at=3)
    model = trained(digits, zero, early_stopping=False, lr=1e-9)
    assert model.module_.head.linear.weight.abs().max() < 1e-6
