"""Convert what a likelihood learns in fit to plain data and back."""

import numpy as np
from sklearn.base import clone

from skvae._validation import check_parameters
from skvae.distributions import (
    Auto,
    Bernoulli,
    Categorical,
    Codes,
    Gaussian,
    Likelihood,
    Mixed,
    NegativeBinomial,
    Poisson,
)


def learned(likelihood):
    """Return the attributes of a fitted likelihood that end in "_".

    For a `Mixed`, ``parts_`` is a list of such dicts.
    """
    values = {name: v for name, v in vars(likelihood).items() if name.endswith("_")}
    if isinstance(likelihood, Mixed):
        values["parts_"] = [learned(part) for part in likelihood.parts_]
    return values


def put_back(likelihood, values, n_columns):
    """Check what `learned` returned, and restore it to a likelihood.

    Parameters
    ----------
    likelihood : Likelihood
        An unfitted likelihood; changed in place.
    values : dict of str to object
        What it learned.
    n_columns : int
        Number of its columns.

    Returns
    -------
    likelihood : Likelihood

    Raises
    ------
    Exception
        If `fit` cannot have learned this; a ValueError, unless a type is wrong.
    """
    check_parameters(likelihood)
    owner = type(likelihood).__name__
    check, names = _CHECKS.get(type(likelihood), (_check_own, values.keys()))
    names = {*names, *LEARNED.get(getattr(likelihood, "transform", None), ())}
    optional = {"holes_", *OPTIONAL.get(type(likelihood), ())}
    if values.keys() - optional != {"n_columns_", *names} - optional:
        raise ValueError(f"{owner} does not learn {', '.join(sorted(values))}.")
    if values["n_columns_"] != n_columns:
        raise ValueError(
            f"{owner} has learned {values['n_columns_']!r} columns, not {n_columns}."
        )
    if values.get("holes_", True) is not True:
        raise ValueError("holes_ must be true.")
    check(values, n_columns)
    if isinstance(likelihood, Mixed):
        columns = values["columns_"]
        unfitted = _parts(likelihood, values)
        blocks = zip(unfitted, values["parts_"], columns, strict=True)
        parts = [put_back(part, v, len(where)) for part, v, where in blocks]
        values = values | {"parts_": parts}
    vars(likelihood).update(values)
    return likelihood


def _parts(likelihood, values):
    if isinstance(likelihood, Auto):
        return [clone(part) for part in values["chosen_"]]
    return [part for part, _ in likelihood.parts]


STATISTICS = ("mean_", "std_", "low_", "high_")
LEARNED = {  # with a transformation
    "yeo-johnson": ("power_", "unit_", "shift_", "factor_"),
    "quantile": ("knots_", "heights_"),
}
# Older files lack these: their columns start at 0, and may be grey.
OPTIONAL = {Gaussian: {"origin_"}, Bernoulli: {"is_flag_"}}


def _check_statistics(values, n_columns):
    for name in [name for name in (*STATISTICS, "origin_") if name in values]:
        if not _is_vector(values[name], "f") or len(values[name]) != n_columns:
            raise ValueError(f"{name} must be one number per column.")


def _check_bernoulli(values, n_columns):
    _check_statistics(values, n_columns)
    is_flag = values.get("is_flag_", np.zeros(n_columns, dtype=bool))
    if not _is_vector(is_flag, "b") or len(is_flag) != n_columns:
        raise ValueError("is_flag_ must be one bool per column.")


def _check_gaussian(values, n_columns):
    _check_statistics(values, n_columns)
    if not np.isfinite(values.get("origin_", 0.0)).all():
        raise ValueError("origin_ must be finite.")
    if "power_" in values:
        _check_powers(values, n_columns)
    if "knots_" in values:
        _check_knots(values, n_columns)


def _check_powers(values, n_columns):
    for name in LEARNED["yeo-johnson"]:
        found = values[name]
        if not (_is_vector(found, "f") and np.isfinite(found).all()):
            raise ValueError(f"{name} must be finite numbers.")
        if len(found) != n_columns:
            raise ValueError(f"{name} must be one number per column.")
    power, unit, factor = (values[name] for name in ("power_", "unit_", "factor_"))
    if not ((power >= 0) & (power <= 2) & (unit > 0) & (factor > 0)).all():
        raise ValueError("power_ must be from 0 to 2, unit_ and factor_ positive.")


def _check_knots(values, n_columns):
    both = values["knots_"], values["heights_"]
    if not all(isinstance(v, list) and len(v) == n_columns for v in both):
        raise ValueError("knots_ and heights_ must be one array per column.")
    for knots, heights in zip(*both, strict=True):
        for found in (knots, heights):
            if not (_is_vector(found, "f") and len(found) == len(knots) > 0):
                raise ValueError("Knots and heights of a column must be pairs.")
            if not (np.isfinite(found).all() and (np.diff(found) > 0).all()):
                raise ValueError("Knots and heights must be finite and increase.")


def _check_levels(values, n_columns):
    levels, frequencies = values["levels_"], values["frequencies_"]
    for vectors in (levels, frequencies):
        if not isinstance(vectors, list) or len(vectors) != n_columns:
            raise ValueError("levels_ and frequencies_ must be one array per column.")
        if not all(_is_vector(vector, "f") and len(vector) for vector in vectors):
            raise ValueError("Levels and frequencies of a column must be numbers.")
    if [*map(len, levels)] != [*map(len, frequencies)]:
        raise ValueError("Every level must have one frequency.")


def _check_blocks(values, n_columns):
    columns = values["columns_"]
    if not all(_is_vector(block, "i") for block in columns):
        raise ValueError("The columns of a part must be an array of positions.")
    positions = np.sort(np.concatenate(columns))
    if not np.array_equal(positions, np.arange(len(positions))):
        raise ValueError("Every column must be in one part and in one only.")
    if len(positions) != n_columns:
        raise ValueError(f"{len(positions)} columns are in a part, not {n_columns}.")


def _check_chosen(values, n_columns):
    _check_blocks(values, n_columns)
    chosen, names = values["chosen_"], values["names_"]
    for part in chosen:
        if not isinstance(part, Likelihood) or isinstance(part, Mixed):
            raise ValueError("Auto chooses likelihoods of single columns.")
    if len(names) != n_columns or not all(isinstance(name, str) for name in names):
        raise ValueError("Every column must have one name.")


def _check_own(values, n_columns):
    """Check what a class outside the package learned, as far as possible."""
    if not all(name.endswith("_") and not name.startswith("_") for name in values):
        raise ValueError("What fit learns must have a name that ends in '_'.")


def _is_vector(value, kind):
    return (
        isinstance(value, np.ndarray) and value.dtype.kind == kind and value.ndim == 1
    )


_CHECKS = {
    Auto: (_check_chosen, ("chosen_", "columns_", "names_", "parts_")),
    Bernoulli: (_check_bernoulli, STATISTICS),
    Categorical: (_check_statistics, STATISTICS),
    Codes: (_check_levels, ("levels_", "frequencies_")),
    Gaussian: (_check_gaussian, STATISTICS),
    Mixed: (_check_blocks, ("columns_", "parts_")),
    NegativeBinomial: (_check_statistics, STATISTICS),
    Poisson: (_check_statistics, STATISTICS),
}
