"""Different ways to train to the same weights, and what may change between fits."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from instances import fit, fitted, partial_fit, small
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.compose import make_column_selector
from test_common import assert_same_weights, weights
from torch import nn

from skvae import AETransformer, TaskInvariantVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.distributions import Gaussian
from skvae.training import Rows

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])


@each_estimator
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_every_way_to_train_four_epochs_gives_the_same_bits(cls, dropout, digits):
    whole = fit(small(cls, max_epochs=4, dropout=dropout), digits)
    parts = small(cls, dropout=dropout)
    for _ in range(4):
        partial_fit(parts, digits)
    warm = small(cls, max_epochs=2, dropout=dropout, warm_start=True)
    resumed = fitted(warm, digits)
    resumed = fit(pickle.loads(pickle.dumps(resumed)), digits)
    fit(fit(warm, digits), digits)
    for other in (parts, warm, resumed):
        assert_same_weights(whole, other)
        assert other.n_iter_ == 4
        losses = other.history_[:, "train_loss"]
        assert losses == whole.history_[:, "train_loss"]


@each_estimator
def test_fits_in_six_threads_equal_the_serial_fits(cls, digits):
    estimators = [small(cls, random_state=seed) for seed in range(6)]
    serial = [fitted(e, digits).transform(digits) for e in estimators]
    threads = Parallel(n_jobs=6, backend="threading")(
        delayed(lambda e: fitted(e, digits).transform(digits))(e) for e in estimators
    )
    for one, other in zip(serial, threads, strict=True):
        np.testing.assert_array_equal(one, other)


def test_fit_starts_from_scratch(digits):
    estimator = small(VAETransformer)
    once = weights(estimator.fit(digits))
    once = [w.copy() for w in once]
    for a, b in zip(once, weights(estimator.fit(digits)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_fit_after_set_params_builds_a_new_network(digits):
    estimator = small(VAETransformer).fit(digits)
    estimator.set_params(n_components=3).fit(digits[:, :20])
    assert estimator.transform(digits[:, :20]).shape == (200, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 3),
        ("hidden_layer_sizes", (8,)),
        ("likelihood", "bernoulli"),
        ("prior", "vamp"),
        ("dtype", "float64"),
        ("optimizer", "sgd"),
    ],
)
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_training_cannot_resume_with_a_changed_architecture(name, value, way, digits):
    estimator = small(VAETransformer, warm_start=True).fit(digits)
    before = estimator.transform(digits)
    estimator.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter .* must stay"):
        getattr(estimator, way)(digits)
    np.testing.assert_array_equal(estimator.transform(digits), before)


def test_warm_start_uses_new_training_settings(digits):
    estimator = small(VAETransformer, warm_start=True).fit(digits)
    estimator.set_params(lr=1e-2, batch_size=50, beta=3.0, max_epochs=1).fit(digits)
    assert estimator.net_.optimizer_.param_groups[0]["lr"] == 1e-2
    assert estimator.net_.batch_size == 50
    assert estimator.history_[:, "beta"] == [1.0, 1.0, 3.0]


def test_warm_start_uses_a_new_weight_decay(digits):
    estimator = small(VAETransformer, warm_start=True).fit(digits)
    estimator.set_params(weight_decay=0.5).fit(digits)
    assert estimator.net_.optimizer_.param_groups[0]["weight_decay"] == 0.5


def test_warm_start_after_half_a_warmup_trains_at_full_weight(digits):
    estimator = small(VAETransformer, kl_warmup=10, warm_start=True).fit(digits)
    estimator.set_params(kl_warmup=0).fit(digits)
    assert estimator.history_[:, "beta"] == [0.0, 0.1, 1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "value", "equal"),
    [
        ("n_components", 8, np.int64(8)),
        ("likelihood", Gaussian(scale="shared"), Gaussian(scale="shared")),
        ("encoder", nn.Linear(64, 5), nn.Linear(64, 5)),
        (
            "likelihood",
            [("gaussian", make_column_selector("p"))],
            [("gaussian", make_column_selector("p"))],
        ),
    ],
)
def test_an_equal_parameter_does_not_count_as_changed(name, value, equal, digits):
    X = pd.DataFrame(digits, columns=[f"p{i}" for i in range(64)])
    estimator = small(VAETransformer, warm_start=True, **{name: value}).fit(X)
    assert estimator.set_params(**{name: equal}).fit(X).n_iter_ == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda n_in: nn.Linear(n_in, 5), lambda n_in: nn.Sigmoid()),
        (partial(nn.Linear, out_features=5), partial(nn.Linear, out_features=6)),
    ],
    ids=["lambda", "partial"],
)
def test_another_function_that_builds_a_body_counts_as_changed(one, other, digits):
    estimator = small(VAETransformer, warm_start=True, encoder=one).fit(digits)
    with pytest.raises(ValueError, match=r"The 'encoder' parameter .* must stay"):
        estimator.set_params(encoder=other).fit(digits)


def test_resuming_an_early_stopped_fit_keeps_the_best_weights(digits):
    estimator = small(
        VAETransformer, early_stopping=True, warm_start=True, max_epochs=30
    ).fit(digits)
    best = min(estimator.history_[:, "valid_loss"])
    estimator.set_params(max_epochs=1, lr=0.5).fit(digits)
    assert estimator.history_[-1]["valid_loss"] > best + 1
    again = estimator.set_params(lr=1e-12).fit(digits).history_[-1]["valid_loss"]
    assert again == pytest.approx(best, abs=1e-3)


def test_partial_fit_on_one_row_holds_out_none(digits):
    estimator = small(VAETransformer, early_stopping=True)
    assert estimator.partial_fit(digits[:1]).n_iter_ == 1


def test_fixed_binarisation_differs_between_blocks():
    grey = np.full((50, 8), 0.5)
    other = np.full((50, 8), 0.5) + 1e-9
    drawn = [Rows(X, "cpu", torch.float32).binarized(0).X for X in (grey, other)]
    assert not np.array_equal(*drawn)
    again = Rows(grey, "cpu", torch.float32).binarized(0).X
    np.testing.assert_array_equal(drawn[0], again)


def test_partial_fit_accepts_blocks_of_any_size(digits):
    estimator = small(VAETransformer)
    for block in (digits[:64], digits[64:65], digits[65:]):
        estimator.partial_fit(block)
    assert estimator.n_iter_ == 3


def test_kl_warmup_rises_linearly_from_zero(digits):
    estimator = small(VAETransformer, kl_warmup=4, beta=2.0, max_epochs=6).fit(digits)
    assert estimator.history_[:, "beta"] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.0]


def test_early_stopping_restores_the_best_weights(digits):
    estimator = small(
        VAETransformer,
        hidden_layer_sizes=(64, 64),
        early_stopping=True,
        n_iter_no_change=3,
        max_epochs=300,
        lr=1e-2,
        beta=0.1,
        batch_size=50,
    ).fit(digits)
    losses = estimator.history_[:, "valid_loss"]
    assert 4 < estimator.n_iter_ < 300
    assert np.argmin(losses) == len(losses) - 4
    again = clone(estimator).set_params(max_epochs=int(np.argmin(losses)) + 1)
    assert_same_weights(estimator, again.fit(digits))


@pytest.mark.parametrize(("binarize", "redrawn"), [("fixed", False), ("dynamic", True)])
def test_binarize_draws_once_or_in_every_epoch(binarize, redrawn, digits):
    # With fixed weights, the loss changes only if the pixels are drawn again.
    estimator = small(AETransformer, likelihood="bernoulli", binarize=binarize)
    losses = estimator.set_params(lr=1e-12).fit(digits).history_[:, "train_loss"]
    assert (abs(losses[1] - losses[0]) > 1e-3) is redrawn


def test_binarize_does_not_apply_to_transform(digits):
    estimator = small(VAETransformer, likelihood="bernoulli", binarize="dynamic")
    estimator.fit(digits)
    rounded = (digits > 0.5).astype(float)
    assert not np.array_equal(estimator.transform(digits), estimator.transform(rounded))


@pytest.mark.parametrize("optimizer", ["adagrad", "adam", "adamw", "rmsprop", "sgd"])
def test_every_named_optimizer_trains(optimizer, digits):
    settings = {"optimizer": optimizer, "weight_decay": 1e-3}
    if optimizer == "sgd":  # the gradient of a shared scale is a sum over columns
        settings["lr"] = 1e-4
    estimator = small(VAETransformer, **settings)
    losses = estimator.set_params(max_epochs=5).fit(digits).history_[:, "train_loss"]
    assert losses[-1] < losses[0]


def test_weight_decay_shrinks_the_weights(digits):
    free = small(VAETransformer, max_epochs=20).fit(digits)
    held = small(VAETransformer, max_epochs=20, weight_decay=10.0).fit(digits)
    size = [sum(np.square(w).sum() for w in weights(e)) for e in (free, held)]
    assert size[1] < size[0]


def test_float64_inputs_on_disk_are_read_in_batches(digits, tmp_path):
    file = tmp_path / "X.npy"
    np.save(file, digits)
    mapped = np.load(file, mmap_mode="r")
    assert_same_weights(
        small(VAETransformer).fit(mapped), small(VAETransformer).fit(digits)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cls", [VAETransformer, TaskInvariantVAETransformer])
def test_a_fit_does_not_depend_on_torchs_default_precision(cls, dtype, digits):
    estimator = small(cls, dtype=dtype)
    expected = fitted(estimator, digits).transform(digits)
    torch.set_default_dtype(torch.float64)
    try:
        found = fitted(estimator, digits)
        np.testing.assert_array_equal(found.transform(digits), expected)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
