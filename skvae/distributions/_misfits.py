"""Columns that a Gaussian does not fit.

Two values do not suit a scale per column, and spreads of different sizes do not suit
one scale for all columns.
"""

import numpy as np

from skvae._columns import column_names

MIN_ROWS = 20  # fewer do not show what kind of values a column has
MIN_RARER = 10, 0.01  # rows, and share of the rows, that must have the rarer value
N_NAMED = 5
BLOCK = 4096  # rows read at once
MAX_RATIO = 100  # of the largest spread to the median one, under a shared scale


def two_valued(X):
    """Return the positions of columns that hold two values, each in several rows.

    A pixel that is nearly always black may hold two values in a sample, too. The rarer
    value must therefore be in at least ten rows, and 1 % of them.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The table.

    Returns
    -------
    ndarray of int
    """
    if len(X) < MIN_ROWS:
        return np.empty(0, dtype=int)
    low, high = X.min(axis=0), X.max(axis=0)
    found, n_high = np.flatnonzero(low < high), 0
    for start in range(0, len(X), BLOCK):
        block = X[start : start + BLOCK, found]
        is_high = block == high[found]
        kept = (is_high | (block == low[found])).all(axis=0)
        found, n_high = found[kept], (n_high + is_high.sum(axis=0))[kept]
    rarer = np.minimum(n_high, len(X) - n_high)
    return found[rarer >= max(MIN_RARER[0], MIN_RARER[1] * len(X))]


def one_hot_groups(X):
    """Return neighbouring 0/1 columns that sum to 1 in every row, as slices.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The table.
    """
    if len(X) < MIN_ROWS:
        return []
    is_flag = np.ones(X.shape[1], dtype=bool)
    n_ones = np.zeros(X.shape[1], dtype=int)
    for start in range(0, len(X), BLOCK):
        block = X[start : start + BLOCK]
        is_one = block == 1
        is_flag &= (is_one | (block == 0)).all(axis=0)
        n_ones += is_one.sum(axis=0)
    groups, end = [], 0
    for start, stop in _candidates(is_flag, n_ones, len(X)):
        if start >= end and _sums_to_one(X[:, start:stop]):
            groups.append(slice(start, stop))
            end = stop
    return groups


def _candidates(is_flag, n_ones, n_rows):
    """Yield ranges of at least two 0/1 columns with as many ones as there are rows.

    As the numbers of ones are not negative, one pass over the columns finds them.
    """
    start, total = 0, 0
    for j, ones in enumerate(n_ones):
        if not is_flag[j]:
            start, total = j + 1, 0
            continue
        total += ones
        while total > n_rows or (start < j and n_ones[start] == 0):
            total -= n_ones[start]
            start += 1
        if total == n_rows and start < j:
            yield start, j + 1


def _sums_to_one(X):
    return all(
        (X[start : start + BLOCK].sum(axis=1) == 1).all()
        for start in range(0, len(X), BLOCK)
    )


def misfit_message(columns, groups, names, n_columns):
    """Return a warning that names the columns and a remedy.

    Parameters
    ----------
    columns : ndarray of int
        Positions of all columns that do not fit, those of `groups` included.
    groups : list of ndarray of int
        Positions of one-hot columns.
    names : sequence of str, or None
        Names of the table's columns.
    n_columns : int
        Their number.
    """
    labels = column_names(names, n_columns)
    some = ", ".join(labels[j] for j in columns[:N_NAMED])
    more = len(columns) - N_NAMED
    if more > 0:
        some += f" and {more} more"
    if groups:
        some += f" ({labels[groups[0][0]]} to {labels[groups[0][-1]]} are one-hot)"
    return (
        f"Columns with two values and a Gaussian likelihood: {some}. Their scale is "
        "learned per column or row and shrinks to its floor, so that they dominate the "
        "fit. Leave them as 0 and 1, and pass a list of parts, such as "
        "likelihood=[('gaussian', [0, 1]), ('bernoulli', [2, 3]), "
        "('categorical', slice(4, 8))]; or use 'gaussian-shared'."
    )


def unlike_spreads(std):
    """Return the position of a column whose spread dwarfs most others, or None.

    Parameters
    ----------
    std : ndarray of shape (d,)
        Standard deviations of the columns.
    """
    largest = int(std.argmax())
    typical = np.median(std[std > 0]) if std[largest] > 0 else 0.0
    return largest if std[largest] > MAX_RATIO * typical else None


def spread_message(column, std, names):
    """Return a warning that names the column with the largest spread, and a remedy."""
    label = column_names(names, len(std))[column]
    return (
        f"One scale serves all columns, but their standard deviations differ widely: "
        f"{label} has {std[column]:.3g}, the median is {np.median(std[std > 0]):.3g}. "
        "Columns with small values will hardly count. Scale the columns first, for "
        "example with StandardScaler, or choose 'gaussian-relative', or a scale per "
        "column: likelihood='gaussian'."
    )
