"""VAEs on MNIST: likelihood and usefulness of the latents.

    python -m benchmarks.mnist --data FOLDER      # FOLDER contains mnist.npz
    python -m benchmarks.mnist --quick            # scikit-learn's 8x8 digits instead
    python -m benchmarks.mnist --data FOLDER --widths 50 --binarize dynamic --write

Each number of latents has one row: seconds of `fit` on all training rows, scaled to
[0, 1]; held-out ln p(x) by importance sampling, in nats per row, with the Monte Carlo
error of its mean and the median effective sample size (ESS) of the rows; test accuracy
of logistic regression on the standardised latents and on as many principal components;
and the number of active units, whose posterior means have a variance above 0.01 over
the test rows.

Unless `--binarize none` is set, the test rows are binarised once by draws from the grey
values. With it the grey values themselves are scored, which allows models to be
compared but is not a density of pixels. Without --data, the folder is the variable
SKVAE_DATA.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import _common as common
from skvae import VAETransformer

ACTIVE = 1e-2  # variance of a unit's posterior mean
BINARIZE_SEED = 20_240  # seed for the test rows
QUICK = {"epochs": 15, "hidden": (64, 64), "widths": (2, 10), "n_samples": 50}


@dataclass
class Digits:
    """Rows in [0, 1] and their labels."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def load_mnist(path):
    """The 60 000 and 10 000 rows of mnist.npz."""
    with np.load(path, allow_pickle=False) as file:
        return Digits(*(_prepared(file[name]) for name in Digits.__annotations__))


def _prepared(values):
    """Convert images to rows in [0, 1]; leave labels unchanged."""
    if values.ndim == 1:
        return values
    return values.reshape(len(values), -1).astype("float32") / 255


def load_small():
    """scikit-learn's digits, 64 pixels each."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16).astype("float32"), y, test_size=500, random_state=0, stratify=y
    )
    return Digits(X_train, y_train, X_test, y_test)


# --- measurements ---------------------------------------------------------------------


def measure(digits, n_components, chosen):
    """Fit a VAE and PCA with this many components; return the row."""
    vae = estimator(n_components, chosen)
    start = time.perf_counter()
    vae.fit(digits.X_train)
    fit_seconds = time.perf_counter() - start
    found = held_out(vae, digits, chosen)
    pca = PCA(n_components, random_state=chosen.seed).fit(digits.X_train)
    return {
        "n_components": n_components,
        "fit, s": round(fit_seconds, 1),
        "epochs": vae.n_iter_,
        "test ln p(x), nats": found["ln p(x)"],
        "Monte-Carlo error": found["its error"],
        "median ESS": found["median ESS"],
        "accuracy": accuracy(vae, digits),
        "accuracy, PCA": accuracy(pca, digits),
        "active units": active_units(vae.transform(digits.X_test)),
    }


def estimator(n_components, chosen):
    """VAE with the settings of the command line."""
    return VAETransformer(
        n_components=n_components,
        hidden_layer_sizes=chosen.hidden,
        init="random",
        likelihood="bernoulli",
        beta=chosen.beta,
        n_importance_samples=chosen.importance,
        binarize=_none(chosen.binarize),
        max_epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        lr=chosen.lr,
        kl_warmup=chosen.kl_warmup,
        early_stopping=chosen.early_stopping,
        device=chosen.device,
        random_state=chosen.seed,
        verbose=1,
    )


def held_out(vae, digits, chosen):
    """Mean ln p(x) of the test rows, its Monte Carlo error and the median ESS."""
    X = digits.X_test[: chosen.test_rows]
    if _none(chosen.binarize):
        draws = np.random.default_rng(BINARIZE_SEED).random(X.shape, dtype=X.dtype)
        X = (draws < X).astype(X.dtype)
    return common.density(vae, X, chosen.n_samples)


def accuracy(transformer, digits):
    """Test accuracy of logistic regression on standardised features."""
    features = [transformer.transform(X) for X in (digits.X_train, digits.X_test)]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(features[0], digits.y_train)
    return round(classifier.score(features[1], digits.y_test), 4)


def active_units(means):
    """Number of columns of the posterior means that vary over the rows."""
    return int((means.var(axis=0) > ACTIVE).sum())


# --- command line ---------------------------------------------------------------------


def _none(word):
    return None if word == "none" else word


def options(argv):
    """The command line; --quick only changes the defaults."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.mnist",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_run_options(parser)
    _add_model_options(parser)
    if "--quick" in argv:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def _add_run_options(parser):
    add = parser.add_argument
    add("--data", metavar="FOLDER", help="that contains mnist.npz")
    add("--quick", action="store_true", help="small digits, small network, no data")
    add("--widths", type=common.numbers, default=(2, 10, 50), help="e.g. 2,10,50")
    add("--n-samples", type=int, default=500, help="importance samples per row")
    add("--test-rows", type=int, help="number of test rows to score")
    add("--device", default="auto")
    add(
        "--write",
        nargs="?",
        type=Path,
        const=common.RESULTS / "mnist.json",
        help="add each row to a result file as soon as it is measured",
    )


def _add_model_options(parser):
    add = parser.add_argument
    add("--hidden", type=common.numbers, default=(500, 500), help="e.g. 500,500")
    add("--epochs", type=int, default=100)
    add("--batch-size", type=int, default=128)
    add("--lr", type=float, default=1e-3)
    add("--beta", type=float, default=1.0)
    add("--kl-warmup", type=int, default=0, help="epochs")
    add("--importance", type=int, default=1, help="n_importance_samples")
    add("--binarize", choices=("dynamic", "fixed", "none"), default="dynamic")
    add("--early-stopping", action="store_true")
    add("--seed", type=int, default=0)


def settings(chosen):
    """Settings needed to run it again, one entry per option."""
    left_out = {"data", "quick", "widths", "write"}
    found = {"data": "scikit-learn digits, 8x8" if chosen.quick else "MNIST"}
    found |= {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"hidden": list(chosen.hidden), "binarize_seed": BINARIZE_SEED}


def data(chosen):
    """The digits; exit with code 2 if their file is missing."""
    if chosen.quick:
        return load_small()
    return load_mnist(common.data_file("mnist.npz", chosen.data))


def main(argv=None):
    """Measure and print each number of latents, and write its row with --write."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    digits = data(chosen)
    rows = []
    for n_components in chosen.widths:
        print(f"\n{n_components} latents", flush=True)
        rows.append(measure(digits, n_components, chosen))
        common.print_table(rows[-1:])
        if chosen.write:
            new = common.record(settings(chosen), rows[-1:])
            common.merge_record(chosen.write, new)
    print()
    common.print_table(rows)


if __name__ == "__main__":
    main()
