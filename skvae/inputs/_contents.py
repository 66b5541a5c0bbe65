"""What the columns of X hold, words or numbers, and the conversion there and back."""

from numbers import Integral, Real

import narwhals as nw
import numpy as np

from skvae._columns import column_names
from skvae._levels import MISSING, UNSEEN, Levels
from skvae.inputs._templates import Template, is_known

IGNORE = " With handle_unknown='ignore' of its likelihood, it counts as missing."
KINDS = ("number", "integer", "bool", "category", "words")


class Contents:
    """What each column of X holds.

    Words are strings, or strings among other values. They become codes, the numbers of
    their levels; all other columns are numbers already.

    Attributes
    ----------
    kinds : list of str
        One of `KINDS` per column; "category" are numbers that are labels.
    levels : list of Levels or None
        Levels of columns of words, None for the others.
    template : Template or None
        Names and dtypes of a data frame; None for arrays.
    """

    def __init__(self, kinds, levels, template=None):
        self.kinds, self.levels, self.template = kinds, levels, template

    @classmethod
    def of(cls, X, positions=None):
        """Learn what the columns of X hold; return None for an array of numbers.

        Parameters
        ----------
        X : array-like or data frame of shape (n, d)
            The table.
        positions : ndarray of int, optional
            Columns that are modelled, all by default. The others may hold anything.

        Raises
        ------
        ValueError
            If a column holds neither numbers nor words.
        """
        reader = reader_of(X)
        if reader is None or not reader.n_columns:
            return None
        modelled = range(reader.n_columns) if positions is None else set(positions)
        found = [
            _content(reader, j) if j in modelled else ("number", None)
            for j in range(reader.n_columns)
        ]
        kinds, levels = map(list, zip(*found, strict=True))
        contents = cls(kinds, levels, reader.template)
        return contents if contents.has_words or contents.template else None

    @property
    def has_words(self):
        """Whether a column holds words."""
        return "words" in self.kinds

    def numbers(self, X, positions):
        """Convert columns to numbers, (n, len(positions)), float64.

        Words become codes, −1 if they were not seen in fit; missing values become NaN.

        Raises
        ------
        ValueError
            If a column of numbers in fit holds words now.
        """
        reader = reader_of(X) or _Array(np.asarray(X, dtype=object))
        columns = [self._column(reader, j) for j in positions]
        return np.stack(columns, axis=1)

    def _column(self, reader, j):
        if self.levels[j] is not None:
            return _as_numbers(self._codes(reader, j))
        try:
            return reader.floats(j)
        except (TypeError, ValueError):
            values = reader.objects(j)
            word = next(value for value in values if not _is_numeric(value))
            raise ValueError(
                f"Column {reader.names[j]} holds {word!r}, but it held numbers in fit."
            ) from None

    def _codes(self, reader, j, **unseen):
        name = f"column {reader.names[j]}"
        return self.levels[j].codes(reader.objects(j), name, True, **unseen)

    def refuse_unseen(self, X, j):
        """Raise ValueError at the first word of a column that was not seen in fit."""
        reader = reader_of(X) or _Array(np.asarray(X, dtype=object))
        self._codes(reader, j, unseen="error", advice=IGNORE)

    def values(self, x, j):
        """Convert numbers of a column back to what it held, (n,).

        Codes become words, and means the nearest whole number or the likelier of two.
        """
        kind = self.kinds[j]
        if kind == "words":
            codes = np.where(np.isnan(x), UNSEEN, np.rint(x))
            return self.levels[j].values(codes.clip(UNSEEN, len(self.levels[j]) - 1))
        x = np.asarray(x, dtype=np.float64)
        if kind in ("number", "category") or np.isnan(x).any():
            return x
        return np.rint(x).astype(bool if kind == "bool" else np.int64)

    # -- files ----------------------------------------------------------------------

    def learned(self):
        """Return what fit learned, as plain data."""
        levels = [None if at is None else at.learned() for at in self.levels]
        template = None if self.template is None else self.template.description()
        return {"kinds": self.kinds, "levels": levels, "template": template}

    @classmethod
    def from_learned(cls, learned, n_columns):
        """Check and restore what `learned` returned; any Exception if it is invalid."""
        if learned.keys() != {"kinds", "levels", "template"}:
            raise ValueError("its table does not have the entries that fit learns.")
        kinds, levels = learned["kinds"], learned["levels"]
        if len(kinds) != n_columns or len(levels) != n_columns:
            raise ValueError(f"its table does not have {n_columns} columns.")
        for kind, words in zip(kinds, levels, strict=True):
            if kind not in KINDS or (kind == "words") != (words is not None):
                raise ValueError(f"its table has a column of an unknown kind, {kind}.")
        levels = [None if at is None else Levels.restored(at) for at in levels]
        template = learned["template"]
        if template is not None:
            template = Template.from_description(template, n_columns)
        return cls(kinds, levels, template)


# --- reading columns ------------------------------------------------------------------


def reader_of(X):
    """Return an object that reads columns, or None for an array of numbers."""
    if isinstance(X, list | tuple):
        X = _as_table(X)
    if isinstance(X, np.ndarray):
        is_table = X.ndim == 2 and X.dtype.kind in "OUT" and len(X)
        return _Array(X) if is_table else None
    try:
        return _Frame(nw.from_native(X, eager_only=True), X)
    except (TypeError, nw.exceptions.DuplicateError):
        return None


def _as_table(X):
    """Return lists that hold a string as an array of objects; others as they are."""
    if not any(isinstance(v, str) for row in X if np.iterable(row) for v in row):
        return X
    try:
        return np.array(X, dtype=object)
    except ValueError:  # rows of different lengths
        return X


class _Array:
    """Reads columns of an array of objects or strings."""

    template = None

    def __init__(self, X):
        self.X, self.n_columns = X, X.shape[1]
        self.names = column_names(None, self.n_columns)

    def objects(self, j):
        return self.X[:, j].astype(object)

    def floats(self, j):
        return _floats(self.objects(j))

    def content(self, j):
        """Return what a column holds, as far as its dtype tells; None if unknown."""
        return None


class _Frame:
    """Reads columns of a data frame of narwhals."""

    def __init__(self, frame, native):
        self.frame = frame
        self.template = Template(native) if is_known(frame) else None
        self.names = [str(name) for name in frame.columns]
        self.n_columns = len(self.names)
        self._dtypes = list(frame.schema.values())

    def objects(self, j):
        return np.asarray(self.frame[:, int(j)].to_numpy(), dtype=object)

    def floats(self, j):
        column = self.frame[:, int(j)]
        if self._dtypes[j] == nw.Boolean:
            return _floats(self.objects(j))
        if self._dtypes[j].is_numeric():
            return column.cast(nw.Float64).to_numpy().astype(np.float64)
        return _floats(self.objects(j))

    def content(self, j):
        """Return what a column holds, as far as its dtype tells; None if unknown."""
        dtype = self._dtypes[j]
        if dtype == nw.Boolean:
            return "bool"
        if dtype.is_integer():
            return "integer"
        if dtype.is_numeric():
            return "number"
        if dtype in (nw.Categorical, nw.Enum):
            return "category"
        if dtype in (nw.String, nw.Object):
            return None
        raise ValueError(
            f"Column {self.names[j]} has the dtype {dtype}. A column must hold "
            "numbers, booleans, strings or categories: convert it."
        )


def _content(reader, j):
    """Return the kind of a column, and the levels of words."""
    kind = reader.content(j)
    if kind in ("bool", "integer", "number"):
        return kind, None
    values = reader.objects(j)
    known = values[~missing_objects(values)]
    if _is_numeric(known):
        return kind or _kind_of_numbers(known), None
    _check_words(known)
    levels = Levels()
    levels.fit(values, f"column {reader.names[j]}", allow_missing=True)
    return "words", levels


def _is_numeric(values):
    try:
        np.asarray(values, dtype=object).astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _kind_of_numbers(values):
    for kind, types in (("bool", bool | np.bool_), ("integer", Integral)):
        if len(values) and all(isinstance(value, types) for value in values):
            return kind
    return "number"


def _floats(values):
    missing = missing_objects(values)
    out = np.full(len(values), np.nan)
    out[~missing] = values[~missing].astype(np.float64)
    return out


def missing_objects(values):
    """Return which objects are None, NaN, NaT or NA."""
    return np.array([v is None or _is_not_itself(v) for v in values], dtype=bool)


def _is_not_itself(value):
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


# --- words ----------------------------------------------------------------------------


def _check_words(values):
    """Raise TypeError, as scikit-learn does, if an object is not a word or a number."""
    for value in values:
        if not isinstance(value, str | Real):
            raise TypeError(
                "The argument must be a string or a real number in each cell, not "
                f"{type(value).__name__!r}."
            )


def _as_numbers(codes):
    """Return codes as floats: −1 for unseen words, NaN for missing ones."""
    return np.where(codes == MISSING, np.nan, codes.astype(np.float64))
