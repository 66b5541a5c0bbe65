"""Representations that do not carry the task: the table of Takahashi et al. (2022).

    python -m benchmarks.task_invariant --data FOLDER --write
    python -m benchmarks.task_invariant --data FOLDER --full --write   # as published
    python -m benchmarks.task_invariant --quick                        # no data

Two tasks share one model: all rows of the source, 100 of the target. VAE (which does
not see the task), CVAE and task-invariant VAE are asked about the target's test rows:
ln p(x | s) in nats a row by 100 importance samples; accuracy of classifiers behind the
posterior means, fitted on the labelled rows of training, source and target ("linear" a
logistic regression, "MLP" one hidden layer of 100 units, "linear, target" on the 100
rows of the target alone); I(S; Z) in nats, on as many test rows of either task. The
three sets of faces share one model and have no target: their rows are means over the
test rows of all three. --tables mnist-svhn,svhn-mnist runs pairs of SVHN, where its
files are given; the published ones have another set of digits beside it.

FOLDER holds the files of `skvae.datasets`; the variable SKVAE_DATA stands in for it.
Each fit is one row, written as soon as it is there. What the publication leaves open is
chosen here: Bernoulli for digits and a Gaussian with one learned scale for faces, rows
held out for early stopping from all training rows, the pixels of USPS (--usps), and,
without --full, fewer epochs at a larger step.
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
# Training, validation and test rows as published; validation rows are not used here.
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
# The published pairs of SVHN have SynthDigits beside it, which has no loader.
SVHN_PAIRS = {"mnist-svhn": ("mnist", "svhn"), "svhn-mnist": ("svhn", "mnist")}
# Test log-likelihood of the target, and downstream accuracy.
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
# How 16 x 16 pixels become 28 x 28: by linear interpolation, by repeating pixels, or
# as MNIST's own digits, 20 x 20 in an empty frame.
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
    """Training and test rows, each (data, class, task), and the tasks to report."""
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
    """Shuffled rows of both published parts of a set, `side` x `side`."""
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
    """scikit-learn's digits, plain and inverted; 50 rows of the latter."""
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


# --- what is measured -----------------------------------------------------------------


def measure(name, model, seed, chosen):
    """One fit: one row, and the latents of some test rows."""
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
    """The estimator, as the command line asks for it."""
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
    """The epoch whose weights were kept, after the warm-up."""
    losses = np.array(estimator.history_[:, "valid_loss"])
    begin = min(estimator.kl_warmup, len(losses) - 1)
    return int(begin + np.argmin(losses[begin:]) + 1)


def density(estimator, model, test, targets, chosen):
    """Mean ln p(x | s) over the test rows of the tasks to report, and its error."""
    rows = np.isin(test[2], targets)
    how = {} if model == "VAE" else {"condition": test[2][rows]}
    found = estimator.log_likelihood(
        test[0][rows], n_samples=chosen.n_samples, return_diagnostics=True, **how
    )
    result = {
        "test ln p(x)": round(float(np.mean(found.values)), 2),
        "Monte-Carlo error": round(found.mean_std_error, 3),
    }
    if model == "task-invariant":
        result["ln Z"] = round(found.log_normaliser, 3)
        result["ln Z, error"] = round(found.log_normaliser_error, 3)
    return result


def accuracies(estimator, model, train, test, targets):
    """Accuracy on the target's test rows of classifiers behind the latents."""
    if len(targets) > 1:  # faces: other people in every set
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
    """I(S; Z) on as many test rows of every task."""
    rows = some_rows(test[2])
    found = task_information(
        estimator, test[0][rows], task=test[2][rows], n_rows=len(rows)
    )
    return {"I(S; Z)": round(float(found), 4)}


# --- the table ------------------------------------------------------------------------


def summary(rows):
    """Means and standard errors over seeds, with the published numbers beside them."""
    groups = {}
    for found in rows:
        groups.setdefault((found["table"], found["model"]), []).append(found)
    return [
        {
            "table": table,
            "model": model,
            "seeds": len(found),
            **{name: _mean(found, name) for name in SHOWN},
            "published ln p(x)": PUBLISHED.get((table, model), ("", ""))[0],
            "published accuracy": PUBLISHED.get((table, model), ("", ""))[1],
        }
        for (table, model), found in groups.items()
    ]


SHOWN = (
    "test ln p(x)",
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
    shown = f"{values.mean():.5g}"
    if len(values) == 1:
        return shown
    return f"{shown} ± {values.std(ddof=1) / np.sqrt(len(values)):.2g}"


# --- command line ---------------------------------------------------------------------


def options(argv):
    """The command line; --quick and --full only change the defaults."""
    parser = common.parser("task_invariant", __doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="five seeds, 1000 epochs, step 1e-4")
    add(
        "--tables",
        type=common.words,
        default=(*PAIRS, "faces"),
        help="which, with commas",
    )
    add("--models", type=common.words, default=tuple(MODELS), help="which, with commas")
    parser.set_defaults(seeds=(0, 1, 2))
    add("--epochs", type=int, default=100)
    add("--kl-warmup", type=int, default=20, help="epochs")
    add("--patience", type=int, default=20, help="epochs without a better bound")
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
    add("--usps", choices=tuple(USPS), default="resized", help="its pixels")
    add("--n-samples", type=int, default=100, help="importance samples a row")
    add(
        "--curves",
        action="store_true",
        help="keep the held-out bound of every tenth epoch",
    )
    add("--picture", type=Path, help="draw the last table's latents into this file")
    for flag, defaults in (("--full", FULL), ("--quick", QUICK)):
        if flag in argv:
            parser.set_defaults(**defaults)
    return parser.parse_args(argv)


def settings(chosen):
    """What a reader needs to run it again."""
    left_out = {"data", "quick", "full", "tables", "models", "write", "seeds"}
    left_out |= {"curves", "picture"}
    found = {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"hidden": list(chosen.hidden), "batch_size": 100}


def main(argv=None):
    """Run all that was asked for, seed by seed."""
    argv = sys.argv[1:] if argv is None else argv
    chosen = options(argv)
    if chosen.tables != ("digits",) and common.data_folder(chosen.data) is None:
        sys.exit("The image sets are needed: --data FOLDER, or SKVAE_DATA. Or --quick.")
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
