"""Cells of a table to hide, by three mechanisms."""

import numpy as np
from scipy.special import expit

SHARE = 0.3  # of the cells that are hidden
COMPLETE = 1 / 3  # share of the columns without holes under "mar"
SLOPE = 2.0  # of the log-odds of a hole, per standard deviation


def holes(X, mechanism, random):
    """Return which cells to hide, (n, d), with a value left in each column."""
    n, d = X.shape
    hidden = np.zeros((n, d), dtype=bool)
    if mechanism == "mcar":
        hidden = random.random((n, d)) < SHARE
    elif mechanism == "mnar":
        slope = SLOPE * random.choice([-1.0, 1.0], d)
        hidden = random.random((n, d)) < np.column_stack(
            [with_share(slope[j] * X[:, j]) for j in range(d)]
        )
    else:
        complete = random.permutation(d)[: max(1, round(COMPLETE * d))]
        for j in np.setdiff1d(np.arange(d), complete):
            weight = random.normal(size=len(complete))
            score = X[:, complete] @ weight
            score *= SLOPE / max(score.std(), 1e-9)
            hidden[:, j] = random.random(n) < with_share(score)
    hidden[random.integers(n, size=d), np.arange(d)] = False
    return hidden


def with_share(score):
    """Return probabilities with these log-odds, shifted to a mean of `SHARE`."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        if expit(score + middle).mean() < SHARE:
            low = middle
        else:
            high = middle
    return expit(score + low)
