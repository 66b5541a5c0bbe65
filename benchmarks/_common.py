"""Helpers shared by the benchmarks: timing, tables, result files, data folder.

A result file is a list of records. A record holds the `settings`, `versions` and
`machine` with which its `rows` were measured; a row is a flat dict whose first entry
is its name.
"""

import argparse
import json
import os
import platform
import sys
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

import skvae
from skvae.datasets import load_mnist

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PACKAGES = ("torch", "scikit-learn", "skorch", "numpy", "pythae")
# Training as in papers and in other packages.
PLAIN = {"init": "random", "early_stopping": False}
# The setting "default" of the tables that vary one parameter at a time.
BASE = PLAIN | {"batch_size": 128, "max_epochs": 100, "n_iter_no_change": 10}
CONTEXT = ("settings", "versions", "machine")


# --- environment ----------------------------------------------------------------------


def machine():
    """Hardware and system, without anything that identifies the machine."""
    found = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": platform.system(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _memory_gib():
    try:
        pages = os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**30)


def versions():
    """Versions of Python, skvae and those of `PACKAGES` that are installed."""
    found = {"python": platform.python_version(), "skvae": skvae.__version__}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def data_folder(given=None):
    """Folder of the data sets: the option, or else the variable SKVAE_DATA."""
    folder = given or os.environ.get("SKVAE_DATA")
    return Path(folder) if folder else None


def data_file(name, given=None):
    """Path of a file in that folder; if it is missing, exit with code 2."""
    folder = data_folder(given)
    if folder is None or not (folder / name).is_file():
        print(
            f"{name} not found: pass its folder with --data or SKVAE_DATA, "
            "or use --quick, which needs no data",
            file=sys.stderr,
        )
        sys.exit(2)
    return folder / name


def mnist(subset, given=None):
    """Rows in [0, 1] and labels of a subset ("train" or "test") of mnist.npz."""
    folder = data_file("mnist.npz", given).parent
    return load_mnist(folder, subset=subset, return_X_y=True)


# --- command line ---------------------------------------------------------------------


def parser(name, text):
    """Parser with the options that most benchmarks share."""
    found = argparse.ArgumentParser(
        prog=f"benchmarks.{name}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, path = found.add_argument, RESULTS / f"{name}.json"
    add("--data", metavar="FOLDER", help="of the data files; default: SKVAE_DATA")
    add("--quick", action="store_true", help="small sizes, no data files")
    add("--seeds", type=numbers, default=(0,), help="seeds, separated by commas")
    add("--device", default="auto")
    add("--write", nargs="?", type=Path, const=path, help="add the rows to this file")
    return found


def words(text):
    """Split an option into words at the commas."""
    return tuple(text.split(","))


def numbers(text):
    """Split an option into ints at the commas."""
    return tuple(int(part) for part in text.split(","))


# --- timing ---------------------------------------------------------------------------


def seconds(action, clock=time.process_time):
    """Time of `action()`; process time, the default, adds up all threads."""
    start = clock()
    action()
    return clock() - start


def interleaved(timers, rounds):
    """Call each timer once per round, in rotating order; name -> (rounds,)."""
    names = list(timers)
    taken = {name: [] for name in names}
    for i in range(rounds):
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            taken[name].append(timers[name]())
    return {name: np.array(values) for name, values in taken.items()}


# --- densities ------------------------------------------------------------------------


def density(model, X, n_samples=64, **how):
    """Mean ln p(x) of the rows, its Monte Carlo error, and the median ESS.

    The ESS is the effective sample size of a row, at most `n_samples`. If its median is
    below 2, do not rely on the mean. `how` goes to ``log_likelihood``.
    """
    found = model.log_likelihood(X, n_samples, return_diagnostics=True, **how)
    return density_of(found)


def density_of(found):
    """The entries of `density` for the diagnostics of an estimate."""
    return {
        "ln p(x)": round(float(np.mean(found.values)), 4),
        "its error": round(float(found.mean_std_error), 4),
        "median ESS": round(float(np.median(found.effective_sample_size)), 2),
    }


# --- rows and tables ------------------------------------------------------------------


def row(what, values, goal=None, unit="ratio"):
    """Row of a table with the median of the values and their quartiles."""
    low, median, high = np.percentile(np.atleast_1d(values), [25, 50, 75])
    return {
        "what": what,
        "median": _rounded(median),
        "lower": _rounded(low),
        "upper": _rounded(high),
        "goal": goal,
        "unit": unit,
    }


def _rounded(value):
    return float(f"{value:.4g}")


def show(value):
    """Format a table cell: floats with four digits, None as an empty string."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return str(value)


def print_table(rows):
    """Print rows (dicts with the same keys) as an aligned table."""
    columns = list(rows[0])
    cells = [columns] + [[show(r[c]) for c in columns] for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        first, *rest = (c.rjust(w) for c, w in zip(line, widths, strict=True))
        print("  ".join([line[0].ljust(len(first)), *rest]), flush=True)


# --- results --------------------------------------------------------------------------


def record(settings, rows):
    """Rows, with everything needed to measure them again."""
    return {
        "settings": settings,
        "versions": versions(),
        "machine": machine(),
        "rows": rows,
    }


def read_records(path):
    """Read the records of a result file; an empty list if it does not exist."""
    path = Path(path)
    return json.loads(path.read_text()) if path.exists() else []


def write_records(path, records):
    """Replace a result file atomically: readers see the old file or the new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(records, indent=2) + "\n")
    draft.replace(path)


def merge_record(path, new):
    """Add a record's rows to a result file, replacing rows of the same name."""
    records = read_records(path)
    same = [r for r in records if all(r[part] == new[part] for part in CONTEXT)]
    if same:
        rows = {_name(r): r for r in same[0]["rows"] + new["rows"]}
        same[0]["rows"] = list(rows.values())
    else:
        records.append(new)
    write_records(path, records)


def keep(path, settings, row):
    """Add one row to a result file, unless the path is None."""
    if path:
        merge_record(path, record(settings, [row]))


def _name(row):
    return next(iter(row.values()))
