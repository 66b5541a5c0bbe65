"""The likelihood that is chosen column by column, from what the columns hold."""

from itertools import groupby
from numbers import Integral

import numpy as np
from sklearn.base import clone

from skvae._columns import column_names, resolve_columns
from skvae._kinds import cut
from skvae._parameters import parameter
from skvae._validation import NONE, Instance, Interval, Options, check_parameters
from skvae.distributions._codes import Codes
from skvae.distributions._counts import NegativeBinomial
from skvae.distributions._likelihoods import Bernoulli, Likelihood
from skvae.distributions._misfits import MIN_ROWS, one_hot_groups
from skvae.distributions._mixed import Mixed
from skvae.distributions._one_hot import Categorical

MAX_CODES = 10  # different whole numbers up to which they are taken for labels
MIN_ROWS_PER_CODE = 10  # so that later rows hardly hold another one
MIN_ZEROS = 0.01  # share of the rows, so that row numbers are not taken for counts
LARGEST_CODE = 2**24
N_SHOWN = 60  # columns that are printed


class Auto(Mixed):
    """Choose the likelihood of each column by its dtype and the values seen in fit.

    The first rule that applies decides:

    ====================================================  ============================
    neighbouring 0/1 columns that sum to 1 in every row   `Categorical`, one variable
    booleans, 0 and 1, and words of at most two levels    `Bernoulli`
    strings, categories, other objects                    `Codes`, with learned levels
    at most 10 whole numbers, each in at least 10 rows    `Codes`
    whole numbers from 0, at least 1 % of them zeros      `NegativeBinomial`
    all other numbers                                     `numbers`
    ====================================================  ============================

    Values of numbers tell what they are only in at least 20 rows; with fewer, numbers
    are `numbers`. A fitted one, such as ``likelihood_`` of an estimator, prints the
    choice.

    Parameters
    ----------
    overrides : dict, default=None
        Likelihoods of some columns, by name or position in X: strings or objects.
    numbers : str or Likelihood, default="gaussian-relative"
        Likelihood of all other numbers.
    handle_unknown : {"error", "ignore"}, default="error"
        What to do with a word that was not seen in ``fit``, see `Codes`. With "ignore",
        words of two levels are `Codes` too. Numbers that were taken for labels are
        always ignored if they were not seen, as nobody said that they are labels.
    max_categories : int or None, default=None
        Most levels of a column that have parameters of their own, see `Codes`.

    Attributes
    ----------
    chosen_ : list of Likelihood
        The families chosen.
    columns_ : list of ndarray of int
        Columns of each.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae import VAETransformer
    >>> from skvae.distributions import Auto
    >>> random = np.random.default_rng(0)
    >>> X = np.empty((100, 3), dtype=object)
    >>> X[:, 0] = random.normal(size=100)
    >>> X[:, 1] = random.choice(["red", "green", "blue"], 100)
    >>> X[:, 2] = random.poisson(2.0, 100)
    >>> vae = VAETransformer(2, likelihood=Auto({2: "poisson"}), max_epochs=2)
    >>> vae.fit(X).likelihood_
    x0: Gaussian(scale='relative')
    x1: Codes()
    x2: Poisson()
    """

    overrides: dict | None = parameter(
        Instance((dict,), "a dict from columns to likelihoods"),
        NONE,
        default=None,
        kw_only=False,
    )
    numbers: str | Likelihood = parameter(
        Options(("gaussian", "gaussian-relative", "gaussian-shared", "gaussian-unit")),
        Instance((Likelihood,), "an instance of a class of skvae.distributions"),
        default="gaussian-relative",
    )
    handle_unknown: str = parameter(Options(("error", "ignore")), default="error")
    max_categories: int | None = parameter(Interval(Integral, 2), NONE, default=None)

    positive_only = False  # before fit, nothing is known

    @property
    def parts(self):
        """The parts of a `Mixed`, none before fit."""
        return list(zip(*self._chosen, strict=True))

    @property
    def _chosen(self):
        return getattr(self, "chosen_", []), getattr(self, "columns_", [])

    @property
    def binary(self):
        """Whether every column is Bernoulli or one-hot."""
        return bool(self.parts) and super().binary

    def with_objects(self, as_likelihood):
        """Return an unfitted copy with objects in place of strings."""
        check_parameters(self)
        own = {key: as_likelihood(v) for key, v in (self.overrides or {}).items()}
        copy = clone(self).set_params(numbers=as_likelihood(self.numbers))
        return copy.set_params(overrides=own or None)

    def moved(self, place):
        """Return a copy whose overrides are at ``place(key)`` instead."""
        own = {place(key): value for key, value in (self.overrides or {}).items()}
        return clone(self).set_params(overrides=own or None)

    def _choose(self, X, names, kinds):
        kinds = kinds or ["number"] * X.shape[1]
        families = self._overridden(X.shape[1], names)
        free = [j for j, family in enumerate(families) if family is None]
        groups = _one_hot(X, kinds, free)
        for j in np.setdiff1d(free, np.concatenate([[], *groups]).astype(int)):
            families[j] = self._family(X[:, j], kinds[j])
        parts = _grouped(families) + [(Categorical(), group) for group in groups]
        self.chosen_ = [clone(part) for part, _ in parts]
        self.names_ = column_names(names, X.shape[1])
        return parts

    def _overridden(self, n_columns, names):
        families = [None] * n_columns
        for key, likelihood in (self.overrides or {}).items():
            (column,) = resolve_columns([key], n_columns, names)
            if isinstance(likelihood, Mixed | Categorical):
                raise ValueError(
                    "The 'overrides' parameter of Auto must hold likelihoods of single "
                    f"columns. Got {cut(likelihood)} for {key!r} instead."
                )
            families[column] = likelihood
        return families

    def _family(self, x, kind):
        x = x[~np.isnan(x)]
        is_strict = self.handle_unknown == "error"
        if kind == "bool" or (kind == "words" and x.max(initial=0) <= 1 and is_strict):
            return Bernoulli()
        family = Codes() if kind in ("words", "category") else _family_of_numbers(x)
        if isinstance(family, Codes):
            unknown = "ignore" if kind == "number" else self.handle_unknown
            family.set_params(
                handle_unknown=unknown, max_categories=self.max_categories
            )
        return family or self.numbers

    def __repr__(self, N_CHAR_MAX=700):
        """Return the choice, column by column, once it is made."""
        if not hasattr(self, "chosen_"):
            return super().__repr__(N_CHAR_MAX)
        family = {}
        for part, columns in zip(self.chosen_, self.columns_, strict=True):
            family |= dict.fromkeys(columns.tolist(), repr(part))
        lines = [f"{name}: {family[j]}" for j, name in enumerate(self.names_)]
        if len(lines) > N_SHOWN:
            lines[N_SHOWN:] = [f"... and {len(lines) - N_SHOWN} more"]
        return "\n".join(lines)


def _family_of_numbers(x):
    """Return the family of numbers that are not just any, or None."""
    if len(x) < MIN_ROWS or (x != np.floor(x)).any() or x.min() == x.max():
        return None
    levels, counts = np.unique(x, return_counts=True)
    if np.array_equal(levels, [0, 1]):
        return Bernoulli()
    is_few = len(levels) <= MAX_CODES and counts.min() >= MIN_ROWS_PER_CODE
    if is_few and np.abs(levels).max() <= LARGEST_CODE:
        return Codes()
    has_zeros = levels[0] == 0 and counts[0] >= MIN_ZEROS * len(x)
    return NegativeBinomial() if has_zeros else None


def _one_hot(X, kinds, free):
    """Return groups of neighbouring one-hot columns, as positions."""
    flags = [j for j in free if kinds[j] not in ("words", "category")]
    runs = groupby(enumerate(flags), key=lambda pair: pair[1] - pair[0])
    found = []
    for _, run in runs:
        columns = np.array([j for _, j in run])
        block = X[:, columns[0] : columns[-1] + 1]
        found += [columns[group] for group in one_hot_groups(block)]
    return found


def _grouped(families):
    """Return the parts of a table: columns of equal families together."""
    parts = {}
    for j, family in enumerate(families):
        if family is not None:
            parts.setdefault(repr(family), (clone(family), []))[1].append(j)
    return [(family, np.array(columns)) for family, columns in parts.values()]
