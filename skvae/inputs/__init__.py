"""From the columns of a table to what a model reads."""

from skvae.inputs._conditions import Conditions, take_columns
from skvae.inputs._modalities import observed_modalities, resolve_modalities

__all__ = [
    "Conditions",
    "observed_modalities",
    "resolve_modalities",
    "take_columns",
]
