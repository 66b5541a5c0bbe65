"""Time taken by importing skvae and by the first `fit`, in a new process.

`python -m benchmarks._imports` prints one JSON object.
"""

import importlib
import json
import subprocess
import sys
import time


def _importing(*names):
    start = time.perf_counter()
    for name in names:
        importlib.import_module(name)
    return time.perf_counter() - start


def _fitting():
    import numpy as np

    from skvae import VAETransformer

    X = np.random.default_rng(0).random((64, 4))
    start = time.perf_counter()
    VAETransformer(max_epochs=1, random_state=0, device="cpu").fit(X)
    return time.perf_counter() - start


def measure():
    """Import the dependencies, then skvae, then fit twice; return seconds."""
    return {
        "dependencies": _importing("torch", "sklearn", "skorch"),
        "skvae": _importing("skvae"),
        "first_fit": _fitting(),
        "second_fit": _fitting(),
        "dynamo": float("torch._dynamo" in sys.modules),
    }


def fresh():
    """Run `measure()` in a new process."""
    command = [sys.executable, "-m", "benchmarks._imports"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(measure()))
