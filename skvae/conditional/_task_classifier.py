"""A classifier of conditions from latents, which bounds their mutual information."""

import numpy as np
import torch
from torch import nn

from skvae.nets import LocScale, mlp

HIDDEN = (256, 256)
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
        numbers; c and π are then normal in each of them, with diagonal covariance.
    width : int
        Width of the conditions that a model reads.
    """

    def __init__(self, n_latents, n_levels, width):
        super().__init__()
        self.n_levels = n_levels
        self.body = mlp(n_latents, HIDDEN)
        kind = nn.Linear if n_levels else LocScale
        self.last = kind(HIDDEN[-1], width)
        # π(s), as the scores of all levels, or as mean and standard deviation.
        self.register_buffer("marginal", torch.zeros(2, width), persistent=False)

    def begin(self, rows):
        """Learn π(s) from training rows, a `Rows`."""
        condition, shares = rows.table.condition[rows.index], rows.shares()
        mean = np.average(condition, axis=0, weights=shares)
        if self.n_levels:
            found = np.log(np.maximum(mean, np.finfo(np.float32).tiny)), 0 * mean
        else:
            spread = np.average((condition - mean) ** 2, axis=0, weights=shares)
            found = mean, np.sqrt(spread) + np.finfo(np.float32).eps
        self.marginal.copy_(torch.from_numpy(np.stack(found)))

    def forward(self, z, condition):
        """Return ln c(s | z) − ln π(s), (..., B), for z of shape (..., B, K)."""
        found = self.last(self.body(z))
        if not self.n_levels:
            log_c = _log_normal(condition, *found)  # (..., B)
            return log_c - _log_normal(condition, *self.marginal)
        blocks = found.split(self.n_levels, dim=-1)
        scores = torch.cat([block.log_softmax(-1) for block in blocks], -1)
        return (condition * (scores - self.marginal[0])).sum(-1)

    def losses(self, z, condition):
        """Yield minus the mean bound at each set of draws of z, (n, B, K)."""
        for draw in z:
            yield -self(draw, condition).mean()


def _log_normal(value, loc, scale):
    """Return ln N(value; loc, scale²), less a constant, summed over columns."""
    return -(((value - loc) / scale).square() / 2 + scale.log()).sum(-1)


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
