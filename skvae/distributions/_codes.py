"""The likelihood of integer-coded categories."""

import numpy as np
import torch
from torch.nn import functional

from skvae._columns import column_names
from skvae.distributions._discrete import CodeVector
from skvae.distributions._heads import Head
from skvae.distributions._likelihoods import Likelihood


class Codes(Likelihood):
    """Categorical columns: words, or numbers as OrdinalEncoder returns them.

    The levels of a column are the codes seen in ``fit``, whole numbers up to 2**24. A
    code that was not seen raises an error that names the column. The encoder sees the
    codes one-hot; the "mean" of p(x | z) is the most probable code.

    Examples
    --------
    >>> from skvae.distributions import Codes
    >>> Codes()
    Codes()
    """

    movable = False
    joinable = True

    @property
    def n_features(self):
        return sum(map(len, self.levels_))

    @property
    def most_words(self):
        return np.full(self.n_columns_, np.inf)

    def _learn(self, X, names, frame):
        observed = [column[~np.isnan(column)] for column in X.T]
        counted = [np.unique(column, return_counts=True) for column in observed]
        self.levels_ = [levels for levels, _ in counted]
        self.frequencies_ = [counts / counts.sum() for _, counts in counted]
        for name, levels in zip(
            column_names(names, X.shape[1]), self.levels_, strict=True
        ):
            _check_levels(name, levels)

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
        return CodesHead(n_hidden, self.levels_, self.frequencies_)


def _check_levels(name, levels):
    """Reject codes that float32 cannot tell apart, and columns with too many."""
    if (levels != np.floor(levels)).any() or np.abs(levels).max() > 2**24:
        raise ValueError(
            f"Column {name} must hold whole numbers up to 2**24 under a Codes "
            "likelihood. Use OrdinalEncoder."
        )
    if len(levels) > 1000:
        raise ValueError(
            f"Column {name} has {len(levels)} different values, too many for a Codes "
            "likelihood (1000 at most)."
        )


class CodesHead(Head):
    """h -> a logit for every level of every column, starting at their frequencies.

    The linear map returns the levels of all columns side by side, as the encoder sees
    them. The distribution needs them as (..., B, D, L), where L is the largest number
    of levels in a column.
    """

    def __init__(self, n_hidden, levels, frequencies):
        n_levels = sum(map(len, levels))
        super().__init__(n_hidden, n_levels, n_levels)
        shape = len(levels), max(map(len, levels))
        table = torch.full(shape, torch.nan, dtype=torch.float32)
        place = torch.full(shape, n_levels)  # one past the last: no such level
        for j, known in enumerate(levels):
            start = sum(map(len, levels[:j]))
            table[j, : len(known)] = torch.as_tensor(known)
            place[j, : len(known)] = torch.arange(start, start + len(known))
        columns = [torch.full((len(known),), j) for j, known in enumerate(levels)]
        codes = [torch.as_tensor(known, dtype=torch.float32) for known in levels]
        share = torch.cat([torch.as_tensor(share) for share in frequencies])
        self.start_at(share.log())
        self.register_buffer("share", share, persistent=False)  # (n,)
        self.register_buffer("levels", table)  # (D, L)
        self.register_buffer("place", place, persistent=False)  # (D, L)
        self.register_buffer("column", torch.cat(columns), persistent=False)  # (n,)
        self.register_buffer("code", torch.cat(codes), persistent=False)  # (n,)

    def features(self, x, seen=None):
        is_level = x[..., self.column] == self.code  # (B, D) -> (B, n_levels)
        if seen is None:
            return is_level.to(x.dtype)
        return torch.where(seen[..., self.column], is_level, self.share).to(x.dtype)

    def by_feature(self, flags):
        return flags[..., self.column]

    def forward(self, h):
        logits = functional.pad(self.linear(h), (0, 1), value=-torch.inf)
        return CodeVector(logits[..., self.place], self.levels)  # (..., B, D, L)
