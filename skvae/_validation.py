"""Checks of constructor parameters in ``fit``, with scikit-learn's wording.

An estimator declares the allowed values of each parameter in a dict ``_allowed``. This
module raises an error for an invalid value before anything is computed; the error names
the parameter, its value and what is allowed.
"""

import re
import sys
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from skvae._kinds import cut

UNITS = {"s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True)
class Interval:
    """An int or a float in an interval, which is printed as ``[0, inf)``."""

    kind: type
    low: float
    high: float = np.inf
    closed: str = "left"  # "left", "right", "both" or "neither"

    def accepts(self, value):
        """Whether `value` is a number of this kind in the interval."""
        if isinstance(value, bool | np.bool_) or not isinstance(value, self.kind):
            return False
        if self.kind is Real and not _is_float(value):
            return False
        above = (
            value >= self.low if self.closed in ("left", "both") else value > self.low
        )
        below = (
            value <= self.high
            if self.closed in ("right", "both")
            else value < self.high
        )
        return bool(above and below)

    def __str__(self):
        name = "an int" if self.kind is Integral else "a float"
        left = "[" if self.closed in ("left", "both") else "("
        right = "]" if self.closed in ("right", "both") else ")"
        return f"{name} in the range {left}{self.low}, {self.high}{right}"


def _is_float(value):
    """Whether torch and numpy can compute with a number: not with fractions."""
    if not isinstance(value, float | int | np.floating | np.integer):
        return False
    return not isinstance(value, int) or abs(value) <= sys.float_info.max


@dataclass(frozen=True)
class Options:
    """One of several strings."""

    names: tuple[str, ...]

    def accepts(self, value):
        """Whether `value` is one of the strings."""
        return isinstance(value, str) and value in self.names

    def __str__(self):
        return "a str among {" + ", ".join(map(repr, sorted(self.names))) + "}"


@dataclass(frozen=True)
class Instance:
    """An instance of one of the types, which `words` describe."""

    types: tuple[type, ...]
    words: str

    def accepts(self, value):
        """Whether `value` is an instance of one of the types."""
        return isinstance(value, self.types)

    def __str__(self):
        return self.words


@dataclass(frozen=True)
class Sequence:
    """A tuple or list whose items all meet a constraint."""

    item: Any
    words: str
    empty: bool = True
    length: int | None = None

    def accepts(self, value):
        """Whether `value` is a tuple or list that meets the constraints."""
        return (
            isinstance(value, tuple | list)
            and (self.empty or len(value) > 0)
            and self.length in (None, len(value))
            and all(self.item.accepts(v) for v in value)
        )

    def __str__(self):
        return self.words


@dataclass(frozen=True)
class AnyOf:
    """Anything that meets at least one of the constraints."""

    constraints: tuple

    def accepts(self, value):
        """Whether one of the constraints accepts `value`."""
        return any(constraint.accepts(value) for constraint in self.constraints)


@dataclass(frozen=True)
class Mapping:
    """A dict from names to values that each meet one of the constraints."""

    items: tuple
    words: str
    empty: bool = False

    def accepts(self, value):
        """Whether `value` is a dict that meets the constraints."""
        item = AnyOf(self.items)
        return (
            isinstance(value, dict)
            and (self.empty or len(value) > 0)
            and all(isinstance(name, str) for name in value)
            and all(item.accepts(v) for v in value.values())
        )

    def __str__(self):
        return self.words


@dataclass(frozen=True)
class Callable:
    """A callable, which `words` describe."""

    words: str

    def accepts(self, value):
        """Whether `value` is callable."""
        return callable(value)

    def __str__(self):
        return self.words


@dataclass(frozen=True)
class Listed:
    """A one-dimensional array, Index or Series, which `words` describe."""

    words: str

    def accepts(self, value):
        """Whether `value` is one."""
        is_array = isinstance(value, np.ndarray) or hasattr(value, "to_numpy")
        return is_array and len(getattr(value, "shape", ())) == 1

    def __str__(self):
        return self.words


@dataclass(frozen=True)
class Duration:
    """A time with its unit."""

    def accepts(self, value):
        """Whether `value` is one."""
        return isinstance(value, str) and seconds(value) is not None

    def __str__(self):
        return "a time such as '30s', '10min' or '2h'"


def seconds(duration):
    """Return the seconds of a time such as "10min", or None if it is none."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(s|min|h)", duration)
    return float(found[1]) * UNITS[found[2]] if found else None


@dataclass(frozen=True)
class Nothing:
    """The value None."""

    def accepts(self, value):
        """Whether `value` is None."""
        return value is None

    def __str__(self):
        return "None"


NONE = Nothing()
BOOLEAN = Instance((bool, np.bool_), "an instance of 'bool'")
POSITIVE_INT = Interval(Integral, 1)
COUNT = Interval(Integral, 1, 2**31 - 1, closed="both")  # of draws or rows
NATURAL = Interval(Integral, 0)
POSITIVE = Interval(Real, 0.0, closed="neither")
NON_NEGATIVE = Interval(Real, 0.0)
FRACTION = Interval(Real, 0.0, 1.0, closed="neither")
PROBABILITY = Interval(Real, 0.0, 1.0)  # excludes 1, which would drop every unit
RANDOM_STATE = (
    Interval(Integral, 0, 2**32 - 1, closed="both"),
    Instance((np.random.RandomState,), "an instance of 'numpy.random.RandomState'"),
    NONE,
)


def check_parameter(name, value, constraints, owner):
    """Return `value` if one of `constraints` accepts it.

    Parameters
    ----------
    name : str
        The parameter's name.
    value : object
        The value to check.
    constraints : sequence of constraints
        Objects with ``accepts(value)`` and a readable ``str``.
    owner : str
        Name of the class that has the parameter.

    Raises
    ------
    ValueError
        If no constraint accepts `value`.
    """
    if any(constraint.accepts(value) for constraint in constraints):
        return value
    words = [str(constraint) for constraint in constraints]
    allowed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    raise ValueError(
        f"The {name!r} parameter of {owner} must be {allowed}. "
        f"Got {cut(value, 200)} instead."
    )


def check_parameters(estimator):
    """Check every parameter in the estimator's ``_allowed``.

    Raises
    ------
    ValueError
        For the first parameter that none of its constraints accepts.
    """
    values = estimator.get_params(deep=False)
    for name, constraints in estimator._allowed.items():
        if name in values:  # a subclass may take fewer parameters
            check_parameter(name, values[name], constraints, type(estimator).__name__)
