"""Kill fits at random moments; the fit that goes on must end with the same bits.

    python -m benchmarks.survival --quick    # 5 kills
    python -m benchmarks.survival --write    # 50 kills

Each fit runs in a process of its own, which is ended by kill -9 (the checkpoint is
written after every epoch) or by SIGTERM (which alone writes it). The same fit is then
started again, and killed again, until it ends before its time has come. Its weights,
moments and history must equal those of a fit that was left alone, bit for bit. The exit
code is 1 if one differs.
"""

import os
import pickle
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import torch
from sklearn.base import clone
from sklearn.datasets import load_digits

import skvae
from benchmarks._common import merge_record, parser, print_table, record
from skvae.priors import DensityRatio
from skvae.training import Snapshot

SMALL = {"hidden_layer_sizes": (32,), "max_epochs": 12, "random_state": 0}
SHORT = {"n_burn_in": 5, "n_leapfrog": 3, "n_updates": 2}
MODELS = {
    "VAE, hand-written step": skvae.VAETransformer(2, **SMALL),
    "VAE, autograd": skvae.VAETransformer(2, net_params={"fast_path": False}, **SMALL),
    "MCEM": skvae.MCEMTransformer(2, **SHORT, **SMALL),
    "VAE, density ratio": skvae.VAETransformer(
        2, prior=DensityRatio((8,), n_passes=2, n_kept=20), **SMALL
    ),
    "JMVAE": skvae.JMVAETransformer(
        2, modalities={"left": slice(0, 32), "right": slice(32, 64)}, **SMALL
    ),
}
HOW = {"kill -9": (signal.SIGKILL, 1), "SIGTERM": (signal.SIGTERM, "1h")}


def main():
    command = parser("survival", __doc__)
    command.add_argument("--kills", type=int, default=50)
    options = command.parse_args()
    n_kills = 5 if options.quick else options.kills
    torch.set_num_threads(1)  # a forked process cannot use the threads of its parent
    warnings.simplefilter("ignore")
    rows = run(n_kills, random.Random(options.seeds[0]))
    print_table(rows)
    if options.write:
        settings = {"kills": n_kills, **SMALL}
        merge_record(options.write, record(settings, rows))
    return any(row["differ"] for row in rows)


def run(n_kills, draws):
    """Kill `n_kills` times, in turn over models and signals; return the rows."""
    X = load_digits().data[:150] / 16
    cases = [(model, how) for how in HOW for model in MODELS]
    cases = cases[:: len(cases) // min(len(cases), n_kills)][:n_kills]
    rows = {}
    for model, how in cases:
        rows[model, how] = {"model": model, "ended by": how, "kills": 0, "fits": 0}
        rows[model, how] |= {"epochs saved": 0, "differ": 0}
    shares = [n_kills // len(cases) + (i < n_kills % len(cases)) for i in range(99)]
    for (model, how), share in zip(cases, shares, strict=False):
        reference = Undisturbed(MODELS[model], X)
        while rows[model, how]["kills"] < share:
            survive(reference, X, how, share, rows[model, how], draws)
    return list(rows.values())


class Undisturbed:
    """What a fit learns that is left alone, and the seconds that it takes."""

    def __init__(self, estimator, X):
        self.estimator = estimator
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            self.learned = outcome(fork(self._fit(folder, 1), X, folder), folder)
        self.seconds = time.perf_counter() - start

    def _fit(self, folder, every):
        place = {"checkpoint": f"{folder}/fit", "checkpoint_every": every}
        return clone(self.estimator).set_params(**place)

    def start(self, X, folder, every):
        """Start the fit in a process; return its number."""
        return fork(self._fit(folder, every), X, folder)


def survive(reference, X, how, most, row, draws):
    """Kill a fit until it ends, and compare what it has learned."""
    number, every = HOW[how]
    with tempfile.TemporaryDirectory() as folder:
        while True:
            process = reference.start(X, folder, every)
            if row["kills"] < most:
                time.sleep(draws.uniform(0, reference.seconds))
                os.kill(process, number)
            learned = outcome(process, folder)
            if learned is not None:
                break
            row["kills"] += 1
            if os.path.exists(f"{folder}/fit"):
                header, _ = skvae.persistence.read(f"{folder}/fit")
                row["epochs saved"] += header["checkpoint"]["n_epochs"]
    row["fits"] += 1
    row["differ"] += learned != reference.learned


def fork(estimator, X, folder):
    """Fit in a child process, which writes what it has learned; return its number."""
    process = os.fork()
    if process:
        return process
    try:
        estimator.fit(X)
        Path(folder, "new").write_bytes(pickle.dumps(learned_by(estimator)))
        os.replace(f"{folder}/new", f"{folder}/learned")
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def learned_by(estimator):
    """Return all that training leaves behind, as plain values."""
    net = estimator.net_
    state = Snapshot(net).take().state
    moments = [
        repr(value.tolist() if isinstance(value, torch.Tensor) else value)
        for states in state["optimizers"].values()
        for one in states.values()
        for value in one.values()
    ]
    history = [
        {k: v for k, v in epoch.items() if k not in ("seconds", "batches")}
        for epoch in net.history
    ]
    weights = [repr(tensor.tolist()) for tensor in state["tensors"]]
    return weights, moments, repr(history)


def outcome(process, folder):
    """Wait for a process; return what it has learned, or None if it was killed."""
    os.waitpid(process, 0)
    found = Path(folder, "learned")
    return pickle.loads(found.read_bytes()) if found.exists() else None


if __name__ == "__main__":
    sys.exit(main())
