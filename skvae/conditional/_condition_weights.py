"""How often the rows of each condition are drawn in training."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from skvae._validation import Interval

SHARE = Interval(Real, 0.0, 1.0, closed="neither")


class Shares:
    """Accepts a dict from levels to their shares."""

    def accepts(self, value):
        """Whether `value` is one; their sum is at most 1."""
        return (
            isinstance(value, Mapping)
            and len(value) > 0
            and all(SHARE.accepts(share) for share in value.values())
            and sum(value.values()) <= 1 + 1e-9
        )

    def __str__(self):
        return "a dict from levels to shares above 0, of at most 1 in total"


def draw_odds(weights, conditions, condition, owner):
    """Return how often each row is drawn, relative to the others, (n,).

    Parameters
    ----------
    weights : {"frequency", "balanced"} or dict
        The parameter ``condition_weights``.
    conditions : Conditions
        The fitted conditions.
    condition : ndarray of shape (n, width)
        The conditions of the rows, encoded.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    ndarray of shape (n,), or None if all rows are drawn equally often

    Raises
    ------
    ValueError
        If the conditions have no levels, or a level is unknown, or all levels are
        named and their shares do not add up to 1.
    """
    if isinstance(weights, str) and weights == "frequency":
        return None
    wrong = f"The 'condition_weights' parameter of {owner} must"
    if conditions.encoding == "passthrough":
        raise ValueError(
            f"{wrong} be 'frequency' with condition_encoding='passthrough', as numbers "
            f"have no levels. Got {weights!r} instead."
        )
    levels, group, counts = np.unique(
        condition, axis=0, return_inverse=True, return_counts=True
    )
    group = group.ravel()
    if isinstance(weights, str):
        return 1 / counts[group]
    shares = _named(weights, conditions, levels, wrong)
    return _with_the_rest(shares, counts, weights, wrong)[group] / counts[group]


def _named(weights, conditions, levels, wrong):
    """Return the share of each row of `levels`, NaN where it is not named."""
    shares = np.full(len(levels), np.nan)
    for level, share in weights.items():
        try:
            codes = conditions.codes([[value] for value in _values(level)])
        except ValueError as error:
            raise ValueError(f"{wrong} name levels of the condition. {error}") from None
        # A block of partial_fit may lack a level.
        shares[(levels == conditions.encode(codes)).all(axis=1)] = share
    return shares


def _values(level):
    return level if isinstance(level, tuple) else (level,)


def _with_the_rest(shares, counts, weights, wrong):
    """Divide what is left among the levels not named, in proportion to their rows."""
    unnamed = np.isnan(shares)
    left = 1 - sum(weights.values())
    if unnamed.any() != (left > 1e-9):
        raise ValueError(
            f"{wrong} leave a share to the levels that it does not name, or name all "
            f"levels with shares that add up to 1. Got {weights!r} instead."
        )
    shares[unnamed] = left * counts[unnamed] / counts[unnamed].sum()
    return shares
