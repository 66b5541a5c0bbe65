"""Task of each row, from a column of the data or a separate array."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_array

from skvae._columns import resolve_columns
from skvae.inputs import take_columns


def task_of(X, task):
    """Return the task of each row.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Input data.
    task : str, int or array-like of shape (n_samples,)
        Name or position of a column of `X`, or the tasks themselves.

    Returns
    -------
    ndarray of shape (n_samples,)
        Tasks as given: strings or numbers.

    Raises
    ------
    ValueError
        If the column does not exist, a task is missing, or there is not one per row.

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
    """Return the position of a column given by name or position, (1,)."""
    return resolve_columns(task, np.shape(X)[1], getattr(X, "columns", None), X)
