"""Likelihoods p(x | z): the objects that users choose, and the heads they build.

A `Likelihood` is a small scikit-learn object (``get_params``, cloneable), so that
``likelihood__scale`` can be searched. ``fit`` learns what the family needs from the
training table (levels, spreads), ``check`` rejects values outside its support, and
``head`` builds the torch module that maps hidden units to a distribution over x.
"""

import numpy as np
import torch
from torch.nn import functional

from skvae._columns import (
    column_names,
    column_statistics,
    highest,
    lowest,
    observed_cells,
)
from skvae._parameters import Declared
from skvae._validation import check_parameters
from skvae.distributions._discrete import (
    BernoulliVector,
    PoissonVector,
)
from skvae.distributions._heads import SMALLEST_SHARE, Head, Working, logit
from skvae.distributions._misfits import misfit_message
from skvae.exceptions import warn_data


class RowError(ValueError):
    """An invalid row.

    Parameters
    ----------
    row : int
        Its position in the table that was checked.
    text : str
        The rest of the message, after "Row <row>".
    """

    def __init__(self, row, text):
        super().__init__(f"Row {row} {text}")
        self.row, self.text = row, text


class Likelihood(Declared):
    """Base class of the families of p(x | z)."""

    positive_only = False
    binary = False  # whether values are 0/1, or can be binarised by drawing
    movable = True  # whether adding a number to a value makes sense
    joinable = False  # whether parts of a table that have it may share a head
    one_variable = False  # whether all columns are one variable

    def fit(self, X, names=None, frame=None, kinds=None, weight=None):
        """Learn from the training table and check it; return self.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            The columns that have this likelihood; NaN where a cell is missing.
        names : sequence of str, optional
            Their names, for error messages.
        frame : DataFrame, optional
            The original table, for column selectors.
        kinds : list of str, optional
            What each column holds, see `skvae.inputs.Contents`; numbers by default.
        weight : ndarray of shape (n,), optional
            Weights of the rows in means and frequencies, above 0; equal by default.
        """
        self._learn_columns(X, names, frame, kinds, weight)
        self._check_words(X, names, kinds)
        self.check(X, names)
        columns, groups = self.misfits(X)
        if len(columns):
            warn_data(misfit_message(columns, groups, names, X.shape[1]))
        self._check_spreads(names)
        return self

    def _check_words(self, X, names, kinds):
        """Raise ValueError if a column holds more words than its family models."""
        if kinds is None or "words" not in kinds:
            return
        words = np.array([kind == "words" for kind in kinds])
        too_many = words & (np.fmax.reduce(X, axis=0) >= self.most_words)
        if too_many.any():
            j = int(np.argmax(too_many))
            most = int(self.most_words[j])
            raise ValueError(
                f"Column {column_names(names, X.shape[1])[j]} holds words (levels: "
                f"{int(np.nanmax(X[:, j])) + 1}), but its likelihood models "
                f"{f'at most {most}' if most else 'numbers only'}. Use "
                "likelihood='auto' or, for this column, 'codes'."
            )

    def misfits(self, X):
        """Return which columns are of another kind than the family expects.

        Returns
        -------
        columns : ndarray of int
            Positions of the columns, in order.
        groups : list of ndarray of int
            Positions of those that are one-hot.
        """
        return np.empty(0, dtype=int), []

    @property
    def has_holes(self):
        """Whether cells were missing in fit, so that encoders read which are."""
        return hasattr(self, "holes_")

    def _check_spreads(self, names):
        """Warn if the columns' spreads are too different for the family."""

    def _learn_columns(self, X, names, frame, kinds=None, weight=None):
        check_parameters(self)
        self.n_columns_ = X.shape[1]
        self._note_holes(X)
        self._learn(X, names, weight)

    def _note_holes(self, X):
        if observed_cells(X) is not None:
            self.holes_ = True

    @property
    def ignores_unknown(self):
        """Whether a value that fit has not seen is a missing cell, (d,)."""
        return np.zeros(self.n_columns_, dtype=bool)

    def forget_unknown(self, X):
        """Return rows, NaN in place of codes that were not seen and are ignored."""
        return X

    @property
    def n_features(self):
        """Width of what the encoder reads of the columns, if a head may be shared."""
        return self.n_columns_

    @property
    def most_words(self):
        """Most levels of words per column, (d,); 0 where only numbers are modelled."""
        return np.zeros(self.n_columns_)

    @property
    def origin(self):
        """What to subtract from each column before computing, (d,), or None for 0.

        The statistics that `fit` learns are relative to it, and so is the head.
        """
        origin = getattr(self, "origin_", None)
        return origin if origin is not None and origin.any() else None

    @property
    def fill(self):
        """What the encoder reads in place of a missing cell, (d,), from the origin."""
        return getattr(self, "mean_", np.zeros(self.n_columns_))

    def _learn(self, X, names, weight):
        found = column_statistics(X, weight=weight)
        self.mean_, self.std_, self.low_, self.high_ = found

    def correct(self, mean, std, low, high):
        """Replace statistics that `fit` has learned from a sample by those of all rows.

        Each is (d,), and NaN where it is not known.
        """
        exact = {"mean_": mean, "std_": std, "low_": low, "high_": high}
        for name, values in exact.items():
            if hasattr(self, name):
                known = np.where(np.isnan(mean), getattr(self, name), values)
                setattr(self, name, known)

    def check(self, X, names=None):
        """Raise ValueError if a value is outside the family's support.

        Missing cells, which are NaN, are passed over.
        """

    def check_codes(self, X, names=None):
        """Raise ValueError if the encoder cannot read a value."""

    def head(self, n_hidden):
        """Build the last layer, a module: h (..., B, n_hidden) -> Distribution."""
        raise NotImplementedError


N_ROWS = 4096  # read at once
ROUNDING = 1e-6  # how far a scaler to [0, 1] may overshoot


def refuse_negative(X, names, owner, advice=""):
    """Raise ValueError if a column of a table, (n, d), has a negative value."""
    low = lowest(X)
    if (low < -ROUNDING).any():
        j = int(np.nanargmin(low))
        raise ValueError(
            f"Negative values in data passed to {owner}: column "
            f"{column_names(names, X.shape[1])[j]} reaches {low[j]:g}.{advice}"
        )


class Bernoulli(Likelihood):
    """Binary columns, or grey values between 0 and 1: Π π^x (1 − π)^(1 − x).

    For grey values the reported number is the usual cross-entropy; it is a
    log-probability only for 0/1 data (see ``binarize`` of the estimators). Values above
    1 issue a :class:`~skvae.exceptions.SkvaeDataWarning`; negative ones raise an error.

    Examples
    --------
    >>> from skvae.distributions import Bernoulli
    >>> Bernoulli()
    Bernoulli()
    """

    positive_only = True
    binary = True
    joinable = True

    @property
    def most_words(self):
        return np.full(self.n_columns_, 2.0)

    def check(self, X, names=None):
        advice = " MinMaxScaler(clip=True) keeps new rows in [0, 1]."
        refuse_negative(X, names, "a Bernoulli likelihood", advice)
        high = highest(X)
        if (high > 1 + ROUNDING).any():
            j = int(np.nanargmax(high))
            name = column_names(names, X.shape[1])[j]
            warn_data(
                f"Column {name} reaches {high[j]:g} under a Bernoulli "
                "likelihood, which expects values in [0, 1]. Scale the data "
                "(MinMaxScaler(clip=True)) or choose another likelihood."
            )

    def _learn(self, X, names, weight):
        super()._learn(X, names, weight)
        is_flag = flags(X)
        if is_flag.any():
            self.is_flag_ = is_flag

    def head(self, n_hidden):
        return BernoulliHead(n_hidden, self.mean_, getattr(self, "is_flag_", None))


def flags(X):
    """Return which columns hold 0 and 1 only, (d,), apart from missing cells."""
    found = np.ones(X.shape[1], dtype=bool)
    for start in range(0, len(X), N_ROWS):
        block = X[start : start + N_ROWS, found]
        found[found] = ((block == 0) | (block == 1) | np.isnan(block)).all(axis=0)
        if not found.any():
            break
    return found


class BernoulliHead(Head):
    """h -> logits of π, starting at the columns' means."""

    def __init__(self, n_hidden, mean, is_flag=None):
        super().__init__(n_hidden, len(mean), len(mean))
        self.start_at(logit(mean))
        is_flag = None if is_flag is None else torch.as_tensor(is_flag)
        self.register_buffer("is_flag", is_flag, persistent=False)

    def working(self, mean):
        variance = np.maximum(mean * (1 - mean), SMALLEST_SHARE)
        return Working.residuals(np.sqrt(variance))

    def forward(self, h):
        return BernoulliVector(self.linear(h), self.is_flag)


class Poisson(Likelihood):
    """Counts: Π λ^x e^(−λ) / x!, where λ is a softplus times the column's mean.

    The encoder sees ln(1 + x). Values that are not whole numbers raise an error.

    Examples
    --------
    >>> from skvae.distributions import Poisson
    >>> Poisson()
    Poisson()
    """

    positive_only = True
    joinable = True

    def check(self, X, names=None):
        refuse_negative(X, names, self._owner)
        fractional = np.array([(column > np.floor(column)).any() for column in X.T])
        if fractional.any():
            j = int(np.argmax(fractional))
            raise ValueError(
                f"Column {column_names(names, X.shape[1])[j]} holds values that are "
                f"not whole numbers, but {self._owner} requires counts."
            )

    def check_codes(self, X, names=None):
        refuse_negative(X, names, self._owner)

    @property
    def _owner(self):
        return f"a {type(self).__name__} likelihood"

    def head(self, n_hidden):
        return PoissonHead(n_hidden, self.mean_)


class PoissonHead(Head):
    """h -> rates λ = mean · softplus, starting at the mean."""

    def __init__(self, n_hidden, mean):
        super().__init__(n_hidden, len(mean), len(mean))
        self.start_at(np.full(len(mean), np.log(np.expm1(1.0))))  # softplus of it is 1
        # Columns that are zero in training keep a positive rate, so that later counts
        # remain possible.
        self.register_buffer("scale", torch.as_tensor(np.maximum(mean, 1e-3)))

    def features(self, x, seen=None):
        return x.log1p()

    def working(self, mean):
        # ln(1 + x) has the variance λ / (1 + λ)², about; softplus has the slope
        # 1 − 1/e where it is 1.
        rate = self.scale.double().numpy().clip(min=0.05)
        slope = (1 - np.exp(-1)) * np.sqrt(rate)
        noise = np.full(len(rate), Working.FIXED)
        return Working((1 + rate) / np.sqrt(rate), slope, noise)

    def forward(self, h):
        return PoissonVector(self.scale * (functional.softplus(self.linear(h)) + 1e-6))
