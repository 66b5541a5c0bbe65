"""What a model or its latents are worth: functions, and scorers made of them."""

from skvae.metrics._collapse import WarnOfCollapse
from skvae.metrics._compare import compare
from skvae.metrics._diagnosis import diagnose
from skvae.metrics._latents import (
    active_units,
    mutual_information,
    n_active_units,
    prior_gap,
)
from skvae.metrics._reconstruction import (
    neg_reconstruction_error,
    reconstruction_error,
)

__all__ = [
    "WarnOfCollapse",
    "active_units",
    "compare",
    "diagnose",
    "mutual_information",
    "n_active_units",
    "neg_reconstruction_error",
    "prior_gap",
    "reconstruction_error",
]
