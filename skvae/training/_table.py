"""What a model sees of some rows, and the table that they come from."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch


class Batch(NamedTuple):
    """What a module sees of some rows; fields that a model does not use are None.

    Attributes
    ----------
    x : Tensor of shape (B, D)
        The data, less the likelihood's origin.
    condition : Tensor of shape (B, C), optional
        Conditions as numbers.
    observed : Tensor of bool of shape (B, M), optional
        Which modalities are observed; the others are zeros in `x`.
    seen : Tensor of bool of shape (B, D), optional
        Which cells of observed modalities are observed; the others are filled in `x`
        by values that are typical of their columns.
    y : Tensor of shape (B,) or (B, T), optional
        Targets.
    sample_weight : Tensor of shape (B,), optional
        Weight of each row; in batches to train on, 1 on average.
    index : Tensor of shape (B,), optional
        The rows' numbers in the table.
    """

    x: torch.Tensor
    condition: torch.Tensor | None = None
    observed: torch.Tensor | None = None
    seen: torch.Tensor | None = None
    y: torch.Tensor | None = None
    sample_weight: torch.Tensor | None = None
    index: torch.Tensor | None = None


# Fields that hand-written models know.
PLAIN = {"x", "condition", "sample_weight", "index"}


def is_plain(batch):
    """Return whether a batch has only fields that hand-written models know."""
    return {
        name for name, value in batch._asdict().items() if value is not None
    } <= PLAIN


def condition_of(batch):
    """Return the conditions of a batch, (B, C), or None if there are no columns."""
    condition = batch.condition
    return None if condition is None or not condition.shape[-1] else condition


BESIDE = ("condition", "observed", "seen", "y", "sample_weight")


@dataclass(frozen=True)
class Table:
    """An estimator's ``X`` as numbers, with what was passed beside it.

    Attributes
    ----------
    x : ndarray of shape (n, d)
        The data.
    condition : ndarray of shape (n, c), optional
        Conditions as numbers.
    observed : ndarray of bool of shape (n, m), optional
        Which modalities are observed; the others are NaN in `x`. None if all are.
    seen : ndarray of bool of shape (n, d), optional
        Which cells of observed modalities are observed; the others are NaN in `x`. None
        if all are.
    y : ndarray of shape (n,) or (n, t), optional
        Targets.
    sample_weight : ndarray of shape (n,), optional
        Weight of each row.
    """

    x: np.ndarray
    condition: np.ndarray | None = None
    observed: np.ndarray | None = None
    seen: np.ndarray | None = None
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None

    @classmethod
    def of(cls, rows):
        """Wrap an array as a table; return a table unchanged."""
        return rows if isinstance(rows, cls) else cls(rows)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        beside = {name: values[rows] for name, values in self.beside().items()}
        return Table(self.x[rows], **beside)

    def beside(self):
        """Return the fields besides `x` that are not None, by name."""
        values = {name: getattr(self, name) for name in BESIDE}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def dtype(self):
        """Precision of the data."""
        return self.x.dtype
