"""What a module yields to be minimised."""

from typing import NamedTuple

import torch


def mean_over_rows(values, weight=None):
    """Return the mean of values (B,), with weights (B,) that are 1 on average, ()."""
    return values.mean() if weight is None else (values * weight).mean()


class Loss(NamedTuple):
    """One loss for one group of parameters, as a module yields it.

    Attributes
    ----------
    group : str
        The group of parameters that the loss moves.
    value : Tensor of shape (B,)
        The loss of each row. Its mean is minimised, weighted by ``batch.sample_weight``
        if there are weights.
    terms : dict of str to Tensor of shape (B,)
        Values per row to record under their names, without gradients.
    rows : dict of str to Tensor of bool of shape (B,), or None, default=None
        For each term that some rows lack, the rows that have it; the recorded mean is
        over these. The names must be the same in every batch of a fit.
    """

    group: str
    value: torch.Tensor
    terms: dict
    rows: dict | None = None

    def averaged(self, weight=None):
        """Return the loss with the mean over rows of weights (B,) as its value, ()."""
        if weight is not None and self.value.ndim == 0:
            raise ValueError(
                f"The loss of the group {self.group!r} must have a value per row to be "
                "weighted by sample_weight. Got a single number."
            )
        return self._replace(value=mean_over_rows(self.value, weight))
