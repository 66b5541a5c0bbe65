"""Run the fits of a table as processes side by side, and merge their rows."""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import _common as common

MARGIN = 60  # seconds for the measurements after training
SHORTEST = 120  # seconds from the start of a process to the end of its training


def run_jobs(cells, n_jobs, minutes, folder, merged):
    """Run cells, most important first, and merge their rows into one file.

    Training ends by itself `MARGIN` seconds before the time is up, and what has not
    finished half a minute after it is killed.

    Parameters
    ----------
    cells : list of (str, list of str)
        Name and command line of each, without the options set here.
    n_jobs : int
        Number of processes at a time.
    minutes : float
        The time.
    folder : Path
        For the files of each cell: rows (.json), latents (.npz) and output (.log).
    merged : Path
        Result file for all rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end = time.time() + 60 * minutes
    last_start = end - MARGIN - SHORTEST
    waiting, running = list(cells), {}
    while (waiting or running) and time.time() < end + MARGIN / 2:
        for name in [n for n, job in running.items() if job.poll() is not None]:
            print(f"{name}: exit status {running.pop(name).returncode}", flush=True)
        while waiting and len(running) < n_jobs and time.time() < last_start:
            name, arguments = waiting.pop(0)
            running[name] = _start(name, arguments, end - MARGIN, folder)
        if not running:
            break
        time.sleep(0.2)
    for name, job in running.items():
        print(f"{name}: killed", flush=True)
        job.kill()
    for name, _ in waiting:
        print(f"{name}: not started", flush=True)
    return merge(folder, merged)


def _start(name, arguments, deadline, folder):
    """Start the process of one cell."""
    path = folder / name.replace(",", "").replace(" ", "_")
    outputs = ["--write", str(path.with_suffix(".json"))]
    outputs += ["--points", str(path.with_suffix(".npz"))]
    command = [sys.executable, "-m", "benchmarks.task_invariant", *arguments, *outputs]
    command += ["--deadline", str(deadline)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with open(path.with_suffix(".log"), "w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def merge(folder, merged):
    """Merge the rows of every cell into one result file, and return its records."""
    for path in sorted(Path(folder).glob("*.json")):
        for record in common.read_records(path):
            common.merge_record(merged, record)
    return common.read_records(merged)
