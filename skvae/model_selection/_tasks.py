"""The task of each row, as a column of the rows or beside them."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_array

from skvae._columns import resolve_columns
from skvae.inputs import take_columns


def task_of(X, task):
    """Give the task of each row.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows.
    task : str, int or array-like of shape (n_samples,)
        The name or the position of a column of `X`, or the tasks themselves.

    Returns
    -------
    ndarray of shape (n_samples,)
        Values as they were given: strings or numbers.

    Raises
    ------
    ValueError
        If there is no such column, a task is missing, or there is not one a row.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.model_selection import task_of
    >>> task_of(np.array([[0.5, 1.0], [0.7, 2.0]]), -1)
    array([1., 2.])
    """
    if isinstance(task, str | Integral):
        task = take_columns(X, task_position(X, task))
    values = check_array(task, ensure_2d=False, dtype=None, input_name="task").ravel()
    if len(values) != len(X):
        raise ValueError(f"task has {len(values)} values for {len(X)} rows.")
    return values


def task_position(X, task):
    """Find a column of `X` by its name or position, (1,)."""
    return resolve_columns(task, np.shape(X)[1], getattr(X, "columns", None), X)
