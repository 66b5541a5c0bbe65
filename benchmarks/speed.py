"""Cost of skvae over a bare torch loop, both measured in the same run.

    python -m benchmarks.speed            # everything: about half an hour
    python -m benchmarks.speed --quick    # small sizes, under a minute
    python -m benchmarks.speed --only epochs --against skorch --pairs 21
    python -m benchmarks.speed --write    # also write docs/results/speed.json

epochs      training: CPU time divided by the bare loop's; "epoch" is the difference
            between fits of 1 + E epochs and of 1, "whole fit" is the longer fit itself
transform   `transform` divided by the encoder's forward pass in the same slices
likelihood  `log_likelihood` divided by the decoder's forward pass of as many latents;
            refined `score_samples` divided by the same without refinement
stacks      an epoch of 24 fits at once divided by the bare loop's epoch of one
searches    `StackedGridSearchCV` divided by `GridSearchCV`, scores included
scaling     a fit of a large table divided by one of a small table and by their sizes
memory      peak memory that a call adds to the process
imports     `import skvae` after torch, scikit-learn and skorch; the first `fit`; a
            process that fits a table's default model, divided by a torch script

Everything runs on one thread. Speed varies more between runs than between loops, so
the loops take turns and only ratios are printed, with their quartiles. A ratio above
its goal is not an error: this is a measurement, not a test.
"""

import argparse
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from benchmarks import _common as common
from benchmarks import _imports, _loops, _memory, _scaling, _searches, _stacks
from benchmarks._common import interleaved, row, seconds
from benchmarks._nets import COLUMNS, DIGITS, DIGITS_512, TABLE, BareVAE

SLICE = 4_096

FULL = {
    "pairs": 11,
    "digits_rows": 10_000,
    "digits_epochs": 3,
    "table_rows": 5_000,
    "table_epochs": 20,
    "transform_rows": 60_000,
    "likelihood_rows": 128,
    "likelihood_samples": 500,
    "refined_rows": 1_000,
    "members": 24,
    "search_rows": 5_000,
    "search_epochs": (10, 50),
    "search_pairs": 3,
    "candidates": 24,
    "scaling": _scaling.SIZES,
    "memory_rows": [100, 60_000, 1_000_000, 1_000_000, 1_000_000, 100],
    "import_runs": 5,
}
QUICK = {
    "pairs": 3,
    "digits_rows": 300,
    "digits_epochs": 1,
    "table_rows": 600,
    "table_epochs": 3,
    "transform_rows": 8_192,
    "likelihood_rows": 128,
    "likelihood_samples": 100,
    "refined_rows": 100,
    "members": 6,
    "search_rows": 120,
    "search_epochs": (2,),
    "search_pairs": 1,
    "candidates": 2,
    "scaling": _scaling.QUICK,
    "memory_rows": [100, 3_000, 50_000, 50_000, 50_000, 32],
    "import_runs": 1,
}
MEMORY_GOALS = [None, 200, 200, 200, 150, 1_024]  # MiB


# --- training -------------------------------------------------------------------------


LOOPS = {
    "DataLoader": _loops.loader,
    "skorch": _loops.skorch_stock,
    "pythae": _loops.pythae,
}


def contenders(against):
    """name -> function(X, task, epochs); the first one is the baseline."""
    found = {"bare": _loops.bare, "skvae": _loops.skvae}
    for name in against:
        if name == "pythae" and find_spec(name) is None:
            print("pythae is not installed: skipping its trainer")
        else:
            found[name] = LOOPS[name]
    return found


def epochs(s):
    """Rows of training time divided by the bare loop's."""
    tasks = [
        (DIGITS, s["digits_rows"], s["digits_epochs"]),
        (DIGITS_512, s["digits_rows"], s["digits_epochs"]),
        (COLUMNS, s["table_rows"], s["table_epochs"]),
        (TABLE, s["table_rows"], s["table_epochs"]),
    ]
    loops = contenders(s["against"])
    return [
        r
        for task in tasks
        if task[0].name in s["tasks"]
        for r in ratios(loops, *task, s["pairs"])
    ]


def ratios(loops, task, n_rows, n_epochs, pairs, clock=time.process_time):
    """Two rows per loop: training time divided by that of the loop named "bare"."""
    X = task.rows(n_rows)
    for loop in loops.values():
        loop(X[: task.batch_size], task, 1)  # imports and first calls
    timers = {
        (name, n): partial(seconds, partial(loop, X, task, n), clock)
        for n in (1, 1 + n_epochs)
        for name, loop in loops.items()
    }
    taken = interleaved(timers, pairs)
    rows = []
    for name in list(loops)[1:]:
        label = f"{task.name}, batch {task.batch_size}: {name}"
        goal = task.goal if name == "skvae" else None
        whole = {who: taken[who, 1 + n_epochs] for who in ("bare", name)}
        epoch = {who: whole[who] - taken[who, 1] for who in whole}
        rows.append(row(f"{label}, epoch", epoch[name] / epoch["bare"], goal))
        rows.append(row(f"{label}, whole fit", whole[name] / whole["bare"], goal))
    return rows


# --- a fitted model -------------------------------------------------------------------


def transform(s):
    """One row: `transform` divided by the encoder in the same slices."""
    vae, net, X = _fitted_pair(s["transform_rows"])
    slices = torch.from_numpy(X).split(SLICE)

    @torch.inference_mode()
    def encode():
        return torch.cat([net.encoder(x)[:, : DIGITS.n_components] for x in slices])

    taken = _paired(lambda: vae.transform(X), encode, s["pairs"])
    return [row("transform over the encoder", taken["ours"] / taken["bare"], 1.1)]


def likelihood(s):
    """Two rows: `log_likelihood` divided by the decoder, and latents per second."""
    n_rows, n_samples = s["likelihood_rows"], s["likelihood_samples"]
    vae, net, X = _fitted_pair(n_rows)
    z = torch.randn(SLICE, DIGITS.n_components)
    parts = torch.arange(n_rows * n_samples).split(SLICE)

    @torch.inference_mode()
    def decode():
        for part in parts:
            net.decoder(z[: len(part)])

    def estimate():
        vae.log_likelihood(X, n_samples=n_samples)

    taken = _paired(estimate, decode, s["pairs"])
    speed = n_rows * n_samples / taken["ours"]
    ratio = taken["ours"] / taken["bare"]
    return [
        row("log_likelihood over the decoder", ratio),
        row("log_likelihood, latents", speed, unit="1/s"),
        *_searches.refined(s["refined_rows"], s["pairs"]),
    ]


def _fitted_pair(n_rows):
    """Fitted estimator, bare network of the same shape, and rows."""
    X = DIGITS.rows(max(n_rows, 1_000))
    vae = _loops.skvae(X[:1_000], DIGITS, 1)
    return vae, BareVAE(DIGITS).eval(), X[:n_rows]


def _paired(ours, bare, pairs):
    timers = {"ours": partial(seconds, ours), "bare": partial(seconds, bare)}
    interleaved(timers, 1)
    return interleaved(timers, pairs)


# --- many fits ---


def stacks(s):
    """One row: an epoch of many fits at once over one fit's by the bare loop."""
    sizes = s["table_rows"], s["table_epochs"], s["members"], s["pairs"]
    return _stacks.ratios(TABLE, *sizes, "cpu", time.process_time)


def searches(s):
    """Two rows for each number of epochs: stacked searches over scikit-learn's."""
    found = [
        _searches.searches(
            s["search_rows"], n_epochs, s["search_pairs"], s["candidates"]
        )
        for n_epochs in s["search_epochs"]
    ]
    return [row for rows in found for row in rows]


def scaling(s):
    """One row for each size of a table: how the cost of a fit grows with it."""
    return _scaling.scaling(s["scaling"], s["pairs"])


# --- processes ------------------------------------------------------------------------


def memory(s):
    """Rows of the peak memory that each probe adds, in MiB."""
    if not _memory.STATUS.exists():
        print("no /proc on this system: skipping memory")
        return []
    rows = []
    for probe, n, goal in zip(
        _memory.PROBES, s["memory_rows"], MEMORY_GOALS, strict=True
    ):
        grown = _memory.growth(probe, n)
        rows.append(row(f"memory: {probe}, {n} rows", grown, goal, "MiB"))
    return rows


def imports(s):
    """Rows of seconds spent on importing, over several new processes."""
    runs = [_imports.fresh() for _ in range(s["import_runs"])]
    values = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    late = values["first_fit"] - values["second_fit"]
    return [
        row("import torch, sklearn, skorch", values["dependencies"], unit="s"),
        row("import skvae, after those", values["skvae"], 0.3, "s"),
        row("first fit over the second", late, unit="s"),
        row("first fit imports torch._dynamo", values["dynamo"], unit="yes: 1"),
        *_searches.processes(s["table_rows"], s["table_epochs"], s["import_runs"]),
    ]


# --- command line ---------------------------------------------------------------------

TASKS = ("digits", "64 columns", "table")
MEASURED = (
    epochs,
    transform,
    likelihood,
    stacks,
    searches,
    scaling,
    memory,
    imports,
)
PARTS = {part.__name__: part for part in MEASURED}


def options(argv=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, 3 pairs")
    parser.add_argument("--pairs", type=int, help="how many times each loop is timed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--against", nargs="*", choices=LOOPS, default=list(LOOPS))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument(
        "--full", action="store_true", help="log_likelihood of 10 000 rows (memory)"
    )
    parser.add_argument(
        "--write",
        nargs="?",
        type=Path,
        const=common.RESULTS / "speed.json",
        help="write the results as JSON",
    )
    return parser.parse_args(argv)


def settings(chosen):
    """Sizes of the measurements."""
    found = dict(QUICK if chosen.quick else FULL)
    if chosen.pairs:
        found["pairs"] = chosen.pairs
    if chosen.full:
        found["memory_rows"] = [*found["memory_rows"][:-1], 10_000]
    return found | {"against": chosen.against, "tasks": chosen.tasks, "threads": 1}


def main(argv=None):
    """Measure and print each part; write the rows if --write is set."""
    chosen = options(argv)
    torch.set_num_threads(1)
    sizes = settings(chosen)
    rows = []
    for part in chosen.only:
        found = PARTS[part](sizes)
        if found:
            common.print_table(found)
        rows += found
    if chosen.write:
        common.write_records(chosen.write, [common.record(sizes, rows)])


if __name__ == "__main__":
    main()
