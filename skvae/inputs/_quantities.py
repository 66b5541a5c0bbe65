"""Conditions that are quantities: read as numbers, or taken for labels by mistake."""

import numpy as np

from skvae._kinds import PLURALS, kind_of, read_values, sentence
from skvae._levels import NUMERIC
from skvae.exceptions import warn_data

MANY = 20  # levels of numbers above which the numbers may be continuous


def read_numbers(column, name):
    """Return a condition that a model reads as it is, as floats.

    Raises
    ------
    ValueError
        If a value is missing, infinite or not a number.
    """
    values, _ = read_values(column, name)
    kind = kind_of(values)
    if kind not in NUMERIC:
        raise ValueError(
            f"{sentence(name)} holds {PLURALS[kind]}. With condition_encoding="
            "'passthrough' it must hold numbers."
        )
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"{sentence(name)} is {values[row]} in row {row}.")
    return values.astype(np.float64)


def warn_if_quantity(levels, name, n_rows):
    """Warn of numbers or datetimes of which many rows have their own."""
    n_levels = len(levels)
    if n_levels <= MANY or levels.kind not in (*NUMERIC, "datetime"):
        return
    fractions = levels.kind == "float" and (levels.values_ % 1 != 0).any()
    if n_levels > n_rows / (10 if fractions else 2):
        warn_data(
            f"{sentence(name)} has {n_levels} levels in {n_rows} rows, so that the "
            "model learns each from very few. If it is a quantity, pass it as a number "
            "with condition_encoding='passthrough'; otherwise group its values."
        )
