"""Time one fit that several processes share, and compute what more would give.

    python -m benchmarks.scaling --quick    # one and two processes, small sizes
    python -m benchmarks.scaling --write    # one, two and four

Measured: rows per second in 1, 2 and 4 processes that share every batch, the seconds of
a step of one process at a whole, a half, ... an eighth of the batch, and the seconds in
which the processes sum their gradients. Each process has one torch thread. More
processes than cores share the cores, and show the cost of the exchange only.

Computed: rows per second of 8 processes, B / (t(B / 8) + s), with the measured time t
of a step and the time s of a ring all-reduce of the gradients,
2 (W - 1) (bytes / W / bandwidth + latency), at the bandwidths that vendors state.
Nothing else is counted: no waiting for the slowest, no loading of data. t is that of
the device of the run: a core of a CPU, or with --device cuda a GPU.
"""

import os
import pickle
import socket
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

import skvae
from benchmarks._common import PLAIN, merge_record, parser, print_table, record

N_EPOCHS = 4  # of which the first does not count
N_SUMS = 20
N_COMPUTED = 8
LINKS = {  # bytes per second in one direction, and seconds of latency
    "8 on one machine, NVLink 450 GB/s": (450e9, 5e-6),
    "8 on 8 machines, InfiniBand 50 GB/s": (50e9, 10e-6),
    "8 on 8 machines, Ethernet 3 GB/s": (3e9, 30e-6),
}


def main():
    command = parser("scaling", __doc__)
    command.add_argument("--rows", type=int, default=2048)
    command.add_argument("--batch-size", type=int, default=512)
    command.add_argument("--hidden", type=int, default=512)
    options = command.parse_args()
    sizes = options.rows, options.batch_size, options.hidden
    if options.quick:
        sizes = 256, 128, 32
    torch.set_num_threads(1)  # a forked process cannot use the threads of its parent
    warnings.simplefilter("ignore")
    rows = measured(sizes, (1, 2) if options.quick else (1, 2, 4))
    rows += computed(sizes, options.device)
    print_table(rows)
    if options.write:
        names = ("rows", "batch_size", "hidden")
        settings = dict(zip(names, sizes, strict=True))
        merge_record(options.write, record(settings, rows))


def measured(sizes, counts):
    """Return the rows of one process, and of several that share each batch."""
    X, rows = data(sizes), []
    for n, fast in [(1, True), *((n, False) for n in counts)]:
        speed, seconds = together(n, fast, X, sizes)
        step = "hand-written step" if fast else "autograd"
        what = f"{n} {'process' if n == 1 else 'processes'}, {step}"
        rows.append(row(what, "measured", speed, rows, 1e3 * seconds))
    return rows


def row(what, kind, speed, before, sum_ms):
    """Return a row; speeds are relative to one process with autograd, the second."""
    reference = before[1]["rows per s"] if len(before) > 1 else speed
    return {
        "what": what,
        "kind": kind,
        "rows per s": round(speed),
        "speedup": round(speed / reference, 2) if len(before) > 0 else None,
        "ms per sum of gradients": round(sum_ms, 3),
    }


def data(sizes):
    return np.random.default_rng(0).random((sizes[0], 784), dtype=np.float32)


def model(sizes, **settings):
    _, batch_size, hidden = sizes
    settings = {"max_epochs": N_EPOCHS, "batch_size": batch_size} | settings
    settings |= {"hidden_layer_sizes": (hidden, hidden), "random_state": 0}
    return skvae.VAETransformer(16, **PLAIN, **settings)


def together(n, fast, X, sizes):
    """Fit in n processes; return rows per second and seconds of a sum."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        places["WORLD_SIZE"] = str(n)
        found = Path(folder, "found")
        processes = [start(i, places, fast, X, sizes, found) for i in range(n)]
        for process in processes:
            os.waitpid(process, 0)
        return pickle.loads(found.read_bytes())


def start(i, places, fast, X, sizes, found):
    """Fork a process that fits; the first one writes what it has measured."""
    process = os.fork()
    if process:
        return process
    try:
        os.environ |= places | {"RANK": str(i), "LOCAL_RANK": str(i)}
        measures = fitted(fast, X, sizes)
        if i == 0:
            found.write_bytes(pickle.dumps(measures))
    finally:
        os._exit(0)


def fitted(fast, X, sizes):
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    shared = None if fast else {"accelerator": accelerator}
    vae = model(sizes, net_params=shared).fit(X)
    speed = len(X) / np.median(vae.history_[1:, "seconds"])
    gradients = torch.zeros(n_parameters(vae))
    start = time.perf_counter()
    for _ in range(N_SUMS):
        accelerator.reduce(gradients, reduction="sum")
    return float(speed), (time.perf_counter() - start) / N_SUMS


def n_parameters(vae):
    return sum(p.numel() for p in vae.module_.parameters())


def computed(sizes, device):
    """Return the rows that are computed from the times of steps of one process."""
    _, batch_size, _ = sizes
    whole, (part, vae) = (
        time_step(sizes, size, device)
        for size in (batch_size, batch_size // N_COMPUTED)
    )
    n_bytes = 4 * n_parameters(vae)
    reference = [{}, {"rows per s": batch_size / whole[0]}]
    rows = []
    for what, (bandwidth, latency) in LINKS.items():
        each = n_bytes / N_COMPUTED / bandwidth + latency
        seconds = 2 * (N_COMPUTED - 1) * each
        speed = batch_size / (part + seconds)
        rows.append(row(what, "computed", speed, reference, 1e3 * seconds))
    return rows


def time_step(sizes, batch_size, device):
    """Return the seconds of a step of one process with autograd, and the model."""
    X = data(sizes)
    settings = {"net_params": {"fast_path": False}, "device": device}
    vae = model((sizes[0], batch_size, sizes[2]), **settings).fit(X)
    seconds = np.median(vae.history_[1:, "seconds"])
    return float(seconds) / (len(X) / batch_size), vae


if __name__ == "__main__":
    sys.exit(main())
