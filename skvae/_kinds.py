"""The kinds of values that a column of labels may hold, and how to read them exactly.

The kinds are bool, integer, float, string and datetime; a column of categories has the
kind of its categories. Everything else is refused in words.
"""

import datetime
from numbers import Integral

import numpy as np

ALLOWED = "bools, integers, floats, strings, datetimes or categories of one of these"
PLURALS = {
    "bool": "bools",
    "integer": "integers",
    "float": "floats",
    "string": "strings",
    "datetime": "datetimes",
}
_OF_DTYPE = {"b": "bool", "i": "integer", "u": "integer", "f": "float", "M": "datetime"}
_COMPLEX = "complex numbers: pass their parts as two columns"
_BYTES = "bytes: decode them, values.astype(str)"
_DURATIONS = "durations: pass them as numbers, for example of seconds"
_HINTS = {  # of what is refused, by the name of its type or the letter of its dtype
    "bytes": _BYTES,
    "S": _BYTES,
    "Timedelta": _DURATIONS,
    "timedelta": _DURATIONS,
    "timedelta64": _DURATIONS,
    "m": _DURATIONS,
    "complex": _COMPLEX,
    "c": _COMPLEX,
    "V": "records: pass their fields as columns",
}


def kind_of(values):
    """Return the kind of an array that `read_values` returned."""
    return _OF_DTYPE.get(values.dtype.kind, "string")


def plain(value):
    """Return a scalar of Python, or of numpy if it is a datetime."""
    is_number = isinstance(value, np.generic) and value.dtype.kind != "M"
    return value.item() if is_number else value


def as_objects(values):
    """Return an array as objects; numpy would make datetimes numbers."""
    if values.dtype.kind != "M":
        return values.astype(object)
    out = np.empty(len(values), dtype=object)
    out[:] = [*values]
    return out


def read_values(column, name, allow_missing=False):
    """Read a column as an array of one kind.

    Parameters
    ----------
    column : array-like of shape (n,)
        A list, an array, or a column of a data frame.
    name : str
        Its name in messages, such as "column 'sex'".
    allow_missing : bool, default=False
        Whether values may be missing.

    Returns
    -------
    values : ndarray of shape (n - n_missing,)
        The values that are not missing: bools, integers, floats or datetimes of any
        precision, or strings as objects. No value is rounded.
    missing : ndarray of bool of shape (n,)
        Whether each value is missing: None, NaN, NaT, ``pandas.NA`` or masked.

    Raises
    ------
    ValueError
        If the values are not of one of the kinds, or of several, or if one is missing
        and may not be.
    """
    values, missing = _read(column, name)
    if missing.any() and not allow_missing:
        raise ValueError(f"{sentence(name)} is missing in row {np.argmax(missing)}.")
    return values, missing


def is_categorical(column):
    """Whether a column of a pandas, polars or pyarrow table holds categories."""
    dtype = str(getattr(column, "dtype", getattr(column, "type", "")))
    return dtype.lower().startswith(("categor", "enum", "dictionary"))


# -- from a column to an array ---------------------------------------------------------


def _read(column, name):
    values, hidden = _as_array(column, name)
    letter = values.dtype.kind
    if letter in "OTU":
        return _read_objects(values.astype(object), hidden, name)
    if letter not in _OF_DTYPE:
        raise _wrong(_HINTS.get(letter, f"values of type {values.dtype}"), name)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    missing = hidden
    if letter in "fM":
        missing = hidden | np.isnan(values)  # or NaT
    values = values[~missing]
    return (_double(values, name) if letter == "f" else values), missing


def _as_array(column, name):
    """Return a column as an array, and which of its values a mask hides."""
    _refuse_time_zone(column, name)
    if isinstance(column, np.ma.MaskedArray):
        return column.data, np.ma.getmaskarray(column)
    if not hasattr(column, "shape") and not hasattr(column, "to_numpy"):
        values = np.empty(len(column), dtype=object)  # numpy would convert mixed values
        for row, value in enumerate(column):
            values[row] = value
    else:
        values = _from_library(column)
    if values.ndim != 1:
        raise _wrong(f"arrays of shape {values.shape[1:]}", name)
    return values, np.zeros(len(values), dtype=bool)


def _from_library(column):
    """Return a column as an array, as objects if numbers would be rounded."""
    if not hasattr(column, "to_numpy"):
        return np.asarray(column)
    library = type(column).__module__.partition(".")[0]
    if library == "pandas":
        is_plain = isinstance(column.dtype, np.dtype)
        return column.to_numpy(dtype=None if is_plain else object)
    n_null = getattr(column, "null_count", 0)
    values = column.to_numpy()
    if (n_null() if callable(n_null) else n_null) and values.dtype.kind == "f":
        rows = column.to_list() if library == "polars" else column.to_pylist()
        values = np.array(rows, dtype=object)
    return values


def _refuse_time_zone(column, name):
    dtype = getattr(column, "dtype", getattr(column, "type", None))
    zones = (getattr(dtype, key, None) for key in ("tz", "time_zone"))
    zone = next((zone for zone in zones if zone is not None), None)
    if zone is not None:
        raise _wrong(_zoned(zone), name)


def _zoned(zone):
    return f"datetimes with the time zone {zone}: convert them to UTC and remove it"


# -- from objects to a kind ------------------------------------------------------------


def _read_objects(values, hidden, name):
    missing = hidden | _missing(values)
    values = values[~missing]
    found = set(map(type, values.tolist()))
    kinds = {_kind_of_type(kind, name) for kind in found}
    if kinds == {"integer", "float"}:
        return _as_floats(values, name), missing
    if len(kinds) > 1:
        words = sorted(PLURALS[kind] for kind in kinds)
        raise ValueError(
            f"{sentence(name)} mixes {' and '.join(words)}. All its values must be of "
            "one kind."
        )
    kind = kinds.pop() if kinds else "string"
    return _CONVERT[kind](values, name), missing


def _missing(values):
    """Return which objects stand for a missing value."""
    rows = values.tolist()
    never = {kind for kind in set(map(type, rows)) if issubclass(kind, str | int)}
    found = (type(value) not in never and _is_missing(value) for value in rows)
    return np.fromiter(found, dtype=bool, count=len(rows))


def _is_missing(value):
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _kind_of_type(kind, name):
    if issubclass(kind, bool | np.bool_):
        return "bool"
    if issubclass(kind, Integral):
        return "integer"
    if issubclass(kind, float | np.floating):
        return "float"
    if issubclass(kind, str):
        return "string"
    if issubclass(kind, datetime.date | np.datetime64):
        return "datetime"
    words = _HINTS.get(kind.__name__, f"values of type {kind.__name__}")
    raise _wrong(words, name)


def _as_bools(values, name):
    return values.astype(bool)


def _as_integers(values, name):
    numbers = [*map(int, values.tolist())]
    low, high = min(numbers), max(numbers)
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return np.array(numbers, dtype=dtype)
    worst = high if high >= 2**63 else low
    raise _wrong(f"the integer {cut(worst)}, beyond 64 bits: pass strings", name)


def _as_floats(values, name):
    out = np.empty(len(values))
    for row, value in enumerate(values):
        try:
            out[row] = value
        except OverflowError:
            out[row] = np.inf
        if float(out[row]) != value:  # numpy would round integers to compare them
            raise _wrong(f"{cut(value)}, which no float equals: pass strings", name)
    return out


def _double(values, name):
    """Return floats in at most double precision."""
    if values.dtype.itemsize <= 8:
        return values
    return _as_floats(values, name)


def _as_strings(values, name):
    rows = values.tolist()
    if {*map(type, rows)} <= {str}:
        return values
    out = np.empty(len(rows), dtype=object)
    out[:] = [str.__str__(value) for value in rows]  # of subclasses, such as numpy's
    return out


def _as_datetimes(values, name):
    """Return datetimes in the finest of their units."""
    moments = [_moment(value, name) for value in values]
    units = {moment.dtype for moment in moments}
    finest = np.result_type(*units)
    for moment in moments if len(units) > 1 else ():
        if moment.astype(finest).astype(moment.dtype) != moment:  # it overflows
            raise _wrong(f"{moment}, which does not fit into {finest.name}", name)
    return np.array(moments, dtype=finest)


def _moment(value, name):
    if isinstance(value, np.datetime64):
        return value
    if getattr(value, "tzinfo", None) is not None:
        raise _wrong(_zoned(value.tzinfo), name)
    if hasattr(value, "to_datetime64"):  # a pandas.Timestamp, to the nanosecond
        return value.to_datetime64()
    return np.datetime64(value)


_CONVERT = {
    "bool": _as_bools,
    "integer": _as_integers,
    "float": _as_floats,
    "string": _as_strings,
    "datetime": _as_datetimes,
}

# -- messages --------------------------------------------------------------------------


def _wrong(words, name):
    return ValueError(f"{sentence(name)} holds {words}. It must hold {ALLOWED}.")


def sentence(words):
    """Return words with a capital letter."""
    return words[:1].upper() + words[1:]


def cut(value, length=60):
    """Return the repr of a value, shortened."""
    if isinstance(value, int) and value.bit_length() > 4000:  # too long to print
        return f"of {value.bit_length()} bits"
    text = repr(plain(value))
    return text if len(text) <= length else f"{text[: length - 3]}..."


def listed(values, limit=20):
    """Return the first values in words, and how many more there are."""
    words = ", ".join(cut(value) for value in values[:limit])
    return words + (f" and {len(values) - limit} more" if len(values) > limit else "")
