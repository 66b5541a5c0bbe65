"""A table on disk that is larger than the memory of the process that fits it.

    python -m benchmarks.sources            # 10 GB in /tmp: about ten minutes of a core
    python -m benchmarks.sources --quick    # 60 MB
    python -m benchmarks.sources --gigabytes 4 --buffer 20000 --write

A Parquet folder is written, and a VAE with the default network is fitted to it for some
epochs by a process whose address space is limited (RLIMIT_AS). The time of a row and
epoch, the pass over the columns included, is divided by that of a fit to an array of
some of the rows in memory, by a process without a limit, before and after. Times are
CPU times of one thread; waiting for the disk counts in "wall" only, and so does
whatever else the machine does.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import _common as common
from benchmarks._common import row

WIDTH = 784
GROUP = 4_096  # rows of a row group
GROUPS = 64  # of a file
# Rows of the buffer and those in memory; 80 000 rows are 239 MiB, about the default.
FULL = {"gigabytes": 10.0, "buffer": 80_000, "in_memory": 40_000}
QUICK = {"gigabytes": 0.03, "buffer": 4_096, "in_memory": 4_096}
BOTH = {"limit": 2.0, "epochs": 2}  # GiB


def write(folder, n_rows):
    """Write rows of ten factors and noise as Parquet files of floats."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    names = [f"c{j}" for j in range(WIDTH)]
    loadings = random.normal(size=(10, WIDTH)).astype("float32")
    noise = random.normal(size=(GROUP, WIDTH)).astype("float32")
    how = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    schema = pa.schema([(name, pa.float32()) for name in names])
    written = 0
    while written < n_rows:
        path = folder / f"{written:09d}.parquet"
        with pq.ParquetWriter(path, schema, **how) as writer:
            for _ in range(GROUPS):
                n = min(GROUP, n_rows - written)
                if not n:
                    break
                # New noise would take most of the time; its rows are in a new order.
                z = random.normal(size=(n, 10)).astype("float32")
                x = z @ loadings + noise[random.permutation(GROUP)[:n]]
                columns = list(np.ascontiguousarray(x.T))
                writer.write_table(pa.table(columns, schema=schema), row_group_size=n)
                written += n


def fit(what, folder, *numbers):
    """Return what one child process has measured."""
    command = [sys.executable, "-m", "benchmarks._sources_child", what]
    command += [str(folder), *map(str, numbers)]
    one_thread = {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    given = os.environ | one_thread
    done = subprocess.run(
        command, env=given, text=True, check=False, capture_output=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def measured(folder, s):
    """Return the rows of the result."""
    n_rows = round(s["gigabytes"] * 1e9 / (4 * WIDTH))
    write(folder, n_rows)
    size = sum(path.stat().st_size for path in folder.iterdir())
    limit = int(s["limit"] * 2**30)
    first = fit("memory", folder, s["in_memory"], s["epochs"])
    stream = fit("stream", folder, limit, s["epochs"], s["buffer"])
    last = fit("memory", folder, s["in_memory"], s["epochs"])
    over = {k: [stream[k] / one[k] for one in (first, last)] for k in ("cpu", "wall")}
    peaks = np.array(stream["peaks"])
    return [
        row("files on disk", size / 1e9, unit="GB"),
        row("rows", stream["n_rows"], unit="rows"),
        row("CPU time of a row, over that in memory", over["cpu"], 1.15),
        row("wall time of a row, over that in memory", over["wall"]),
        row("peak memory of an epoch, over the first", peaks / peaks[0], 1.05),
        row("peak anonymous memory", peaks.max(), unit="MiB"),
        row("peak resident memory", stream["resident"], unit="MiB"),
        row("peak address space", stream["address_space"], s["limit"] * 1024, "MiB"),
    ]


def main(argv=None):
    """Measure, print and maybe write."""
    parser = common.parser("sources", __doc__)
    parser.add_argument("--gigabytes", type=float, help="size of the files")
    parser.add_argument("--buffer", type=int, help="rows that are shuffled together")
    parser.add_argument("--in-memory", type=int, help="rows of the fit in memory")
    parser.add_argument("--folder", type=Path, help="where the files are written")
    args = parser.parse_args(argv)
    settings = BOTH | (QUICK if args.quick else FULL)
    for name in ("gigabytes", "buffer", "in_memory"):
        if getattr(args, name) is not None:
            settings[name] = getattr(args, name)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        found = measured(Path(folder), settings)
    common.print_table(found)
    if args.write:
        common.write_records(args.write, [common.record(settings, found)])


if __name__ == "__main__":
    main()
