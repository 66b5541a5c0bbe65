"""Conversion of conditions to what a model reads, and back."""

import numpy as np

from skvae._columns import statistics_from_origin
from skvae._levels import Levels
from skvae.inputs._quantities import read_numbers, warn_if_quantity

N_SEEN = 1000  # combinations of conditions that are stored, to draw from
IGNORE = " With handle_unknown='ignore' it counts as none of them."


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
    labels : list of str, optional
        What messages call the conditions, if they have no names.

    Attributes
    ----------
    levels_ : list of ndarray
        Levels of each condition, in their own kind: bools, integers, floats, datetimes,
        or strings as objects. Empty arrays with "passthrough".
    names_ : list of str or None
        Names of the conditions, if they came in a data frame.
    seen_ : ndarray of shape (r, m)
        Combinations of codes seen in fit, each once; with "passthrough", or if there
        are more than 1000, only those of a subset of the rows.
    share_ : ndarray of shape (r,)
        Share of the rows that have each combination.
    origin_ : ndarray of shape (m,)
        What is subtracted from numbers, see `skvae._columns.origins`; only with
        "passthrough".
    """

    def __init__(self, encoding="one-hot", labels=None):
        self.encoding = encoding
        self.labels = labels

    def fit(self, columns, names=None, weight=None):
        """Learn the levels and how often they occur together.

        Parameters
        ----------
        columns : list of array-like of shape (n,)
            Values of each condition; at least one.
        names : list of str, optional
            Names of the conditions.
        weight : ndarray of shape (n,), optional
            Weights of the rows in frequencies; equal by default.

        Returns
        -------
        codes : ndarray of shape (n, m)

        Raises
        ------
        ValueError
            If a value is missing, or the values of a condition are not of one kind.
        """
        self.names_ = names
        self._levels = [Levels() for _ in columns]
        if self.encoding == "passthrough":
            codes = self._numbers(columns)
            self.origin_ = statistics_from_origin(codes, weight)[0]
        else:
            codes = np.stack(
                [
                    levels.fit(column, self._label(j))
                    for j, (levels, column) in enumerate(
                        zip(self._levels, columns, strict=True)
                    )
                ],
                axis=1,
            ).astype(np.float64)
            for j, levels in enumerate(self._levels):
                warn_if_quantity(levels, self._label(j), len(codes))
        self._remember(codes, weight)
        return codes

    def fit_nothing(self, n_rows):
        """Learn that there are no conditions; return codes of shape (n_rows, 0)."""
        self.names_, self._levels = None, []
        codes = np.empty((n_rows, 0))
        if self.encoding == "passthrough":
            self.origin_ = np.empty(0)
        self._remember(codes)
        return codes

    def _numbers(self, columns):
        """Return conditions that a model reads as they are, (n, m)."""
        columns = [read_numbers(v, self._label(j)) for j, v in enumerate(columns)]
        return np.stack(columns, axis=1)

    def _label(self, j):
        """Return what messages call a condition."""
        labels = self.labels or self.names_
        if labels:
            return f"the condition {labels[j]!r}"
        return "the condition" if self.n_conditions == 1 else f"condition {j}"

    def _remember(self, codes, weight=None):
        """Store the combinations of codes in all rows, or in evenly spaced ones."""
        weight = np.ones(len(codes)) if weight is None else weight
        at = np.linspace(0, len(codes) - 1, min(len(codes), N_SEEN)).astype(int)
        every = at if self.encoding == "passthrough" else slice(None)
        self.seen_, total = _weighed(codes[every], weight[every])
        if len(self.seen_) > N_SEEN:
            self.seen_, total = _weighed(codes[at], weight[at])
        self.share_ = total / total.sum()

    @property
    def levels_(self):
        """Levels of each condition."""
        return [levels.values_ for levels in self._levels]

    @property
    def n_conditions(self):
        """Number of conditions per row."""
        return len(self._levels)

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

    def codes(self, columns, handle_unknown="error", names=None):
        """Convert values to codes, (n, m); −1 stands for an unknown level.

        Parameters
        ----------
        columns : list of array-like of shape (n,)
            Values of each condition.
        handle_unknown : {"error", "ignore"}, default="error"
            What to do with a level that was not seen in fit.
        names : list of str, optional
            Names of the conditions, which must be those of fit, in the same order.

        Raises
        ------
        ValueError
            If a level was not seen in fit and `handle_unknown` is "error", or if a
            value is missing or, with "passthrough", not a number.
        """
        if len(columns) != self.n_conditions:
            raise ValueError(
                f"There are {len(columns)} conditions per row, but there were "
                f"{self.n_conditions} in fit."
            )
        self._check_names(names)
        if self.encoding == "passthrough":
            return self._numbers(columns)
        codes = [
            levels.codes(column, self._label(j), unseen=handle_unknown, advice=IGNORE)
            for j, (levels, column) in enumerate(
                zip(self._levels, columns, strict=True)
            )
        ]
        return np.stack(codes, axis=1).astype(np.float64)

    def _check_names(self, names):
        if None in (names, self.names_) or names == self.names_:
            return
        raise ValueError(
            f"The conditions are named {names}, but in fit they were {self.names_}. "
            "They must have the same names in the same order."
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

    def columns(self, codes):
        """Convert codes to the values of each condition, a list of m arrays (n,).

        An unknown level becomes NaN among floats, NaT among datetimes, else None.
        """
        if self.encoding == "passthrough":
            return [*codes.T]
        return [
            levels.values(column)
            for levels, column in zip(self._levels, codes.T, strict=True)
        ]

    def table_dtype(self, dtype):
        """Return the type of rows with conditions: `dtype`, or another if needed.

        A level must be found again, and single precision cannot hold a number that is
        far from zero. Objects hold any.
        """
        if self.encoding == "passthrough":
            return np.dtype(np.float64) if self.origin_.any() else dtype
        for wide in (dtype, np.dtype(np.float64)):
            if all(levels.fits_into(wide) for levels in self._levels):
                return wide
        return np.dtype(object)

    def draw(self, n_rows, seed):
        """Draw codes with the frequencies seen in fit, (n_rows, m)."""
        random = np.random.default_rng(seed)
        return self.seen_[random.choice(len(self.seen_), n_rows, p=self.share_)]

    # -- files ----------------------------------------------------------------------

    def learned(self):
        """Return what fit learned, as plain data."""
        one_hot = self.encoding == "one-hot"
        found = {
            "levels": [v.learned() if one_hot else [] for v in self._levels],
            # safetensors below 0.5 cannot read empty arrays.
            "seen": self.seen_ if self.n_conditions else None,
            "share": self.share_,
        }
        if self.names_ is not None:
            found["names"] = self.names_
        if not one_hot and self.n_conditions:
            found["origin"] = self.origin_
        return found

    def put_back(self, learned):
        """Check and restore what `learned` returned; any Exception if it is invalid."""
        has_levels = self.encoding == "one-hot"
        optional = {"names"} if has_levels else {"names", "origin"}
        if learned.keys() - optional != {"levels", "seen", "share"}:
            raise ValueError("its conditions do not have the entries that fit learns.")
        levels, seen, share = (learned[key] for key in ("levels", "seen", "share"))
        if seen is None and levels == []:
            seen = np.empty((1, 0))
        self._levels = [Levels.restored(values) for values in levels]
        if not all(bool(len(values)) == has_levels for values in self._levels):
            raise ValueError("the levels of its conditions are not valid.")
        _check_seen(seen, share, self.levels_, self.encoding)
        self.seen_, self.share_ = seen, share
        self.names_ = learned.get("names")  # older files: none
        _check_strings(self.names_, len(levels))
        if not has_levels:
            origin = learned.get("origin", np.zeros(len(levels)))  # older files: none
            _check_origin(origin, len(levels))
            self.origin_ = origin
        return self


def _weighed(codes, weight):
    """Return each row of codes once, (r, m), and what equal rows weigh, (r,)."""
    rows, row = np.unique(codes, axis=0, return_inverse=True)
    return rows, np.bincount(row.ravel(), weight)


def _check_strings(names, n_conditions):
    if names is not None and (
        not isinstance(names, list)
        or len(names) != n_conditions
        or not all(isinstance(name, str) for name in names)
    ):
        raise ValueError("its conditions do not have one name each.")


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
