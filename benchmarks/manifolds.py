"""Two latents of MNIST and of Frey's faces: Kingma and Welling (2014), fig. 4 and 5.

    python -m benchmarks.manifolds --data FOLDER --pictures docs/results --write
    python -m benchmarks.manifolds --quick                     # no data

A VAE with two latents; encoder and decoder have one layer of tanh units, 500 for digits
and 200 for faces, as published. Each data set has one row: the bound and the
importance-weighted ln p(x) of held-out rows, in nats per row, with the median effective
sample size (ESS) of the latter, and the accuracy of k nearest neighbours that predict
the digit from the latents. --pictures saves the
decoder's means over a grid of 20 x 20 quantiles of the prior, and the latents of the
digits by class.

The pixels of MNIST are binarised once by draws from the grey values. Those of the
faces, in [0, 1], are Gaussian, with a mean in (0, 1) and one learned scale for all
pixels. FOLDER contains mnist.npz and frey_faces.npz; without --data it is the variable
SKVAE_DATA. The paper has only pictures, and trained for longer, with Adagrad.
"""

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from benchmarks import _common as common
from skvae import VAETransformer
from skvae.datasets import load_frey
from skvae.distributions import Gaussian
from skvae.plotting import LatentMapDisplay, ManifoldDisplay

HIDDEN = {"mnist": 500, "frey": 200, "digits": 32}
SHAPES = {"mnist": (28, 28), "frey": (28, 20), "digits": (8, 8)}
DRAW_SEED = 20_240  # seed of the binarisation
QUICK = {"sets": ("digits",), "epochs": {"digits": 20}, "n_samples": 20, "grid": 6}


def load_rows(name, chosen):
    """Training rows, held-out rows, and the labels of the latter or None."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return *_drawn(X[:1300] / 16, X[1300:] / 16), y[1300:]
    if name == "mnist":
        (X, _), (X_test, y) = (
            common.mnist(part, chosen.data) for part in ("train", "test")
        )
        return *_drawn(X[:50_000], X_test), y
    X = load_frey(common.data_file("frey_faces.npz", chosen.data).parent).data
    order = np.random.default_rng(DRAW_SEED).permutation(len(X))
    return X[order[:1765]], X[order[1765:]], None


def _drawn(*parts):
    random = np.random.default_rng(DRAW_SEED)
    return [(random.random(part.shape) < part).astype("float32") for part in parts]


def measure(name, seed, chosen):
    """Fit one model; return its row, and the model with the held-out rows."""
    train, test, y = load_rows(name, chosen)
    likelihood = Gaussian("shared", mean="sigmoid") if name == "frey" else "bernoulli"
    model = VAETransformer(
        2,
        hidden_layer_sizes=(HIDDEN[name],),
        activation="tanh",
        likelihood=likelihood,
        **common.PLAIN,
        max_epochs=chosen.epochs[name],
        batch_size=100,
        lr=chosen.lr,
        device=chosen.device,
        random_state=seed,
        verbose=1,
    )
    start = time.perf_counter()
    model.fit(train)
    taken = time.perf_counter() - start
    density = common.density(model, test, chosen.n_samples)
    found = {
        "what": f"{name}, seed {seed}",
        "rows": len(train),
        "epochs": model.n_iter_,
        "fit, s": round(taken, 1),
        "bound": _mean(model.log_likelihood(test, method="elbo")),
        **density,
        "neighbours": "" if y is None else neighbours(model.transform(test), y),
    }
    return found, (model, test, y)


def neighbours(Z, y):
    """Accuracy of 10 nearest neighbours, fitted to half of the rows, on the rest."""
    half = len(Z) // 2
    classifier = KNeighborsClassifier(10).fit(Z[:half], y[:half])
    return round(float(classifier.score(Z[half:], y[half:])), 4)


def _mean(values):
    return round(float(np.mean(values)), 2)


def draw(name, fitted, chosen):
    """Save the manifold and, for labelled rows, the latents by class."""
    model, test, y = fitted
    figure, ax = plt.subplots(figsize=(7, 7), layout="constrained")
    ManifoldDisplay.from_estimator(
        model,
        n_values=chosen.grid,
        image_shape=SHAPES[name],
        ax=ax,
        cmap="gray" if name == "frey" else "gray_r",
    )
    _save(figure, chosen.pictures / f"manifolds_{name}.png")
    if y is not None:
        figure, ax = plt.subplots(figsize=(6.5, 6), layout="constrained")
        LatentMapDisplay(model.transform(test), y=y).plot(ax=ax)
        _save(figure, chosen.pictures / f"manifolds_{name}_latents.png")


def _save(figure, path):
    figure.savefig(path, dpi=90)
    plt.close(figure)


def options(argv):
    """The command line; --quick only changes the defaults."""
    parser = common.parser("manifolds", __doc__)
    add = parser.add_argument
    add("--sets", type=common.words, default=("mnist", "frey"), help="with commas")
    add("--lr", type=float, default=1e-3)
    add("--n-samples", type=int, default=200, help="importance samples per row")
    add("--grid", type=int, default=20, help="values per latent")
    add("--pictures", type=Path, metavar="FOLDER", help="save the figures here")
    parser.set_defaults(epochs={"mnist": 40, "frey": 500})
    if "--quick" in argv:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def settings(chosen):
    """Settings needed to run it again."""
    kept = {"lr": chosen.lr, "n_samples": chosen.n_samples, "device": chosen.device}
    return kept | {"batch_size": 100, "draw_seed": DRAW_SEED}


def main(argv=None):
    """Fit a model to each data set, write its row, and save its figures."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    rows = []
    for seed in chosen.seeds:
        for name in chosen.sets:
            row, fitted = measure(name, seed, chosen)
            rows.append(row)
            common.print_table(rows)
            common.keep(chosen.write, settings(chosen), row)
            if chosen.pictures:
                draw(name, fitted, chosen)


if __name__ == "__main__":
    main()
