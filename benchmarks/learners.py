"""Three ways to train the same decoder: figure 3 of Kingma and Welling (2014).

    python -m benchmarks.learners --data FOLDER --write
    python -m benchmarks.learners --data FOLDER --rows 50000 --passes 1,3,10,20 --write
    python -m benchmarks.learners --quick                     # no data

A decoder with 3 latents and 100 tanh units is trained on binary pixels of MNIST as a
variational autoencoder (AEVB), by wake-sleep, and by Monte Carlo EM, which has no
encoder. Each row holds the mean ln p(x) of training and test rows, in nats per row,
after a number of passes. With three latents it is a sum over a grid, which favours no
method. Next to it is the estimate of `score` for the test rows, from importance samples
whose proposal is the encoder or, for Monte Carlo EM, a run of Hamiltonian Monte Carlo,
and the median effective sample size (ESS) of that estimate.
The paper has only curves, from another estimator, so only their order and shape can be
compared.

FOLDER contains mnist.npz; without --data it is the variable SKVAE_DATA.
"""

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logit, logsumexp
from scipy.stats import norm
from sklearn.datasets import load_digits

from benchmarks import _common as common
from skvae import MCEMTransformer, VAETransformer, WakeSleepTransformer

LEARNERS = {
    "AEVB": VAETransformer,
    "wake-sleep": WakeSleepTransformer,
    "MCEM": MCEMTransformer,
}
BINARIZE_SEED = 20_240
WIDEST = 4.5  # end of the grid; 1e-5 of the prior mass lies outside
QUICK = {
    "rows": (300,),
    "passes": (1, 5, 20),
    "hidden": 16,
    "scored": 100,
    "n_samples": 20,
    "grid": 31,
}


def load_rows(chosen):
    """Training and test rows, binarised once by draws from the grey values."""
    if chosen.quick:
        X = load_digits().data / 16
        parts = X[:1300], X[1300:]
    else:
        parts = [common.mnist(part, chosen.data)[0] for part in ("train", "test")]
    random = np.random.default_rng(BINARIZE_SEED)
    return [(random.random(part.shape) < part).astype("float32") for part in parts]


def measure(name, n_rows, train, test, seed, chosen):
    """Train one learner on `n_rows` rows; yield a row for each number of passes."""
    X = train[:n_rows]
    model = LEARNERS[name](
        3,
        hidden_layer_sizes=(chosen.hidden,),
        activation="tanh",
        init="random",
        likelihood="bernoulli",
        batch_size=100,
        lr=chosen.lr,
        device=chosen.device,
        random_state=seed,
    )
    done, seconds = 0, 0.0
    for passes in chosen.passes:
        start = time.perf_counter()
        for _ in range(passes - done):
            model.partial_fit(X)
        seconds += time.perf_counter() - start
        done = passes
        yield {
            "what": f"{name}, {n_rows} rows, {passes} passes, seed {seed}",
            "learner": name,
            "rows": n_rows,
            "passes": passes,
            "fit, s": round(seconds, 1),
            "ln p(x), train": summed(model, X, chosen),
            "ln p(x), test": summed(model, test, chosen),
            **estimated(model, test, chosen),
        }


def estimated(model, X, chosen):
    """Mean importance-weighted ln p(x) of the first rows, and its median ESS."""
    found = common.density(model, X[: chosen.scored], chosen.n_samples)
    return {"estimate, test": found["ln p(x)"], "median ESS": found["median ESS"]}


def summed(model, X, chosen):
    """Mean ln p(x) of the first rows, by a sum over a grid of the three latents."""
    X = np.asarray(X[: chosen.scored], dtype="float32")
    line = np.linspace(-WIDEST, WIDEST, chosen.grid)
    slices = [_of_slice(model, X, first, line) for first in line]
    return round(float(np.logaddexp.reduce(slices).mean()), 2)


def _of_slice(model, X, first, line):
    """Logarithm of the part of p(x) with this value of the first latent, (n,)."""
    Z = np.stack(np.meshgrid([first], line, line, indexing="ij"), -1).reshape(-1, 3)
    p = model.inverse_transform(Z.astype("float32")).clip(1e-6, 1 - 1e-6)
    log_likelihood = X @ logit(p).T + np.log1p(-p).sum(1)  # (n, m)
    log_prior = norm.logpdf(Z).sum(1) + 3 * np.log(line[1] - line[0])
    return logsumexp(log_likelihood + log_prior, axis=1)


def summary(rows):
    """Rows without their names."""
    return [{k: v for k, v in row.items() if k != "what"} for row in rows]


def draw(rows, path):
    """Plot ln p(x) against rows seen, one panel per size of the training set."""
    sizes = sorted({row["rows"] for row in rows})
    size = (5.5 * len(sizes), 4)
    figure, axes = plt.subplots(
        1, len(sizes), figsize=size, layout="constrained", squeeze=False
    )
    for ax, n in zip(axes[0], sizes, strict=True):
        for i, name in enumerate(LEARNERS):
            mine = [r for r in rows if (r["learner"], r["rows"]) == (name, n)]
            seen = [row["passes"] * n for row in mine]
            for part, style in (("train", "--"), ("test", "-")):
                values = [row[f"ln p(x), {part}"] for row in mine]
                label = name if part == "test" else None
                ax.plot(seen, values, style, color=f"C{i}", marker=".", label=label)
        ax.set(xscale="log", title=f"{n} rows (train dashed)", xlabel="rows seen")
    axes[0, 0].set_ylabel("ln p(x), nats per row")
    axes[0, 0].legend()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def options(argv):
    """The command line; --quick only changes the defaults."""
    parser = common.parser("learners", __doc__)
    add = parser.add_argument
    add(
        "--rows",
        type=common.numbers,
        default=(1000,),
        help="training rows, e.g. 1000,50000",
    )
    add(
        "--passes",
        type=common.numbers,
        default=(1, 3, 10, 30, 100, 300),
        help="passes over them",
    )
    add("--learners", type=common.words, default=tuple(LEARNERS), help="e.g. AEVB,MCEM")
    add("--hidden", type=int, default=100)
    add("--lr", type=float, default=1e-3)
    add("--scored", type=int, default=500, help="training rows and test rows to score")
    add("--grid", type=int, default=61, help="values per latent in the sum")
    add("--n-samples", type=int, default=200, help="importance samples per row")
    add("--picture", type=Path, help="save the curves of all rows in the file")
    if "--quick" in argv:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def settings(chosen):
    """Settings needed to run it again."""
    left_out = {"data", "quick", "rows", "passes", "seeds", "learners"}
    left_out |= {"write", "picture"}
    found = {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"batch_size": 100, "binarize_seed": BINARIZE_SEED}


def main(argv=None):
    """Train every learner, writing each row as soon as it is measured."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    train, test = load_rows(chosen)
    rows = []
    for seed in chosen.seeds:
        for n_rows in chosen.rows:
            for name in chosen.learners:
                for row in measure(name, n_rows, train, test, seed, chosen):
                    rows.append(row)
                    print(row["what"], row["ln p(x), test"], flush=True)
                    common.keep(chosen.write, settings(chosen), row)
    common.print_table(summary(rows))
    if chosen.picture:
        kept = common.read_records(chosen.write) if chosen.write else [{"rows": rows}]
        draw([row for record in kept for row in record["rows"]], chosen.picture)


if __name__ == "__main__":
    main()
