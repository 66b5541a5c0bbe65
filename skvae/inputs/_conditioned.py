"""Rows with conditions, as columns of X or passed beside it."""

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from skvae._columns import column_names, observed_cells, resolve_columns
from skvae._kinds import as_objects
from skvae._validation import Instance
from skvae.distributions import Auto, Mixed
from skvae.inputs._columns import (
    CELLS,
    PlainColumns,
    check_dimensions,
    check_is_table,
    plain,
)
from skvae.inputs._conditions import Conditions
from skvae.inputs._contents import Contents
from skvae.inputs._frames import column_of, take_columns
from skvae.inputs._numbers import check_range, explaining, with_na
from skvae.inputs._passed import Passed, read_condition
from skvae.training import Table

BOTH_WAYS = (
    "Name its columns of X in the constructor, condition_columns=[...], or pass it to "
    "every method, condition=..."
)


class ConditionedColumns(PlainColumns):
    """A table with conditions, as columns or passed beside it.

    Attributes
    ----------
    condition_positions : ndarray of int or None
        Columns of X that hold conditions; None if conditions are passed beside X.
    conditions : Conditions
        Levels and frequencies of the conditions.
    """

    saved = {
        "conditions_": Instance((dict,), "the levels of the conditions"),
        "_positions": Instance((np.ndarray, type(None)), "columns of X"),
    }

    @property
    def condition_width(self):
        """Numbers per row that a model reads as its condition."""
        return self.conditions.width

    # -- from X to numbers ----------------------------------------------------------

    def _table(self, estimator, X, given, reset):
        X = check_dimensions(X, type(estimator).__name__)
        x, condition = self._split(estimator, X, given.condition, reset)
        beside = given.arrays(len(x))
        if reset:
            weight = beside.get("sample_weight")
            codes = self._learn(estimator, condition, len(x), weight)
        else:
            codes = self.codes(estimator, condition, len(x))
        condition = self.conditions.encode(codes)
        return Table(x, condition=condition, seen=observed_cells(x), **beside)

    def _learn(self, estimator, condition, n_rows, weight):
        """Learn the levels of the conditions, and return the codes, (n_rows, m)."""
        self.conditions = self._new_conditions(estimator)
        passed = _as_passed(condition, n_rows)
        if not passed.columns:
            return self.conditions.fit_nothing(n_rows)
        weight = None if passed.for_all else weight
        codes = self.conditions.fit(passed.columns, passed.names, weight)
        return np.repeat(codes, n_rows, axis=0) if passed.for_all else codes

    def _new_conditions(self, estimator):
        labels = None
        if self.condition_positions is not None:
            names = column_names(self.all_names, self.n_features)
            labels = [names[j] for j in self.condition_positions]
        return Conditions(estimator.condition_encoding, labels)

    def _split(self, estimator, X, condition, reset=False):
        """Split X into data and conditions, which may be strings."""
        if reset:
            self.condition_positions = None
            in_X = estimator.condition_columns is not None
        else:
            in_X = self.condition_positions is not None
        if not in_X:
            return self._validated(estimator, X, reset), condition
        if condition is not None:
            raise ValueError(
                "condition was passed although condition_columns="
                f"{estimator.condition_columns!r}: choose one of the two."
            )
        X = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
        check_is_table(X, estimator)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        if reset:
            self._remember(estimator)
            self.condition_positions = self._resolve(estimator, X)
        if self.n_data == 0:
            raise ValueError("condition_columns leave no column of X to be modelled.")
        data = take_columns(X, self.data_positions)
        with explaining(data, [self._label(j) for j in self.data_positions]):
            if reset:
                self.contents = Contents.of(X, self.data_positions)
            x = self._data(estimator, X, data, reset)
        if not reset:
            x = estimator.likelihood_.forget_unknown(x)
        check_range(x, estimator.dtype, self.names)
        return x, self._in_table(X)

    def _in_table(self, X):
        """Return the conditions that are columns of X."""
        columns = [column_of(X, j) for j in self.condition_positions]
        if self.all_names is None:
            return Passed(columns)
        return Passed(columns, self.all_names[self.condition_positions].tolist())

    def _data(self, estimator, X, data, reset):
        if self.has_words:
            return self._in_numbers(estimator, X, reset, self.data_positions)
        how = CELLS | {"estimator": estimator, "input_name": "X"}
        return with_na(data, lambda data: check_array(data, **how))

    def _resolve(self, estimator, X):
        columns = estimator.condition_columns
        found = resolve_columns(columns, X.shape[1], self.all_names, X)
        if len(found) == 0:
            raise ValueError("The 'condition_columns' parameter selects no column.")
        return np.unique(found)

    # -- which columns --------------------------------------------------------------

    @property
    def data_positions(self):
        """Positions in X of the data columns."""
        if self.condition_positions is None:
            return np.arange(self.n_features)
        return np.delete(np.arange(self.n_features), self.condition_positions)

    @property
    def names(self):
        if self.all_names is None or self.condition_positions is None:
            return self.all_names
        return self.all_names[self.data_positions]

    @property
    def n_data(self):
        return len(self.data_positions)

    def positions(self, data_columns):
        return self.data_positions[data_columns]

    def likelihood(self, estimator, frame=None):
        """Return the unfitted likelihood; columns in a list are columns of X."""
        likelihood = super().likelihood(estimator, frame)
        if self.condition_positions is None or not isinstance(likelihood, Mixed):
            return likelihood
        place = np.full(self.n_features, -1)
        place[self.data_positions] = np.arange(self.n_data)

        def moved(columns):
            found = resolve_columns(columns, self.n_features, self.all_names, frame)
            if (place[found] < 0).any():
                raise ValueError(
                    f"The 'likelihood' list names a condition column in {columns!r}."
                )
            return place[found]

        if isinstance(likelihood, Auto):
            return likelihood.moved(lambda key: int(moved([key])[0]))
        return Mixed([(part, moved(columns)) for part, columns in likelihood.parts])

    # -- conditions -----------------------------------------------------------------

    def codes(self, estimator, condition, n_rows):
        """Return the codes of the conditions of some rows, (n_rows, m).

        Raises
        ------
        ValueError
            If a condition was passed but not in fit, or in fit but not now, or if a
            level is unknown and ``handle_unknown="error"``.
        """
        owner, expected = type(estimator).__name__, self.conditions.n_conditions
        if condition is None and expected:
            raise ValueError(
                f"{owner} was fitted with a condition, but none was passed. {BOTH_WAYS}"
            )
        if condition is not None and not expected:
            raise ValueError(
                f"{owner} was fitted without a condition, but one was passed. "
                f"{BOTH_WAYS}"
            )
        passed = _as_passed(condition, n_rows, expected)
        if not passed.columns and not expected:
            return np.empty((n_rows, 0))
        codes = self.conditions.codes(
            passed.columns, estimator.handle_unknown, passed.names
        )
        return np.repeat(codes, n_rows, axis=0) if passed.for_all else codes

    def codes_of(self, estimator, X, condition):
        """Return the codes of the conditions of valid rows, (n, m)."""
        if self.condition_positions is not None:
            X = check_dimensions(X, type(estimator).__name__)
            _, condition = self._split(estimator, X, condition)
        return self.codes(estimator, condition, len(X))

    def codes_to_decode(self, estimator, condition, n_rows):
        """Return the codes of the conditions to decode under, (n_rows, m).

        By default, the only condition seen in fit is used.

        Raises
        ------
        ValueError
            If there were several, and the result depends on the choice.
        """
        if condition is not None:
            return self.codes(estimator, condition, n_rows)
        in_result = self.condition_positions is not None
        needed = estimator._decoder_sees_condition or in_result
        if needed and not self.conditions.constant:
            raise ValueError(
                f"{type(estimator).__name__} needs condition=... to decode, as there "
                "was more than one in fit."
            )
        return np.repeat(self.conditions.seen_[:1], n_rows, axis=0)

    def restore(self, x, codes=None):
        """Insert the condition columns among the data columns, (n, n_features)."""
        if self.condition_positions is None:
            return x
        dtype = self.conditions.table_dtype(x.dtype)
        table = np.empty((len(x), self.n_features), dtype)
        table[:, self.data_positions] = x
        columns = self.conditions.columns(codes)
        for j, column in zip(self.condition_positions, columns, strict=True):
            table[:, j] = column if dtype.kind == "f" else as_objects(column)
        return table

    # -- files ----------------------------------------------------------------------

    def learned(self):
        return super().learned() | {
            "conditions_": self.conditions.learned(),
            "_positions": self.condition_positions,
        }

    def put_back(self, estimator, values):
        super().put_back(estimator, values)
        self.condition_positions = positions = values["_positions"]
        if positions is not None:
            _check_positions(positions, self.n_features)
        self.conditions = self._new_conditions(estimator)
        self.conditions.put_back(values["conditions_"])

    def plain_parameters(self, estimator):
        values = super().plain_parameters(estimator)
        values["condition_columns"] = plain(
            estimator.condition_columns, self.condition_positions
        )
        return values


def _check_positions(positions, n_columns):
    known = np.unique(positions)
    inside = len(known) and known[0] >= 0 and known[-1] < n_columns
    if positions.dtype.kind != "i" or len(known) != len(positions) or not inside:
        raise ValueError(f"its condition columns are {positions!r}.")
    if len(known) == n_columns:
        raise ValueError("its condition columns leave no other.")


def _as_passed(condition, n_rows, n_conditions=1):
    """Return conditions by column, whether they were columns of X or an argument."""
    if isinstance(condition, Passed):
        return condition
    return read_condition(condition, n_rows, n_conditions)
