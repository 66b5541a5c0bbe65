"""Fit every estimator as one of several processes; started by test_data_parallel.py.

Writes, for each estimator, what this process ends with, and what one process alone
does. The environment says which process this is, as for `torchrun`.
"""

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from instances import OF_DIGITS, fit, variants
from sklearn.base import clone
from sklearn.datasets import load_digits

N_ROWS = 41  # batches of 16, 16 and 9
SETTINGS = {"dtype": "float64", "batch_size": 16, "max_epochs": 2}
MORE = (
    *("VAETransformer-early-stopping", "VAETransformer-importance"),
    *("JMVAETransformer-modalities", "CVAETransformer-invariant"),
)
# Its classifier drops units, other ones in each process.
OWN_DROPOUT = ("CVAETransformer-invariant",)


def cases():
    """Return the instances by name: every estimator, and some of its settings."""
    found = dict(variants()) | dict(variants(OF_DIGITS))
    return {
        name: estimator.set_params(**SETTINGS)
        for name, estimator in found.items()
        if name.endswith("-small") or name in MORE
    }


def learned(estimator):
    """Return the weights and the history of a fitted estimator."""
    weights = [p.detach().flatten() for p in estimator.module_.parameters()]
    history = [
        {name: value for name, value in row.items() if type(value) is float}
        for row in estimator.history_
    ]
    return torch.cat(weights).numpy(), history


def data():
    X = load_digits().data[:N_ROWS] / 16
    with_holes = X.copy()
    with_holes[1::2, 30:] = np.nan  # of a whole modality
    return X, with_holes


def main(folder):
    torch.set_num_threads(1)
    accelerator, found = Accelerator(cpu=True), {}
    for name, estimator in cases().items():
        X = data()["modalities" in name]
        together = clone(estimator).set_params(net_params={"accelerator": accelerator})
        try:
            found[name] = [learned(fit(together, X))]
        except ValueError as error:
            found[name] = [str(error)]
        if accelerator.is_main_process:
            found[name].append(learned(fit(clone(estimator), X)))
    path = Path(folder, f"{accelerator.process_index}.pickle")
    path.write_bytes(pickle.dumps(found))
    accelerator.end_training()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # without waiting for threads of the process group
