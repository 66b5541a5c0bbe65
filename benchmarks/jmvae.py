"""Several modalities: the tables of Suzuki and Matsuo (2018).

    python -m benchmarks.jmvae --data FOLDER --write
    python -m benchmarks.jmvae --data FOLDER --set celeba --write
    python -m benchmarks.jmvae --data FOLDER --full --write    # as published, on a GPU
    python -m benchmarks.jmvae --quick                         # no data

Pictures x and labels w (or 40 attributes) are modelled by CVAE and CMMA, with one model
per direction, and by JMVAE, JMVAE-kl and the hierarchical JMVAE. "JMVAE-kl weighted",
which is not published, multiplies ln p(w | z) by 50 in training; "JMVAE-kl GAN" is for
faces only. The columns, all for the test rows:

- ln p(x | w), ln p(w | x), ln p(x | x, w), ln p(w | x, w): the papers' predictive
  conditional log-likelihood from 10 draws of z (eq. 11; that of the hierarchical model
  is nested and too low to compare), in nats per row;
- ln p(x | w) and ln p(w | x) by importance sampling, which is a different quantity; for
  CVAE and CMMA with the median effective sample size (ESS) of the rows;
- "s.e.": standard error of the mean, estimated from several chains of iterations;
- "generated": the share of pictures generated for a label (means of p(x | z)) that a
  classifier of real pictures assigns to that label; "1 iteration": the same with a
  single iteration for the missing picture; "real": the accuracy of that classifier on
  real test pictures;
- "label": accuracy of the label imputed from the picture; "pixels": that of logistic
  regression on the pixels.

FOLDER contains mnist.npz or celeba_10k_32x32.npz; without --data it is the variable
SKVAE_DATA. The CelebA file has 10 000 faces instead of 191 899, so the numbers differ
from the published ones. CelebA may not be redistributed, so --pictures shows generated
faces only. The pixels of MNIST are binarised by draws from the grey values: in every
epoch for training (once where they are a condition), and once for testing. The networks
are the published ones with widths divided by --shrink; the batch size and the networks
of CVAE and CMMA are not published.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from benchmarks import _common as common
from benchmarks._jmvae_models import (
    GAN,
    IMAGE,
    JOINT,
    LABEL,
    MODELS,
    joint_model,
    load_pairs,
    one_way_model,
)
from benchmarks._jmvae_pictures import draw_all
from skvae.metrics import conditional_log_likelihood

QUESTIONS = {
    "ln p(x|w)": (IMAGE, (LABEL,)),
    "ln p(w|x)": (LABEL, (IMAGE,)),
    "ln p(x|x,w)": (IMAGE, (IMAGE, LABEL)),
    "ln p(w|x,w)": (LABEL, (IMAGE, LABEL)),
}
PUBLISHED = {
    ("mnist", "CVAE"): (-448.8, -5.293, -70.42, -5.304),
    ("mnist", "CMMA"): (-451.1, -0.2971, -69.89, -0.002574),
    ("mnist", "JMVAE"): (-747.1, -0.2286, -69.57, -0.2026),
    ("mnist", "JMVAE-kl"): (-422.35, -0.2628, -76.94, -0.1874),
    ("mnist", "hierarchical"): (-475.5, -2.640, -196.9, -0.4456),
    ("celeba", "CVAE"): (-6825, -44.28, -4031, -44.28),
    ("celeba", "CMMA"): (-6920, -44.57, -4026, -38.74),
    ("celeba", "JMVAE"): (-48763, -43.97, -4026, -43.43),
    ("celeba", "JMVAE-kl"): (-6852, -44.13, -4089, -43.83),
    ("celeba", "hierarchical"): (-7355, -47.61, -4901, -47.32),
}
STEPS = (1, 2, 5, 10, 20, 40, 100)
CHAINS = 8  # groups of rows, each with its own seed
QUICK = {
    "set": "digits",
    "epochs": 40,
    "kl_warmup": 4,
    "shrink": 4,
    "iterations": 5,
    "test_rows": 200,
    "n_importance": 20,
}
CELEBA = {
    "epochs": 20,
    "kl_warmup": 8,
    "lr": 1e-3,
    "iterations": 40,
    "shrink": 4,
    "test_rows": 1000,
}
FULL = {
    "mnist": {"epochs": 2000, "kl_warmup": 200, "test_rows": 10_000},
    "celeba": {"epochs": 50, "kl_warmup": 20, "lr": 1e-4, "shrink": 1},
}


# --- measurements ---------------------------------------------------------------------


def measure(name, pairs, seed, chosen):
    """Fit a joint model or one model per direction; return the row and the models."""
    start = time.perf_counter()
    if name in JOINT:
        model = joint_model(name, pairs, seed, chosen)
        models = {IMAGE: model, LABEL: model}
    else:
        models = {
            target: one_way_model(name, pairs, target, seed, chosen)
            for target in (IMAGE, LABEL)
        }
    found = {
        "what": f"{pairs.name}, {name}, seed {seed}",
        "set": pairs.name,
        "model": name,
        "fit, s": round(time.perf_counter() - start, 1),
    }
    test = pairs.test[: chosen.test_rows]
    for question, (target, given) in QUESTIONS.items():
        value, error = predictive(models[target], name, test, target, given)
        found |= {question: value, f"{question}, s.e.": error}
    for target, question in ((IMAGE, "ln p(x|w)"), (LABEL, "ln p(w|x)")):
        value, size = importance(models[target], name, test, target, chosen)
        found |= {f"{question}, importance": value, f"{question}, ESS": size}
    return found, models


def predictive(model, name, test, target, given):
    """Mean of eq. 11 over the test rows, and its standard error between chains.

    Rows share the noise of their iterations, so the rows are split into groups with
    different seeds. Where nothing is iterated, the standard error is None.
    """
    if name not in JOINT:
        parts = ["data", "condition"] if target in given else ["condition"]
        return _rounded(conditional_log_likelihood(model, test, given=parts)), None
    if len(model.module_.experts) or set(given) == {IMAGE, LABEL}:
        values = conditional_log_likelihood(model, test, target=target, given=given)
        return _rounded(values), None
    seed, means = model.module_.seed, []
    for i, rows in enumerate(np.array_split(test, CHAINS)):
        model.module_.seed = seed + i
        values = conditional_log_likelihood(model, rows, target=target, given=given)
        means.append(values.mean())
    model.module_.seed = seed
    return _rounded(means), _rounded(np.std(means, ddof=1) / CHAINS**0.5)


def importance(model, name, test, target, chosen):
    """Mean importance-weighted ln p(target | other modality), and its median ESS."""
    found = conditional_log_likelihood(
        model,
        test,
        target=target if name in JOINT else None,
        method="importance",
        n_samples=chosen.n_importance,
        return_diagnostics=True,
    )
    found = common.density_of(found)
    return _rounded(found["ln p(x)"]), found["median ESS"]


def _rounded(values):
    return float(f"{np.mean(values):.5g}")


def recognised(model, pairs, classifier, n=1000):
    """Share of pictures generated for a label that the classifier assigns to it."""
    y = np.arange(n) % 10
    table = np.full((n, pairs.train.shape[1]), 0.5, dtype="float32")
    table[:, pairs.modalities[LABEL]] = np.eye(10)[y]
    pictures = model.generate(table, IMAGE, random_state=0, mean=True)[0]
    return round(float(np.mean(classifier.predict(pictures) == y)), 4)


def imputed(model, pairs, chosen):
    """Accuracy of the label imputed from a picture."""
    test = pairs.test[: chosen.test_rows].copy()
    test[:, pairs.modalities[LABEL]] = np.nan
    label = model.impute(test, n_samples=10)[:, pairs.modalities[LABEL]].argmax(1)
    return round(float(np.mean(label == pairs.y_test[: len(test)])), 4)


def of_digits(model, pairs, classifiers, chosen):
    """Columns that need class labels: recognised pictures and imputed labels."""
    network, linear = classifiers
    test = pairs.test[: chosen.test_rows, pairs.modalities[IMAGE]]
    found = {"generated": recognised(model, pairs, network)}
    if not len(model.module_.experts):
        model.set_params(n_iterations=1)
        found["generated, 1 iteration"] = recognised(model, pairs, network)
        model.set_params(n_iterations=chosen.iterations)
    found["label"] = imputed(model, pairs, chosen)
    y = pairs.y_test[: len(test)]
    found["label, pixels"] = round(float(linear.score(test, y)), 4)
    grey = pairs.grey_test[: len(test)]
    found["generated, real"] = round(float(network.score(grey, y)), 4)
    return found


def fitted_classifiers(pairs):
    """A network to classify generated pictures, and logistic regression on pixels."""
    X, y = pairs.train[:, pairs.modalities[IMAGE]], pairs.y_train
    network = MLPClassifier(256, early_stopping=True, random_state=0).fit(X, y)
    drawn = np.random.default_rng(0).random(X.shape) < X  # like the test rows
    return network, LogisticRegression(C=0.01, max_iter=500).fit(drawn, y)


def curve(model, pairs, chosen):
    """Predictive ln p(x | w) by number of iterations (fig. 4 and 7)."""
    test, found = pairs.test[:500], {}
    for n in STEPS:
        if n <= chosen.iterations:
            model.set_params(n_iterations=n)
            value, _ = predictive(model, "JMVAE", test, IMAGE, (LABEL,))
            found[f"ln p(x|w), {n}"] = value
    model.set_params(n_iterations=chosen.iterations)
    return found


# --- the table ------------------------------------------------------------------------


def summary(rows):
    """One row per model and seed, with the published numbers added."""
    shown = []
    for row in rows:
        left_out = {"what", "set", "model", *_curve_names(row)}
        line = {"set": row["set"], "model": row["model"]}
        line["seed"] = int(row["what"].rsplit(" ", 1)[1])
        line |= {k: v for k, v in row.items() if k not in left_out}
        published = PUBLISHED.get((row["set"], row["model"]), ("",) * 4)
        pairs = zip(QUESTIONS, published, strict=True)
        shown.append(line | {f"{name}, published": value for name, value in pairs})
    columns = dict.fromkeys(column for line in shown for column in line)
    return [dict.fromkeys(columns, "") | line for line in shown]


def _curve_names(row):
    return [f"ln p(x|w), {n}" for n in STEPS if f"ln p(x|w), {n}" in row]


# --- command line ---------------------------------------------------------------------


def options(argv):
    """The command line; --quick, --full and --set only change the defaults."""
    parser = common.parser("jmvae", __doc__)
    add = parser.add_argument
    add("--set", choices=("mnist", "celeba", "digits"), default="mnist")
    add("--full", action="store_true", help="train as long as published")
    add("--models", type=common.words, help="separated by commas; default: all")
    add("--epochs", type=int, default=30)
    add("--kl-warmup", type=int, default=3, help="epochs")
    add("--batch-size", type=int, default=100)
    add("--lr", type=float, default=1e-3)
    add("--alpha", type=float, default=1.0, help="of every JMVAE-kl; published: 1")
    add("--n-components", type=int, help="latents; default: as published")
    add("--iterations", type=int, default=100, help="for missing modalities")
    add("--shrink", type=int, default=1, help="divisor of the network widths")
    add("--train-rows", type=int, help="number of training rows, from the first")
    add("--test-rows", type=int, default=2000)
    add("--n-importance", type=int, default=100, help="importance samples per row")
    add("--pictures", type=Path, metavar="FOLDER", help="save the figures here")
    first = parser.parse_args(argv)
    if first.set == "celeba":
        parser.set_defaults(**CELEBA)
    if first.full:
        parser.set_defaults(**FULL.get(first.set, {}))
    if first.quick:
        parser.set_defaults(**QUICK)
    chosen = parser.parse_args(argv)
    known = [name for name in MODELS if name != GAN or chosen.set == "celeba"]
    chosen.models = chosen.models or known
    unknown = set(chosen.models) - set(known)
    if unknown:
        parser.error(f"--models: {sorted(unknown)} are not in {known}")
    return chosen


def settings(chosen):
    """Settings needed to run it again."""
    left_out = {"data", "quick", "full", "models", "seeds", "write", "pictures"}
    return {k: v for k, v in vars(chosen).items() if k not in left_out}


def main(argv=None):
    """Fit every model, writing each row as soon as it is measured."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    pairs = load_pairs(chosen)
    classifiers = None if chosen.set == "celeba" else fitted_classifiers(pairs)
    rows = []
    for seed in chosen.seeds:
        fitted = {}
        for name in chosen.models:
            print(f"\n{pairs.name}, {name}, seed {seed}", flush=True)
            row, models = measure(name, pairs, seed, chosen)
            if name in JOINT:
                fitted[name] = models[IMAGE]
                if classifiers:
                    row |= of_digits(models[IMAGE], pairs, classifiers, chosen)
            if name in ("JMVAE", "hierarchical"):
                row |= curve(models[IMAGE], pairs, chosen)
            rows.append(row)
            common.print_table(summary(rows))
            common.keep(chosen.write, settings(chosen), row)
        if chosen.pictures and fitted:
            draw_all(fitted, pairs, rows, chosen)


if __name__ == "__main__":
    main()
