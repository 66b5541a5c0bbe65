"""skorch's splits, and validation rows of the user, through net_params."""

import numpy as np
import pandas as pd
import pytest
import torch
from instances import fit, rows_of, small
from sklearn.model_selection import PredefinedSplit
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from test_common import assert_same_weights

from skvae import CVAETransformer, JMVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.training import HoldOut

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])


def split_by(split, cls=VAETransformer, **params):
    params = {"early_stopping": True} | params
    return small(cls, net_params={"train_split": split}, **params)


def held_out(estimator, X):
    """Return the bound of rows, as training computes it."""
    return -estimator.net_.held_out_loss(rows_of(estimator, X))


@each_estimator
def test_own_rows_are_held_out_and_not_trained_on(cls, digits):
    train, valid = digits[:150], digits[150:]
    split = predefined_split(Dataset(valid))
    model = fit(split_by(split, cls, early_stopping=False), train)
    assert_same_weights(model, fit(small(cls, early_stopping=False), train))
    losses = model.history_[:, "valid_loss"]
    assert len(losses) == model.n_iter_
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("wrap", [lambda X: X, Dataset, pd.DataFrame, torch.tensor])
def test_the_bound_is_that_of_the_rows(wrap, digits):
    train, valid = digits[:150], digits[150:]
    model = split_by(predefined_split(wrap(valid)), max_epochs=1).fit(train)
    assert held_out(model, valid) == pytest.approx(-model.history_[0, "valid_loss"])


def test_own_rows_may_have_conditions_in_columns(digits):
    columns = {f"x{i}": digits[:, i] for i in range(8)}
    table = pd.DataFrame(columns).assign(task=["a", "b"] * 100)
    split = predefined_split(Dataset(table[150:]))
    model = split_by(split, CVAETransformer, condition_columns=["task"])
    assert "valid_loss" in model.fit(table[:150]).history_[-1]
    unknown = split_by(
        predefined_split(table[150:].assign(task="c")),
        CVAETransformer,
        condition_columns=["task"],
    )
    with pytest.raises(ValueError, match=r"held-out rows of train_split: .*c"):
        unknown.fit(table[:150])


def test_own_rows_may_lack_modalities(digits):
    blocks = {"a": slice(0, 32), "b": slice(32, 64)}
    valid = digits[150:].copy()
    valid[::2, :32] = np.nan
    model = split_by(predefined_split(valid), JMVAETransformer, modalities=blocks)
    assert np.isfinite(model.fit(digits[:150]).history_[-1, "valid_loss"])


def test_skorchs_split_is_a_split_of_the_rows(digits):
    fold = np.full(len(digits), -1)
    positions = HoldOut(0.25, 3).positions(len(digits))[1]
    fold[positions] = 0
    model = split_by(ValidSplit(PredefinedSplit(fold))).fit(digits)
    same = split_by(HoldOut(0.25, 3)).fit(digits)
    np.testing.assert_array_equal(model.transform(digits), same.transform(digits))
    assert model.history_[:, "valid_loss"] == same.history_[:, "valid_loss"]


@pytest.mark.parametrize("cv", [5, 0.2])
def test_skorchs_split_works_with_targets(cv, digits):
    labels = np.arange(len(digits)) % 2
    model = split_by(ValidSplit(cv, stratified=True)).fit(digits, labels)
    assert "valid_loss" in model.history_[-1]
    with pytest.raises(ValueError, match="Stratified CV requires"):
        split_by(ValidSplit(cv, stratified=True)).fit(digits)


@pytest.mark.parametrize("binarize", ["fixed", "dynamic"])
def test_own_rows_are_binarized_as_the_others(binarize, digits):
    for split in (predefined_split(digits[150:]), ValidSplit(5)):
        given = {"likelihood": "bernoulli", "binarize": binarize}
        model = split_by(split, **given).fit(digits[:150])
        assert np.isfinite(model.history_[-1, "valid_loss"])


def test_without_early_stopping_the_bound_is_only_recorded(digits):
    split = predefined_split(digits[150:])
    model = split_by(split, early_stopping=False).fit(digits[:150])
    plain = small(VAETransformer, early_stopping=False).fit(digits[:150])
    np.testing.assert_array_equal(model.transform(digits), plain.transform(digits))
    assert len(model.history_[:, "valid_loss"]) == 2


def test_one_training_row_is_enough_with_own_rows(digits):
    split_by(predefined_split(digits[1:])).fit(digits[:1])


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (None, "early_stopping needs rows to hold out"),
        (lambda rows: rows, "must return two datasets"),
        (lambda rows: (None, rows), "some rows of X as its first"),
        (predefined_split(np.ones((3, 5))), "held-out rows of train_split: X has 5"),
        (predefined_split(np.full((3, 64), np.inf)), "held-out rows of train_split: "),
        (predefined_split({"x": np.ones((3, 64))}), "has the key 'X'"),
        (
            predefined_split(torch.utils.data.TensorDataset(torch.ones(3, 64))),
            "Got TensorDataset",
        ),
        (predefined_split({"X": np.ones((3, 64)), "condition": [1, 2]}), "condition"),
    ],
)
def test_a_split_that_cannot_be_used_is_an_error_before_training(
    split, message, digits
):
    model = split_by(split)
    with pytest.raises(ValueError, match=message):
        model.fit(digits)
    assert not hasattr(model, "net_")
