"""Check every estimator on a CUDA device, then time training there.

    python -m benchmarks.gpu --out gpu.json    # at most 5 minutes
    python -m benchmarks.gpu --only conv       # the rows whose names contain "conv"
    python -m benchmarks.gpu --quick           # small sizes
    python -m benchmarks.gpu --dry-run         # the same on the CPU, at small sizes

Without a CUDA device it prints "no GPU" and exits with 0, except with --dry-run. Each
row is written to --out as soon as it is measured, so an interrupted run keeps its
results. If a check fails, its error is recorded, the run continues, and the exit code
is 1. The most important checks come first; none is started after --minutes.

checks   one row per model: every estimator, with each prior, with conditions, with
         modalities, and some other settings. A model is fitted and evaluated on the
         device, saved, loaded there and on the CPU, pickled, fitted again with the same
         seed, and trained further.
         The columns hold maximum differences, relative to 1 + the size of a value:
         "CPU" between the answers (latents, reconstructions, score, means of samples)
         of the device and of the same model on the CPU, with the same noise, which for
         this comparison is drawn on the CPU; "refit" and "refit weights" between two
         fits with one seed; "resumed" between weights after another epoch with and
         without saving before it. `benchmarks._gpu_cases` explains the tolerances.
epochs   training time over a bare torch loop's on the device, for the three networks of
         `benchmarks.speed`; "epoch" is the difference between a fit of 1 + E epochs and
         one of 1, "whole fit" is the longer fit itself
stacks   an epoch of many fits at once over a bare loop's epoch of one fit, the waits
         for the device in an epoch, and memory: see `benchmarks._stacks`
"""

import argparse
import pickle
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from sklearn.base import clone

import skvae
from benchmarks import _common as common
from benchmarks import _loops, _stacks
from benchmarks._gpu_cases import cases
from benchmarks._nets import DIGITS, DIGITS_512, TABLE
from benchmarks.speed import ratios
from skvae.distributions import Noise
from skvae.exceptions import SkvaeWarning

FULL = {
    "rows": 1_000,
    "hidden": 64,
    "epochs": 5,
    "pairs": 7,
    "digits_rows": 10_000,
    "digits_epochs": 5,
    "table_rows": 5_000,
    "table_epochs": 20,
    "members": (72, 512),
}
QUICK = {
    "rows": 64,
    "hidden": 8,
    "epochs": 2,
    "pairs": 1,
    "digits_rows": 200,
    "digits_epochs": 1,
    "table_rows": 256,
    "table_epochs": 1,
    "members": (6,),
}
CHECKED = ("s", "CPU", "refit", "refit weights", "resumed", "failed")


# --- answers --------------------------------------------------------------------------


@contextmanager
def noise_from_cpu():
    """Draw all noise on the CPU, so that every device uses the same numbers."""

    def from_seed(cls, seed, device="cpu"):
        return cls(torch.Generator().manual_seed(seed))

    def drawn(draw, noise, like, n_samples=None):
        shape = noise._shape(like, n_samples)
        found = draw(shape, generator=noise.generator, dtype=like.dtype)
        return found.to(like.device)

    def normal(noise, like, n_samples=None):
        return drawn(torch.randn, noise, like, n_samples)

    def uniform(noise, like, n_samples=None):
        return drawn(torch.rand, noise, like, n_samples)

    with mock.patch.multiple(
        Noise, from_seed=classmethod(from_seed), normal=normal, uniform=uniform
    ):
        yield


def answers(model, case):
    """Latents, reconstructions, score, and means of samples and of missing blocks."""
    X, routed = case.X, case.routed
    with noise_from_cpu():
        found = {
            "latents": model.transform(X, **routed),
            "reconstructions": model.reconstruct(X, **routed),
            "score": model.score(X, **routed),
        }
        if hasattr(model, "sample"):
            found["samples"] = model.sample(20, random_state=0, mean=True)
        if np.isnan(X).any():
            found["imputed"] = model.impute(X)
    return found


def weights(model):
    """Tensors of the module by name, copied to the CPU."""
    return {name: t.cpu().numpy() for name, t in model.module_.state_dict().items()}


def difference(ours, theirs):
    """The largest |a - b| / (1 + |b|) over two dicts of arrays, as (value, name)."""
    if ours.keys() != theirs.keys():
        raise AssertionError(f"{sorted(ours)} are not {sorted(theirs)}")
    found = [(_difference(ours[name], theirs[name]), name) for name in ours]
    return max(found, key=lambda pair: np.nan_to_num(pair[0], nan=np.inf))


def _difference(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        return np.inf
    both_nan = np.isnan(a) & np.isnan(b)  # pads a table of levels
    off = np.where(both_nan, 0.0, np.abs(a - b) / (1 + np.abs(b)))
    return float(np.max(off, initial=0.0))


def close(ours, theirs, tolerance, what):
    """Return the largest difference, or raise if it exceeds the tolerance."""
    value, name = difference(ours, theirs)
    if not value <= tolerance:  # nan fails too
        raise AssertionError(f"{what}: {name} differs by {value:.3g}")
    return float(f"{value:.3g}")


# --- checks ---------------------------------------------------------------------------


def fitted(case, device):
    """Fit a copy of the case's estimator on the device."""
    model = clone(case.estimator).set_params(device=device)
    return model.fit(case.X, **case.routed)


def asked(case, model, device, folder):
    """Check that answers on the device are finite and repeatable."""
    on = next(model.module_.parameters()).device.type
    if on != device:
        raise AssertionError(f"the weights are on {on}")
    if not np.isfinite(model.transform(case.X, **case.routed)).all():
        raise AssertionError("latents are not finite")
    scores = [model.score(case.X, **case.routed) for _ in range(2)]
    if not np.isfinite(scores[0]) or scores[0] != scores[1]:
        raise AssertionError(f"the scores of the same rows are {scores}")
    if hasattr(model, "sample"):
        draws = [model.sample(20, random_state=0) for _ in range(2)]
        if not np.isfinite(draws[0]).all() or (draws[0] != draws[1]).any():
            raise AssertionError("samples are not finite, or differ with one seed")
    return {}


def loaded(case, model, device, folder):
    """Save the model, load it on the device and on the CPU, and compare answers."""
    path, here = folder / "model.safetensors", answers(model, case)
    model.save(path)
    again = skvae.load(path)
    close(weights(again), weights(model), 0.0, "loaded weights")
    close(answers(again, case), here, case.tolerance, "loaded on the device")
    on_cpu = skvae.load(path, device="cpu")
    close(weights(on_cpu), weights(model), 0.0, "weights loaded on the CPU")
    found = close(here, answers(on_cpu, case), case.tolerance, "loaded on the CPU")
    return {"CPU": found}


def pickled(case, model, device, folder):
    """Pickle the model and load it again: the same weights, the same latents."""
    again = pickle.loads(pickle.dumps(model))
    close(weights(again), weights(model), 0.0, "pickled weights")
    latents = [{"latents": m.transform(case.X, **case.routed)} for m in (again, model)]
    close(*latents, case.tolerance, "pickled")
    return {}


def refitted(case, model, device, folder):
    """Fit again with the same seed, and compare latents and weights."""
    again = fitted(case, device)
    off = float(f"{difference(weights(again), weights(model))[0]:.3g}")
    latents = [{"latents": m.transform(case.X, **case.routed)} for m in (again, model)]
    found = close(*latents, case.tolerance, f"refitted (weights differ by {off})")
    return {"refit": found, "refit weights": off}


def resumed(case, model, device, folder):
    """Train one more epoch with and without saving and loading before it."""
    path = folder / "resumed.safetensors"
    model.save(path, training_state=True)
    again = skvae.load(path)
    for one in (again, model):
        one.partial_fit(case.X, **case.routed)
    return {"resumed": close(weights(again), weights(model), case.tolerance, "resumed")}


CHECKS = (asked, loaded, pickled, refitted, resumed)  # the last changes the model


def check(case, device):
    """One row: the differences of a case, and the errors of failed checks."""
    start, found, failed = time.perf_counter(), {}, []
    with tempfile.TemporaryDirectory() as folder:
        model, error = attempt(fitted, case, device)
        failed += error
        for step in CHECKS if model is not None else ():
            measured, error = attempt(step, case, model, device, Path(folder))
            found |= measured or {}
            failed += error
    found["s"] = round(time.perf_counter() - start, 2)
    row = {"what": case.name} | dict.fromkeys(CHECKED) | found
    return [row | {"failed": "; ".join(failed)}]


def attempt(action, *args):
    """Call an action; return its result and no errors, or None and its error."""
    try:
        return action(*args), []
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        return None, [f"{action.__name__}: {type(error).__name__}: {text}"]


# --- epochs ---------------------------------------------------------------------------


def synchronised():
    """Wait for the device to finish its work, and return the time."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def epochs(task, n_rows, n_epochs, pairs, device):
    """Two rows: skvae's training time over the bare loop's on the device."""
    loops = {
        name: partial(loop, device=device)
        for name, loop in (("bare", _loops.bare), ("skvae", _loops.skvae))
    }
    task = replace(task, goal=None)  # the goals are for the CPU
    rows, failed = attempt(ratios, loops, task, n_rows, n_epochs, pairs, synchronised)
    if rows is None:
        label = f"{task.name}, batch {task.batch_size}: skvae"
        columns = ("what", "median", "lower", "upper", "goal", "unit")
        rows = [dict.fromkeys(columns) | {"what": label}]
    return [row | {"failed": "; ".join(failed)} for row in rows]


def stacks(n_members, n_rows, n_epochs, pairs, device):
    """Rows of a stack of the table's network."""
    task = replace(TABLE, goal=None)
    how = task, n_rows, n_epochs, n_members, pairs, device, synchronised
    rows, failed = attempt(_stacks.ratios, *how)
    if rows is None:
        columns = ("what", "median", "lower", "upper", "goal", "unit")
        rows = [dict.fromkeys(columns) | {"what": f"stack of {n_members}"}]
    return [row | {"failed": "; ".join(failed)} for row in rows]


# --- command line ---------------------------------------------------------------------


def options(argv=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, metavar="FILE", help="JSON file that rows are added to")
    add("--dry-run", action="store_true", help="run on the CPU at small sizes")
    add("--quick", action="store_true", help="small sizes")
    add("--minutes", type=float, default=4, help="start no check after these")
    add("--only", default="", metavar="TEXT", help="rows whose names contain it")
    return parser.parse_args(argv)


def jobs(sizes, device):
    """Yield (part, name, function without arguments that returns rows)."""
    for case in cases(sizes):
        yield "checks", case.name, partial(check, case, device)
    for task in (DIGITS, DIGITS_512, TABLE):
        measured = (sizes[f"{task.name}_rows"], sizes[f"{task.name}_epochs"])
        action = partial(epochs, task, *measured, sizes["pairs"], device)
        yield "epochs", f"{task.name}, batch {task.batch_size}", action
    for n_members in sizes["members"]:
        measured = (sizes["table_rows"], 5, min(3, sizes["pairs"]), device)
        action = partial(stacks, n_members, *measured)
        yield "stacks", f"stack of {n_members}, batch {TABLE.batch_size}", action


def main(argv=None):
    """Run every job within the time, print its rows and keep them; 1 on failure."""
    chosen = options(argv)
    if not (chosen.dry_run or torch.cuda.is_available()):
        print("no GPU")
        return 0
    device = "cpu" if chosen.dry_run else "cuda"
    sizes = QUICK if chosen.quick or chosen.dry_run else FULL
    last, n_failed, n_left_out = time.monotonic() + 60 * chosen.minutes, 0, 0
    chosen_jobs = [job for job in jobs(sizes, device) if chosen.only in job[1]]
    for part, name, job in chosen_jobs:
        if time.monotonic() > last:
            print(f"{name}: not run, out of time", flush=True)
            n_left_out += 1
            continue
        with warnings.catch_warnings():
            # These fits are too short for good latents or sharp estimates.
            warnings.simplefilter("ignore", SkvaeWarning)
            rows = job()
        for row in rows:
            print_row(row)
            n_failed += bool(row["failed"])
            common.keep(chosen.out, {"part": part, "device": device} | sizes, row)
    print(f"{n_failed} rows failed, {n_left_out} were not run")
    return int(n_failed > 0)


def print_row(row):
    """Print a row in one line, without the cells that are empty."""
    what, *cells = [pair for pair in row.items() if pair[1] not in ("", None)]
    text = ", ".join(f"{name} {common.show(value)}" for name, value in cells)
    print(f"{what[1]}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
