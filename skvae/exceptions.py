"""Warnings that skvae issues."""

import inspect
import warnings


class SkvaeWarning(UserWarning):
    """Base of all warnings of this package."""


class SkvaeDataWarning(SkvaeWarning):
    """The data do not fit the likelihood, so results may be meaningless."""


class SkvaeLoadWarning(SkvaeWarning):
    """A loaded estimator may differ from the one that was saved."""


class SkvaeCollapseWarning(SkvaeWarning):
    """Too few latents vary with the data."""


class SkvaeEstimateWarning(SkvaeWarning):
    """An estimate of ln p(x) rests on too few draws to mean anything."""


class SkvaeOutlierWarning(SkvaeWarning):
    """A few rows decide a result."""


def warn_data(message):
    """Issue a `SkvaeDataWarning` at the first line outside this package."""
    warn_outside(message, SkvaeDataWarning)


def warn_outside(message, category):
    """Warn at the first line outside this package and the frameworks it runs in."""
    # The last two wrap methods.
    inside = ("skvae.", "skorch.", "torch.", "sklearn.callback", "contextlib")
    frame, level = inspect.currentframe(), 1
    while frame is not None and _module(frame).startswith(inside):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _module(frame):
    """Return the module of a frame; code that `exec` runs may have none."""
    return frame.f_globals.get("__name__", "")
