"""Conversion of X to the arrays that a model reads, and back."""

from skvae.inputs._arrays import check_library, library_of, like
from skvae.inputs._blocks import BlockColumns
from skvae.inputs._columns import PlainColumns, check_some_value
from skvae.inputs._conditioned import ConditionedColumns
from skvae.inputs._conditions import Conditions
from skvae.inputs._frames import take_columns
from skvae.inputs._given import NOTHING, Given, read_weights, rows_that_count
from skvae.inputs._modalities import observed_modalities, resolve_modalities
from skvae.inputs._numbers import explaining, in_memory
from skvae.inputs._survey import Survey
from skvae.inputs._templates import index_of, wanted_output
from skvae.inputs._tensors import as_numpy

__all__ = [
    "NOTHING",
    "BlockColumns",
    "ConditionedColumns",
    "Conditions",
    "Given",
    "PlainColumns",
    "Survey",
    "as_numpy",
    "check_library",
    "check_some_value",
    "explaining",
    "in_memory",
    "index_of",
    "library_of",
    "like",
    "observed_modalities",
    "read_weights",
    "resolve_modalities",
    "rows_that_count",
    "take_columns",
    "wanted_output",
]
