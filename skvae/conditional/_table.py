"""Rows with conditions, as columns of X or beside it."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import check_array, validate_data

from skvae._columns import resolve_columns
from skvae._validation import NONE, Callable, Instance, Interval, Options
from skvae.base import VAE_PARAMETERS, BaseVAETransformer
from skvae.distributions import Mixed
from skvae.inputs import Conditions, take_columns
from skvae.nets import Beside, build_body, mlp
from skvae.training import Table

BOTH_WAYS = (
    "Name its columns of X in the constructor, condition_columns=[...], or give it to "
    "every method, condition=..."
)
CONDITIONAL_PARAMETERS = VAE_PARAMETERS | {
    "condition_columns": (
        Instance((list, tuple, slice, str, np.ndarray), "columns of X"),
        Interval(Integral, -np.inf, closed="neither"),
        Callable("a selector of columns"),
        NONE,
    ),
    "condition_encoding": (Options(("one-hot", "passthrough")),),
    "handle_unknown": (Options(("error", "ignore")),),
}


class ConditionedTable(BaseVAETransformer):
    """From rows with conditions, as columns of X or beside it, to a `Table` and back.

    ``conditions_`` holds what was learned of them.
    """

    _allowed = CONDITIONAL_PARAMETERS
    _decoder_sees_condition = True
    _architecture = (
        *BaseVAETransformer._architecture,
        "condition_columns",
        "condition_encoding",
    )
    _saved = BaseVAETransformer._saved | {
        "conditions_": Instance((dict,), "what was learned of the conditions"),
        "_positions": Instance((np.ndarray, type(None)), "columns of X"),
    }

    # -- columns --------------------------------------------------------------------

    def _check_input(self, X, condition=None, reset=False):
        X = self._check_dimensions(X)
        if self.condition_columns is None:
            if reset:
                self._positions = None
            x = super()._check_input(X, reset=reset).x
            values = condition
        else:
            self._check_one_way(condition)
            x, values = self._split(X, reset)
        codes = self._codes(values, len(x), reset)
        return Table(x, self.conditions_.encode(codes))

    def _check_one_way(self, condition):
        if condition is not None:
            raise ValueError(
                "condition was given beside condition_columns="
                f"{self.condition_columns!r}: choose one of the two."
            )

    def _split(self, X, reset):
        """Split a table into numbers and conditions, before strings are refused."""
        X = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
        if len(X.shape) != 2:  # the usual message
            check_array(X, estimator=self, input_name="X")
        validate_data(self, X, skip_check_array=True, reset=reset)
        if reset:
            self._positions = self._resolve(X)
        if len(self._rest) == 0:
            raise ValueError("condition_columns leave no column of X to be modelled.")
        data = take_columns(X, self._rest)
        x = check_array(
            data, dtype=[np.float64, np.float32], estimator=self, input_name="X"
        )
        return x, take_columns(X, self._positions)

    @property
    def _rest(self):
        """Positions of the columns that are modelled."""
        return np.delete(np.arange(self.n_features_in_), self._positions)

    def _resolve(self, X):
        names = getattr(self, "feature_names_in_", None)
        found = resolve_columns(self.condition_columns, X.shape[1], names, X)
        if len(found) == 0:
            raise ValueError("The 'condition_columns' parameter selects no column.")
        return np.unique(found)

    def _codes(self, values, n_rows, reset):
        """Turn values, or None, into the codes of `n_rows` rows."""
        if reset:
            self.conditions_ = Conditions(self.condition_encoding)
            return self.conditions_.fit(_as_columns(values, n_rows))
        if values is None and self.conditions_.n_conditions:
            raise ValueError(
                f"{type(self).__name__} was fitted with a condition, and none is given "
                f"now. {BOTH_WAYS}"
            )
        if values is not None and not self.conditions_.n_conditions:
            raise ValueError(
                f"{type(self).__name__} was fitted without a condition, and one is "
                f"given now. {BOTH_WAYS}"
            )
        values = _as_columns(values, n_rows)
        return self.conditions_.codes(values, self.handle_unknown)

    def _names(self):
        names = super()._names()
        if names is None or self._positions is None:
            return names
        return names[self._rest]

    def _new_likelihood(self, frame):
        """Take positions in a likelihood list as those in the whole table."""
        likelihood = super()._new_likelihood(frame)
        if self._positions is None or not isinstance(likelihood, Mixed):
            return likelihood
        names = getattr(self, "feature_names_in_", None)
        place = np.full(self.n_features_in_, -1)
        place[self._rest] = np.arange(len(self._rest))
        parts = []
        for part, columns in likelihood.parts:
            found = resolve_columns(columns, self.n_features_in_, names, frame)
            if (place[found] < 0).any():
                raise ValueError(
                    f"The 'likelihood' list names a condition column in {columns!r}."
                )
            parts.append((part, place[found]))
        return Mixed(parts)

    def _likelihood_width(self):
        n_given = 0 if self._positions is None else len(self._positions)
        return self.n_features_in_ - n_given

    # -- networks -------------------------------------------------------------------

    def _build_encoder(self, n_features):
        """Build the encoder of a row beside its condition; give its width too."""
        width = self.conditions_.width
        if self.encoder is None:
            sizes = (n_features + width, *self.hidden_layer_sizes)
            return mlp(sizes[0], sizes[1:], self.activation, self.dropout), sizes[-1]
        body, n_hidden = build_body(self.encoder, n_features, "encoder")
        return (Beside(body, n_features) if width else body), n_hidden + width

    def _training_features(self, table, head):
        """Give a function n -> n training rows as the encoder sees them."""
        data = super()._training_features(table, head)

        def rows(n):
            if table is None:
                return torch.zeros(n, head.n_features + self.conditions_.width)
            which = np.random.default_rng(self._seed).permutation(len(table))
            given = np.take(table.condition, np.resize(which, n), axis=0)
            given = torch.as_tensor(given).to(torch.get_default_dtype())
            return torch.cat([data(n), given], dim=1)

        return rows

    # -- the way back ---------------------------------------------------------------

    def _target(self, condition, n_rows, method):
        """The codes of conditions asked for, or of the only one there was."""
        if condition is not None:
            return self._codes(condition, n_rows, reset=False)
        filled = self._decoder_sees_condition or self._positions is not None
        if filled and not self.conditions_.constant:
            raise ValueError(
                f"{type(self).__name__}.{method} needs condition=..., as there was "
                "more than one in fit."
            )
        return np.repeat(self.conditions_.seen_[:1], n_rows, axis=0)

    def _filled(self, x, codes):
        """Put condition columns back among the others, (n, n_features_in_)."""
        if self._positions is None:
            return x
        values = self.conditions_.values(codes)
        numeric = values.dtype != object
        table = np.empty((len(x), self.n_features_in_), x.dtype if numeric else object)
        table[:, self._rest] = x
        table[:, self._positions] = values
        return table

    def _place_in_table(self, positions):
        if self._positions is None:
            return positions
        return self._rest[positions]

    # -- files ----------------------------------------------------------------------

    def _learned(self):
        return super()._learned() | {"conditions_": self.conditions_.learned()}

    def _put_back(self, values):
        if self._positions is not None:
            _check_positions(self._positions, self.n_features_in_)
        self.conditions_ = Conditions(self.condition_encoding)
        self.conditions_.put_back(values["conditions_"])
        super()._put_back(values)

    def _plain_parameters(self):
        values = super()._plain_parameters()
        if callable(self.condition_columns):
            values["condition_columns"] = self._positions.tolist()
        return values


def _check_positions(positions, n_columns):
    known = np.unique(positions)
    inside = len(known) and known[0] >= 0 and known[-1] < n_columns
    if positions.dtype.kind != "i" or len(known) != len(positions) or not inside:
        raise ValueError(f"its condition columns are {positions!r}.")
    if len(known) == n_columns:
        raise ValueError("its condition columns leave no other.")


def _as_columns(values, n_rows):
    """Conditions as a table: one value for all rows, one a row, or several a row."""
    if values is None:
        return np.empty((n_rows, 0))
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    if not hasattr(values, "shape"):  # a list may mix kinds, which numpy would make one
        values = np.asarray(values, dtype=object)
    if np.ndim(values) == 0:
        values = np.full(n_rows, values, dtype=object)
    if np.ndim(values) == 1:
        values = np.asarray(values)[:, None]
    if len(values) != n_rows:
        raise ValueError(f"condition has {len(values)} rows, and there are {n_rows}.")
    return values
