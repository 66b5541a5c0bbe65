"""Select columns of arrays, lists, and pandas, polars or pyarrow tables."""

from collections import Counter

import numpy as np

from skvae._kinds import cut


def take_columns(X, positions):
    """Select columns of an array, a list or a data frame."""
    if hasattr(X, "iloc"):
        return X.iloc[:, positions]
    if not hasattr(X, "shape"):
        X = np.asarray(X, dtype=object)
    positions = [int(position) for position in positions]
    return X.select(positions) if is_arrow(X) else X[:, positions]


def n_rows_of(X):
    """Return the number of rows of an array, a list or a data frame, None if none."""
    if isinstance(X, list | tuple):
        return len(X)
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    return shape[0] if shape else None


def column_of(X, position):
    """Return one column of an array or a data frame, in its own type."""
    position = int(position)
    if hasattr(X, "iloc"):
        return X.iloc[:, position]
    return X.column(position) if is_arrow(X) else X[:, position]


def names_of(X):
    """Return the names of a data frame's columns, None if they are not all strings."""
    names = X.column_names if is_arrow(X) else getattr(X, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return [str(name) for name in names]


def refuse_equal_names(X, name):
    """Raise ValueError if two columns of a frame, which messages call so, are equal."""
    labels = X.column_names if is_arrow(X) else getattr(X, "columns", None)
    counts = Counter(map(str, labels if labels is not None else ()))
    label, count = counts.most_common(1)[0] if counts else ("", 0)
    if count > 1:
        raise ValueError(f"{name} has {count} columns named {cut(label)}: rename them.")


def is_arrow(X):
    """Whether X is a table of pyarrow."""
    return hasattr(type(X), "column_names") and hasattr(type(X), "select")


def is_lazy(X):
    """Whether X is a lazy frame of polars, or a collection of dask."""
    # The type is asked, because a data frame has its columns as attributes.
    return any(hasattr(type(X), name) for name in ("collect", "__dask_graph__"))
