"""Files of three models, damaged by accident or forged on purpose.

Damaged files differ from what skvae wrote and must be refused. Forged files carry a
valid checksum: they are refused, or load as an estimator that works (with another
learning rate, say).
"""

import copy
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from damage import DAMAGES
from forgery import FORGERIES
from instances import decode, small
from sklearn.base import clone

from skvae import AETransformer, TaskInvariantVAETransformer, VAETransformer
from skvae.distributions import Codes, Gaussian, Poisson
from skvae.persistence import read, write

PARTS = [
    (Gaussian(scale="row"), slice("a", "c")),
    (Codes(), ["d", -4]),
    ("bernoulli", np.array(["f"])),
    ([(Poisson(), 0), ("gaussian-unit", [1])], ["g", "h"]),
]


def table():
    """Return 40 rows with columns of mixed type."""
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=40) for name in "abc"}
    columns |= {name: random.integers(0, 3, 40).astype(float) for name in "defg"}
    columns["f"] = random.integers(0, 2, 40).astype(float)
    return pd.DataFrame(columns | {"h": random.normal(size=40)})


def table_of(estimator):
    """Return rows that one of these estimators accepts."""
    if not hasattr(estimator, "condition_columns"):
        return table()
    return table().assign(task=["plain", "inverted"] * 20)


def models():
    """Fit three estimators that together cover most of what a file can hold."""
    mixed = small(VAETransformer, n_components=2, max_epochs=1, hidden_layer_sizes=(4,))
    mixed.set_params(likelihood=PARTS, random_state=np.random.RandomState(0))
    mixed.set_params(prior="vamp", net_params={"optimizer__betas": (0.5, 0.99)})
    plain = small(AETransformer, n_components=2, hidden_layer_sizes=())
    plain.set_params(device=torch.device("cpu"), lr=np.float32(0.01))
    tasks = small(TaskInvariantVAETransformer, n_components=2, hidden_layer_sizes=(4,))
    tasks.set_params(condition_columns=["d", "task"], n_kept=5)
    return tuple(model.fit(table_of(model)) for model in (mixed, plain, tasks))


@cache
def originals():
    """Return the bytes, header and tensors of each model as saved."""
    found = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        for i, model in enumerate(models()):
            model.save(path, training_state=i != 1)
            header, tensors = read(path)
            found.append((path.read_bytes(), header, tensors))
    return found


def forged(random, forgeries, path):
    """Write a file with changed contents and a valid checksum."""
    _, header, tensors = originals()[random.integers(3)]
    header, tensors = copy.deepcopy(header), dict(tensors)
    del header["format"]
    for forgery in forgeries:
        forgery(random, header, tensors)
    write(path, header, tensors)


def damaged(random, damage, path):
    """Write a damaged file."""
    path.write_bytes(damage(random, originals()[random.integers(3)][0]))


def cases(n, seed=0):
    """Yield a label, whether it must be refused, and a function that writes it."""
    for i in range(n):
        random = np.random.default_rng((seed, i))
        if i % 2:
            damage = DAMAGES[i // 2 % len(DAMAGES)]
            yield damage.__name__, True, partial(damaged, random, damage)
        else:
            forgeries = [FORGERIES[i // 2 % len(FORGERIES)]]
            if random.random() < 0.2:
                forgeries.append(FORGERIES[random.integers(len(FORGERIES))])
            label = "+".join(forgery.__name__ for forgery in forgeries)
            yield label, False, partial(forged, random, forgeries)


def use(estimator, path):
    """Call every method of a loaded estimator.

    Meaningless numbers may end in a ValueError, in a FloatingPointError that says that
    an answer is not finite, or in torch's RuntimeError.
    """
    X, n_outputs = table_of(estimator), len(estimator.get_feature_names_out())
    repr(estimator), clone(estimator), len(estimator.history_), estimator.module_
    calls = [
        lambda: estimator.transform(X),
        lambda: decode(estimator, np.zeros((40, n_outputs)), X),
        lambda: estimator.score(X),
        lambda: estimator.save(path, training_state=True),
    ]
    if hasattr(estimator, "sample"):
        calls.append(lambda: estimator.sample(3, random_state=0))
    for call in calls:
        with suppress(ValueError, FloatingPointError, RuntimeError):
            call()


def verdict(load, path, must_refuse):
    """Load a file and return "refused" or "works"; any other error is a bug."""
    try:
        estimator = load(path)
    except ValueError as error:
        if not str(error).startswith(f"{path} cannot be loaded: "):
            raise
        return "refused"
    if must_refuse:
        raise AssertionError("a damaged file was loaded")
    use(estimator, path)
    return "works"
