"""How often the rows of each condition are drawn in training."""

import numpy as np
import pytest
import torch
from instances import small

from skvae import CVAETransformer, TaskInvariantVAETransformer
from skvae.distributions import Noise
from skvae.inputs import Given
from skvae.training import Rows, TensorBatches
from skvae.training._seeds import derive_generator

CLASSES = [CVAETransformer, TaskInvariantVAETransformer]
each_class = pytest.mark.parametrize("cls", CLASSES)


@pytest.fixture
def task():
    """A task of each digit: 170 are "a", 20 are "b" and 10 are "c"."""
    return np.repeat(["a", "b", "c"], [170, 20, 10])


def drawn(odds, n_phases=1, seed=0):
    """Return the rows that an epoch draws in each of its phases."""
    rows = Rows(np.arange(len(odds))[:, None], "cpu", torch.float64, odds=odds)
    batches = TensorBatches(rows, 7, torch.Generator().manual_seed(seed))
    return [torch.cat([batch.index for batch in batches]) for _ in range(n_phases)]


def shares_of(estimator, X, task):
    """Return the share of each task among the rows that the estimator draws."""
    table = estimator._check_encodable(X, Given(task))
    odds = estimator._odds(table)
    odds = np.ones(len(X)) if odds is None else odds
    return {name: odds[task == name].sum() / odds.sum() for name in np.unique(task)}


# --- drawing rows ---------------------------------------------------------------------


def test_a_row_is_drawn_as_often_as_its_share_says():
    odds = np.array([0.0, 1.0, 1.0, 2.0, 6.5, 0.5])
    expected = 6 * odds / odds.sum()
    counts = np.array(
        [np.bincount(drawn(odds, 1, i)[0], minlength=6) for i in range(4000)]
    )
    assert (counts >= np.floor(expected)).all()
    assert (counts <= np.ceil(expected)).all()
    error = np.sqrt(expected % 1 * (1 - expected % 1) / len(counts))
    assert (np.abs(counts.mean(0) - expected) <= 4 * error).all()


def test_rows_with_equal_odds_are_drawn_once_each():
    (found,) = drawn(np.full(50, 0.3))
    assert sorted(found.tolist()) == list(range(50))
    assert found.tolist() != list(range(50))


def test_all_phases_of_an_epoch_draw_the_same_rows():
    first, second = drawn(np.arange(1.0, 51.0), n_phases=2)
    assert first.tolist() != second.tolist()
    assert sorted(first.tolist()) == sorted(second.tolist())


# --- the parameter --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("frequency", {"a": 0.85, "b": 0.1, "c": 0.05}),
        ("balanced", {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        ({"c": 0.4}, {"a": 0.6 * 17 / 19, "b": 0.6 * 2 / 19, "c": 0.4}),
        ({"a": 0.2, "b": 0.3, "c": 0.5}, {"a": 0.2, "b": 0.3, "c": 0.5}),
    ],
    ids=str,
)
def test_conditions_have_the_chosen_shares(weights, expected, digits, task):
    estimator = small(CVAETransformer, condition_weights=weights)
    estimator.fit(digits, condition=task)
    assert shares_of(estimator, digits, task) == pytest.approx(expected)


def test_with_several_conditions_a_combination_has_the_share(digits, task):
    numbers = np.arange(200) % 2
    both = np.array(list(zip(task, numbers, strict=True)), dtype=object)
    weights = {("b", 1): 0.5}
    estimator = small(CVAETransformer, condition_weights=weights)
    estimator.fit(digits, condition=both)
    odds = estimator._odds(estimator._check_encodable(digits, Given(both)))
    here = (task == "b") & (numbers == 1)
    assert odds[here].sum() / odds.sum() == pytest.approx(0.5)


@each_class
def test_shares_as_they_occur_change_nothing_but_the_draws(cls, digits, task):
    """With the same share as in the rows, each row is drawn once, as by default."""
    weights = {"a": 0.85, "b": 0.1, "c": 0.05}
    plain = small(cls).fit(digits, condition=task)
    weighted = small(cls, condition_weights=weights).fit(digits, condition=task)
    found = [m.history_[-1, "reconstruction"] for m in (plain, weighted)]
    assert found[0] == pytest.approx(found[1], rel=0.05)


def test_the_held_out_bound_has_the_shares_of_training(digits, task):
    estimator = small(CVAETransformer, batch_size=200, condition_weights={"c": 0.4})
    net = estimator.fit(digits, condition=task).net_
    table = estimator._check_encodable(digits, Given(task))
    rows = Rows(table, "cpu", torch.float32, odds=estimator._odds(table))
    noise = Noise(derive_generator(net.seed, "evaluation"))
    batch = rows.take(torch.arange(200))
    by_row = estimator.module_.bound(batch, noise).detach().numpy()
    expected = 0.4 * by_row[task == "c"].mean() + 0.6 * by_row[task != "c"].mean()
    assert -net.held_out_loss(rows) == pytest.approx(expected, rel=1e-5)


def test_the_kept_posteriors_follow_the_shares(digits, task):
    estimator = small(
        TaskInvariantVAETransformer, condition_weights={"c": 0.8}, n_kept=2000
    ).fit(digits, condition=task)
    module = estimator.module_
    table = estimator._check_encodable(digits, Given(task))
    batch = Rows(table, "cpu", torch.float32).take(torch.arange(200))
    own = module.posterior(batch).loc  # (200, K)
    kept = module.prior_module.kept_loc
    nearest = torch.cdist(kept, own).argmin(1).numpy()
    assert np.mean(task[nearest] == "c") == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            "equal",
            "must be a str among {'balanced', 'frequency'} or a dict from levels",
        ),
        ({}, "a dict from levels to shares above 0, of at most 1 in total"),
        ({"a": 0.7, "b": 0.4}, "of at most 1 in total"),
        ({"a": -0.1}, "shares above 0"),
        ({"d": 0.5}, "must name levels of the condition. The condition is 'd'"),
        ({("a", "b"): 0.5}, "There are 2 conditions per row, but there were 1"),
        (
            {"a": 0.2, "b": 0.2, "c": 0.2},
            "name all levels with shares that add up to 1",
        ),
        ({"a": 1 - 1e-12}, "leave a share to the levels that it does not name"),
    ],
    ids=str,
)
def test_invalid_weights_are_refused(weights, message, digits, task):
    estimator = small(CVAETransformer, condition_weights=weights)
    with pytest.raises(ValueError, match=message):
        estimator.fit(digits, condition=task)


def test_a_combination_that_does_not_occur_is_refused(digits, task):
    both = np.column_stack([task, np.where(task == "a", "x", "y")])
    estimator = small(CVAETransformer, condition_weights={("a", "y"): 0.5})
    with pytest.raises(
        ValueError, match=r"must name conditions of fit. Got \('a', 'y'"
    ):
        estimator.fit(digits, condition=both)


def test_numbers_as_conditions_have_no_levels(digits):
    estimator = small(
        CVAETransformer,
        condition_encoding="passthrough",
        condition_weights="balanced",
    )
    with pytest.raises(ValueError, match="must be 'frequency' with condition_encoding"):
        estimator.fit(digits, condition=np.arange(200.0))


def test_a_block_of_partial_fit_may_lack_a_level(digits, task):
    estimator = small(CVAETransformer, condition_weights={"c": 0.4})
    estimator.partial_fit(digits, condition=task)
    estimator.partial_fit(digits[:190], condition=task[:190])
    estimator.partial_fit(digits[190:], condition=task[190:])
    assert estimator.n_iter_ == 3
    assert np.isfinite(estimator.transform(digits, condition=task)).all()
