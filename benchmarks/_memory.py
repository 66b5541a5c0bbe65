"""Peak memory that a call adds, each measured in a new process.

`python -m benchmarks._memory PROBE N_ROWS` prints one number, in MiB. Only anonymous
memory counts: the pages of a memory-mapped file can be dropped, so they are not a copy.
Modules imported by the call count too. Needs Linux's /proc.
"""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks._common import PLAIN
from skvae import VAETransformer

STATUS = Path("/proc/self/status")
PERIOD = 2e-3  # seconds between two readings


class Peak(threading.Thread):
    """Record the peak of the process's anonymous memory during a `with` block."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.highest = _anonymous()
        self.done = False

    def run(self):
        while not self.done:
            self.highest = max(self.highest, _anonymous())
            time.sleep(PERIOD)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.join()

    @property
    def growth(self):
        return self.highest - self.before


def _anonymous():
    """Anonymous memory of this process, in MiB."""
    for line in STATUS.read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not report RssAnon")


# --- the probes -----------------------------------------------------------------------


def _vae(**settings):
    given = PLAIN | {"max_epochs": 1, "random_state": 0, "device": "cpu"}
    return VAETransformer(**given | settings)


def _noise(n_rows, n_columns, dtype):
    return np.random.default_rng(0).standard_normal((n_rows, n_columns), dtype=dtype)


def fit_small(n_rows):
    """`fit` on (n_rows, 4): the fixed cost of a first fit."""
    X = _noise(n_rows, 4, "float32")
    vae = _vae()
    with Peak() as peak:
        vae.fit(X)
    return peak.growth


def fit_float32(n_rows):
    """`fit` on (n_rows, 784) float32."""
    X = _noise(n_rows, 784, "float32")
    vae = _vae(hidden_layer_sizes=(500, 500), batch_size=512)
    with Peak() as peak:
        vae.fit(X)
    return peak.growth


def fit_float64(n_rows):
    """`fit` on (n_rows, 100) float64, in C order."""
    X = _noise(n_rows, 100, "float64")
    vae = _vae(batch_size=4096)
    with Peak() as peak:
        vae.fit(X)
    return peak.growth


def fit_memmap(n_rows):
    """`fit` on a memory-mapped file of (n_rows, 100) float64."""
    with tempfile.NamedTemporaryFile() as file:
        shape = (n_rows, 100)
        X = np.memmap(file, dtype="float64", mode="w+", shape=shape)
        for block in np.array_split(X, max(1, n_rows // 10_000)):
            block[:] = _noise(*block.shape, "float64")
        X.flush()
        X = np.memmap(file, dtype="float64", mode="r", shape=shape)
        vae = _vae(batch_size=4096)
        with Peak() as peak:
            vae.fit(X)
    return peak.growth


def log_likelihood(n_rows, n_samples=5_000):
    """`log_likelihood` of (n_rows, 784) with 5 000 samples per row."""
    X = np.random.default_rng(0).random((max(n_rows, 1_000), 784), dtype="float32")
    vae = _vae(hidden_layer_sizes=(500, 500), n_components=50, likelihood="bernoulli")
    vae.fit(X)
    with Peak() as peak:
        vae.log_likelihood(X[:n_rows], n_samples=n_samples)
    return peak.growth


def sample(n_rows):
    """`sample` of (n_rows, 30), a result of 120 bytes per row."""
    vae = _vae(hidden_layer_sizes=(64,)).fit(_noise(1_000, 30, "float32"))
    vae.sample(100)
    with Peak() as peak:
        vae.sample(n_rows)
    return peak.growth


FITS = fit_small, fit_float32, fit_float64, fit_memmap
PROBES = {probe.__name__: probe for probe in (*FITS, sample, log_likelihood)}


def growth(probe, n_rows):
    """Run a probe in a new process; return the MiB that it added."""
    command = [sys.executable, "-m", "benchmarks._memory", probe, str(n_rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    print(PROBES[sys.argv[1]](int(sys.argv[2])))
