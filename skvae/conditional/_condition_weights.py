"""How often the rows of each condition are drawn in training."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from skvae._kinds import cut
from skvae._validation import Interval

SHARE = Interval(Real, 0.0, 1.0, closed="neither")
TOLERANCE = 1e-9  # of the sum of shares


class Shares:
    """Accepts a dict from levels to their shares."""

    def accepts(self, value):
        """Whether `value` is one; their sum is at most 1."""
        return (
            isinstance(value, Mapping)
            and len(value) > 0
            and all(SHARE.accepts(share) for share in value.values())
            and sum(value.values()) <= 1 + TOLERANCE
        )

    def __str__(self):
        return "a dict from levels to shares above 0, of at most 1 in total"


def draw_odds(weights, conditions, table, owner):
    """Return how often each row is drawn, relative to the others, (n,).

    A share is what the rows of a condition add to a weighted mean over the rows drawn.

    Parameters
    ----------
    weights : {"frequency", "balanced"} or dict
        The parameter ``condition_weights``.
    conditions : Conditions
        The fitted conditions.
    table : Table
        Rows, with their conditions encoded.
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
            f"have no levels. Got {cut(weights)} instead."
        )
    levels, group = np.unique(table.condition, axis=0, return_inverse=True)
    group = group.ravel()
    counts = np.bincount(group, table.sample_weight)
    if isinstance(weights, str):
        return 1 / counts[group]
    named = _encoded(weights, conditions, wrong)
    left = 1 - sum(weights.values())
    if (len(named) == len(conditions.seen_)) != (left <= TOLERANCE):
        raise ValueError(
            f"{wrong} leave a share to the levels that it does not name, or name all "
            f"levels with shares that add up to 1. Got {cut(weights)} instead."
        )
    shares = np.full(len(levels), np.nan)
    for code, share in zip(named, weights.values(), strict=True):
        shares[(levels == code).all(axis=1)] = share  # a block of rows may lack it
    return _with_the_rest(shares, left, counts)[group] / counts[group]


def _encoded(weights, conditions, wrong):
    """Return the named conditions as a model reads them, a list of (1, width)."""
    found = []
    for level in weights:
        try:
            codes = conditions.codes([[value] for value in _values(level)])
        except ValueError as error:
            raise ValueError(f"{wrong} name levels of the condition. {error}") from None
        if not (conditions.seen_ == codes).all(axis=1).any():
            raise ValueError(
                f"{wrong} name conditions of fit. Got {cut(level)} instead."
            )
        found.append(conditions.encode(codes))
    return found


def _values(level):
    return level if isinstance(level, tuple) else (level,)


def _with_the_rest(shares, left, counts):
    """Divide what is left among the levels not named, in proportion to their rows."""
    unnamed = np.isnan(shares)
    total = counts[unnamed].sum()
    shares[unnamed] = max(left, 0.0) * counts[unnamed] / (total if total > 0 else 1.0)
    return shares
