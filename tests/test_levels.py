"""Levels of one column: every kind is kept exactly, and everything else is refused."""

import datetime
import decimal
from enum import StrEnum

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skvae._levels import MISSING, UNSEEN, Levels

BIG = 2**60
DAY = datetime.date(2020, 2, 29)
KINDS = {
    "bool": [True, False, True],
    "integer": [BIG + 1, BIG, BIG + 2],
    "float": [0.1, -3.5, 1e300],
    "string": ["b", "a", "ä"],
    "datetime": [np.datetime64("2020-02-29T01", unit) for unit in ("h", "s", "ns")],
}


def strings_of_numpy():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("numpy lacks StringDType")
    return np.array(["b", "a", "b"], dtype=np.dtypes.StringDType())


def objects(values):
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def learned(column):
    levels = Levels()
    return levels, levels.fit(column)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", [list, objects, np.array, pd.Series, pl.Series])
def test_values_come_back_exactly_in_their_kind(kind, container):
    values = KINDS[kind]
    polars_needs_one_unit = kind == "datetime" and container is pl.Series
    given = np.array(values) if polars_needs_one_unit else values
    levels, codes = learned(container(given))
    assert levels.kind == kind
    assert levels.values(codes).tolist() == np.array(values).tolist()
    for other in (list, objects, np.array, pd.Series):
        assert levels.codes(other(values)).tolist() == codes.tolist()
    restored = Levels.restored(levels.learned())
    assert restored.values_.dtype == levels.values_.dtype
    assert restored.values_.tolist() == levels.values_.tolist()
    assert restored.codes(values).tolist() == codes.tolist()


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "uint16", "int64", "uint64", "float16", "float32", ">i4"),
        *("datetime64[ns]", "datetime64[D]", "datetime64[25s]", ">M8[us]", "M8[Y]"),
    ],
)
def test_the_precision_is_kept_through_a_file(dtype):
    column = np.array([1, 0, 1]).astype(dtype)
    levels, codes = learned(column)
    assert codes.tolist() == [1, 0, 1]
    restored = Levels.restored(levels.learned())
    assert restored.values_.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(restored.values(codes), column)


def test_integers_beyond_double_precision_stay_apart():
    for column in ([BIG, BIG + 1], objects([BIG, BIG + 1]), [2**64 - 1, 2**64 - 2]):
        levels, codes = learned(column)
        assert len(levels) == 2
        assert levels.values(codes).tolist() == list(column)
        assert levels.codes(np.array(column, dtype=np.float64)).max() == (
            0 if column[0] == BIG else UNSEEN
        )
    for dtype, library in (("Int64", pd), (pl.Int64, pl)):
        levels = Levels()
        column = library.Series([BIG + 1, BIG, None], dtype=dtype)
        assert levels.fit(column, allow_missing=True).tolist() == [1, 0, MISSING]
        assert levels.values_.tolist() == [BIG, BIG + 1]


def test_numbers_are_compared_as_numbers():
    levels, _ = learned([1, 2, 3])
    assert levels.codes([3.0, 2.5, 1e300, -np.inf]).tolist() == [2, -1, -1, -1]
    assert levels.codes([True, False]).tolist() == [0, -1]
    levels, _ = learned([0.0, 1.0, 2.0**53])
    assert levels.codes([1, 2**53, 2**53 + 1]).tolist() == [1, 2, -1]
    levels, _ = learned(np.array([1, 255], dtype=np.uint8))
    assert levels.codes([-1, 257, 255]).tolist() == [-1, -1, 1]
    levels, _ = learned([-1, 5])
    assert levels.codes(np.array([2**64 - 1, 5], dtype=np.uint64)).tolist() == [-1, 1]
    levels, _ = learned([True, False])
    assert levels.codes([1, 0, 2]).tolist() == [1, 0, -1]
    levels, _ = learned(["1", "2"])
    assert levels.codes([1, 2]).tolist() == [-1, -1]


def test_floats_are_compared_in_the_lower_precision():
    levels, _ = learned(np.array([0.1, 0.3]))
    assert levels.codes(np.array([0.3, 0.1], dtype=np.float32)).tolist() == [1, 0]
    assert levels.codes([0.3, np.float64(np.float32(0.1))]).tolist() == [1, -1]
    levels, _ = learned(np.array([0.1, 0.3], dtype=np.float32))
    assert levels.codes([0.3, 0.1, 0.2]).tolist() == [1, 0, -1]
    levels, _ = learned([0.1, 0.1 + 1e-12, 0.3])  # the same in single precision
    assert levels.codes(np.array([0.1, 0.3], dtype=np.float32)).tolist() == [-1, 2]


def test_datetimes_of_other_units_are_the_same_moments():
    levels, _ = learned(np.array(["2020-02-29", "9999-12-31"], dtype="M8[D]"))
    found = levels.codes([DAY, datetime.datetime(2020, 2, 29), pd.Timestamp(DAY)])
    assert found.tolist() == [0, 0, 0]
    assert levels.codes([datetime.datetime(2020, 2, 29, 1)]).tolist() == [UNSEEN]
    levels, _ = learned(np.array(["2020-02-29T00:00:00.000000001"], dtype="M8[ns]"))
    assert levels.codes(np.array(["9999-12-31", DAY], "M8[D]")).tolist() == [-1, -1]
    moment = pd.Timestamp("2020-02-29") + pd.Timedelta(1, "ns")
    assert levels.codes([moment]).tolist() == [0]
    assert str(learned([DAY, moment])[0].values_.dtype) == "datetime64[ns]"


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["b", "a", "b"], dtype="category"),
        pd.Series(["b", "a", "b"], dtype="string"),
        pd.Series(["b", "a", "b"], dtype="str"),
        pd.Series(["b", "a", "b"], dtype=object),
        pd.Categorical(["b", "a", "b"]),
        pd.Index(["b", "a", "b"]),
        pl.Series(["b", "a", "b"]),
        pl.Series(["b", "a", "b"], dtype=pl.Categorical),
        pl.Series(["b", "a", "b"], dtype=pl.Enum(["b", "a"])),
        np.array(["b", "a", "b"]),
        strings_of_numpy,
        ("b", "a", "b"),
    ],
    ids=lambda column: f"{type(column).__name__}-{getattr(column, 'dtype', '')}",
)
def test_strings_and_categories_of_every_type_are_strings(column):
    levels, codes = learned(column() if callable(column) else column)
    assert levels.values_.tolist() == ["a", "b"]
    assert {type(level) for level in levels.values_} == {str}
    assert codes.tolist() == [1, 0, 1]
    assert levels.codes(["a"]).tolist() == [0]
    name = str(getattr(column, "dtype", "")).lower()
    assert levels.categorical_ == name.startswith(("cat", "enum"))


def test_categories_have_the_kind_of_their_values():
    levels, _ = learned(pd.Series([BIG + 1, BIG], dtype="category"))
    assert levels.values_.tolist() == [BIG, BIG + 1]
    assert levels.categorical_
    days = pd.Series(pd.to_datetime(["2021-01-01", "2020-01-01"]))
    assert learned(days.astype("category"))[0].kind == "datetime"


MISSING_VALUES = {
    "None": ["a", None],
    "nan": ["a", float("nan")],
    "numpy nan": objects([1, np.float32("nan")]),
    "float array": np.array([1.0, np.nan]),
    "pandas NA": [True, pd.NA],
    "NaT of pandas": [DAY, pd.NaT],
    "NaT of numpy": objects([DAY, np.datetime64("NaT")]),
    "datetime array": np.array(["2020", "NaT"], dtype="M8[Y]"),
    "masked": np.ma.array([1, 2], mask=[False, True]),
    "Int64": pd.Series([1, None], dtype="Int64"),
    "boolean": pd.Series([True, None], dtype="boolean"),
    "string": pd.Series(["a", None], dtype="string"),
    "category": pd.Series(["a", None], dtype="category"),
    "polars": pl.Series([1, None]),
    "polars dates": pl.Series([DAY, None]),
}


@pytest.mark.parametrize("column", MISSING_VALUES.values(), ids=MISSING_VALUES)
def test_every_missing_value_is_missing(column):
    with pytest.raises(ValueError, match=r"^Column 'sex' is missing in row 1\.$"):
        Levels().fit(column, "column 'sex'")
    levels = Levels()
    assert levels.fit(column, allow_missing=True).tolist() == [0, MISSING]
    assert levels.codes(column, allow_missing=True).tolist() == [0, MISSING]
    assert len(levels) == 1


class Colour(StrEnum):
    RED = "red"


def test_members_of_an_enumeration_are_their_values():
    levels, _ = learned([Colour.RED])
    assert levels.values_.tolist() == ["red"]
    assert type(levels.values_[0]) is str


REFUSED = {
    "holds bytes: decode": [b"a", b"b"],
    "holds bytes": np.array([b"a", b"b"]),
    "holds complex numbers": np.array([1j]),
    "holds durations": np.array([1], dtype="m8[s]"),
    "holds records": np.array([(1, 2)], dtype="i4,i4"),
    "values of type Decimal": [decimal.Decimal(1)],
    "holds durations: ": [pd.Timedelta(1)],
    "holds durations:": [datetime.timedelta(1)],
    "values of type tuple": [(1, 2), (3,)],
    "values of type Interval": pd.cut(pd.Series([1.0, 2.0]), 2),
    "time zone UTC": pd.Series(pd.to_datetime(["2020-01-01"], utc=True)),
    "the time zone UTC: ": [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)],
    "time zone Asia/Tokyo": pl.Series([None], dtype=pl.Datetime("us", "Asia/Tokyo")),
    "mixes integers and strings": [1, "a"],
    "mixes bools and integers": [True, 2],
    "mixes datetimes and strings": [DAY, "2020"],
    "beyond 64 bits": [2**64],
    "beyond 64 bits: ": [-1, 2**63],
    "which no float equals": [0.5, 2**53 + 1],
    "of 13288 bits": [10**4000],
    r"arrays of shape \(1,\)": np.zeros((3, 1)),
    "does not fit into": [np.datetime64("9999", "Y"), np.datetime64("2020", "ns")],
}


@pytest.mark.parametrize(("match", "column"), REFUSED.items(), ids=REFUSED)
def test_everything_else_is_refused_in_words(match, column):
    with pytest.raises(ValueError, match=f"Column 'sex' .*{match}"):
        Levels().fit(column, "column 'sex'")


def test_an_unseen_value_is_named_with_at_most_twenty_levels():
    levels, _ = learned(np.arange(100))
    levels.values_[3] = 3
    with pytest.raises(
        ValueError, match=r"17, 18, 19 and 80 more\. Sorry\.$"
    ) as caught:
        levels.codes([3, None, 777], "x", True, unseen="error", advice=" Sorry.")
    assert "X is 777 in row 2, which was not seen in fit" in str(caught.value)
    levels, _ = learned(["a" * 10_000])
    with pytest.raises(ValueError, match="not seen") as caught:
        levels.codes(["b" * 10_000], unseen="error")
    assert len(str(caught.value)) < 300


def test_an_unknown_code_is_missing_in_the_kind():
    assert learned(["a"])[0].values([0, UNSEEN]).tolist() == ["a", None]
    assert learned([BIG])[0].values([0, UNSEEN]).tolist() == [BIG, None]
    assert np.isnan(learned([0.5])[0].values([UNSEEN, 0])).tolist() == [True, False]
    found = learned(np.array(["2020"], "M8[D]"))[0].values([UNSEEN, 0])
    assert found.dtype == "M8[D]"
    assert np.isnat(found).tolist() == [True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "object"},
        {"dtype": "datetime64[parsec]"},
        {"dtype": "int8"},
        {"dtype": None},
        {"values": "ab"},
        {"values": [2**70]},
        {"values": [2, 1]},
        {"values": [1, 1]},
        {"values": [1, True]},
        {"values": [1.0]},
        {"categorical": 0},
        {"more": 1},
    ],
    ids=str,
)
def test_levels_from_a_file_are_checked(change):
    levels, _ = learned([1, 300])
    with pytest.raises((ValueError, TypeError, OverflowError)):
        Levels.restored(levels.learned() | change)


@pytest.mark.parametrize(
    "levels",
    [["a", 1], [2, 1], ["a", "a"], [[1]], [None], [float("nan")], [-1, 2**63]],
    ids=str,
)
def test_levels_from_an_older_file_are_checked(levels):
    with pytest.raises((ValueError, TypeError)):
        Levels.restored(levels)


def test_levels_from_an_older_file_are_as_before():
    for values in (["a", "b"], [False, True], [1, 2**60], [0.5, 2.0]):
        levels = Levels.restored(values)
        assert levels.values_.tolist() == values
        assert levels.codes(values).tolist() == [0, 1]
