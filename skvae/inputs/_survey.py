"""What one pass over a source finds: some of its rows, and statistics of all."""

import numpy as np

from skvae._columns import observed_cells
from skvae.inputs._contents import missing_objects, reader_of
from skvae.inputs._moments import Moments
from skvae.sources import as_array, join_tables, take_rows

MAX_LEVELS = 10_000  # of a column; beyond, its values are not levels


class Survey:
    """Rows that are held out, a sample of the others, and statistics of all rows.

    A row also joins the sample, even if it is held out, if it is the first with a
    missing cell, or with a level of its column that no row of the sample has.

    Parameters
    ----------
    source : Source
        The source.
    n_sample : int
        Number of rows of the sample to draw.
    n_held_out : int
        Number of rows to hold out.
    seed : int
        Seed of the draws.
    leveled : callable, optional
        Function of a block that returns the positions of the columns of numbers that
        may have levels. The levels of columns of words are always looked for.

    Attributes
    ----------
    sample, held_out : array or data frame
        The rows; `held_out` is None if there are none.
    rows, held_out_rows : ndarray of int
        Their numbers in the source, sorted.
    moments : Moments
        Of all columns; those of words are all missing.
    """

    def __init__(self, source, n_sample, n_held_out, seed, leveled=None):
        random = np.random.default_rng(seed)
        n = min(n_sample + n_held_out, len(source))
        drawn = random.choice(len(source), n, replace=False)
        self.held_out_rows = np.sort(drawn[:n_held_out])
        self._drawn, self._leveled = np.sort(drawn[n_held_out:]), leveled
        self.moments, self._levels = None, {}
        self._words, self._fractional = set(), set()  # columns
        sample, held_out, rows = [], [], []
        for start, block in source.blocks():
            chosen = self._chosen(start, block)
            if len(chosen):
                sample.append(take_rows(block, chosen))
                rows.append(start + chosen)
            chosen = _inside(self.held_out_rows, start, len(block))
            if len(chosen):
                held_out.append(take_rows(block, chosen))
        self.rows = np.concatenate(rows)
        self.sample = join_tables(sample)
        self.held_out = join_tables(held_out) if held_out else None

    def _chosen(self, start, block):
        """Add a block to the statistics; return its rows that join the sample."""
        n_rows, x, reader = len(block), as_array(block), None
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "biuf":
            reader = reader_of(block)
            x = _numbers(reader, n_rows)
        if self.moments is None:
            self.moments = Moments(x.shape[1])
            self._holes = Firsts(x.shape[1]), Firsts(x.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):  # infinity is refused later
            self.moments.add(x)
        drawn = _inside(self._drawn, start, n_rows)
        chosen = [drawn, *self._first_cells(x)]
        for j, values in self._with_levels(block, reader, x):
            chosen.append(self._new_levels(j, values, drawn))
        return np.unique(np.concatenate(chosen)).astype(np.int64)

    def _first_cells(self, x):
        """Return the first rows with and without a missing cell in a column."""
        with_cell, without_cell = self._holes
        seen = observed_cells(x)
        if seen is None:
            return [with_cell.find(np.ones((1, x.shape[1]), dtype=bool))]
        return [with_cell.find(seen), without_cell.find(~seen)]

    def _with_levels(self, block, reader, x):
        """Yield the positions of columns that may have levels, and their values."""
        for j in () if self._leveled is None else self._leveled(block):
            if int(j) not in self._fractional:
                yield int(j), x[:, j]
        for j in range(0 if reader is None else reader.n_columns):
            if j in self._words or np.isnan(x[:, j]).all():
                self._words.add(j)
                yield j, reader.objects(j)

    def _new_levels(self, j, values, drawn):
        """Return the rows with levels of a column that the sample does not have yet."""
        known = self._levels.setdefault(j, set())
        if len(known) > MAX_LEVELS:
            return []
        if values.dtype.kind != "O" and (np.floor(values) < values).any():
            self._fractional.add(j)
            return []
        known.update(_levels(values[drawn]))
        found = _levels(values)
        new = [row for value, row in found.items() if value not in known]
        known.update(found)
        return new


class Firsts:
    """Finds the first row in which each column is true.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    """

    def __init__(self, n_columns):
        self._found = np.zeros(n_columns, dtype=bool)

    def find(self, flags):
        """Return the first rows of flags, (n, n_columns), of columns not found yet."""
        new = ~self._found
        new[new] = flags[:, new].any(axis=0)
        self._found |= new
        return np.unique(flags[:, new].argmax(axis=0))


def _levels(values):
    """Return a dict from each value that is not missing to the first row with it."""
    if values.dtype.kind == "O":
        rows = np.flatnonzero(~missing_objects(values))
        backwards = zip(values[rows[::-1]].tolist(), rows[::-1].tolist(), strict=True)
        return dict(backwards)
    levels, rows = np.unique(values, return_index=True)
    seen = ~np.isnan(levels)
    return dict(zip(levels[seen].tolist(), rows[seen].tolist(), strict=True))


def _inside(rows, start, n_rows):
    """Return the sorted row numbers that are in a block, from its start."""
    first, last = np.searchsorted(rows, [start, start + n_rows])
    return rows[first:last] - start


def _numbers(reader, n_rows):
    """Return the columns of a table as numbers; NaN for those of words."""
    columns = []
    for j in range(reader.n_columns):
        try:
            columns.append(reader.floats(j))
        except (TypeError, ValueError):
            columns.append(np.full(n_rows, np.nan))
    return np.stack(columns, axis=1)
