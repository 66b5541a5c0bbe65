"""A classifier of conditions from latents, which bounds their mutual information."""

import numpy as np
import torch
from torch import nn

from skvae.nets import LocScale, mlp

HIDDEN = (256, 256)
DROPOUT = 0.5  # so that a condition with few rows is not learned by heart
LEARNING_RATE = 1e-3
N_STEPS = 3  # of the classifier after each step of the model


class TaskClassifier(nn.Module):
    """c(s | z), trained beside a model on a bound of I(S; Z).

        I(S; Z) ≥ E[ln c(s | z) − ln π(s)],

    which is exact at c(s | z) = p(s | z) (Barber & Agakov 2003). π(s) are the shares of
    the conditions in training. With several conditions, the terms of each are added.

    Parameters
    ----------
    n_latents : int
        Width of z.
    n_levels : list of int or None
        Levels of each condition that is read as 0/1 columns. None if conditions are
        numbers; c and π are then normal, independently for each of them.
    width : int
        Width of the conditions that a model reads.
    """

    def __init__(self, n_latents, n_levels, width):
        super().__init__()
        self.n_levels = n_levels
        self.body = mlp(n_latents, HIDDEN, dropout=DROPOUT)
        kind = nn.Linear if n_levels else LocScale
        self.last = kind(HIDDEN[-1], width)
        # π(s): shares of levels, or mean and standard deviation of numbers.
        self.register_buffer("marginal", torch.ones(2, width), persistent=False)

    def begin(self, rows):
        """Learn π(s) from training rows, a `Rows`."""
        condition, weights = rows.table.condition[rows.index], rows.weights()
        mean = np.average(condition, axis=0, weights=weights)
        spread = np.sqrt(np.average((condition - mean) ** 2, axis=0, weights=weights))
        self.marginal.copy_(torch.from_numpy(np.stack([mean, spread])))

    def forward(self, z, condition):
        """Return ln c(s | z) − ln π(s), (..., B), for z of shape (..., B, K)."""
        found, (mean, spread) = self.last(self.body(z)), self.marginal
        if not self.n_levels:
            known = spread > 0  # a constant has no information
            value = (condition - mean) / spread.where(known, 1)
            ratio = _log_normal(value, *found) - _log_normal(value, 0, 1)
            return (ratio * known).sum(-1)
        blocks = found.split(self.n_levels, dim=-1)
        scores = torch.cat([block.log_softmax(-1) for block in blocks], -1)
        tiny = torch.finfo(mean.dtype).tiny  # a block of rows may lack a level
        return (condition * (scores - mean.clamp_min(tiny).log())).sum(-1)

    def losses(self, z, condition):
        """Yield minus the bound of each row, (B,), at each set of draws, (n, B, K)."""
        self.train()
        for draw in z:
            yield -self(draw, condition)


def _log_normal(value, loc, scale):
    """Return ln N(value; loc, scale²), less a constant."""
    scale = torch.as_tensor(scale)
    return -((value - loc) / scale).square() / 2 - scale.log()


def build_classifier(n_latents, conditions):
    """Build the classifier of conditions, without changing other initial weights.

    Parameters
    ----------
    n_latents : int
        Width of z.
    conditions : skvae.inputs.Conditions
        The fitted conditions.
    """
    with torch.random.fork_rng(devices=[]):
        return TaskClassifier(n_latents, conditions.n_levels, conditions.width)
