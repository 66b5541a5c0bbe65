"""Whole searches, and whole processes, timed for `benchmarks.speed`."""

import resource
import subprocess
import sys
import time
import warnings
from functools import partial

from sklearn.model_selection import GridSearchCV, ParameterGrid

from benchmarks._common import interleaved, row, seconds
from benchmarks._nets import TABLE
from skvae import VAETransformer
from skvae.exceptions import SkvaeWarning
from skvae.model_selection import StackedGridSearchCV

GRID = {"lr": [3e-4, 1e-3, 3e-3, 1e-2], "beta": [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]}
FOLDS = 3

# The default model and settings of a table, by the package and by torch alone.
OURS = """
import numpy as np, torch, warnings
torch.set_num_threads(1)
warnings.simplefilter("ignore")
from skvae import VAETransformer
X = np.random.default_rng(0).standard_normal(({rows}, 30), dtype=np.float32)
VAETransformer(max_epochs={epochs}, early_stopping=False, random_state=0).fit(X)
"""
PLAIN = """
import numpy as np, torch
torch.set_num_threads(1)
from benchmarks._nets import BareVAE, Task
X = np.random.default_rng(0).standard_normal(({rows}, 30), dtype=np.float32)
X = torch.from_numpy((X - X.mean(0)) / X.std(0))
net = BareVAE(Task("table", 30, (256, 256), 8, "gaussian", 64, None))
adam = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range({epochs}):
    for rows in torch.randperm(len(X)).split(64):
        loss = net(X[rows]).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
"""


def searches(n_rows, n_epochs, pairs, n_candidates=24):
    """Rows: a stacked search over scikit-learn's, fits and scores included.

    CPU time over a search in one process, and wall time over one in two.
    """
    X = TABLE.rows(n_rows)
    model = VAETransformer(
        n_components=TABLE.n_components,
        hidden_layer_sizes=TABLE.hidden,
        batch_size=TABLE.batch_size,
        max_epochs=n_epochs,
        random_state=0,
        device="cpu",
    )

    candidates = [
        {name: [value] for name, value in params.items()}
        for params in list(ParameterGrid(GRID))[:n_candidates]
    ]

    def search(kind, n_jobs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkvaeWarning)
            kind(model, candidates, cv=FOLDS, n_jobs=n_jobs, refit=False).fit(X)

    rows = []
    for n_jobs, clock, goal in (
        (None, time.process_time, None),
        (2, time.perf_counter, 0.33),
    ):
        one = partial(search, n_jobs=n_jobs)
        timers = {
            kind: partial(seconds, partial(one, kind), clock)
            for kind in (StackedGridSearchCV, GridSearchCV)
        }
        taken = interleaved(timers, pairs)
        ratio = taken[StackedGridSearchCV] / taken[GridSearchCV]
        what = "wall time, n_jobs=2" if n_jobs else "CPU time, n_jobs=1"
        label = f"{n_candidates} x {FOLDS} search, {n_epochs} epochs: {what}"
        rows.append(row(label, ratio, goal))
    return rows


def processes(n_rows, n_epochs, pairs):
    """One row: CPU time of a process that fits a table's default model, over torch."""
    sizes = {"rows": n_rows, "epochs": n_epochs}
    timers = {
        name: partial(_process_time, script.format(**sizes))
        for name, script in (("ours", OURS), ("torch", PLAIN))
    }
    taken = interleaved(timers, pairs)
    what = f"process that fits {n_epochs} default epochs, over a torch script"
    return [row(what, taken["ours"] / taken["torch"], 1.0)]


def _process_time(script):
    before = _of_children()
    subprocess.run([sys.executable, "-c", script], check=True)
    return _of_children() - before


def _of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def refined(n_rows, pairs):
    """One row: `score_samples` over the same 64 draws without refinement."""
    X = TABLE.rows(n_rows)
    model = VAETransformer(
        hidden_layer_sizes=TABLE.hidden, max_epochs=2, random_state=0, device="cpu"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkvaeWarning)
        model.fit(X)
        timers = {
            "refined": partial(seconds, partial(model.score_samples, X)),
            "plain": partial(seconds, partial(model.log_likelihood, X, refine=0)),
        }
        taken = interleaved(timers, pairs)
    ratio = taken["refined"] / taken["plain"]
    return [row("score_samples over the same without refinement", ratio, 2.0)]
