"""Conversion of conditions, strings or numbers, to what a model reads."""

import numpy as np
from sklearn.utils.validation import check_array

from skvae._columns import statistics_from_origin

N_SEEN = 1000  # combinations of conditions that are stored, to draw from


def take_columns(X, positions):
    """Select columns of an array, a list or a data frame."""
    if hasattr(X, "iloc"):
        return X.iloc[:, positions]
    if not hasattr(X, "shape"):
        X = np.asarray(X, dtype=object)
    return X[:, [int(position) for position in positions]]


class Conditions:
    """The levels of conditions, and the conversion from values to numbers and back.

    Values are converted to codes, (n, m) for m conditions per row: the number of the
    level or, with "passthrough", the value itself. Codes are converted to what the
    model reads.

    Parameters
    ----------
    encoding : {"one-hot", "passthrough"}
        What the model reads: one 0/1 column per level, or the numbers themselves, less
        a constant where they are far from zero. A condition with a single level carries
        no information and gets no column.

    Attributes
    ----------
    levels_ : list of ndarray
        Levels of each condition; empty arrays with "passthrough".
    seen_ : ndarray of shape (r, m)
        Combinations of codes seen in fit, each once; with "passthrough", or if there
        are more than 1000, only those of a subset of the rows.
    share_ : ndarray of shape (r,)
        Share of the rows that have each combination.
    origin_ : ndarray of shape (m,)
        What is subtracted from numbers, see `skvae._columns.origins`; only with
        "passthrough".
    """

    def __init__(self, encoding="one-hot"):
        self.encoding = encoding

    def fit(self, values):
        """Learn the levels and how often they occur together.

        Parameters
        ----------
        values : array-like of shape (n, m)
            Conditions.

        Returns
        -------
        codes : ndarray of shape (n, m)
        """
        if self.encoding == "passthrough":
            self.levels_ = [np.empty(0)] * np.shape(values)[1]
        else:
            self.levels_ = [np.unique(column) for column in _columns(values)]
        codes = self.codes(values)
        if self.encoding == "passthrough":
            self.origin_ = statistics_from_origin(codes)[0]
        self._remember(codes)
        return codes

    def _remember(self, codes):
        """Store the combinations of codes in all rows, or in evenly spaced ones."""
        spaced = codes[
            np.linspace(0, len(codes) - 1, min(len(codes), N_SEEN)).astype(int)
        ]
        rows = spaced if self.encoding == "passthrough" else codes
        self.seen_, counts = np.unique(rows, axis=0, return_counts=True)
        if len(self.seen_) > N_SEEN:
            self.seen_, counts = np.unique(spaced, axis=0, return_counts=True)
        self.share_ = counts / counts.sum()

    @property
    def n_conditions(self):
        """Number of conditions per row."""
        return len(self.levels_)

    @property
    def width(self):
        """Numbers per row that a model reads."""
        if self.encoding == "passthrough":
            return self.n_conditions
        return sum(len(levels) for levels in self._informative())

    @property
    def n_levels(self):
        """Numbers of levels of the conditions that are 0/1 columns; None if numbers."""
        if self.encoding == "passthrough":
            return None
        return [len(levels) for levels in self._informative()]

    @property
    def constant(self):
        """Whether all rows of fit had the same condition."""
        return len(self.seen_) == 1

    def _informative(self):
        return [levels for levels in self.levels_ if len(levels) > 1]

    def codes(self, values, handle_unknown="error"):
        """Convert values to codes, (n, m); −1 stands for an unknown level.

        Raises
        ------
        ValueError
            If a level was not seen in fit and `handle_unknown` is "error", or if a
            value is missing or, with "passthrough", not a number.
        """
        if self.n_conditions == 0:
            return np.empty((len(values), 0))
        if np.shape(values)[1] != self.n_conditions:
            raise ValueError(
                f"There are {np.shape(values)[1]} conditions per row, but there were "
                f"{self.n_conditions} in fit."
            )
        if self.encoding == "passthrough":
            return check_array(values, dtype=np.float64, input_name="condition")
        columns = _columns(values)
        codes = [
            _codes(v, levels) for v, levels in zip(columns, self.levels_, strict=True)
        ]
        codes = np.stack(codes, axis=1)
        if handle_unknown == "error" and (codes < 0).any():
            self._refuse(columns, codes)
        return codes

    def _refuse(self, columns, codes):
        row, j = np.argwhere(codes < 0)[0]
        known = ", ".join(repr(_plain(level)) for level in self.levels_[j])
        raise ValueError(
            f"The condition {_plain(columns[j][row])!r} of row {row} was not seen in "
            f"fit; the levels are {known}. With handle_unknown='ignore' it counts as "
            "none of them."
        )

    def encode(self, codes):
        """Convert codes to what a model reads, (n, width)."""
        if self.encoding == "passthrough":
            return codes - self.origin_  # in double precision
        blocks = [
            codes[:, [j]] == np.arange(len(levels))
            for j, levels in enumerate(self.levels_)
            if len(levels) > 1
        ]
        blocks.append(np.empty((len(codes), 0)))  # in case there is no other block
        return np.concatenate(blocks, axis=1).astype(np.float32)

    def values(self, codes):
        """Convert codes to values, (n, m): floats, or objects if any is not a number.

        An unknown level becomes None, or NaN among numbers.
        """
        if self.encoding == "passthrough":
            return codes
        numeric = all(levels.dtype != object for levels in self.levels_)
        out = np.empty(codes.shape, dtype=np.float64 if numeric else object)
        for j, levels in enumerate(self.levels_):
            known = codes[:, j] >= 0
            out[known, j] = levels[codes[known, j].astype(int)]
            out[~known, j] = np.nan if numeric else None
        return out

    def precision(self, dtype):
        """Return the precision of rows with conditions: `dtype`, or double if needed.

        A level must be found again, and single precision cannot hold a number that is
        far from zero.
        """
        if self.encoding == "passthrough":
            kept = not self.origin_.any()
        else:
            with np.errstate(over="ignore"):
                kept = all((v.astype(dtype) == v).all() for v in self.levels_)
        return dtype if kept else np.dtype(np.float64)

    def draw(self, n_rows, seed):
        """Draw codes with the frequencies seen in fit, (n_rows, m)."""
        random = np.random.default_rng(seed)
        return self.seen_[random.choice(len(self.seen_), n_rows, p=self.share_)]

    # -- files ----------------------------------------------------------------------

    def learned(self):
        """Return what fit learned, as plain data."""
        found = {
            "levels": [[_plain(v) for v in levels] for levels in self.levels_],
            # safetensors below 0.5 cannot read empty arrays.
            "seen": self.seen_ if self.n_conditions else None,
            "share": self.share_,
        }
        if self.encoding == "passthrough" and self.n_conditions:
            found["origin"] = self.origin_
        return found

    def put_back(self, learned):
        """Check and restore what `learned` returned; any Exception if it is invalid."""
        optional = {"origin"} if self.encoding == "passthrough" else set()
        if learned.keys() - optional != {"levels", "seen", "share"}:
            raise ValueError("its conditions do not have the entries that fit learns.")
        levels, seen, share = (learned[key] for key in ("levels", "seen", "share"))
        if seen is None and levels == []:
            seen = np.empty((1, 0))
        has_levels = self.encoding == "one-hot"
        if not all(_are_levels(v) and bool(v) == has_levels for v in levels):
            raise ValueError("the levels of its conditions are not valid.")
        self.levels_ = [_as_levels(values) for values in levels]
        _check_seen(seen, share, self.levels_, self.encoding)
        self.seen_, self.share_ = seen, share
        if optional:
            origin = learned.get("origin", np.zeros(len(levels)))  # older files: none
            _check_origin(origin, len(levels))
            self.origin_ = origin
        return self


def _columns(values):
    """Return each condition as an array of numbers, or of strings as objects."""
    n_conditions = np.shape(values)[1]
    return [_column(take_columns(values, [j])) for j in range(n_conditions)]


def _column(values):
    values = np.asarray(values).ravel()
    if values.dtype.kind in "US":
        return values.astype(object)
    if values.dtype == object:
        missing = [v is None or (isinstance(v, float) and np.isnan(v)) for v in values]
        _refuse_missing(np.array(missing, dtype=bool))
        if not all(isinstance(value, str) for value in values):
            values = _numbers(values)
    elif values.dtype.kind == "f":
        _refuse_missing(np.isnan(values))
    return values


def _numbers(values):
    try:
        return np.array(values.tolist(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "A condition must hold either only strings or only numbers."
        ) from error


def _refuse_missing(missing):
    if missing.any():
        raise ValueError(f"The condition of row {int(np.argmax(missing))} is missing.")


def _codes(values, levels):
    """Return the number of each value's level, −1 if it is unknown."""
    if (values.dtype == object) != (levels.dtype == object):
        return np.full(len(values), -1.0)
    where = np.minimum(np.searchsorted(levels, values), len(levels) - 1)
    return np.where(levels[where] == values, where, -1).astype(np.float64)


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _as_levels(values):
    """Return levels as an array of numbers, or of strings as objects."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    return np.asarray(values)


def _are_levels(levels):
    same = {type(level) for level in levels}
    return (
        isinstance(levels, list) and len(same) <= 1 and same <= {str, int, float, bool}
    )


def _check_origin(origin, n_conditions):
    is_vector = isinstance(origin, np.ndarray) and origin.dtype.kind == "f"
    if not is_vector or origin.shape != (n_conditions,):
        raise ValueError("the origin of its conditions is not a number for each.")
    if not np.isfinite(origin).all():
        raise ValueError("the origin of its conditions is not finite.")


def _check_seen(seen, share, levels, encoding):
    arrays = isinstance(seen, np.ndarray) and isinstance(share, np.ndarray)
    if not arrays or seen.dtype.kind != "f" or share.dtype.kind != "f":
        raise ValueError("its conditions are not arrays of numbers.")
    if seen.ndim != 2 or seen.shape[1] != len(levels) or share.shape != seen.shape[:1]:
        raise ValueError("its conditions have the wrong shape.")
    if (
        not np.isfinite(seen).all()
        or not np.isclose(share.sum(), 1)
        or (share < 0).any()
    ):
        raise ValueError("its conditions cannot come from a fit.")
    sizes = [len(values) for values in levels]
    if encoding == "one-hot" and ((seen < 0) | (seen >= sizes) | (seen % 1 != 0)).any():
        raise ValueError("its conditions are not among their levels.")
