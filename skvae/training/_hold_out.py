"""The rows that early stopping holds out."""

import numpy as np


class HoldOut:
    """Split a `Rows` into a training and a validation part.

    Parameters
    ----------
    fraction : float
        Share of the rows to hold out; at least one row, and one is left for training.
    seed : int
        Seed of the permutation that chooses them.
    """

    def __init__(self, fraction, seed):
        self.fraction, self.seed = fraction, seed

    def __call__(self, rows, y=None):
        train, valid = self.positions(len(rows))
        return rows.subset(train), rows.subset(valid)

    def positions(self, n_rows):
        """Return the sorted positions of the training and of the held-out rows."""
        order = np.random.default_rng(self.seed).permutation(n_rows)
        n_valid = min(max(1, round(self.fraction * n_rows)), n_rows - 1)
        return np.sort(order[n_valid:]), np.sort(order[:n_valid])
