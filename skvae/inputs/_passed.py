"""Read the argument ``condition=``: one value per row, several, or one for all."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import issparse

from skvae.inputs._frames import column_of, is_lazy, names_of, refuse_equal_names
from skvae.inputs._tensors import as_numpy, without_subclass, without_tensors

ALLOWED = (
    "an array, a list or a data frame with one row per row of X, or a single value for "
    "all rows"
)


@dataclass(frozen=True)
class Passed:
    """Conditions by column.

    Attributes
    ----------
    columns : list of array-like of shape (n_rows,), or (1,) if they hold for all rows
        Values of each condition.
    names : list of str, optional
        Names of the conditions, if a data frame was passed.
    for_all : bool
        Whether there is only one value of each, for all rows.
    """

    columns: list = field(default_factory=list)
    names: list | None = None
    for_all: bool = False


def read_condition(values, n_rows, n_conditions=1):
    """Split the argument ``condition=`` into columns.

    Parameters
    ----------
    values : None, scalar or array-like of shape (n_rows,) or (n_rows, m)
        The argument. If there are several conditions, one combination of them, of shape
        (m,), stands for all rows.
    n_rows : int
        Number of rows of X.
    n_conditions : int, default=1
        Number of conditions in fit.

    Returns
    -------
    Passed

    Raises
    ------
    TypeError
        If it is not a table.
    ValueError
        If it does not have one row per row of X.
    """
    if values is None:
        return Passed()
    _check_type(values)
    values = without_subclass(as_numpy(values, "condition"))
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        return Passed([[values]], for_all=True)
    if not hasattr(values, "shape"):
        values = _as_objects(values, n_rows, n_conditions)
    shape = tuple(values.shape)
    if shape == ():
        return Passed([[values[()]]], for_all=True)
    if len(shape) == 1 and n_conditions > 1:
        return _combination(values, n_conditions)
    if len(shape) > 2:
        raise ValueError(
            f"condition has the shape {shape}, but it must be {ALLOWED}, of shape "
            f"({n_rows},) or ({n_rows}, number of conditions)."
        )
    if shape[0] != n_rows:
        raise ValueError(f"condition has {shape[0]} rows, but X has {n_rows}.")
    if len(shape) == 1:
        return Passed([values])
    if shape[1] == 0:
        raise ValueError("condition has no columns. Pass None if there is none.")
    refuse_equal_names(values, "condition")
    return Passed([column_of(values, j) for j in range(shape[1])], names_of(values))


def _as_objects(values, n_rows, n_conditions):
    """Return a list as an array; numpy would convert mixed values to strings."""
    if len(values) > max(n_rows, n_conditions):  # maybe an endless range
        raise ValueError(f"condition has {len(values)} rows, but X has {n_rows}.")
    if isinstance(values, list | tuple):
        values = without_tensors(values, "condition")
    return np.asarray(values, dtype=object)


def _check_type(values):
    kind = type(values).__name__
    if issparse(values):
        raise TypeError(
            f"condition must be {ALLOWED}. Got a sparse {kind} instead: pass the "
            "labels themselves, they need not be encoded."
        )
    # A lazy frame has columns, but no rows yet.
    if is_lazy(values) or isinstance(values, Mapping | Set | Iterator):
        raise TypeError(f"condition must be {ALLOWED}. Got a {kind} instead.")


def _combination(values, n_conditions):
    """Return one value of each condition, for all rows."""
    if len(values) != n_conditions:
        raise ValueError(
            f"condition has the shape {tuple(values.shape)}, but there were "
            f"{n_conditions} conditions per row in fit: pass {n_conditions} columns, "
            f"or {n_conditions} values for all rows."
        )
    names = getattr(values, "index", None)  # of a row of a data frame
    named = hasattr(values, "iloc") and all(isinstance(name, str) for name in names)
    return Passed([[value] for value in values], list(names) if named else None, True)
