"""Statistics of columns that are read block by block."""

import numpy as np

from skvae._columns import column_statistics, observed_cells


class Moments:
    """Means, standard deviations and extremes of columns, block by block.

    Missing cells, which are NaN, are left out.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    Attributes
    ----------
    n_values : ndarray of shape (n_columns,)
        Number of cells of each column that are not missing.
    mean, low, high : ndarray of shape (n_columns,)
        Means and extremes.
    """

    def __init__(self, n_columns):
        self.n_values = np.zeros(n_columns)
        self.mean, self._squares = np.zeros(n_columns), np.zeros(n_columns)
        self.low, self.high = np.full((2, n_columns), np.nan)

    @property
    def std(self):
        """Standard deviations, (n_columns,)."""
        return np.sqrt(self._squares / np.maximum(self.n_values, 1))

    def of(self, columns):
        """Return mean, standard deviation and extremes of some columns, (4, n).

        They are NaN for columns without a value.
        """
        mean = np.where(self.n_values > 0, self.mean, np.nan)
        return np.stack([mean, self.std, self.low, self.high])[:, columns]

    def add(self, rows):
        """Add rows, (n, n_columns), to the statistics (Chan et al. 1979)."""
        seen = observed_cells(rows)
        n = np.full(rows.shape[1], float(len(rows)))
        if seen is not None:
            n = seen.sum(axis=0).astype(float)
        used = n > 0
        rows = rows if used.all() else rows[:, used]
        mean, std, low, high = column_statistics(rows)
        n, total = n[used], self.n_values[used] + n[used]
        change = mean - self.mean[used]
        self._squares[used] += n * std**2
        self._squares[used] += change**2 * self.n_values[used] * n / total
        self.mean[used] += change * n / total
        self.low[used] = np.fmin(self.low[used], low)
        self.high[used] = np.fmax(self.high[used], high)
        self.n_values[used] = total
