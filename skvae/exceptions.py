"""Warnings of skvae's own."""

import inspect
import warnings


class SkvaeDataWarning(UserWarning):
    """The data do not fit the likelihood, and the numbers may mean nothing."""


class SkvaeLoadWarning(UserWarning):
    """A loaded estimator may not be quite the one that was saved."""


class SkvaeCollapseWarning(UserWarning):
    """Latents do not vary with the data."""


def warn_data(message):
    """Warn of data that do not fit, at the first line outside this package."""
    warn_outside(message, SkvaeDataWarning)


def warn_outside(message, category):
    """Warn at the first line outside this package and what it runs inside of."""
    inside = ("skvae.", "skorch.", "torch.", "sklearn.callback")  # the last wraps fit
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals["__name__"].startswith(inside):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
