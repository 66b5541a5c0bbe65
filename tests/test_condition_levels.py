"""Levels of conditions: how they are encoded, drawn and restored from a file."""

import numpy as np
import pytest

from skvae.inputs import Conditions


def test_encoding_and_decoding_are_inverse():
    values = [["b", "a", "b", "c"], [2, 1, 1, 2]]
    conditions = Conditions()
    codes = conditions.fit(values)
    assert codes.tolist() == [[1, 1], [0, 0], [1, 0], [2, 1]]
    assert [column.tolist() for column in conditions.columns(codes)] == values
    assert conditions.encode(codes)[0].tolist() == [0, 1, 0, 0, 1]
    assert conditions.seen_.tolist() == [[0, 0], [1, 0], [1, 1], [2, 1]]
    assert conditions.share_.tolist() == [0.25] * 4


def test_conditions_are_drawn_with_their_frequencies_in_fit():
    conditions = Conditions()
    conditions.fit([np.repeat(["a", "b", "c"], [600, 300, 100])])
    drawn = conditions.draw(20_000, seed=0)[:, 0]
    found = np.bincount(drawn.astype(int)) / 20_000
    np.testing.assert_allclose(found, [0.6, 0.3, 0.1], atol=0.015)


def test_at_most_a_thousand_combinations_are_kept():
    values = np.random.default_rng(0).integers(0, 50, (5000, 2))
    conditions = Conditions()
    conditions.fit([*values.T])
    assert len(conditions.seen_) <= 1000
    numbers = Conditions("passthrough")
    numbers.fit([*np.random.default_rng(0).normal(size=(3, 5000))])
    assert len(numbers.seen_) == 1000


@pytest.mark.parametrize(
    "change",
    [
        {"levels": "ab"},
        {"levels": [["a", 1]]},
        {"levels": [[]]},
        {"levels": [["a", "b"], ["c"]]},
        {"seen": np.array([[5.0]])},
        {"seen": np.array([[0.5], [1.0]])},
        {"seen": np.array([[np.nan], [1.0]])},
        {"share": np.array([0.5, 0.6])},
        {"share": np.array([1.5, -0.5])},
        {"share": np.array([1.0])},
        {"more": 1},
        {"names": "a"},
        {"names": ["a", "b"]},
        {"names": [1]},
    ],
    ids=str,
)
def test_conditions_read_from_a_file_are_checked(change):
    conditions = Conditions()
    conditions.fit([["a", "b"]])
    learned = conditions.learned()
    Conditions().put_back(dict(learned))
    with pytest.raises((ValueError, TypeError)):
        Conditions().put_back(learned | change)


@pytest.mark.parametrize("origin", [np.zeros(2), np.array([np.nan]), [0.0], None])
def test_the_origin_of_numbers_read_from_a_file_is_checked(origin):
    numbers = Conditions("passthrough")
    codes = numbers.fit([1e9 + np.arange(9.0)])
    learned = numbers.learned()
    restored = Conditions("passthrough").put_back(learned)
    np.testing.assert_array_equal(restored.encode(codes), numbers.encode(codes))
    with pytest.raises(ValueError, match="origin"):
        Conditions("passthrough").put_back(learned | {"origin": origin})
    with pytest.raises(ValueError, match="entries"):
        Conditions().put_back(learned)


def test_older_files_have_numbers_without_an_origin():
    numbers = Conditions("passthrough")
    codes = numbers.fit([1e9 + np.arange(9.0)])
    learned = numbers.learned()
    del learned["origin"]
    restored = Conditions("passthrough").put_back(learned)
    np.testing.assert_array_equal(restored.encode(codes), codes)
