"""Categorical latents: table 5.1 of Nitta (2017).

    python -m benchmarks.categorical --data FOLDER --write
    python -m benchmarks.categorical --quick                   # no data

Rows of MNIST, binarised by x >= 0.5, are encoded in 30 variables of 10 categories, with
50 000 rows for training and 10 000 for validation, and 784-500-300-500-784 softplus
units. There is one row for each way to estimate gradients. It holds the mean
reconstruction log-likelihood ln p(x | y) of the training and validation rows, in nats
per row, with hard one-hot draws y ~ q(y | x) and, for ways that use them, with relaxed
draws; and the bound and the importance-weighted ln p(x) of the validation rows, with
the median effective sample size (ESS) of the latter. The publication states neither
which draws its numbers use, nor the optimiser, nor the temperature schedule. Here the
optimiser is Adam, and the temperature starts at 1 and is multiplied by e^(-0.05) per
epoch until it reaches the named one.

FOLDER contains mnist.npz; without --data it is the variable SKVAE_DATA.
"""

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from benchmarks import _common as common
from skvae import CategoricalVAETransformer
from skvae.distributions import Noise

WAYS = {
    "target propagation": {"gradient": "target-propagation"},
    "Gumbel, 0.5": {"gradient": "gumbel", "min_temperature": 0.5},
    "Gumbel, 0.1": {"gradient": "gumbel", "min_temperature": 0.1},
    "straight-through, 0.5": {"gradient": "straight-through", "min_temperature": 0.5},
}
PUBLISHED = {  # training, validation
    "target propagation": (-70.102, -72.545),
    "Gumbel, 0.5": (-63.876, -64.401),
    "Gumbel, 0.1": (-68.883, -68.623),
}
QUICK = {
    "epochs": 60,
    "kl_warmup": 30,
    "lr": 3e-3,
    "hidden": (64,),
    "variables": 8,
    "n_samples": 20,
}


def load_rows(chosen):
    """Training and validation rows of 0/1 values."""
    if chosen.quick:
        X = load_digits().data / 16
        X, n_train = (X >= 0.5).astype("float32"), 1300
    else:
        X, _ = common.mnist("train", chosen.data)
        X, n_train = (X >= 0.5).astype("float32"), 50_000
    return X[:n_train], X[n_train:]


# --- measurements ---------------------------------------------------------------------


def measure(name, train, valid, seed, chosen):
    """Fit one model; return its row and the model."""
    model = CategoricalVAETransformer(
        chosen.variables,
        10,
        hidden_layer_sizes=chosen.hidden,
        activation="softplus",
        likelihood="bernoulli",
        temperature_decay=0.05,
        beta=chosen.beta,
        kl_warmup=chosen.kl_warmup,
        max_epochs=chosen.epochs,
        early_stopping=False,
        batch_size=100,
        lr=chosen.lr,
        device=chosen.device,
        random_state=seed,
        verbose=1,
        **WAYS[name],
    )
    start = time.perf_counter()
    model.fit(train)
    found = {
        "what": f"{name}, seed {seed}",
        "gradient": name,
        "fit, s": round(time.perf_counter() - start, 1),
    }
    for kind in ("hard", "relaxed") if model.module_.anneals else ("hard",):
        for part, X in (("train", train[: len(valid)]), ("valid", valid)):
            found[f"{part}, {kind}"] = reconstruction(model, X, kind)
    rows = valid[: chosen.test_rows]
    found["bound, valid"] = mean(model.log_likelihood(rows, method="elbo"))
    density = common.density(model, rows, chosen.n_samples)
    found["ln p(x), valid"] = density["ln p(x)"]
    found["median ESS"] = density["median ESS"]
    return found, model


def reconstruction(model, X, kind):
    """Mean of ln p(x | y) with one draw of y per row, "hard" or "relaxed"."""
    evaluator = model._evaluator()
    module, noise = evaluator.module, Noise.from_seed(0, evaluator.device)

    def at_a_draw(batch):
        q = module.posterior(batch)
        hard = kind == "hard"
        y = q.sample(noise) if hard else q.relaxed(noise, module.temperature)
        return module.likelihood(y).log_prob(batch.x)

    return mean(evaluator.in_slices(X, at_a_draw))


def mean(values):
    """Mean over rows, rounded to two decimals."""
    return round(float(np.mean(values)), 2)


def summary(rows):
    """One row per fit, with the published numbers added."""
    columns = dict.fromkeys(column for row in rows for column in row)
    lines = []
    for row in rows:
        published = PUBLISHED.get(row["gradient"], ("", ""))
        line = dict.fromkeys(columns, "") | row
        del line["what"]
        lines.append(
            line | {"train, published": published[0], "valid, published": published[1]}
        )
    return lines


def draw(models, X, chosen):
    """Heat map of one row's probabilities, and reconstructions (fig. 5.1 and 5.2)."""
    side = int(X.shape[1] ** 0.5)
    figure, axes = plt.subplots(
        len(models), 2, figsize=(9, 3.2 * len(models)), layout="constrained"
    )
    for (left, right), (name, model) in zip(
        np.atleast_2d(axes), models.items(), strict=True
    ):
        pi = model.transform(X[:1]).reshape(chosen.variables, 10)
        image = left.imshow(pi.T, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        left.set(title=f"{name}: π of one row", xlabel="variable", ylabel="category")
        figure.colorbar(image, ax=left)
        shown = np.concatenate([X[:5], model.reconstruct(X[:5])])
        lines = shown.reshape(2, 5, side, side).transpose(0, 2, 1, 3)
        right.imshow(lines.reshape(2 * side, 5 * side), cmap="gray_r", vmin=0, vmax=1)
        right.set(title="rows and reconstructions", xticks=[], yticks=[])
    figure.savefig(chosen.picture, dpi=90)
    plt.close(figure)


# --- command line ---------------------------------------------------------------------


def _names(text):
    return tuple(text.split(";"))


def options(argv):
    """The command line; --quick only changes the defaults."""
    parser = common.parser("categorical", __doc__)
    add = parser.add_argument
    add("--ways", type=_names, default=tuple(WAYS), help="separated by semicolons")
    add("--epochs", type=int, default=50)
    add("--kl-warmup", type=int, default=10, help="epochs")
    add("--beta", type=float, default=1.0)
    add("--lr", type=float, default=3e-4)
    add("--hidden", type=common.numbers, default=(500,), help="e.g. 500")
    add("--variables", type=int, default=30)
    add("--n-samples", type=int, default=100, help="importance samples per row")
    add("--test-rows", type=int, default=2000, help="rows for the bound and ln p(x)")
    add("--picture", type=Path, help="save a figure of the last seed's models")
    if "--quick" in argv:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def settings(chosen):
    """Settings needed to run it again."""
    left_out = {"data", "quick", "ways", "seeds", "write", "picture"}
    found = {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"hidden": list(chosen.hidden)}


def main(argv=None):
    """Fit a model for each way and seed, writing each row once it is measured."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    train, valid = load_rows(chosen)
    rows, models = [], {}
    for seed in chosen.seeds:
        for name in chosen.ways:
            print(f"\n{name}, seed {seed}", flush=True)
            row, models[name] = measure(name, train, valid, seed, chosen)
            rows.append(row)
            common.print_table(summary(rows))
            common.keep(chosen.write, settings(chosen), row)
    if chosen.picture:
        draw(models, valid, chosen)


if __name__ == "__main__":
    main()
