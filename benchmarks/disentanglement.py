"""Disentanglement scores of PCA and VAEs on dSprites, whose factors are known.

    python -m benchmarks.disentanglement --data FOLDER    # FOLDER contains dsprites.npz
    python -m benchmarks.disentanglement --quick          # generated squares, no data
    python -m benchmarks.disentanglement --data FOLDER --write

Each model has one row: seconds of `fit` on the grid of images, all disentanglement
scores of `skvae.metrics` for the latents of the same images, with the published
settings, and the seconds that DCI and the other scores took.

The grid is every 4th orientation and every 2nd position of the published file (46 080
of 737 280 images). dsprites.npz may contain the grid or the whole file, as `imgs` and
`latents_classes`. Without --data, the folder is the variable SKVAE_DATA.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

from benchmarks import _common as common
from skvae import VAETransformer
from skvae.metrics import (
    beta_vae_score,
    dci_scores,
    factor_vae_score,
    modularity_score,
    mutual_information_gap,
    sap_score,
)

PUBLISHED = 737_280  # images of the published file
STEPS = (1, 1, 4, 2, 2)  # shape, scale, orientation, x, y
TREES = {
    "boosted": GradientBoostingClassifier,
    "extra": lambda: ExtraTreesClassifier(min_samples_leaf=5),
}
QUICK = {
    "epochs": 30,
    "hidden": (32,),
    "seeds": 1,
    "width": 5,
    "trees": "extra",
    "n_train": 1000,
    "n_test": 500,
}


def load_dsprites(path):
    """Rows of pixels and codes of the factors, on the grid above."""
    with np.load(path, allow_pickle=False) as file:
        images, codes = file["imgs"], file["latents_classes"]
    codes = codes[:, -len(STEPS) :]  # without the colour, which is constant
    if len(images) == PUBLISHED:
        kept = (codes % STEPS == 0).all(axis=1)
        images, codes = images[kept], codes[kept] // STEPS
    return images.reshape(len(images), -1).astype("float32"), codes


def draw_squares(side=10):
    """Squares of 3 sizes and 2 grey levels at 8 x 8 positions: all combinations."""
    codes = np.indices((3, 2, 8, 8)).reshape(4, -1).T  # size, grey, row, column
    size, grey, top, left = (column[:, None, None] for column in codes.T)
    row, column = np.indices((side, side))
    inside = (top <= row) & (row <= top + size) & (left <= column)
    images = (inside & (column <= left + size)) * (grey + 1) / 2
    return images.reshape(len(images), -1).astype("float32"), codes


# --- measurements ---------------------------------------------------------------------


def models(chosen):
    """Name -> transformer, ordered by seed."""
    found = {f"PCA({chosen.width})": PCA(chosen.width, random_state=0)}
    for seed in range(chosen.seeds):
        for beta in chosen.betas:
            name = f"VAETransformer({chosen.width}), beta={beta:g}, seed {seed}"
            found[name] = estimator(chosen, beta, seed)
    return found


def estimator(chosen, beta, seed):
    """VAE with the settings of the command line."""
    return VAETransformer(
        n_components=chosen.width,
        hidden_layer_sizes=chosen.hidden,
        likelihood="bernoulli",
        **common.PLAIN,
        beta=beta,
        max_epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        lr=chosen.lr,
        device=chosen.device,
        random_state=seed,
        verbose=1,
    )


def measure(name, model, images, codes, chosen):
    """Fit one model; return its row."""
    fit_seconds = common.seconds(lambda: model.fit(images), time.perf_counter)
    Z = model.transform(images)
    counts = {"n_train": chosen.n_train, "n_test": chosen.n_test, "random_state": 0}
    one_set = {"n_train": chosen.n_train, "random_state": 0}
    start = time.perf_counter()
    scores = {
        "MIG": mutual_information_gap(Z, codes, **one_set),
        "modularity": modularity_score(Z, codes, **one_set),
        "SAP": sap_score(Z, codes, **counts),
        "beta-VAE score": beta_vae_score(Z, codes, **counts),
        "FactorVAE score": factor_vae_score(Z, codes, **counts),
    }
    middle = time.perf_counter()
    dci = dci_scores(Z, codes, estimator=TREES[chosen.trees](), **counts)
    end = time.perf_counter()
    scores |= {f"DCI {part}": getattr(dci, part) for part in dci._fields[:3]}
    return (
        {"model": name, "fit, s": round(fit_seconds, 1)}
        | {score: round(float(value), 4) for score, value in scores.items()}
        | {"DCI, s": round(end - middle, 1), "others, s": round(middle - start, 1)}
    )


# --- command line ---------------------------------------------------------------------


def _floats(text):
    return tuple(float(part) for part in text.split(","))


def options(argv):
    """The command line; --quick only changes the defaults."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.disentanglement",
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
    add("--data", metavar="FOLDER", help="that contains dsprites.npz")
    add("--quick", action="store_true", help="generated squares, small network")
    add("--n-train", type=int, default=10_000, help="rows or votes to fit scores on")
    add("--n-test", type=int, default=5_000, help="rows or votes to test scores on")
    add("--trees", choices=sorted(TREES), default="boosted", help="classifier of DCI")
    add("--device", default="auto")
    add(
        "--write",
        nargs="?",
        type=Path,
        const=common.RESULTS / "disentanglement.json",
        help="add each row to a result file as soon as it is measured",
    )


def _add_model_options(parser):
    add = parser.add_argument
    add("--width", type=int, default=10, help="number of latents")
    add("--betas", type=_floats, default=(1.0, 4.0), help="e.g. 1,4")
    add("--seeds", type=int, default=3, help="fits of each VAE")
    add("--hidden", type=common.numbers, default=(256, 256), help="e.g. 256,256")
    add("--epochs", type=int, default=10)
    add("--batch-size", type=int, default=128)
    add("--lr", type=float, default=1e-3)


def settings(chosen):
    """Settings needed to run it again, one entry per option."""
    left_out = {"data", "quick", "write", "betas", "seeds"}  # the rows name these two
    found = {"data": "drawn squares" if chosen.quick else "dSprites, grid of 46 080"}
    found |= {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"hidden": list(chosen.hidden)}


def data(chosen):
    """Images and codes; exit with code 2 if their file is missing."""
    if chosen.quick:
        return draw_squares()
    return load_dsprites(common.data_file("dsprites.npz", chosen.data))


def main(argv=None):
    """Measure and print each model, and write its row with --write."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    images, codes = data(chosen)
    rows = []
    for name, model in models(chosen).items():
        print(f"\n{name}", flush=True)
        rows.append(measure(name, model, images, codes, chosen))
        common.print_table(rows[-1:])
        if chosen.write:
            new = common.record(settings(chosen), rows[-1:])
            common.merge_record(chosen.write, new)
    print()
    common.print_table(rows)


if __name__ == "__main__":
    main()
