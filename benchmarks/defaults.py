"""Quality of the default parameters, and the effect of changing one of them.

    python -m benchmarks.defaults --data FOLDER    # FOLDER contains adult.npz
    python -m benchmarks.defaults --quick          # two settings, few epochs, no adult

The data sets are digits (pixels in [0, 1]), wine (standardised) and adult (5 000 rows
each for training and testing; standardised numbers and integer-coded categories). Each
setting has one row: held-out ln p(x) (64 importance samples), the median effective
sample size of its rows, held-out accuracy of logistic regression on standardised
latents, and seconds, as means over seeds with standard errors. The first setting is the
default; each of the others changes one thing. PCA with as many components is the
baseline; for adult it uses one-hot categories.
"""

import argparse
import sys
import time
from typing import NamedTuple

import numpy as np
import torch
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from benchmarks import _common as common
from skvae import VAETransformer
from skvae.priors import VampPrior

SETTINGS = {
    "default": {},
    "lr=3e-4": {"lr": 3e-4},
    "lr=3e-3": {"lr": 3e-3},
    "batch_size=32": {"batch_size": 32},
    "batch_size=512": {"batch_size": 512},
    "hidden (64,)": {"hidden_layer_sizes": (64,)},
    "hidden (512, 512)": {"hidden_layer_sizes": (512, 512)},
    "tanh": {"activation": "tanh"},
    "max_epochs=30": {"max_epochs": 30},
    "max_epochs=300": {"max_epochs": 300},
    "early_stopping": {"early_stopping": True, "max_epochs": 300},
    "dropout=0.1": {"dropout": 0.1},
    "weight_decay=1e-4": {"weight_decay": 1e-4},
    "beta=0.5": {"beta": 0.5},
    "beta=0.2": {"beta": 0.2},
    "kl_warmup=20": {"kl_warmup": 20},
    "5 importance samples": {"n_importance_samples": 5},
    "VampPrior(64)": {"prior": VampPrior(n_pseudo_inputs=64)},
}
QUICK = ("default", "beta=0.5")
COLUMNS = (
    "data",
    "setting",
    "test ln p(x), nats",
    "its error",
    "median ESS",
    "accuracy",
    "its error ",
    "active latents",
    "fit, s",
)


class Table(NamedTuple):
    """Train and test rows for the model, labels, and train and test rows for PCA."""

    X: tuple
    y: tuple
    likelihood: object
    linear: tuple


def split(X, y, scaler, likelihood):
    """Train and test rows, scaled."""
    parts = train_test_split(X, y, random_state=0, stratify=y)
    scaler.fit(parts[0])
    rows = tuple(scaler.transform(part) for part in parts[:2])
    return Table(rows, tuple(parts[2:]), likelihood, rows)


def digits(_):
    """1 347 training images of 64 pixels, 10 classes."""
    X, y = load_digits(return_X_y=True)
    return split(X, y, MinMaxScaler(clip=True), "gaussian-shared")


def wine(_):
    """133 training rows of 13 measurements, 3 classes."""
    X, y = load_wine(return_X_y=True)
    return split(X, y, StandardScaler(), "gaussian")


def adult(folder):
    """5 000 training rows of 6 numeric and 8 categorical columns, 2 classes."""
    with np.load(common.data_file("adult.npz", folder), allow_pickle=False) as file:
        blocks = {
            part: np.hstack([file[f"X_numeric_{part}"], file[f"X_categorical_{part}"]])
            for part in ("train", "test")
        }
        y = tuple(file[f"y_{part}"][:5000] for part in ("train", "test"))
    train, test = (blocks[part][:5000].astype(float) for part in ("train", "test"))
    known = np.all(
        [np.isin(t, c) for t, c in zip(test.T[6:], train.T[6:], strict=True)], axis=0
    )
    test, y = test[known], (y[0], y[1][known])
    numbers = ("number", StandardScaler(), slice(0, 6))
    scale = ColumnTransformer([numbers], remainder="passthrough").fit(train)
    one_hot = ("category", OneHotEncoder(sparse_output=False), slice(6, 14))
    wide = ColumnTransformer([numbers, one_hot]).fit(train)
    return Table(
        (scale.transform(train), scale.transform(test)),
        y,
        [("gaussian", slice(0, 6)), ("codes", slice(6, 14))],
        (wide.transform(train), wide.transform(test)),
    )


TABLES = {"digits": digits, "wine": wine, "adult": adult}


def accuracy(features, y):
    """Test accuracy of logistic regression on standardised features."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(features[0], y[0]).score(features[1], y[1])


def measure(table, params, seed):
    """Held-out ln p(x), its ESS, accuracy, active latents and seconds of one fit."""
    vae = VAETransformer(likelihood=table.likelihood, random_state=seed)
    vae.set_params(**common.BASE)
    start = time.perf_counter()
    vae.set_params(**params).fit(table.X[0])
    taken = time.perf_counter() - start
    latents = [vae.transform(part) for part in table.X]
    active = (latents[1].var(axis=0) > 1e-2).sum()
    found = common.density(vae, table.X[1])
    share = accuracy(latents, table.y)
    return found["ln p(x)"], found["median ESS"], share, active, taken


def rows(name, table, chosen):
    """Yield one row for PCA and one for each setting."""
    k = VAETransformer().n_components
    pca = PCA(k).fit(table.linear[0])
    found = accuracy([pca.transform(part) for part in table.linear], table.y)
    yield dict.fromkeys(COLUMNS) | {
        "data": name,
        "setting": f"PCA({k})",
        "accuracy": round(found, 4),
    }
    for setting in chosen.settings:
        params = SETTINGS[setting] | chosen.params
        values = np.array([measure(table, params, s) for s in range(chosen.seeds)])
        error = values.std(axis=0, ddof=1) / np.sqrt(chosen.seeds)
        nats, ess, share, active, taken = values.mean(axis=0)
        cells = (nats, error[0], ess, share, error[2], active, taken)
        rounded = [round(float(cell), 4) for cell in cells]
        yield dict(zip(COLUMNS, [name, setting, *rounded], strict=True))


def options(argv):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.defaults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", metavar="FOLDER", help="that contains adult.npz")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--write", action="store_true", help="docs/results/defaults.json"
    )
    chosen = parser.parse_args(argv)
    chosen.settings = QUICK if chosen.quick else tuple(SETTINGS)
    chosen.params = {"max_epochs": 5} if chosen.quick else {}
    return chosen


def main(argv=None):
    """Print each row as soon as it is measured, and write it with --write."""
    chosen = options(argv)
    torch.set_num_threads(1)
    folder = common.data_folder(chosen.data)
    settings = {"seeds": chosen.seeds, "threads": 1}
    done = []
    for name, load in TABLES.items():
        if name == "adult" and (folder is None or chosen.quick):
            print("adult is left out: give --data or SKVAE_DATA", file=sys.stderr)
            continue
        for row in rows(name, load(folder), chosen):
            done.append(row)
            print("  ".join(f"{k}: {v}" for k, v in row.items()), flush=True)
            if chosen.write:
                common.write_records(
                    common.RESULTS / "defaults.json", [common.record(settings, done)]
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
