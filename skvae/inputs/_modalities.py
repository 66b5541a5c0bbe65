"""Modalities: blocks of columns, each of which may be missing in a row."""

import numpy as np

from skvae._columns import column_names, resolve_columns

ALL = "data"  # the only block of a table without modalities


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


def observed_modalities(seen, blocks, empty_rows):
    """Return which blocks are observed, in at least one cell, in each row.

    Parameters
    ----------
    seen : ndarray of bool of shape (n, d)
        Which cells are observed.
    blocks : dict of str to ndarray of int
        As returned by `resolve_modalities`.
    empty_rows : {"error", "prior"}
        Whether a row may lack all blocks.

    Returns
    -------
    ndarray of bool of shape (n, m), or None
        None if no block is missing.

    Raises
    ------
    ValueError
        If a row lacks all blocks and may not.
    """
    observed = np.stack([seen[:, at].any(axis=1) for at in blocks.values()], axis=1)
    empty = ~observed.any(axis=1)
    if empty.any() and empty_rows == "error":
        raise ValueError(
            f"Row {int(np.argmax(empty))} has no modality at all: every column is NaN. "
            "With empty_rows='prior' it is treated as unknown under the prior."
        )
    return None if observed.all() else observed
