"""Tables of mixed types: one likelihood for each block of columns."""

from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from skvae._columns import column_names, resolve_columns
from skvae._validation import check_parameters
from skvae.distributions._discrete import Product
from skvae.distributions._heads import Working, working_of
from skvae.distributions._joined import groups_of, head_of, join_weights
from skvae.distributions._likelihoods import Likelihood, RowError
from skvae.distributions._one_hot import Categorical


def _as_slice(columns):
    """Convert consecutive columns to a slice, which avoids a copy."""
    if len(columns) and (np.diff(columns) == 1).all():
        return slice(columns[0], columns[-1] + 1)
    return columns


@contextmanager
def _row_of_table(X, columns):
    """Name the row of X in a `RowError`, which counts only rows that have a block."""
    try:
        yield
    except RowError as error:
        present = np.flatnonzero(_present(X[:, columns]))
        raise RowError(present[error.row], error.text) from None


def _present(block):
    """Return which rows have a value, (n,)."""
    return ~np.isnan(block).all(axis=1)


def _undone(values, order):
    """Return values such that ``result[order]`` are these."""
    out = np.empty_like(values)
    out[order] = values
    return out


class Mixed(Likelihood):
    """Independent blocks of columns, given z.

    Parameters
    ----------
    parts : list of (Likelihood, columns)
        Columns as in :class:`~sklearn.compose.ColumnTransformer`; every column of the
        table must be in exactly one part.
    """

    def __init__(self, parts):
        self.parts = parts

    @property
    def positive_only(self):
        """Whether every column must be non-negative."""
        return all(part.positive_only for part, _ in self.parts)

    @property
    def binary(self):
        """Whether every column is Bernoulli or one-hot."""
        return all(part.binary for part, _ in self.parts)

    @property
    def movable(self):
        """Whether adding a number makes sense for every column."""
        return all(part.movable for part, _ in self.parts)

    @property
    def origin(self):
        origin = np.zeros(self.n_columns_)
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            if part.origin is not None:
                origin[columns] = part.origin
        return origin if origin.any() else None

    @property
    def fill(self):
        fill = np.zeros(self.n_columns_)
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            fill[columns] = part.fill
        return fill

    @property
    def ignores_unknown(self):
        ignores = np.zeros(self.n_columns_, dtype=bool)
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            ignores[columns] = part.ignores_unknown
        return ignores

    def forget_unknown(self, X):
        if not self.ignores_unknown.any():
            return X
        X = X.copy()
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            X[:, columns] = part.forget_unknown(X[:, columns])
        return X

    @property
    def most_words(self):
        most = np.zeros(self.n_columns_)
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            most[columns] = part.most_words
        return most

    def _learn_columns(self, X, names, frame, kinds=None, weight=None):
        check_parameters(self)
        self.n_columns_ = n_columns = X.shape[1]
        self._note_holes(X)
        parts = self._choose(X, names, kinds)
        self.columns_ = [
            resolve_columns(columns, n_columns, names, frame) for _, columns in parts
        ]
        self._check_cover(column_names(names, n_columns))
        self.parts_ = [part for part, _ in parts]
        for part, block, names_of_block, columns in self._blocks(X, names):
            some = frame.iloc[:, columns] if hasattr(frame, "iloc") else None
            of_block = None if kinds is None else [kinds[j] for j in columns]
            its = None if weight is None else weight[_present(X[:, columns])]
            part._learn_columns(block, names_of_block, some, of_block, its)

    def _choose(self, X, names, kinds):
        """Return the unfitted parts, as the parameter `parts`."""
        return self.parts

    def _check_cover(self, labels):
        count = np.zeros(len(labels), dtype=int)
        for columns in self.columns_:
            np.add.at(count, columns, 1)
        for wrong, how_many in ((count == 0, "no"), (count > 1, "more than one")):
            if wrong.any():
                names = ", ".join(labels[j] for j in np.flatnonzero(wrong)[:10])
                more = f" and {wrong.sum() - 10} more" if wrong.sum() > 10 else ""
                raise ValueError(
                    f"The 'likelihood' list has {how_many} part for {names}{more}."
                )
        if any(len(columns) == 0 for columns in self.columns_):
            raise ValueError("The 'likelihood' list has a part that selects no column.")

    def correct(self, *statistics):
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            part.correct(*(values[columns] for values in statistics))

    def check(self, X, names=None):
        for part, block, labels, columns in self._blocks(X, names):
            with _row_of_table(X, columns):
                part.check(block, labels)

    def misfits(self, X):
        found, groups = [np.empty(0, dtype=int)], []
        for part, block, _, columns in self._blocks(X, None):
            some, of_part = part.misfits(block)
            found.append(columns[some])
            groups += [columns[group] for group in of_part]
        return np.sort(np.concatenate(found)), groups

    def _check_spreads(self, names):
        labels = np.asarray(column_names(names, self.n_columns_))
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            part._check_spreads(labels[columns])

    def check_codes(self, X, names=None):
        for part, block, labels, columns in self._blocks(X, names):
            with _row_of_table(X, columns):
                part.check_codes(block, labels)

    def check_changed(self, X, changed, names=None):
        """Raise ValueError if changed one-hot columns are no longer one-hot.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            The changed rows.
        changed : ndarray of int
            Positions of the changed columns.
        names : sequence of str, optional
            Column names, for error messages.
        """
        for part, block, labels, columns in self._blocks(X, names):
            inside = np.flatnonzero(np.isin(columns, changed))
            if isinstance(part, Mixed):
                part.check_changed(block, inside, labels)
            elif isinstance(part, Categorical) and len(inside):
                part.check(block, labels)

    def _blocks(self, X, names):
        """Yield each part with its values, column names and positions.

        Rows in which the block is missing (NaN) are left out.
        """
        labels = column_names(names, X.shape[1])
        for part, columns in zip(self.parts_, self.columns_, strict=True):
            block = X[:, _as_slice(columns)]
            if np.isnan(block[:, 0]).any():
                block = block[_present(block)]
            if len(block):
                yield part, block, [labels[j] for j in columns], columns

    def head(self, n_hidden):
        return MixedHead(self.parts_, self.columns_, n_hidden)


class MixedHead(nn.Module):
    """One head per family.

    Features are in the order of the parts.

    Parameters
    ----------
    parts : list of Likelihood
        Fitted likelihoods of the parts.
    columns : list of ndarray of int
        Columns of each.
    n_hidden : int
        Width of the output of the decoder's body.
    """

    n_flags = 0  # as of `Head`

    def __init__(self, parts, columns, n_hidden):
        super().__init__()
        self.groups = groups_of(parts)
        heads = [head_of([parts[i] for i in group], n_hidden) for group in self.groups]
        self.heads = nn.ModuleList(heads)
        self.n_features = sum(head.n_features for head in heads)
        for g, group in enumerate(self.groups):
            # Not persistent: weights read from a file must not determine the columns.
            positions = torch.as_tensor(np.concatenate([columns[i] for i in group]))
            self.register_buffer(f"columns{g}", positions, persistent=False)
        order = self._feature_order(parts)
        self.register_buffer("order", torch.as_tensor(order), persistent=False)
        self.in_order = bool((order == np.arange(len(order))).all())

    def _feature_order(self, parts):
        """Return where each feature of the parts is among those of the heads."""
        start, places = 0, {}
        for head, group in zip(self.heads, self.groups, strict=True):
            first = start
            for i in group:
                alone = len(group) == 1
                width = head.n_features if alone else parts[i].n_features
                places[i] = np.arange(first, first + width)
                first += width
            start += head.n_features
        return np.concatenate([places[i] for i in range(len(parts))])

    def join_weights(self, weights, prefix):
        """Return weights of a file for these heads, see `join_weights`."""
        names = [set(head.state_dict()) for head in self.heads]
        return join_weights(weights, self.groups, f"{prefix}heads.", names)

    def take_as_is(self):
        raise ValueError(
            "A 'decoder' that returns the likelihood's parameters itself cannot be "
            "combined with several likelihoods."
        )

    def _blocks(self):
        for i, head in enumerate(self.heads):
            yield head, getattr(self, f"columns{i}")

    def features(self, x, seen=None):
        parts = []
        for head, columns in self._blocks():
            given = (x[..., columns],)
            if seen is not None:
                given += (seen[..., columns],)
            parts.append(head.features(*given))
        return self._by_part(torch.cat(parts, -1))  # (B, n_features)

    def _by_part(self, features):
        return features if self.in_order else features[..., self.order]

    def by_feature(self, flags):
        parts = [head.by_feature(flags[..., at]) for head, at in self._blocks()]
        return self._by_part(torch.cat(parts, -1))

    def working(self, mean):
        order = self.order.numpy()
        mean, parts, start = _undone(mean, order), [], 0
        for head in self.heads:
            parts.append(working_of(head, mean[start : start + head.n_features]))
            start += head.n_features
        return Working(*[np.concatenate(v)[order] for v in zip(*parts, strict=True)])

    def start_linear(self, weight, shift, psi):
        start, order = 0, self.order.numpy()
        weight, shift, psi = (_undone(v, order) for v in (weight, shift, psi))
        for head in self.heads:
            columns = slice(start, start + head.n_features)
            head.start_linear(weight[columns], shift[columns], psi[columns])
            start = columns.stop

    def forward(self, h):
        return Product([(head(h), columns) for head, columns in self._blocks()])
