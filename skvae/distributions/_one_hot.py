"""The likelihood of a one-hot variable."""

import numpy as np

from skvae._columns import column_names
from skvae.distributions._discrete import OneHot
from skvae.distributions._heads import Head
from skvae.distributions._likelihoods import Likelihood, RowError, refuse_negative


class Categorical(Likelihood):
    """All columns together are one categorical variable, one-hot encoded.

    The variable is missing in a row whose columns are all NaN.

    Raises
    ------
    ValueError
        In ``fit`` and wherever a likelihood is computed, if a row does not consist of a
        single 1 and zeros.

    Examples
    --------
    >>> from skvae.distributions import Categorical
    >>> Categorical()
    Categorical()
    """

    positive_only = True
    binary = True
    joinable = True
    one_variable = True

    def check_codes(self, X, names=None):
        missing = np.isnan(X)
        partly = missing.any(axis=1) & ~missing.all(axis=1)
        if partly.any():
            columns = column_names(names, X.shape[1])
            raise RowError(
                int(np.argmax(partly)),
                f"is partly NaN in the columns {columns[0]} to {columns[-1]} under a "
                "Categorical likelihood, which are one variable: all must be NaN.",
            )

    def check(self, X, names=None):
        self.check_codes(X, names)
        refuse_negative(X, names, "a Categorical likelihood")
        is_one_hot = ((X == 0) | (X == 1)).all(axis=1) & (X.sum(axis=1) == 1)
        if not is_one_hot.all():
            is_one_hot |= np.isnan(X).all(axis=1)
        if not is_one_hot.all():
            row = int(np.argmin(is_one_hot))
            columns = column_names(names, X.shape[1])
            raise RowError(
                row,
                f"is not one-hot in the columns {columns[0]} to {columns[-1]} under a "
                "Categorical likelihood: one value must be 1, the others 0, or all NaN "
                "if the variable is missing.",
            )

    def head(self, n_hidden):
        return OneHotHead(n_hidden, self.mean_)


class OneHotHead(Head):
    """h -> logits of the categories, starting at their frequencies."""

    def __init__(self, n_hidden, frequency):
        super().__init__(n_hidden, len(frequency), len(frequency))
        self.start_at(np.log(np.maximum(frequency, 1e-4)))

    def forward(self, h):
        return OneHot(self.linear(h))
