"""Roles of the columns of X: one class per kind of table."""

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from skvae._columns import column_names, observed_cells
from skvae.distributions import Mixed, as_likelihood
from skvae.inputs._arrays import library_of
from skvae.inputs._contents import Contents
from skvae.inputs._given import FLOATS, NOTHING
from skvae.inputs._numbers import (
    check_range,
    explaining,
    in_memory,
    with_na,
)
from skvae.inputs._templates import wanted_output
from skvae.persistence import is_plain
from skvae.training import Table

CELLS = {"dtype": FLOATS, "ensure_all_finite": "allow-nan"}  # NaN is a missing cell


def check_dimensions(X, owner):
    """Return X, tensors as arrays; raise an error if it is not a table in memory."""
    X = in_memory(X)
    n_dimensions = len(getattr(X, "shape", ()))
    if n_dimensions > 2:
        raise ValueError(
            f"X has {n_dimensions} dimensions, but {owner} takes one row per sample. "
            "Reshape your data using X.reshape(len(X), -1)."
        )
    return X


def check_some_value(table, names):
    """Raise ValueError at a column in which every cell is missing."""
    if table.seen is None and table.observed is None:
        return
    empty = np.isnan(table.x).all(axis=0)
    if empty.any():
        name = column_names(names, len(empty))[int(np.argmax(empty))]
        raise ValueError(
            f"Column {name} has no value: every cell is missing. Leave it out."
        )


def check_is_table(X, estimator):
    """Raise the usual ValueError if X does not have two dimensions."""
    if len(getattr(X, "shape", (1, 1))) != 2:
        with explaining(X):
            check_array(X, estimator=estimator, input_name="X")


class PlainColumns:
    """A table whose columns are all data.

    Attributes
    ----------
    n_features : int
        Number of columns of X.
    all_names : ndarray of str or None
        Their names.
    contents : Contents or None
        What the columns of X hold; None for an array of numbers.
    source : tuple of str or None
        Library and device of X in fit; None in a model that was loaded.
    """

    condition_width = 0  # numbers per row that a model reads as its condition
    contents = source = None
    saved = {}  # attributes in a file, and the allowed values of each

    def fit(self, estimator, X, given=NOTHING):
        """Learn the roles of the columns, and return the rows as a `Table`.

        Sets ``n_features_in_`` and, if X has names, ``feature_names_in_``.

        Parameters
        ----------
        estimator : estimator
            Its parameters define the roles.
        X : array-like of shape (n, n_features)
            Rows.
        given : Given
            Arguments beside them.

        Raises
        ------
        ValueError
            If `X` or `given` is not valid.
        """
        table = self._table(estimator, X, given, reset=True)
        self.library = library_of(X)
        return table

    def table(self, estimator, X, given=NOTHING):
        """Return rows as a `Table`, with the columns of fit."""
        return self._table(estimator, X, given, reset=False)

    def _table(self, estimator, X, given, reset):
        X = check_dimensions(X, type(estimator).__name__)
        x = self._validated(estimator, X, reset)
        return Table(x, seen=observed_cells(x), **given.arrays(len(x)))

    def _validated(self, estimator, X, reset):
        with explaining(X):
            x = self._converted(estimator, X, reset)
        if reset:
            self._remember(estimator)
        else:
            x = estimator.likelihood_.forget_unknown(x)
        check_range(x, estimator.dtype, self.all_names)
        return x

    def _converted(self, estimator, X, reset):
        if reset:
            self.contents = Contents.of(X)
        if not self.has_words:
            how = CELLS | {"reset": reset}
            return with_na(X, lambda X: validate_data(estimator, X, **how))
        check_is_table(X, estimator)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        return self._in_numbers(estimator, X, reset)

    @property
    def has_words(self):
        """Whether X was given with columns of words."""
        return self.contents is not None and self.contents.has_words

    def _in_numbers(self, estimator, X, reset, positions=None):
        """Return columns of a table with words as numbers."""
        positions = range(len(self.contents.kinds)) if positions is None else positions
        x = self.contents.numbers(X, positions)
        if not reset:
            self._settle_unseen(estimator, X, x, positions)
        return check_array(x, **CELLS, estimator=estimator, input_name="X")

    def _settle_unseen(self, estimator, X, x, positions):
        """Replace words that were not seen in fit by NaN, or raise ValueError."""
        levels, ignores = self.contents.levels, estimator.likelihood_.ignores_unknown
        for k, j in enumerate(positions):
            unseen = x[:, k] < 0
            if levels[j] is None or not unseen.any():
                continue
            x[unseen, k] = np.nan
            if not ignores[k]:
                self.contents.refuse_unseen(X, j)

    def _label(self, j):
        return column_names(self.all_names, self.n_features)[j]

    def _remember(self, estimator):
        self.n_features = estimator.n_features_in_
        self.all_names = getattr(estimator, "feature_names_in_", None)

    @property
    def names(self):
        """Names of the data columns, or None."""
        return self.all_names

    @property
    def n_data(self):
        """Number of data columns."""
        return self.n_features

    @property
    def data_positions(self):
        """Positions in X of the data columns."""
        return np.arange(self.n_features)

    @property
    def kinds(self):
        """What each data column holds, see `Contents`; None if all are numbers."""
        if self.contents is None:
            return None
        return [self.contents.kinds[j] for j in self.data_positions]

    def positions(self, data_columns):
        """Convert positions among the data columns to positions in X."""
        return data_columns

    def likelihood(self, estimator, frame=None):
        """Return the unfitted likelihood of the data columns."""
        return as_likelihood(estimator.likelihood, type(estimator).__name__)

    def restore(self, x, codes=None):
        """Convert data columns back to the columns of X, still as numbers."""
        return x

    def as_given(self, estimator, table, index=None):
        """Convert numbers in the columns of X back to what fit was given.

        A table that models words becomes a data frame if fit was given one, otherwise
        an array of objects. A table of numbers becomes a data frame only if the output
        is set to pandas or polars, see `set_output`.

        Parameters
        ----------
        estimator : estimator
            Its settings, or those of scikit-learn, choose the library.
        table : ndarray of shape (n, n_features)
            What `restore` returned.
        index : pandas.Index, optional
            Labels of the rows.
        """
        contents, wanted = self.contents, wanted_output(estimator)
        if contents is None or not (self.has_words or wanted != "default"):
            return table
        is_data = np.isin(np.arange(self.n_features), self.data_positions)
        columns = [
            contents.values(table[:, j].astype(float), j) if is_data[j] else table[:, j]
            for j in range(self.n_features)
        ]
        if contents.template is not None:
            library = None if wanted == "default" else wanted
            return contents.template.build(columns, library, index)
        if not self.has_words:
            return table
        out = np.empty(table.shape, dtype=object)
        for j, column in enumerate(columns):
            out[:, j] = column
        return out

    # -- files ----------------------------------------------------------------------

    def learned(self):
        """Return what fit learned, as plain data, with the keys of `saved`."""
        return {} if self.contents is None else {"table_": self.contents.learned()}

    def put_back(self, estimator, values):
        """Check and restore what `learned` returned; any Exception if it is invalid."""
        self._remember(estimator)
        if "table_" in values:
            self.contents = Contents.from_learned(values["table_"], self.n_features)

    def plain_parameters(self, estimator):
        """Return the parameters, column selectors replaced by positions."""
        values = estimator.get_params(deep=False)
        return values | {"likelihood": self._plain_likelihood(estimator)}

    def _plain_likelihood(self, estimator):
        return as_positions(estimator.likelihood, estimator.likelihood_, self.positions)


def as_positions(likelihood, fitted, place):
    """Replace column selectors that are not plain data by the columns they selected.

    `fitted` is the same likelihood, fitted; `place` maps positions among its columns to
    positions in X.
    """
    if type(likelihood) is Mixed:
        return Mixed(as_positions(likelihood.parts, fitted, place))
    if not isinstance(likelihood, list):
        return likelihood
    return [
        type(pair)((as_positions(pair[0], part, place), plain(pair[1], place(at))))
        for pair, part, at in zip(
            likelihood, fitted.parts_, fitted.columns_, strict=True
        )
    ]


def plain(columns, positions):
    """Return a column selection if it is plain data, else the positions."""
    return columns if is_plain(columns) else positions.tolist()
