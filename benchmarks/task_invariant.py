"""Task-invariant representations: the table of Takahashi et al. (2022).

    python -m benchmarks.task_invariant --data FOLDER --write
    python -m benchmarks.task_invariant --data FOLDER --full --write   # as published
    python -m benchmarks.task_invariant --data FOLDER --jobs 16 --minutes 7 --write
    python -m benchmarks.task_invariant --quick                        # no data

One model is trained on two tasks: all rows of the source and 100 of the target. The
models are the VAE (which does not see the task), the CVAE and the task-invariant VAE of
the paper; "shares", a CVAE that draws the target's rows with a share of its own;
"invariant", with a weight of I(S; Z) as well; and "invariant, prior", which adds the
optimal prior. They are compared by:

- ln p(x | s) of the target's test rows, from 100 importance samples and refined
  posteriors, in nats per row, with the median effective sample size (ESS) of the rows;
- test accuracy on the target of classifiers of the standardised posterior means:
  "linear" (logistic regression) and "MLP" (one hidden layer of 100 units) are fitted to
  the training rows of source and target, "linear, target" and "MLP, target" to the 100
  target rows alone;
- I(S; Z) in nats, and the accuracy with which a network tells the task from the means,
  on equally many test rows of both tasks.

The three sets of faces share one model and have no target: their results are means over
the test rows of all three, and each set has the same share in the last three models.
--tables signs-svhn,svhn-signs runs the pairs with SVHN if svhn_train_first1083.npz, its
first training rows, is present; the other set is `make_digits_as_signs` in place of the
published one.

FOLDER contains the files of `skvae.datasets`; without --data it is the variable
SKVAE_DATA. Each fit is one row, written as soon as it is measured. With --jobs, every
fit is a process of its own, with one thread; the first ones are the most important, and
all stop by themselves in time.

The pixels of digits are drawn anew as 0/1 in every epoch, and once for the density of
test rows, unless --grey is set; classifiers see the latents of grey pixels. All images
of USPS are pooled and have a border of one pixel before they are enlarged (--usps). The
faces have a Gaussian with a scale for every pixel and row. The paper leaves some
settings open, which are chosen here: Bernoulli pixels for digits, the least scale for
faces, rows held out for early stopping from all training rows, and, without --full,
fewer epochs at a larger learning rate.
"""

import shlex
import sys
import time

import numpy as np
from skorch.callbacks import Callback

from benchmarks import _common as common
from benchmarks._task_jobs import run_jobs
from benchmarks._task_measures import (
    ESS,
    accuracies,
    density,
    information,
    latents,
)
from benchmarks._task_options import INVARIANT, MODELS, SHARES, options, settings
from benchmarks._task_picture import draw, some_rows
from benchmarks._task_tables import SIGN_PAIRS, load_table
from skvae import TaskInvariantVAETransformer
from skvae.distributions import Gaussian

CUT_OFF = "cut off"  # of rows whose training had no time to end; not in the summary
# Test log-likelihood of the target, and accuracy of a classifier.
PUBLISHED = {
    ("usps-mnist", "VAE"): ("−163.25 ± 2.15", "0.52"),
    ("usps-mnist", "CVAE"): ("−152.32 ± 1.64", "0.53 ± 0.02"),
    ("usps-mnist", "task-invariant"): ("−149.08 ± 0.86", "0.68 ± 0.01"),
    ("mnist-usps", "VAE"): ("−235.23 ± 1.54", "0.64 ± 0.01"),
    ("mnist-usps", "CVAE"): ("−211.18 ± 0.55", "0.67 ± 0.01"),
    ("mnist-usps", "task-invariant"): ("−212.11 ± 1.48", "0.74 ± 0.02"),
    ("signs-svhn", "VAE"): ("1146.04 ± 35.65", "0.20"),
    ("signs-svhn", "CVAE"): ("1397.36 ± 10.89", "0.21"),
    ("signs-svhn", "task-invariant"): ("1430.27 ± 11.44", "0.19"),
    ("svhn-signs", "VAE"): ("760.66 ± 8.85", "0.25 ± 0.01"),
    ("svhn-signs", "CVAE"): ("814.63 ± 10.09", "0.25"),
    ("svhn-signs", "task-invariant"): ("855.51 ± 11.41", "0.26"),
    ("faces", "VAE"): ("895.41 ± 2.98", ""),
    ("faces", "CVAE"): ("902.99 ± 3.69", ""),
    ("faces", "task-invariant"): ("913.08 ± 5.05", ""),
}

# --- measurements ---------------------------------------------------------------------


class Deadline(Callback):
    """Stop training at a time, in seconds since 1970."""

    def __init__(self, time):
        self.time = time

    def on_epoch_end(self, net, **kwargs):
        if time.time() > self.time:
            raise KeyboardInterrupt


def measure(name, model, seed, chosen):
    """Fit one model; return its row, and latents, classes and tasks of test rows."""
    folder = common.data_folder(chosen.data)
    train, test, targets = load_table(name, folder, seed, chosen.usps)
    estimator = build(model, name, targets, seed, chosen)
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
        **({CUT_OFF: True} if time.time() > (chosen.deadline or np.inf) else {}),
        **accuracies(estimator, train, test, targets),
        **information(estimator, test),
        **density(estimator, test, targets, chosen),
    }
    if chosen.curves:
        held_out = estimator.history_[:, "valid_loss"]
        found["held-out bound, every 10 epochs"] = [
            round(-v, 2) for v in held_out[::10]
        ]
    shown = tuple(part[some_rows(test[2])] for part in test)
    return found, (latents(estimator, shown), *shown[1:])


def build(model, name, targets, seed, chosen):
    """Estimator with the settings of the command line."""
    kind, beyond = MODELS[model]
    own = {}
    if kind is TaskInvariantVAETransformer:
        own = {
            "critic_hidden_layer_sizes": chosen.hidden,
            "critic_lr": chosen.critic_lr,
            "n_critic_passes": chosen.critic_passes,
        }
    if SHARES in beyond:
        target = dict.fromkeys(targets, chosen.share)
        own["condition_weights"] = target if len(targets) == 1 else "balanced"
    if INVARIANT in beyond:
        own["invariance"] = chosen.invariance
    if name in ("faces", *SIGN_PAIRS):
        own["likelihood"] = Gaussian(scale="row", min_scale=1e-3)
    else:
        own |= {
            "likelihood": "bernoulli",
            "binarize": None if chosen.grey else "dynamic",
        }
    return kind(
        chosen.n_components,
        hidden_layer_sizes=chosen.hidden,
        activation=chosen.activation,
        dropout=chosen.dropout,
        init="random",
        kl_warmup=chosen.kl_warmup,
        max_epochs=chosen.epochs,
        batch_size=100,
        lr=chosen.lr,
        early_stopping=chosen.patience > 0,
        n_iter_no_change=max(chosen.patience, 1),
        device=chosen.device,
        random_state=seed,
        verbose=1,
        callbacks=[Deadline(chosen.deadline)] if chosen.deadline else None,
        **own,
    )


def best_epoch(estimator):
    """Epoch whose weights are kept: with early stopping, the best after the warm-up."""
    if not estimator.early_stopping:
        return estimator.n_iter_
    losses = np.array(estimator.history_[:, "valid_loss"])
    begin = min(estimator.kl_warmup, len(losses) - 1)
    return int(begin + np.argmin(losses[begin:]) + 1)


# --- the table ------------------------------------------------------------------------


def summary(rows):
    """Means over seeds with standard errors, and the published numbers."""
    groups = {}
    for found in (row for row in rows if CUT_OFF not in row):
        groups.setdefault((found["table"], found["model"]), []).append(found)
    shown = [n for n in SHOWN if any(n in found for found in rows)]  # older lack some
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


SHOWN = (
    "test ln p(x)",
    ESS,
    "ln Z",
    "accuracy, linear",
    "accuracy, MLP",
    "accuracy, linear, target",
    "accuracy, MLP, target",
    "I(S; Z)",
    "task accuracy",
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


def cells(chosen, argv, prefix=""):
    """Name and arguments of each fit, the most important first."""
    return [
        (
            f"{prefix}{table}_{model}_seed_{seed}",
            [*argv, "--tables", table, "--models", model, "--seeds", str(seed)],
        )
        for model in chosen.models
        for seed in chosen.seeds
        for table in chosen.tables
    ]


def planned(path, argv):
    """The fits of every line of a file, each with options of its own."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        own = [*argv, *shlex.split(line, comments=True)]
        if len(own) > len(argv):
            found += cells(options(own, __doc__), own, f"{number}_")
    return found


def run_beside(chosen, argv):
    """Run all fits as processes side by side, and print the table."""
    merged = chosen.write or chosen.folder / "merged" / "task_invariant.json"
    flags = ("--jobs", "--minutes", "--folder", "--write", "--plan")
    argv = without(argv, flags)
    work = planned(chosen.plan, argv) if chosen.plan else cells(chosen, argv)
    found = run_jobs(work, chosen.jobs, chosen.minutes, chosen.folder, merged)
    for record in found:
        print(f"\n{record['settings']}")
        if table := summary(record["rows"]):
            common.print_table(table)


def main(argv=None):
    """Fit every model to every table, seed by seed."""
    argv = sys.argv[1:] if argv is None else argv
    chosen = options(argv, __doc__)
    if chosen.tables != ("digits",) and common.data_folder(chosen.data) is None:
        sys.exit("No image files: use --data FOLDER or SKVAE_DATA, or --quick.")
    if chosen.jobs:
        run_beside(chosen, argv)
        return
    rows = []
    for seed in chosen.seeds:
        for name in chosen.tables:
            points = {}
            for model in chosen.models:
                print(f"\n{name}, {model}, seed {seed}", flush=True)
                row, points[model] = measure(name, model, seed, chosen)
                rows.append(row)
                common.print_table(summary(rows))
                common.keep(chosen.write, settings(chosen, model), rows[-1])
                keep_points(chosen.points, points[model])
            if chosen.picture:
                draw(points, chosen.picture)


def without(argv, flags):
    """Leave out options with their values."""
    left, skip = [], False
    for text in argv:
        if text in flags:
            skip = True
        elif text.startswith("--") or not skip:
            left.append(text)
            skip = False
        else:
            skip = False
    return left


def keep_points(path, points):
    """Save latents, classes and tasks of test rows, unless the path is None."""
    if path:
        np.savez(path, **dict(zip(("latents", "classes", "task"), points, strict=True)))


if __name__ == "__main__":
    main()
