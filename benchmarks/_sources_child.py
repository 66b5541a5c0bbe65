"""One fit of `benchmarks.sources` in a process of its own, printed as JSON.

    python -m benchmarks._sources_child memory FOLDER N_ROWS EPOCHS
    python -m benchmarks._sources_child stream FOLDER LIMIT EPOCHS BUFFER

N_ROWS are the rows that are read into an array before the fit. LIMIT is the address
space of the process in bytes, RLIMIT_AS, which is set before anything is imported.
"""

import json
import resource
import sys
import threading
import time

if __name__ == "__main__" and sys.argv[1] == "stream":
    LIMIT = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

from pathlib import Path

import numpy as np
import pyarrow as pa
from skorch.callbacks import Callback

from benchmarks._common import PLAIN
from skvae import VAETransformer
from skvae.sources import as_source

STATUS = Path("/proc/self/status")
PERIOD = 0.02  # seconds between two readings


class Epochs(Callback):
    """Records the CPU time and the peak memory of every epoch."""

    def __init__(self):
        self.times, self.peaks, self._high = [], [], 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            self._high = max(self._high, mebibytes("RssAnon"))
            time.sleep(PERIOD)

    def on_epoch_end(self, net, **_):
        """Note the epoch."""
        self.times.append(time.process_time())
        self.peaks.append(self._high)
        self._high = 0.0


def mebibytes(name):
    """Return an entry of the status of this process."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise OSError(f"this system does not report {name}")


def first_rows(folder, n_rows):
    """Return the first rows of the files as an array."""
    source, parts, found = as_source(folder), [], 0
    for _, block in source.blocks():
        parts.append(np.stack([c.to_numpy() for c in block.columns], axis=1))
        found += len(block)
        if found >= n_rows:
            break
    return np.concatenate(parts)[:n_rows]


def main(what, folder, number, epochs, buffer=None):
    """Fit and print."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    folder, number = Path(folder), int(number)
    if what == "stream":
        X = as_source(folder, buffer_size=int(buffer))
    else:
        X = first_rows(folder, number)
    watch = Epochs()
    settings = PLAIN | {"max_epochs": int(epochs), "batch_size": 256}
    vae = VAETransformer(10, **settings, random_state=0, callbacks=[watch])
    cpu, wall = time.process_time(), time.perf_counter()
    vae.fit(X)
    each = len(X) * int(epochs)
    found = {
        "n_rows": len(X),
        "cpu": (time.process_time() - cpu) / each,
        "wall": (time.perf_counter() - wall) / each,
        "peaks": watch.peaks,
        "resident": mebibytes("VmHWM"),
        "address_space": mebibytes("VmPeak"),
        "loss": vae.history_[-1]["train_loss"],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
