"""What is passed beside X: conditions, targets and weights of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from skvae.inputs._arrays import like
from skvae.inputs._frames import n_rows_of
from skvae.inputs._numbers import in_memory
from skvae.inputs._tensors import as_numpy
from skvae.sources import is_for_all, take_rows

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
        Weight of each row, relative to the others.
    """

    condition: Any = None
    y: Any = None
    sample_weight: Any = None

    @property
    def is_nothing(self):
        """Whether nothing was passed."""
        return all(value is None for value in vars(self).values())

    def arrays(self, n_rows):
        """Check targets and weights, and return them as fields of a `Table`.

        Equal weights are none.
        """
        found = {}
        if self.y is not None:
            found["y"] = _numbers("y", self.y, n_rows)
        weight = read_weights(self.sample_weight, n_rows)
        if weight is not None and weight.min() < weight.max():
            found["sample_weight"] = weight
        return found


NOTHING = Given()


def _numbers(name, values, n_rows):
    values, how = as_numpy(values, name), {"ensure_2d": False, "dtype": FLOATS}
    try:
        values = check_array(values, **how, input_name=name)
    except (TypeError, ValueError) as error:
        if name in str(error):
            raise
        raise ValueError(f"{name} must be one number per row: {error}") from error
    if len(values) != n_rows:
        raise ValueError(f"{name} has {len(values)} rows, but X has {n_rows}.")
    return values


def read_weights(values, n_rows):
    """Return the argument ``sample_weight``, with 1 as the largest, or None.

    Parameters
    ----------
    values : array-like of shape (n_rows,) or None
        The argument.
    n_rows : int
        Number of rows of X.

    Returns
    -------
    ndarray of shape (n_rows,), or None

    Raises
    ------
    ValueError
        If it does not have one finite number per row, if one is negative, or if all are
        zero.
    """
    if values is None:
        return None
    weight = _numbers("sample_weight", values, n_rows).astype(np.float64)
    if weight.ndim != 1:
        raise ValueError(
            f"sample_weight must have the shape ({n_rows},). Got {weight.shape}."
        )
    if weight.min() < 0:
        row = int(weight.argmin())
        raise ValueError(
            f"sample_weight must not be negative. Got {weight[row]:g} in row {row}."
        )
    if weight.max() == 0:
        raise ValueError("sample_weight is zero in every row.")
    return weight / weight.max()


def rows_that_count(X, y, given):
    """Return rows, and what was passed beside them, without those of weight 0.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Rows.
    y : array-like of shape (n,) or None
        What scikit-learn passes to `fit`.
    given : Given
        What was passed beside the rows.

    Returns
    -------
    X, y, given
        Unchanged if no weight is 0.
    """
    if given.sample_weight is None:
        return X, y, given
    table = in_memory(X)
    n_rows = n_rows_of(table)
    if n_rows is None:  # X is refused later
        return X, y, given
    weight = read_weights(given.sample_weight, n_rows)
    if weight.all():
        return X, y, given
    rows, fields = np.flatnonzero(weight), vars(given)
    kept = {name: _kept(values, rows, n_rows) for name, values in fields.items()}
    X = like(X, take_rows(table, rows))
    return X, _kept(y, rows, n_rows), Given(**kept)


def _kept(values, rows, n_rows):
    """Return some of `n_rows` values; anything else unchanged."""
    return values if is_for_all(values, n_rows) else take_rows(values, rows)
