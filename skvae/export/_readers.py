"""Modules that read the columns of X as an estimator does, as part of a graph."""

import numpy as np
import torch
from torch import nn

from skvae.distributions import Mixed
from skvae.inputs import BlockColumns, ConditionedColumns, PlainColumns
from skvae.training import Batch


class PlainReader(nn.Module):
    """Converts numbers of X to a `Batch`, as `skvae.training.Rows` does.

    A graph cannot raise an error. Where the estimator would raise one for a row, the
    row is marked as refused instead.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        A fitted estimator.
    dtype : torch.dtype
        Precision of the computation.
    """

    def __init__(self, estimator, dtype):
        super().__init__()
        columns, likelihood = estimator._columns, estimator.likelihood_
        self.dtype, self.n_features = dtype, columns.n_features
        self.has_origin = likelihood.origin is not None
        self._keep(
            "origin", np.zeros(1) if likelihood.origin is None else likelihood.origin
        )
        self._keep("fill", likelihood.fill, dtype)
        self._keep("ignores_unknown", likelihood.ignores_unknown, torch.bool)
        levels = levels_of(likelihood, columns.n_data)
        self.has_levels = [j for j, values in enumerate(levels) if values is not None]
        for j in self.has_levels:
            self._keep(f"levels{j}", levels[j])

    def _keep(self, name, values, dtype=torch.float64):
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype))

    def forward(self, X, condition=None):
        """Return the `Batch` of rows, (B, n_features), and which are refused, (B,)."""
        return self._read(X)

    def _read(self, x):
        """Return the batch of the data columns, (B, D), and which rows are refused."""
        seen, refused = ~x.isnan(), torch.zeros_like(x[:, 0], dtype=torch.bool)
        if self.has_levels:
            unknown = seen & self._unknown(x)
            seen = seen & ~(unknown & self.ignores_unknown)
            refused = (unknown & ~self.ignores_unknown).any(-1)
        if self.has_origin:
            x = x.double() - self.origin
        x = torch.where(seen, x.to(self.dtype), self.fill)
        return Batch(x, seen=seen), refused

    def _unknown(self, x):
        """Return which codes were not seen in fit, (B, D)."""
        flags = [torch.zeros_like(column, dtype=torch.bool) for column in x.unbind(-1)]
        for j in self.has_levels:
            levels = getattr(self, f"levels{j}")
            flags[j] = ~(x[:, j, None].double() == levels).any(-1)
        return torch.stack(flags, -1)

    def in_units(self, x, X):
        """Add the origin to computed data columns, as `Evaluator` does."""
        return x.double() + self.origin if self.has_origin else x.to(X.dtype)

    def restore(self, x, X):
        """Return computed data columns as columns of X, (B, n_features)."""
        return self.in_units(x, X)


class ConditionedReader(PlainReader):
    """Reads rows with conditions that are numbers, in X or beside it."""

    def __init__(self, estimator, dtype):
        super().__init__(estimator, dtype)
        columns = estimator._columns
        self.conditions, self.encoding = columns.conditions, columns.conditions.encoding
        self.ignores = estimator.handle_unknown == "ignore"
        self.in_X = columns.condition_positions is not None
        if self.in_X:
            at = np.asarray(columns.condition_positions)
            self._keep("conditions_at", at, torch.int64)
            self._keep("data_at", columns.data_positions, torch.int64)
            order = np.argsort(np.concatenate([columns.data_positions, at]))
            self._keep("order", order, torch.int64)
        if self.encoding == "passthrough":
            self._keep("condition_origin", columns.conditions.origin_)
            return
        for j, levels in enumerate(columns.conditions.levels_):
            _check_numeric(levels, type(estimator).__name__)
            single = levels.dtype == np.float32
            self._keep(
                f"condition{j}", levels, torch.float32 if single else torch.double
            )

    @property
    def n_beside(self):
        """Number of conditions that are passed beside X."""
        return 0 if self.in_X else self.conditions.n_conditions

    def forward(self, X, condition=None):
        data = X
        if self.in_X:
            data, condition = X[:, self.data_at], X[:, self.conditions_at]
        batch, refused = self._read(data)
        if not self.conditions.n_conditions:
            return batch._replace(condition=batch.x[:, :0]), refused
        found, known = self._encoded(condition)
        allowed = ~condition.isnan() if self.ignores else known
        refused = refused | ~allowed.all(-1)
        return batch._replace(condition=found.to(self.dtype)), refused

    def _encoded(self, condition):
        """Return what the model reads, (B, width), and which are known, (B, m)."""
        if self.encoding == "passthrough":
            return condition.double() - self.condition_origin, ~condition.isnan()
        blocks, known = [condition[:, :0].double()], []
        for j in range(self.conditions.n_conditions):
            levels = getattr(self, f"condition{j}")
            is_level = condition[:, j, None].to(levels.dtype) == levels  # (B, L)
            known.append(is_level.any(-1, keepdim=True))
            if len(levels) > 1:
                blocks.append(is_level.double())
        return torch.cat(blocks, -1), torch.cat(known, -1)

    def restore(self, x, X):
        x = self.in_units(x, X)
        if not self.in_X:
            return x
        given = X[:, self.conditions_at]
        _, known = self._encoded(given)
        given = torch.where(known, given, torch.nan).to(x.dtype)
        return torch.cat([x, given], -1)[:, self.order]


class BlockReader(PlainReader):
    """Reads tables of several modalities, each of which may be missing in a row.

    Missing modalities need experts. Without experts the posterior iterates, and rows
    that lack a modality are refused.
    """

    def __init__(self, estimator, dtype):
        super().__init__(estimator, dtype)
        blocks = estimator._columns.blocks
        self.n_blocks = len(blocks)
        self.has_experts = len(getattr(estimator.module_, "experts", ())) > 0
        self.takes_empty = estimator.empty_rows == "prior"
        block_of = np.empty(self.n_features, dtype=np.int64)
        for m, at in enumerate(blocks.values()):
            self._keep(f"block{m}", at, torch.int64)
            block_of[at] = m
        self._keep("block_of", block_of, torch.int64)

    def _read(self, x):
        batch, refused = super()._read(x)
        blocks = [getattr(self, f"block{m}") for m in range(self.n_blocks)]
        observed = torch.stack([batch.seen[:, at].any(-1) for at in blocks], -1)
        if not self.has_experts:
            return batch, refused | ~observed.all(-1)
        if not self.takes_empty:
            refused = refused | ~observed.any(-1)
        there = observed[:, self.block_of]  # (B, D)
        x = torch.where(there, batch.x, 0)
        return Batch(x, observed=observed, seen=batch.seen | ~there), refused


def _check_numeric(levels, owner):
    """Raise ValueError unless levels are numbers, which double precision holds."""
    numbers = levels.dtype.kind in "biuf"
    if not numbers or (np.float64(levels).astype(levels.dtype) != levels).any():
        raise ValueError(
            f"{owner} cannot be exported: its conditions have levels such as "
            f"{levels[0]!r}, and the input of a graph is a table of numbers. Encode "
            "them before, for example by OrdinalEncoder."
        )


READERS = {
    PlainColumns: PlainReader,
    ConditionedColumns: ConditionedReader,
    BlockColumns: BlockReader,
}


def levels_of(likelihood, n_columns):
    """Return the codes that each column may hold, None where it holds other values."""
    if not isinstance(likelihood, Mixed):
        return getattr(likelihood, "levels_", [None] * n_columns)
    levels = [None] * n_columns
    for part, columns in zip(likelihood.parts_, likelihood.columns_, strict=True):
        for j, values in zip(columns, levels_of(part, len(columns)), strict=True):
            levels[j] = values
    return levels
