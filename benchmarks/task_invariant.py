"""Task-invariant representations: the table of Takahashi et al. (2022).

    python -m benchmarks.task_invariant --data FOLDER --write
    python -m benchmarks.task_invariant --data FOLDER --full --write   # as published
    python -m benchmarks.task_invariant --quick                        # no data

One model is trained on two tasks: all rows of the source and 100 of the target. VAE
(which does not see the task), CVAE and task-invariant VAE are compared by:

- ln p(x | s) of the target's test rows, from 100 importance samples, in nats per row,
  with the median effective sample size (ESS) of the rows;
- test accuracy on the target of classifiers of the posterior means: "linear" (logistic
  regression) and "MLP" (one hidden layer of 100 units) are fitted to the training rows
  of source and target, "linear, target" to the 100 target rows alone;
- I(S; Z) in nats, on equally many test rows of both tasks.

The three sets of faces share one model and have no target: their results are means over
the test rows of all three. --tables mnist-svhn,svhn-mnist runs pairs with SVHN if its
files are present; the published pairs add another set of digits.

FOLDER contains the files of `skvae.datasets`; without --data it is the variable
SKVAE_DATA. Each fit is one row, written as soon as it is measured. The paper leaves
some settings open, which are chosen here: Bernoulli pixels for digits, a Gaussian with
one learned scale for faces, rows held out for early stopping from all training rows,
the resizing of USPS (--usps), and, without --full, fewer epochs at a larger learning
rate.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import _common as common
from benchmarks._task_picture import draw, some_rows
from skvae import CVAETransformer, TaskInvariantVAETransformer, VAETransformer
from skvae.datasets import load_image_tasks, make_digit_tasks
from skvae.metrics import task_information

MODELS = {
    "VAE": VAETransformer,
    "CVAE": CVAETransformer,
    "task-invariant": TaskInvariantVAETransformer,
}
# Published numbers of training, validation and test rows; validation is not used here.
SIZES = {
    "usps": (6438, 1000, 1860),
    "mnist": (10_000, 10_000, 10_000),
    "svhn": (10_000, 10_000, 26_032),
    "frey": (1565, 200, 200),
    "olivetti": (150, 100, 150),
    "umist": (300, 75, 200),
}
FACES = ("frey", "olivetti", "umist")
PAIRS = {"usps-mnist": ("usps", "mnist"), "mnist-usps": ("mnist", "usps")}
# The published pairs of SVHN also contain SynthDigits, which has no loader.
SVHN_PAIRS = {"mnist-svhn": ("mnist", "svhn"), "svhn-mnist": ("svhn", "mnist")}
# Test log-likelihood of the target, and accuracy of a classifier.
PUBLISHED = {
    ("usps-mnist", "VAE"): ("−163.25 ± 2.15", "0.52"),
    ("usps-mnist", "CVAE"): ("−152.32 ± 1.64", "0.53 ± 0.02"),
    ("usps-mnist", "task-invariant"): ("−149.08 ± 0.86", "0.68 ± 0.01"),
    ("mnist-usps", "VAE"): ("−235.23 ± 1.54", "0.64 ± 0.01"),
    ("mnist-usps", "CVAE"): ("−211.18 ± 0.55", "0.67 ± 0.01"),
    ("mnist-usps", "task-invariant"): ("−212.11 ± 1.48", "0.74 ± 0.02"),
    ("faces", "VAE"): ("895.41 ± 2.98", ""),
    ("faces", "CVAE"): ("902.99 ± 3.69", ""),
    ("faces", "task-invariant"): ("913.08 ± 5.05", ""),
}
# How 16 x 16 pixels are enlarged to 28 x 28: by linear interpolation, by repeating
# pixels, or like MNIST, with 20 x 20 pixels in an empty frame.
USPS = {
    "resized": ((28, 28), lambda images: images),
    "repeated": ((16, 16), lambda images: images[:, REPEAT[:, None], REPEAT]),
    "framed": ((20, 20), lambda images: np.pad(images, ((0, 0), (4, 4), (4, 4)))),
}
REPEAT = np.arange(28) * 16 // 28
QUICK = {
    "tables": ("digits",),
    "seeds": (0,),
    "epochs": 5,
    "kl_warmup": 2,
    "hidden": (64,),
    "n_components": 4,
    "critic_passes": 2,
    "n_samples": 20,
}
FULL = {
    "seeds": (0, 1, 2, 3, 4),
    "epochs": 1000,
    "kl_warmup": 100,
    "lr": 1e-4,
    "patience": 100,
}


# --- data -----------------------------------------------------------------------------


def load_table(name, folder, seed, usps="resized"):
    """Training rows, test rows (data, class, task), and the tasks to report."""
    if name == "digits":
        return _small(seed)
    if name == "faces":
        return _faces(folder, seed)
    source, target = (PAIRS | SVHN_PAIRS)[name]
    side = 32 if name in SVHN_PAIRS else 28
    parts = {task: _digits(task, folder, seed, usps, side) for task in (source, target)}
    train = [_first(parts[source][0], SIZES[source][0])]
    train.append(_first(parts[target][0], 100))
    test = [_first(part[1], SIZES[task][2]) for task, part in parts.items()]
    return _joined(train), _joined(test), (target,)


def _digits(task, folder, seed, usps, side):
    """Shuffled rows of both published parts of a data set, `side` x `side` pixels."""
    shape, enlarge = (side, side), lambda images: images
    if task == "usps":
        shape, enlarge = USPS[usps]
    found = [
        load_image_tasks([task], folder=folder, subset=part, image_shape=shape)
        for part in ("train", "test")
    ]
    for part in found:
        images = enlarge(part.data.reshape(-1, *shape))
        part.data = images.reshape(len(images), -1)
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(part.data)) for part in found]
    return [_rows(part, order) for part, order in zip(found, orders, strict=True)]


def _faces(folder, seed):
    found = load_image_tasks(FACES, folder=folder, image_shape=(28, 20))
    random = np.random.default_rng(seed)
    train, test = [], []
    for task in FACES:
        order = random.permutation(np.flatnonzero(found.task == task))
        n_train, n_valid, n_test = SIZES[task]
        train.append(_rows(found, order[:n_train]))
        test.append(_rows(found, order[n_train + n_valid :][:n_test]))
    return _joined(train), _joined(test), FACES


def _small(seed):
    """scikit-learn's digits, plain and inverted, with 50 training rows inverted."""
    found = make_digit_tasks(tasks=("plain", "inverted"), random_state=seed)
    train, test = train_test_split(np.arange(len(found.data)), random_state=seed)
    target = train[found.task[train] == "inverted"]
    train = np.setdiff1d(train, target[50:])
    return _rows(found, train), _rows(found, test), ("inverted",)


def _rows(found, order):
    return found.data[order], found.target[order], found.task[order]


def _first(rows, n):
    return tuple(part[:n] for part in rows)


def _joined(parts):
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


# --- measurements ---------------------------------------------------------------------


def measure(name, model, seed, chosen):
    """Fit one model; return its row, and latents, classes and tasks of test rows."""
    folder = common.data_folder(chosen.data)
    train, test, targets = load_table(name, folder, seed, chosen.usps)
    estimator = build(model, name, seed, chosen)
    how = {} if model == "VAE" else {"condition": train[2]}
    start = time.perf_counter()
    estimator.fit(train[0], **how)
    seconds = time.perf_counter() - start
    found = {
        "what": f"{name}, {model}, seed {seed}",
        "table": name,
        "model": model,
        "fit, s": round(seconds, 1),
        "epochs": estimator.n_iter_,
        "best epoch": best_epoch(estimator),
        **density(estimator, model, test, targets, chosen),
        **accuracies(estimator, model, train, test, targets),
        **information(estimator, model, test),
    }
    if chosen.curves:
        held_out = estimator.history_[:, "valid_loss"]
        found["held-out bound, every 10 epochs"] = [
            round(-v, 2) for v in held_out[::10]
        ]
    shown = tuple(part[some_rows(test[2])] for part in test)
    return found, (latents(estimator, model, shown), *shown[1:])


def build(model, name, seed, chosen):
    """Estimator with the settings of the command line."""
    own = {}
    if model == "task-invariant":
        own = {
            "critic_hidden_layer_sizes": chosen.hidden,
            "critic_lr": chosen.critic_lr,
            "n_critic_passes": chosen.critic_passes,
        }
    return MODELS[model](
        chosen.n_components,
        hidden_layer_sizes=chosen.hidden,
        activation="tanh",
        init="random",
        likelihood="bernoulli" if name in (*PAIRS, "digits") else "gaussian-shared",
        kl_warmup=chosen.kl_warmup,
        max_epochs=chosen.epochs,
        batch_size=100,
        lr=chosen.lr,
        early_stopping=True,
        n_iter_no_change=chosen.patience,
        device=chosen.device,
        random_state=seed,
        verbose=1,
        **own,
    )


def best_epoch(estimator):
    """Epoch with the best held-out bound after the warm-up, whose weights are kept."""
    losses = np.array(estimator.history_[:, "valid_loss"])
    begin = min(estimator.kl_warmup, len(losses) - 1)
    return int(begin + np.argmin(losses[begin:]) + 1)


def density(estimator, model, test, targets, chosen):
    """Mean ln p(x | s) of the reported tasks' test rows, its error and the ESS."""
    rows = np.isin(test[2], targets)
    how = {} if model == "VAE" else {"condition": test[2][rows]}
    found = estimator.log_likelihood(
        test[0][rows], n_samples=chosen.n_samples, return_diagnostics=True, **how
    )
    shown = common.density_of(found)
    result = {
        "test ln p(x)": shown["ln p(x)"],
        "Monte-Carlo error": shown["its error"],
        ESS: shown["median ESS"],
    }
    if model == "task-invariant":
        result["ln Z"] = round(found.log_normaliser, 3)
        result["ln Z, error"] = round(found.log_normaliser_error, 3)
    return result


def accuracies(estimator, model, train, test, targets):
    """Accuracy on the target's test rows of classifiers fitted to the latents."""
    if len(targets) > 1:  # faces: every set shows different people
        return {}
    here = [part[2] == targets[0] for part in (train, test)]
    Z, Z_test = (latents(estimator, model, part) for part in (train, test))
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    network = make_pipeline(
        StandardScaler(), MLPClassifier(100, early_stopping=True, random_state=0)
    )
    kinds = {
        "linear": (linear, np.ones(len(Z), dtype=bool)),
        "MLP": (network, np.ones(len(Z), dtype=bool)),
        "linear, target": (linear, here[0]),
    }
    return {
        f"accuracy, {kind}": round(
            classifier.fit(Z[rows], train[1][rows]).score(
                Z_test[here[1]], test[1][here[1]]
            ),
            4,
        )
        for kind, (classifier, rows) in kinds.items()
    }


def latents(estimator, model, part):
    """Posterior means."""
    how = {} if model == "VAE" else {"condition": part[2]}
    return estimator.transform(part[0], **how)


def information(estimator, model, test):
    """I(S; Z) on equally many test rows of each task."""
    rows = some_rows(test[2])
    found = task_information(
        estimator, test[0][rows], task=test[2][rows], n_rows=len(rows)
    )
    return {"I(S; Z)": round(float(found), 4)}


# --- the table ------------------------------------------------------------------------


def summary(rows):
    """Means over seeds with standard errors, and the published numbers."""
    groups = {}
    for found in rows:
        groups.setdefault((found["table"], found["model"]), []).append(found)
    shown = [n for n in SHOWN if n != ESS or any(ESS in found for found in rows)]
    return [
        {
            "table": table,
            "model": model,
            "seeds": len(found),
            **{name: _mean(found, name) for name in shown},
            "published ln p(x)": PUBLISHED.get((table, model), ("", ""))[0],
            "published accuracy": PUBLISHED.get((table, model), ("", ""))[1],
        }
        for (table, model), found in groups.items()
    ]


ESS = "median ESS"  # older records do not have it
SHOWN = (
    "test ln p(x)",
    ESS,
    "ln Z",
    "accuracy, linear",
    "accuracy, MLP",
    "accuracy, linear, target",
    "I(S; Z)",
    "epochs",
    "fit, s",
)


def _mean(rows, name):
    values = np.array([row[name] for row in rows if name in row])
    if not len(values):
        return ""
    if len(values) == 1:
        return f"{values[0]:.5g}"
    error = values.std(ddof=1) / np.sqrt(len(values))
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error else 2
    return f"{values.mean():.{digits}f} ± {error:.{digits}f}"


# --- command line ---------------------------------------------------------------------


def options(argv):
    """The command line; --quick and --full only change the defaults."""
    parser = common.parser("task_invariant", __doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="5 seeds, 1000 epochs, lr 1e-4")
    add(
        "--tables",
        type=common.words,
        default=(*PAIRS, "faces"),
        help="separated by commas",
    )
    add("--models", type=common.words, default=tuple(MODELS), help="with commas")
    parser.set_defaults(seeds=(0, 1, 2))
    add("--epochs", type=int, default=100)
    add("--kl-warmup", type=int, default=20, help="epochs")
    add("--patience", type=int, default=20, help="epochs without improvement")
    add("--lr", type=float, default=1e-3)
    add("--critic-lr", type=float, default=1e-3)
    add("--critic-passes", type=int, default=10)
    add(
        "--hidden",
        type=common.numbers,
        default=(500, 500, 500),
        help="e.g. 500,500,500",
    )
    add("--n-components", type=int, default=40)
    add("--usps", choices=tuple(USPS), default="resized", help="how to resize USPS")
    add("--n-samples", type=int, default=100, help="importance samples per row")
    add(
        "--curves",
        action="store_true",
        help="record the held-out bound of every tenth epoch",
    )
    add("--picture", type=Path, help="save a figure of the last table's latents")
    for flag, defaults in (("--full", FULL), ("--quick", QUICK)):
        if flag in argv:
            parser.set_defaults(**defaults)
    return parser.parse_args(argv)


def settings(chosen):
    """Settings needed to run it again."""
    left_out = {"data", "quick", "full", "tables", "models", "write", "seeds"}
    left_out |= {"curves", "picture"}
    found = {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"hidden": list(chosen.hidden), "batch_size": 100}


def main(argv=None):
    """Fit every model to every table, seed by seed."""
    argv = sys.argv[1:] if argv is None else argv
    chosen = options(argv)
    if chosen.tables != ("digits",) and common.data_folder(chosen.data) is None:
        sys.exit("No image files: use --data FOLDER or SKVAE_DATA, or --quick.")
    rows = []
    for seed in chosen.seeds:
        for name in chosen.tables:
            points = {}
            for model in chosen.models:
                print(f"\n{name}, {model}, seed {seed}", flush=True)
                row, points[model] = measure(name, model, seed, chosen)
                rows.append(row)
                common.print_table(summary(rows))
                common.keep(chosen.write, settings(chosen), rows[-1])
            if chosen.picture:
                draw(points, chosen.picture)


if __name__ == "__main__":
    main()
