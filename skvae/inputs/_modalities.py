"""Modalities: blocks of columns, each of which may be missing in a row."""

import numpy as np

from skvae._columns import column_names, resolve_columns

ALL = "data"  # the only block of a table without modalities
MISSING = "A missing modality is a block of NaN"


def resolve_modalities(modalities, n_columns, names=None, frame=None):
    """Convert the parameter ``modalities`` to the positions of each block.

    Parameters
    ----------
    modalities : dict of str to columns, or None
        Columns as in :class:`~sklearn.compose.ColumnTransformer`; None is one block.
    n_columns : int
        Number of columns of the table.
    names : sequence of str, optional
        Their names.
    frame : DataFrame, optional
        The table itself, for a selector.

    Returns
    -------
    dict of str to ndarray of int
        In the order given.

    Raises
    ------
    ValueError
        If a column is not in exactly one block.
    """
    if modalities is None:
        return {ALL: np.arange(n_columns)}
    blocks = {}
    for name, columns in modalities.items():
        try:
            blocks[name] = resolve_columns(columns, n_columns, names, frame)
        except ValueError as error:
            raise ValueError(
                f"The 'modalities' parameter, columns of {name!r}: {error}"
            ) from error
    _check_cover(blocks, column_names(names, n_columns))
    return blocks


def _check_cover(blocks, labels):
    for name, positions in blocks.items():
        if len(positions) == 0:
            raise ValueError(f"The modality {name!r} selects no column.")
    count = np.bincount(np.concatenate([*blocks.values()]), minlength=len(labels))
    for wrong, said in ((count == 0, "no modality"), (count > 1, "more than one")):
        if wrong.any():
            some = ", ".join(labels[j] for j in np.flatnonzero(wrong)[:10])
            more = f" and {wrong.sum() - 10} more" if wrong.sum() > 10 else ""
            raise ValueError(f"The 'modalities' parameter has {some}{more} in {said}.")


def observed_modalities(X, blocks, empty_rows, names=None):
    """Return which blocks are observed in each row.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The table, NaN where a block is missing.
    blocks : dict of str to ndarray of int
        As returned by `resolve_modalities`.
    empty_rows : {"error", "prior"}
        Whether a row may lack all blocks.
    names : sequence of str, optional
        Names of the columns, for messages.

    Returns
    -------
    ndarray of bool of shape (n, m), or None
        None if nothing is missing.

    Raises
    ------
    ValueError
        If a block is partly NaN, or a row lacks all blocks and may not.
    """
    if not any(np.isnan(X[:, at[0]]).any() for at in blocks.values()):
        _check_whole(X, blocks, names, missing=None)
        return None
    missing = np.stack([np.isnan(X[:, at[0]]) for at in blocks.values()], axis=1)
    _check_whole(X, blocks, names, missing)
    empty = missing.all(axis=1)
    if empty.any() and empty_rows == "error":
        raise ValueError(
            f"Row {int(np.argmax(empty))} has no modality at all: every column is NaN. "
            "With empty_rows='prior' it is treated as unknown under the prior."
        )
    return ~missing


def _check_whole(X, blocks, names, missing):
    """Raise ValueError if a block is partly NaN."""
    for m, (name, positions) in enumerate(blocks.items()):
        wrong = np.isnan(X[:, positions])
        if missing is not None:
            wrong ^= missing[:, [m]]
        if wrong.any():
            row, j = np.argwhere(wrong)[0]
            labels = column_names(names, X.shape[1])
            one, other = labels[positions[0]], labels[positions[j]]
            pair = (other, one) if np.isnan(X[row, positions[j]]) else (one, other)
            raise ValueError(
                f"The modality {name!r} is partly NaN in row {row}: column {pair[0]} "
                f"is, and column {pair[1]} is not. {MISSING}, of all its columns."
            )
