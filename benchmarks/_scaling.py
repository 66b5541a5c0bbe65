"""How the cost of a fit grows with the table, timed for `benchmarks.speed`.

A row is the time of a large fit over that of a small one, divided by how many times
larger it is: 1 is linear, and less is better.
"""

import time
import warnings
from functools import partial

import numpy as np

from benchmarks._common import PLAIN, interleaved, row, seconds
from skvae import VAETransformer
from skvae.exceptions import SkvaeWarning

BASE = {"rows": 2_000, "columns": 30, "latents": 8, "parts": 1}
# Small enough to be quick, large enough that the fixed cost of a fit does not count.
SIZES = {
    "rows": (10_000, 100_000),
    "columns": (500, 5_000),
    "latents": (128, 2_048),
    "parts": (10, 100),
}
QUICK = {
    "rows": (1_000, 5_000),
    "columns": (50, 200),
    "latents": (16, 64),
    "parts": (2, 8),
}


def scaling(sizes_of, pairs):
    """Return one row for each of rows, columns, latents and parts of a likelihood."""
    found = []
    for name, sizes in sizes_of.items():
        fits = {n: _fit(**BASE | {name: n}) for n in sizes}
        timers = {
            n: partial(seconds, fit, time.process_time) for n, fit in fits.items()
        }
        interleaved(timers, 1)  # first calls
        taken, (small, large) = interleaved(timers, pairs), sizes
        ratio = taken[large] / taken[small] / (large / small)
        found.append(row(f"fit of {small} to {large} {name}, over linear", ratio, 1.0))
    return found


def _fit(rows, columns, latents, parts):
    """Return a function that fits a model for two epochs."""
    columns = max(columns, 3 * parts)
    X = np.random.default_rng(0).standard_normal((rows, columns), dtype=np.float32)
    likelihood = "gaussian"
    if parts > 1:
        blocks = np.array_split(np.arange(columns), parts)
        likelihood = [("gaussian", block.tolist()) for block in blocks]
    model = VAETransformer(
        latents,
        hidden_layer_sizes=(64, 64),
        likelihood=likelihood,
        batch_size=256,
        max_epochs=2,
        random_state=0,
        device="cpu",
        **PLAIN,
    )

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkvaeWarning)
            model.fit(X)

    return fit
