"""Roles of the columns of X: one class per kind of table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from skvae._columns import column_names
from skvae.distributions import Mixed, as_likelihood
from skvae.inputs._kinds import as_numbers, as_table
from skvae.persistence import is_plain
from skvae.training import Table

FLOATS = [np.float64, np.float32]


@dataclass(frozen=True)
class Given:
    """Arguments passed beside X, with one entry per row; None if not passed.

    Attributes
    ----------
    condition : array-like of shape (n,) or (n, m), or a single value for all rows
        Conditions, of any type.
    y : array-like of shape (n,) or (n, t)
        Targets, as numbers; or labels, if the estimator's columns encode them.
    sample_weight : array-like of shape (n,)
        Weight of each row.
    """

    condition: Any = None
    y: Any = None
    sample_weight: Any = None

    def arrays(self, n_rows):
        """Check targets and weights, and return them as fields of a `Table`."""
        found = {"y": self.y, "sample_weight": self.sample_weight}
        return {
            name: _numbers(name, values, n_rows)
            for name, values in found.items()
            if values is not None
        }


NOTHING = Given()


def _numbers(name, values, n_rows):
    values = check_array(values, ensure_2d=False, dtype=FLOATS, input_name=name)
    if len(values) != n_rows:
        raise ValueError(f"{name} has {len(values)} rows, but X has {n_rows}.")
    return values


def check_dimensions(X, owner):
    """Return X as a table; raise ValueError if it has over two dimensions."""
    X = as_table(X)
    n_dimensions = len(getattr(X, "shape", ()))
    if n_dimensions > 2:
        raise ValueError(
            f"X has {n_dimensions} dimensions, but {owner} takes one row per sample. "
            "Reshape your data using X.reshape(len(X), -1)."
        )
    return X


def check_range(x, dtype, names):
    """Raise ValueError at a value that becomes infinite in the computing precision."""
    if dtype != "float32" or x.dtype == np.float32:
        return
    limit = np.finfo(dtype).max
    # The extremes are found without a copy of the table; NaN stands for missing.
    if np.fmax.reduce(x, axis=None) > limit or np.fmin.reduce(x, axis=None) < -limit:
        row, column = np.argwhere(np.abs(x) > limit)[0]
        name = column_names(names, x.shape[1])[column]
        raise ValueError(
            f"Row {row} of column {name} is {x[row, column]:g}, beyond the range of "
            f"{dtype}. Scale the column, or set dtype='float64'."
        )


class PlainColumns:
    """A table whose columns are all data.

    Attributes
    ----------
    n_features : int
        Number of columns of X.
    all_names : ndarray of str or None
        Their names.
    """

    condition_width = 0  # numbers per row that a model reads as its condition
    saved = {}  # attributes in a file, and the allowed values of each

    def fit(self, estimator, X, given=NOTHING):
        """Learn the roles of the columns, and return the rows as a `Table`.

        Sets ``n_features_in_`` and, if X has names, ``feature_names_in_``.

        Parameters
        ----------
        estimator : estimator
            Its parameters define the roles.
        X : array-like of shape (n, n_features)
            Rows.
        given : Given
            Arguments beside them.

        Raises
        ------
        ValueError
            If `X` or `given` is not valid.
        """
        return self._table(estimator, X, given, reset=True)

    def table(self, estimator, X, given=NOTHING):
        """Return rows as a `Table`, with the columns of fit."""
        return self._table(estimator, X, given, reset=False)

    def _table(self, estimator, X, given, reset):
        X = check_dimensions(X, type(estimator).__name__)
        x = self._validated(estimator, X, reset)
        return Table(x, **given.arrays(len(x)))

    def _validated(self, estimator, X, reset, **checks):
        X = as_numbers(X)
        x = validate_data(estimator, X, dtype=FLOATS, reset=reset, **checks)
        if reset:
            self._remember(estimator)
        check_range(x, estimator.dtype, self.all_names)
        return x

    def _remember(self, estimator):
        self.n_features = estimator.n_features_in_
        self.all_names = getattr(estimator, "feature_names_in_", None)

    @property
    def names(self):
        """Names of the data columns, or None."""
        return self.all_names

    @property
    def n_data(self):
        """Number of data columns."""
        return self.n_features

    def positions(self, data_columns):
        """Convert positions among the data columns to positions in X."""
        return data_columns

    def likelihood(self, estimator, frame=None):
        """Return the unfitted likelihood of the data columns."""
        return as_likelihood(estimator.likelihood, type(estimator).__name__)

    def restore(self, x, codes=None):
        """Convert data columns back to the columns of X."""
        return x

    # -- files ----------------------------------------------------------------------

    def learned(self):
        """Return what fit learned, as plain data, with the keys of `saved`."""
        return {}

    def put_back(self, estimator, values):
        """Check and restore what `learned` returned; any Exception if it is invalid."""
        self._remember(estimator)

    def plain_parameters(self, estimator):
        """Return the parameters, column selectors replaced by positions."""
        values = estimator.get_params(deep=False)
        return values | {"likelihood": self._plain_likelihood(estimator)}

    def _plain_likelihood(self, estimator):
        return as_positions(estimator.likelihood, estimator.likelihood_, self.positions)


def as_positions(likelihood, fitted, place):
    """Replace column selectors that are not plain data by the columns they selected.

    `fitted` is the same likelihood, fitted; `place` maps positions among its columns to
    positions in X.
    """
    if isinstance(likelihood, Mixed):
        return Mixed(as_positions(likelihood.parts, fitted, place))
    if not isinstance(likelihood, list):
        return likelihood
    return [
        type(pair)((as_positions(pair[0], part, place), plain(pair[1], place(at))))
        for pair, part, at in zip(
            likelihood, fitted.parts_, fitted.columns_, strict=True
        )
    ]


def plain(columns, positions):
    """Return a column selection if it is plain data, else the positions."""
    return columns if is_plain(columns) else positions.tolist()
