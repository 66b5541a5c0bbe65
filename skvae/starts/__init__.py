"""Starts at a closed form: probabilistic PCA, factor analysis, and their analogues.

A module sets its own weights, in `start_at`: it gets a `LinearStart`, which fits linear
models and converts them to the units of the networks.
"""

from skvae.starts._holes import fit_with_holes, mean_of_seen
from skvae.starts._linear import (
    Linear,
    fit_linear,
    mean_of_rows,
    principal_components,
    weighted,
)
from skvae.starts._start import LinearStart, seen_features

MAX_ROWS = 20_000  # from which a start is computed

__all__ = [
    "MAX_ROWS",
    "Linear",
    "LinearStart",
    "fit_linear",
    "fit_with_holes",
    "mean_of_rows",
    "mean_of_seen",
    "principal_components",
    "seen_features",
    "weighted",
]
