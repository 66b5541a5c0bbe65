"""Conversion of X to the arrays that a model reads, and back."""

from skvae.inputs._blocks import BlockColumns
from skvae.inputs._columns import NOTHING, Given, PlainColumns
from skvae.inputs._conditioned import ConditionedColumns
from skvae.inputs._conditions import Conditions, take_columns
from skvae.inputs._kinds import as_numbers, as_table
from skvae.inputs._modalities import observed_modalities, resolve_modalities

__all__ = [
    "NOTHING",
    "BlockColumns",
    "ConditionedColumns",
    "Conditions",
    "Given",
    "PlainColumns",
    "as_numbers",
    "as_table",
    "observed_modalities",
    "resolve_modalities",
    "take_columns",
]
