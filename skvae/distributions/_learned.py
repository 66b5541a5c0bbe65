"""Check what a likelihood has learned, where it comes from a file and not from fit."""

import numpy as np

from skvae._validation import check_parameters
from skvae.distributions._likelihoods import Codes, Likelihood
from skvae.distributions._mixed import Mixed

STATISTICS = ("mean_", "std_", "low_", "high_")


def check_learned(likelihood, n_columns):
    """Check that a likelihood is as `fit` leaves it on `n_columns` columns.

    Parameters
    ----------
    likelihood : Likelihood
        Of a class of this package.
    n_columns : int
        Width of the table.

    Raises
    ------
    ValueError
        If an attribute is missing, superfluous, or not what `fit` learns.
    """
    owner = type(likelihood).__name__
    if not isinstance(likelihood, Likelihood):
        raise ValueError(f"A {owner} stands where a likelihood should.")
    check_parameters(likelihood)
    check, names = _CHECKS.get(type(likelihood), (_check_statistics, STATISTICS))
    found = {name for name in vars(likelihood) if name.endswith("_")}
    if found != {"n_columns_", *names}:
        raise ValueError(f"A {owner} does not learn {sorted(found)}.")
    if likelihood.n_columns_ != n_columns:
        raise ValueError(
            f"A {owner} has learned {likelihood.n_columns_!r} columns of {n_columns}."
        )
    check(likelihood, n_columns)


def _check_statistics(likelihood, n_columns):
    for name in STATISTICS:
        values = getattr(likelihood, name)
        if not _is_array(values, "f") or values.shape != (n_columns,):
            raise ValueError(f"{name} must be one number a column.")


def _check_levels(codes, n_columns):
    levels = codes.levels_
    if not isinstance(levels, list) or len(levels) != n_columns:
        raise ValueError("levels_ must be one array a column.")
    for values in levels:
        if not _is_array(values, "f") or values.ndim != 1 or len(values) == 0:
            raise ValueError("The levels of a column must be one array of numbers.")


def _check_blocks(mixed, n_columns):
    columns, parts = mixed.columns_, mixed.parts_
    if not isinstance(columns, list) or not isinstance(parts, list):
        raise ValueError("columns_ and parts_ must be lists.")
    if not all(_is_array(block, "i") and block.ndim == 1 for block in columns):
        raise ValueError("The columns of a part must be an array of positions.")
    if len(columns) != len(parts) or not columns:
        raise ValueError("columns_ and parts_ must be of the same length, at least 1.")
    positions = np.sort(np.concatenate(columns))
    if not np.array_equal(positions, np.arange(len(positions))):
        raise ValueError("Every column must be in one part and in one only.")
    if len(positions) != n_columns:
        raise ValueError(f"{len(positions)} columns of {n_columns} are in a part.")
    for part, block in zip(parts, columns, strict=True):
        check_learned(part, len(block))


def _is_array(value, kind):
    return isinstance(value, np.ndarray) and value.dtype.kind == kind


_CHECKS = {
    Codes: (_check_levels, ("levels_",)),
    Mixed: (_check_blocks, ("columns_", "parts_")),
}
