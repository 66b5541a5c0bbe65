"""Batches hold the rows of a table without copying the table, wherever it is stored."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skvae.training import HoldOut, Rows, Table, TensorBatches

by_hypothesis = settings(derandomize=True, deadline=None, max_examples=100)


def table(dtype=np.float64):
    return np.random.default_rng(0).normal(size=(40, 3)).astype(dtype)


def read_only(X):
    view = X.view()
    view.flags.writeable = False
    return view


def mapped(mode):
    """Return a function that returns a memory map of X and a writable one."""

    def build(X, folder):
        np.save(folder / "X.npy", X)
        writable = np.load(folder / "X.npy", mmap_mode="r+")
        return np.load(folder / "X.npy", mmap_mode=mode), writable

    return build


def viewed(view):
    return lambda X, folder: (view(X), X)


# Each returns a table, and an array that shares its memory and can be written to.
TABLES = {
    "float32": viewed(lambda X: X),
    "read-only": viewed(read_only),
    "fortran": lambda X, folder: [np.asfortranarray(X)] * 2,
    "reversed-rows": viewed(lambda X: X[::-1]),
    "every-other-row": viewed(lambda X: X[::2]),
    "memory-mapped-read-only": mapped("r"),
    "memory-mapped-writable": mapped("r+"),
}
each_table = pytest.mark.parametrize("kind", TABLES)
each_precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def rows_of(X, dtype=torch.float32, index=None):
    return Rows(X, "cpu", dtype, index)


def numbered(n):
    """Return rows whose only value is their row number."""
    return rows_of(np.arange(n, dtype=np.float32).reshape(-1, 1))


def numbers_in(batches):
    return [batch.x.flatten().int().tolist() for batch in batches]


# -- rows -------------------------------------------------------------------------


@each_precision
@each_table
def test_a_batch_holds_the_requested_rows(kind, dtype, tmp_path):
    X, _ = TABLES[kind](table(dtype), tmp_path)
    which = torch.tensor([3, 0, 3, 19])
    batch = rows_of(X).take(which)
    assert batch.x.dtype == torch.float32
    np.testing.assert_array_equal(batch.x.numpy(), X[which].astype(np.float32))
    assert batch.index.tolist() == which.tolist()
    assert batch.condition is batch.observed is None


@each_precision
@each_table
def test_the_table_is_not_copied(kind, dtype, tmp_path):
    X, writable = TABLES[kind](table(dtype), tmp_path)
    rows = rows_of(X).subset(np.arange(10))
    writable[:] = 7.0
    assert (rows.take(torch.tensor([0, 9])).x == 7).all()


def test_a_batch_may_have_higher_precision_than_the_table():
    batch = rows_of(table(np.float32), torch.float64).take(torch.tensor([1, 2]))
    assert batch.x.dtype == torch.float64


@pytest.mark.parametrize("kind", ["read-only", "reversed-rows"])
def test_a_condition_may_be_any_view_of_an_array(kind, tmp_path):
    C, _ = TABLES[kind](table(np.float32), tmp_path)
    torch.set_warn_always(True)  # otherwise only once per process
    try:
        rows = rows_of(Table(table(), C))
    finally:
        torch.set_warn_always(False)
    which = torch.tensor([3, 0, 19])
    np.testing.assert_array_equal(rows.take(which).condition.numpy(), C[which])


def test_changing_a_batch_does_not_change_the_table():
    X = table(np.float32)
    rows_of(X).take(torch.tensor([0, 1])).x.zero_()
    np.testing.assert_array_equal(X, table(np.float32))


def test_a_subset_of_a_subset_is_indexed_within_the_first():
    part = numbered(20).subset(np.arange(10, 20)).subset(np.array([1, 3]))
    assert len(part) == 2
    assert numbers_in(TensorBatches(part, 5)) == [[11, 13]]


# -- 0/1 rows ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binarized_values_are_one_with_the_grey_value_as_probability(dtype):
    X = np.tile(np.array([0.0, 0.25, 1.0], dtype), (10_000, 1))
    x = rows_of(X).binarized(seed=0).take(torch.arange(10_000)).x
    assert set(x.unique().tolist()) == {0.0, 1.0}
    assert x[:, 0].sum() == 0
    assert x[:, 2].mean() == 1
    assert abs(x[:, 1].mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 10_000)


def test_binarized_rows_depend_on_the_seed_and_keep_their_subset():
    grey = rows_of(np.full((5000, 3), 0.5)).subset(np.array([4, 4999]))
    first, second, other = (grey.binarized(seed) for seed in (0, 0, 1))
    everything = torch.arange(5000)
    assert torch.equal(first.take(everything).x, second.take(everything).x)
    assert not torch.equal(first.take(everything).x, other.take(everything).x)
    assert first.index.tolist() == [4, 4999]


# -- batches ----------------------------------------------------------------------


def test_rows_stay_in_order_without_a_generator():
    batches = TensorBatches(numbered(7), 3)
    assert numbers_in(batches) == [[0, 1, 2], [3, 4, 5, 6]]


def test_a_generator_shuffles_every_row_once():
    def epoch(seed):
        generator = torch.Generator().manual_seed(seed)
        batches = TensorBatches(numbered(50), 8, generator)
        return [number for part in numbers_in(batches) for number in part]

    assert epoch(0) == epoch(0) != epoch(1)
    assert epoch(0) != sorted(epoch(0)) == list(range(50))


def test_a_shuffled_batch_knows_its_row_numbers():
    part = numbered(50).subset(np.arange(0, 50, 2))
    for batch in TensorBatches(part, 8, torch.Generator()):
        assert batch.index.tolist() == batch.x.flatten().int().tolist()


@by_hypothesis
@given(n=st.integers(1, 200), batch_size=st.integers(2, 64))
def test_no_batch_has_a_single_row_unless_the_table_does(n, batch_size):
    sizes = TensorBatches(numbered(n), batch_size).sizes()
    assert sum(sizes) == n
    assert set(sizes[:-1]) <= {batch_size}
    assert max(sizes) <= batch_size + 1
    assert min(sizes) > 1 or n == 1


def test_batches_of_one_row_are_made_on_request():
    assert TensorBatches(numbered(4), 1).sizes() == [1, 1, 1, 1]


# -- held-out rows ----------------------------------------------------------------


@by_hypothesis
@given(n=st.integers(2, 200), fraction=st.floats(0.001, 0.999), seed=st.integers(0, 99))
def test_held_out_and_training_rows_partition_the_table(n, fraction, seed):
    train, valid = HoldOut(fraction, seed)(numbered(n))
    assert sorted([*train.index, *valid.index]) == list(range(n))
    assert len(train) >= 1
    assert len(valid) >= 1
    assert abs(len(valid) - fraction * n) <= 1


def test_held_out_rows_are_chosen_by_the_seed_and_keep_their_order():
    first, same, other = (
        HoldOut(0.3, seed)(numbered(50))[1].index.tolist() for seed in (0, 0, 1)
    )
    assert first == same != other
    assert first == sorted(first) != list(range(15))


def test_rows_can_be_held_out_of_a_subset():
    part = numbered(20).subset(np.arange(10, 20))
    train, valid = HoldOut(0.5, 0)(part)
    assert sorted([*train.index, *valid.index]) == list(range(10, 20))
