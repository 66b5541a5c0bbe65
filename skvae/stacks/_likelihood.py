"""ln p(x) of the same rows by several models at once."""

import numpy as np
import torch

from skvae.distributions import row_keys
from skvae.estimates import importance
from skvae.inference import MIN_ROWS, slices
from skvae.nets import deterministic_convolutions, own_precision
from skvae.stacks._module import DrawnOnce, StackedModule

ROWS = 4096  # of all models together, in a slice


@own_precision()
@deterministic_convolutions()
@torch.inference_mode()
def log_likelihoods(evaluators, table, seeds, n_samples, refine=None):
    """Estimate ln p(x) as `Evaluator.log_likelihood` does, by importance sampling.

    The results agree with it up to rounding. Models of one seed share their draws,
    which are drawn once.

    Parameters
    ----------
    evaluators : list of Evaluator
        With modules of one architecture and the same origin.
    table : Table
        Rows.
    seeds : list of int
        Seed of the draws of each model.
    n_samples : int
        Draws per row.
    refine : int, optional
        Steps by which posteriors are refined.

    Returns
    -------
    list of Diagnostics

    Raises
    ------
    Unknown
        If the modules are not written by hand, or the rows have missing cells.
    """
    together = StackedModule([evaluator.module for evaluator in evaluators])
    rows, n_members = evaluators[0].rows(table), len(evaluators)
    found = np.empty((n_members, 4, len(rows)))
    keys = np.empty((n_members, len(rows)), dtype=np.int64)
    for batch, n_rows, where in slices(rows, max(MIN_ROWS, ROWS // n_members)):
        own = _keys(batch, seeds)  # (M, B)
        many, noise = _repeated(batch, n_members), DrawnOnce.from_keys(own.flatten())
        estimate = importance(together, many, noise, n_samples, refine)
        for i, part in enumerate(estimate):
            of_each = part.unflatten(0, (n_members, -1))[:, :n_rows]  # (M, n)
            found[:, i, where] = of_each.cpu().numpy()
        keys[:, where] = own[:, :n_rows].cpu().numpy()
    return [
        evaluator.completed(rows, *own, n_samples, seed, refine is None)
        for evaluator, seed, *own in zip(evaluators, seeds, found, keys, strict=True)
    ]


def _keys(batch, seeds):
    """Return the keys of each row's draws for each seed, (M, B)."""
    different = {
        seed: row_keys(seed, batch.x, batch.condition) for seed in dict.fromkeys(seeds)
    }
    return torch.stack([different[seed] for seed in seeds])


def _repeated(batch, n_times):
    """Repeat the rows of a batch, (B, ...) -> (M B, ...)."""
    fields = {
        name: value.repeat(n_times, *[1] * (value.ndim - 1))
        for name, value in batch._asdict().items()
        if value is not None
    }
    return batch._replace(**fields)
