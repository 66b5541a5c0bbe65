"""Warnings of skvae's own."""

import warnings


class SkvaeDataWarning(UserWarning):
    """The data do not fit the likelihood, and the numbers may mean nothing."""


class SkvaeLoadWarning(UserWarning):
    """A loaded estimator may not be quite the one that was saved."""


def warn_data(message):
    """Warn of data that do not fit, at the user's line."""
    warnings.warn(message, SkvaeDataWarning, stacklevel=2)
