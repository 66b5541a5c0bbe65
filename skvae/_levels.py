"""The levels of one column, and the conversion from values to codes and back."""

import re

import numpy as np

from skvae._kinds import (
    cut,
    is_categorical,
    kind_of,
    listed,
    read_values,
    sentence,
)

UNSEEN = -1  # the code of a value that is not among the levels
MISSING = -2  # the code of a missing value, where that is allowed
NUMERIC = ("bool", "integer", "float")
_NAMES = re.compile(
    r"bool|u?int(8|16|32|64)|float(16|32|64)|datetime64\[\d*[a-zA-Z]+\]"
)


class Levels:
    """The distinct values of one column, in their own kind and precision.

    Attributes
    ----------
    values_ : ndarray of shape (k,)
        The levels in ascending order: bools, integers, floats, datetimes, or strings as
        objects.
    categorical_ : bool
        Whether they were the categories of a data frame.
    """

    def __init__(self, values=(), categorical=False):
        self.values_ = np.asarray(values)
        self.categorical_ = categorical

    def __len__(self):
        return len(self.values_)

    @property
    def kind(self):
        """The kind of the levels: "bool", "integer", "float", "string", "datetime"."""
        return kind_of(self.values_)

    def fit(self, column, name="the column", allow_missing=False):
        """Learn the levels of a column.

        Parameters
        ----------
        column : array-like of shape (n,)
            Its values, see `skvae._kinds.read_values`.
        name : str, default="the column"
            What messages call it.
        allow_missing : bool, default=False
            Whether values may be missing.

        Returns
        -------
        codes : ndarray of int of shape (n,)
            The number of each value's level, or `MISSING`.

        Raises
        ------
        ValueError
            If the values are not all of one kind, or one is missing and may not be.
        """
        values, missing = read_values(column, name, allow_missing)
        self.values_, found = _distinct(values)
        self.categorical_ = is_categorical(column)
        return _codes(found, missing)

    def codes(
        self,
        column,
        name="the column",
        allow_missing=False,
        unseen="ignore",
        advice="",
    ):
        """Convert values to codes.

        Numbers are compared as numbers, whatever their type. Floats of two precisions
        are equal if they are in the lower one.

        Parameters
        ----------
        column : array-like of shape (n,)
            Values.
        name : str, default="the column"
            What messages call it.
        allow_missing : bool, default=False
            Whether values may be missing.
        unseen : {"ignore", "error"}, default="ignore"
            Whether a value that is not a level becomes `UNSEEN` or is an error.
        advice : str, default=""
            A sentence to append to that error.

        Returns
        -------
        codes : ndarray of int of shape (n,)

        Raises
        ------
        ValueError
            As `fit`, and if a value is not a level and may not be.
        """
        values, missing = read_values(column, name, allow_missing)
        codes = _codes(self._find(values), missing)
        if unseen == "error" and (codes == UNSEEN).any():
            row = int(np.argmax(codes == UNSEEN))
            value = values[row - int(missing[:row].sum())]
            raise ValueError(
                f"{sentence(name)} is {cut(value)} in row {row}, which was not seen in "
                f"fit; the levels are {listed(self.values_)}.{advice}"
            )
        return codes

    def values(self, codes):
        """Convert codes to values in the kind of the levels.

        A negative code becomes NaN among floats and NaT among datetimes. Otherwise it
        becomes None, in an array of objects.
        """
        codes = np.asarray(codes).astype(int)
        known = codes >= 0
        if known.all():
            return self.values_[codes]
        dtype = self.values_.dtype if self.values_.dtype.kind in "fM" else object
        gaps = {"f": np.nan, "M": np.datetime64("NaT")}
        out = np.full(len(codes), gaps.get(np.dtype(dtype).kind), dtype=dtype)
        out[known] = self.values_[codes[known]]
        return out

    def fits_into(self, dtype):
        """Whether an array of floats of this type holds all levels exactly."""
        if self.kind not in ("integer", "float"):
            return False
        return bool(_convert(self.values_, np.dtype(dtype))[1].all())

    def _find(self, values):
        """Return the number of each value's level, or `UNSEEN`."""
        levels, kind = self.values_, kind_of(values)
        if kind != self.kind and not {kind, self.kind} <= {*NUMERIC}:
            return np.full(len(values), UNSEEN)
        if not len(levels) or not len(values):
            return np.full(len(values), UNSEEN)
        if kind == "string":
            number = {level: code for code, level in enumerate(levels.tolist())}
            return np.array([number.get(value, UNSEEN) for value in values.tolist()])
        exact = np.ones(len(values), dtype=bool)
        if kind == self.kind == "float":
            lower = min(levels.dtype, values.dtype, key=lambda dtype: dtype.itemsize)
            with np.errstate(over="ignore"):
                levels, values = levels.astype(lower), values.astype(lower)
        else:
            values, exact = _convert(values, levels.dtype)
        return _search(levels, values, exact)

    # -- files ----------------------------------------------------------------------

    def learned(self):
        """Return the levels as plain data."""
        dtype = "str" if self.kind == "string" else self.values_.dtype.name
        values = self.values_
        if self.kind == "datetime":
            values = values.view(np.int64)  # exact in every unit
        return {
            "dtype": dtype,
            "categorical": self.categorical_,
            "values": values.tolist(),
        }

    @classmethod
    def restored(cls, learned):
        """Check and restore what `learned` returned, or a list, as in older files.

        Raises
        ------
        Exception
            If `fit` cannot have learned this; a ValueError, unless a type is wrong.
        """
        if isinstance(learned, list):
            return cls(_checked(_as_levels(learned)))
        if not isinstance(learned, dict) or learned.keys() != {
            "dtype",
            "categorical",
            "values",
        }:
            raise ValueError("the levels of a column are incomplete.")
        if type(learned["categorical"]) is not bool:
            raise ValueError("whether a column has categories is not a bool.")
        values = _typed(learned["values"], learned["dtype"])
        return cls(_checked(values), learned["categorical"])


# -- codes -----------------------------------------------------------------------------


def _distinct(values):
    """Return the distinct values in ascending order, and the number of each value."""
    if values.dtype != object:
        return np.unique(values, return_inverse=True)
    rows = values.tolist()  # sorting all strings would be slow
    levels = sorted(set(rows))
    number = {level: code for code, level in enumerate(levels)}
    return np.array(levels, dtype=object), np.array([number[row] for row in rows])


def _codes(found, missing):
    codes = np.full(len(missing), MISSING)
    codes[~missing] = found
    return codes


def _search(levels, values, exact):
    """Return where each value is among sorted levels, `UNSEEN` if it is not.

    A value that equals several levels after rounding is not seen either.
    """
    first = np.searchsorted(levels, values)
    where = np.minimum(first, len(levels) - 1)
    after = np.minimum(where + 1, len(levels) - 1)
    twice = (after > where) & (levels[after] == values)
    return np.where((levels[where] == values) & exact & ~twice, where, UNSEEN)


def _convert(values, dtype):
    """Convert values to another type, and return whether each is the same after it."""
    same = np.ones(len(values), dtype=bool)
    if values.dtype == dtype:
        return values, same
    if values.dtype.kind == "f" and dtype.kind in "iu":
        # Beyond these limits the result would depend on the processor.
        limits = np.iinfo(dtype)
        same = (values >= float(limits.min)) & (values < float(limits.max + 1))
        values = np.where(same, values, 0)
    with np.errstate(over="ignore"):
        out = values.astype(dtype)
    if values.dtype.kind in "iu" and dtype.kind == "f":
        back, returns = _convert(out, values.dtype)
        return out, returns & (back == values)
    if values.dtype.kind in "iu" and dtype.kind in "iu":
        same = (out < 0) == (values < 0)
    return out, same & (out.astype(values.dtype) == values)


# -- files -----------------------------------------------------------------------------


def _as_levels(values):
    """Return the levels of an older file, which are all of one type, as an array."""
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= {str, int, float, bool}:
        raise ValueError("the levels of a column are not of one kind.")
    levels = np.array(values, dtype=object if kinds == {str} else None)
    if kinds == {int} and levels.dtype.kind not in "iu":
        raise ValueError("the levels of a column do not fit into 64 bits.")
    return levels


def _typed(values, dtype):
    kinds = {type(value) for value in values}
    if not isinstance(values, list) or not isinstance(dtype, str):
        raise ValueError("the levels of a column are not a list and its type.")
    if dtype != "str" and not _NAMES.fullmatch(dtype):
        raise ValueError(f"the levels of a column are of the type {cut(dtype)}.")
    letter = "O" if dtype == "str" else np.dtype(dtype).kind
    expected = {"O": str, "b": bool, "f": float}.get(letter, int)
    if not kinds <= {expected}:
        raise ValueError("the levels of a column are not of its type.")
    if letter == "M":
        return np.array(values, dtype=np.int64).view(dtype)
    return np.array(values, dtype=object if letter == "O" else dtype)


def _checked(levels):
    """Return levels; raise ValueError if they do not ascend."""
    if levels.ndim != 1 or not (levels[:-1] < levels[1:]).all():
        raise ValueError("the levels of a column do not ascend.")
    if levels.dtype.kind in "fM" and np.isnan(levels).any():
        raise ValueError("a level of a column is missing.")
    return levels
