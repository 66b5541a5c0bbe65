"""The likelihood of integer-coded categories."""

from numbers import Integral

import numpy as np
import torch
from torch.nn import functional

from skvae._columns import column_names
from skvae._parameters import parameter
from skvae._validation import NONE, Interval, Options
from skvae.distributions._discrete import CodeVector
from skvae.distributions._heads import Head
from skvae.distributions._likelihoods import Likelihood

MAX_OWN = 1000  # levels of a column that have parameters of their own
MAX_LEVELS = 10_000  # of a column


class Codes(Likelihood):
    """Categorical columns: words, or numbers as OrdinalEncoder returns them.

    The levels of a column are the values seen in ``fit``: words, or whole numbers up to
    2**24. The encoder sees them one-hot; the "mean" of p(x | z) is the most probable
    one.

    Parameters
    ----------
    handle_unknown : {"error", "ignore"}, default="error"
        What to do with a value that was not seen in ``fit``: raise an error that names
        the column, or take it for a missing cell.
    max_categories : int or None, default=None
        Most levels of a column that have parameters of their own; all by default. In a
        column with more, the rarest share one: p(x | z) is the probability of being one
        of them, times the share of x among them in ``fit``.

    Examples
    --------
    >>> from skvae.distributions import Codes
    >>> Codes()
    Codes()
    """

    handle_unknown: str = parameter(Options(("error", "ignore")), default="error")
    max_categories: int | None = parameter(Interval(Integral, 2), NONE, default=None)

    movable = False
    joinable = True

    @property
    def n_features(self):
        most = self.max_categories or MAX_LEVELS
        return sum(min(len(levels), most) for levels in self.levels_)

    @property
    def ignores_unknown(self):
        return np.full(self.n_columns_, self.handle_unknown == "ignore")

    def forget_unknown(self, X):
        if self.handle_unknown == "error":
            return X
        known = [np.isin(X[:, j], levels) for j, levels in enumerate(self.levels_)]
        return np.where(np.stack(known, axis=1), X, np.nan)

    @property
    def most_words(self):
        return np.full(self.n_columns_, np.inf)

    def _learn(self, X, names, weight):
        counted = [_counted(column, weight) for column in X.T]
        self.levels_ = [levels for levels, _ in counted]
        self.frequencies_ = [counts / counts.sum() for _, counts in counted]
        for name, levels in zip(
            column_names(names, X.shape[1]), self.levels_, strict=True
        ):
            _check_levels(name, levels, self.max_categories)

    @property
    def fill(self):
        """The most frequent code of each column, (d,), in place of a missing one."""
        pairs = zip(self.levels_, self.frequencies_, strict=True)
        return np.array([levels[shares.argmax()] for levels, shares in pairs])

    def check(self, X, names=None):
        self.check_codes(X, names)

    def check_codes(self, X, names=None):
        for j, levels in enumerate(self.levels_):
            unseen = ~(np.isin(X[:, j], levels) | np.isnan(X[:, j]))
            if unseen.any():
                raise ValueError(
                    f"Column {column_names(names, X.shape[1])[j]} holds the code "
                    f"{X[unseen, j][0]:g}, which was not seen in fit "
                    f"(seen: {', '.join(f'{v:g}' for v in levels[:20])})."
                )

    def head(self, n_hidden):
        return CodesHead(n_hidden, self.levels_, self.frequencies_, self.max_categories)


def _counted(column, weight):
    """Return the levels of a column, and how often they occur or what they weigh."""
    seen = ~np.isnan(column)
    if weight is None:
        return np.unique(column[seen], return_counts=True)
    levels, level = np.unique(column[seen], return_inverse=True)
    return levels, np.bincount(level, weight[seen])


def _check_levels(name, levels, max_categories):
    """Reject codes that float32 cannot tell apart, and columns with too many."""
    if (levels != np.floor(levels)).any() or np.abs(levels).max() > 2**24:
        raise ValueError(
            f"Column {name} must hold whole numbers up to 2**24 under a Codes "
            "likelihood. Use OrdinalEncoder."
        )
    n_own = min(len(levels), max_categories or len(levels))
    if n_own > MAX_OWN or len(levels) > MAX_LEVELS:
        raise ValueError(
            f"Column {name} has {len(levels)} different values, too many for a Codes "
            f"likelihood ({MAX_OWN} at most, or {MAX_LEVELS} with max_categories). If "
            "they are names or numbers of rows, leave the column out."
        )


def slots_of(share, most):
    """Return which parameter each level of a column has, and its share of it.

    Parameters
    ----------
    share : ndarray of shape (n,)
        Frequencies of the levels.
    most : int or None
        Most parameters; the rarest levels share the last one.

    Returns
    -------
    slot : ndarray of int of shape (n,)
    within : ndarray of shape (n,)
        1 for levels with a parameter of their own.
    """
    if most is None or len(share) <= most:
        return np.arange(len(share)), np.ones(len(share))
    frequent = np.sort(np.argsort(-share, kind="stable")[: most - 1])
    slot = np.full(len(share), most - 1)
    slot[frequent] = np.arange(most - 1)
    total = np.bincount(slot, share)
    return slot, share / total[slot]


class CodesHead(Head):
    """h -> a logit for every level of every column, starting at their frequencies.

    The linear map returns the levels of all columns side by side, as the encoder sees
    them. The distribution needs them as (..., B, D, L), where L is the largest number
    of levels in a column.
    """

    pooled = False  # whether levels share a parameter

    def __init__(self, n_hidden, levels, frequencies, max_categories=None):
        slots = [slots_of(share, max_categories) for share in frequencies]
        sizes = [slot.max() + 1 for slot, _ in slots]
        n_slots = int(sum(sizes))
        super().__init__(n_hidden, n_slots, n_slots)
        first = np.cumsum([0, *sizes[:-1]])
        slot = np.concatenate([f + s for f, (s, _) in zip(first, slots, strict=True)])
        within = np.concatenate([inside for _, inside in slots])
        share = np.concatenate(frequencies)
        self.start_at(np.log(np.bincount(slot, share)))
        self._put_tables(levels, slot, within, n_slots)
        # Of each level, side by side, (n,), and the column of each parameter.
        column = np.repeat(np.arange(len(levels)), [*map(len, levels)])
        codes = torch.as_tensor(np.concatenate(levels), dtype=torch.float32)
        self._put("share", torch.as_tensor(share))
        self._put("column", torch.as_tensor(column))
        self._put("code", codes)
        if (within < 1).any():
            self.pooled = True
            self._put("slot", torch.as_tensor(slot))
            of_slots = np.repeat(np.arange(len(levels)), sizes)
            self._put("column_of_slot", torch.as_tensor(of_slots))

    def _put(self, name, values):
        self.register_buffer(name, values, persistent=False)

    def _put_tables(self, levels, slot, within, n_slots):
        """Register tables of shape (D, L), where L is the largest number of levels."""
        shape = len(levels), max(map(len, levels))
        table = torch.full(shape, torch.nan, dtype=torch.float32)
        place = torch.full(shape, n_slots)  # one past the last: no such level
        offset, start = torch.zeros(shape, dtype=torch.float64), 0
        for j, known in enumerate(levels):
            its = slice(start, start + len(known))
            table[j, : len(known)] = torch.as_tensor(known)
            place[j, : len(known)] = torch.as_tensor(slot[its])
            offset[j, : len(known)] = torch.as_tensor(within[its]).log()
            start = its.stop
        self.register_buffer("levels", table)
        self._put("place", place)
        self._put("offset", offset)

    def features(self, x, seen=None):
        values = x[..., self.column] == self.code  # (B, D) -> (B, n)
        if seen is not None:
            values = torch.where(seen[..., self.column], values, self.share)
        values = values.to(x.dtype)
        if not self.pooled:
            return values
        out = values.new_zeros((*values.shape[:-1], self.n_features))
        return out.index_add_(-1, self.slot, values)  # (B, n_slots)

    def by_feature(self, flags):
        return flags[..., self.column_of_slot if self.pooled else self.column]

    def forward(self, h):
        logits = functional.pad(self.linear(h), (0, 1), value=-torch.inf)
        logits = logits[..., self.place]  # (..., B, D, L)
        return CodeVector(logits + self.offset if self.pooled else logits, self.levels)
