"""From the columns of a table to what a model reads."""

from skvae.inputs._conditions import Conditions, take_columns

__all__ = ["Conditions", "take_columns"]
