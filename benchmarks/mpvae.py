"""Latents of two depths: tables 1 and 2 of Ishikawa et al.

    python -m benchmarks.mpvae --data FOLDER --write
    python -m benchmarks.mpvae --data FOLDER --set celeba --write
    python -m benchmarks.mpvae --quick                         # no data

A VAE with 12 latents (faces: 32) and an MPVAE with 3 + 9 (8 + 24) are trained on
pictures of 64 x 64 pixels, without labels. Then one classifier per label is fitted to
the latents of some rows; the table holds its accuracy on the other rows in percent, as
a mean over --splits splits. The latents are those of the VAE, of the shallow path z1,
of the deep path z2, and of both; "majority" always predicts the most frequent class.
Each seed has one model and is also the seed of its classifiers. Encoder and decoder of
the VAE are the deep path of the MPVAE.

FOLDER contains dsprites.npz or celeba_10k_jpeg.npz; without --data it is the variable
SKVAE_DATA. The former has 64 834 of 737 280 pictures: every 4th orientation and every
2nd position, and 20 000 random ones. The classifiers use the random ones only, since
these have all 3, 6, 40, 32 and 32 classes. The latter has 10 000 of 202 599 faces,
which may not be redistributed.

Not published: channels, likelihood, optimiser, epochs, the weights β, the classifier.
"""

import io
import sys
import time
from itertools import pairwise

import numpy as np
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import _common as common
from skvae import MPVAETransformer
from skvae.autoencoders import ishikawa_mpvae
from skvae.nets import ConvEncoder

FILES = {"dsprites": "dsprites.npz", "celeba": "celeba_10k_jpeg.npz"}
SIDE = 64
CLASSIFIERS = {
    "mlp": lambda seed: MLPClassifier(
        (128,), early_stopping=True, max_iter=100, random_state=seed
    ),
    "logistic": lambda seed: LogisticRegression(max_iter=1000),
}
PUBLISHED = {
    ("dsprites", "VAE"): (55.19, 46.97, 7.37, 47.49, 38.52, 39.11),
    ("dsprites", "MPVAE z1"): (40.75, 22.40, 3.37, 5.54, 7.24, 15.86),
    ("dsprites", "MPVAE z2"): (60.70, 46.73, 8.91, 72.07, 69.73, 51.63),
    ("dsprites", "MPVAE z1+z2"): (63.10, 47.02, 8.86, 72.37, 69.75, 52.22),
    ("celeba", "VAE"): (82.02,),
    ("celeba", "MPVAE z1"): (81.87,),
    ("celeba", "MPVAE z2"): (82.09,),
    ("celeba", "MPVAE z1+z2"): (83.02,),
}
CELEBA = {"beta": 1.0, "epochs": 20, "classifier": "logistic"}
QUICK = {
    "set": "squares",
    "epochs": 3,
    "shrink": 8,
    "splits": 2,
    "batch_size": 32,
    "classifier": "logistic",
}


# --- rows -----------------------------------------------------------------------------


def load_rows(chosen):
    """Training pictures, labelled pictures, labels (n, L), names of the labels."""
    if chosen.set == "squares":
        return draw_squares()
    path = common.data_file(FILES[chosen.set], chosen.data)
    with np.load(path, allow_pickle=False) as file:
        return {"dsprites": _sprites, "celeba": _faces}[chosen.set](file)


def _sprites(file):
    """Load dSprites; a random picture that is also on the grid is used once."""
    indices = np.concatenate([file["full_indices"], file["full_indices_random"]])
    images = np.concatenate([file["imgs"], file["imgs_random"]])
    _, first = np.unique(indices, return_index=True)
    X = images[first].reshape(len(first), -1).astype("float32")
    drawn = file["imgs_random"].reshape(-1, SIDE * SIDE).astype("float32")
    names = ("shape", "scale", "orientation", "posX", "posY")
    return X, drawn, file["latents_classes_random"], names


def _faces(file):
    """Central square of each face, 64 x 64 pixels in [0, 1], channels first."""
    jpeg, ends = file["jpeg"].tobytes(), file["offsets"]
    faces = [_decode(jpeg[start:end]) for start, end in pairwise(ends)]
    X = np.stack(faces).transpose(0, 3, 1, 2).reshape(len(faces), -1)
    X = X.astype("float32") / 255
    return X, X, file["attributes"], tuple(file["attribute_names"].tolist())


def _decode(jpeg):
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))


def draw_squares():
    """Squares of 3 sizes at 16 x 16 positions, with 1 % of the pixels flipped."""
    codes = np.indices((3, 16, 16)).reshape(3, -1).T
    size, top, left = (column[:, None, None] for column in codes.T)
    row, column = np.indices((SIDE, SIDE))
    inside = (3 * top <= row) & (row < 3 * top + 8 + 4 * size)
    inside &= (3 * left <= column) & (column < 3 * left + 8 + 4 * size)
    wrong = np.random.default_rng(0).random(inside.shape) < 0.01
    X = (inside ^ wrong).reshape(len(codes), -1).astype("float32")
    return X, X, codes, ("size", "posY", "posX")


# --- measurements ---------------------------------------------------------------------


def estimator(name, seed, chosen):
    """The MPVAE, or a VAE with its deep path."""
    data = "celeba" if chosen.set == "celeba" else "dsprites"
    params = ishikawa_mpvae(data, shrink=chosen.shrink)
    if name == "VAE":
        shallow, deep = params["encoder"]
        channels = (*shallow.channels, *deep.channels)
        params["encoder"] = ConvEncoder(shallow.image_shape, channels, batch_norm=False)
        params["decoder"].set_params(depths=(1,))
        params["n_components"] = (sum(params["n_components"]),)
    return MPVAETransformer(
        **params,
        init="random",
        beta=chosen.beta,
        max_epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        lr=chosen.lr,
        device=chosen.device,
        random_state=seed,
        verbose=1,
    )


def measure(name, rows, seed, chosen):
    """Fit one model; yield one row per choice of latents."""
    X, pictures, labels, names = rows
    model = estimator(name, seed, chosen)
    start = time.perf_counter()
    if chosen.train_rows:  # the files are sorted
        X = np.random.default_rng(0).permutation(X)[: chosen.train_rows]
    model.fit(X)
    found = {"fit, s": round(time.perf_counter() - start, 1)}
    bound = model.log_likelihood(pictures[:2000], method="elbo").mean()
    found["bound"] = round(float(bound), 1)
    Z = model.transform(pictures)
    for choice, columns in choices(name, model).items():
        accuracies = accuracy(Z[:, columns], labels, seed, chosen)
        yield {
            "what": f"{chosen.set}, {choice}, seed {seed}",
            "set": chosen.set,
            "latents": choice,
            **_named(accuracies, names),
            **found,
        }


def choices(name, model):
    """Name -> columns of `transform`: each path and both."""
    if name == "VAE":
        return {"VAE": slice(None)}
    n_shallow = model.n_components[0]
    return {
        "MPVAE z1": slice(0, n_shallow),
        "MPVAE z2": slice(n_shallow, None),
        "MPVAE z1+z2": slice(None),
    }


def accuracy(Z, labels, seed, chosen):
    """Accuracy for each label on held-out rows, in percent, mean over splits."""
    splits = ShuffleSplit(chosen.splits, test_size=0.2, random_state=0)
    classifier = make_pipeline(StandardScaler(), CLASSIFIERS[chosen.classifier](seed))
    return [
        100 * cross_val_score(classifier, Z, y, cv=splits, n_jobs=chosen.jobs).mean()
        for y in labels.T
    ]


def majority(rows, chosen):
    """Row with the accuracy of the most frequent class."""
    _, pictures, labels, names = rows
    splits = ShuffleSplit(chosen.splits, test_size=0.2, random_state=0)
    accuracies = [
        100 * cross_val_score(DummyClassifier(), pictures[:, :1], y, cv=splits).mean()
        for y in labels.T
    ]
    return {
        "what": f"{chosen.set}, majority",
        "set": chosen.set,
        "latents": "majority",
        **_named(accuracies, names),
    }


def _named(accuracies, names):
    """Name the accuracies of up to 9 labels, and add the mean."""
    few = dict(zip(names, accuracies, strict=True)) if len(names) < 10 else {}
    values = few | {"mean": np.mean(accuracies)}
    return {name: round(float(value), 2) for name, value in values.items()}


def summary(rows):
    """Means over seeds with standard errors, and the published numbers."""
    lines = []
    for name in dict.fromkeys((row["set"], row["latents"]) for row in rows):
        of_seeds = [row for row in rows if (row["set"], row["latents"]) == name]
        columns = [c for c in of_seeds[0] if c not in ("what", "set", "latents")]
        line = {"set": name[0], "latents": name[1], "seeds": len(of_seeds)}
        for column in columns:
            line[column] = _mean([row[column] for row in of_seeds])
        published = PUBLISHED.get(name, ())
        line["published"] = " / ".join(f"{value:.2f}" for value in published)
        lines.append(line)
    columns = dict.fromkeys(column for line in lines for column in line)
    return [dict.fromkeys(columns, "") | line for line in lines]


def _mean(values):
    text = f"{np.mean(values):.2f}"
    if len(values) > 1:
        text += f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.2f}"
    return text


# --- command line ---------------------------------------------------------------------


def options(argv):
    """The command line; --quick and --set celeba only change the defaults."""
    parser = common.parser("mpvae", __doc__)
    add = parser.add_argument
    add("--set", choices=("dsprites", "celeba", "squares"), default="dsprites")
    add(
        "--models",
        type=common.words,
        default=("VAE", "MPVAE"),
        help="separated by commas",
    )
    add("--epochs", type=int, default=15)
    add("--beta", type=float, default=4.0, help="of both paths")
    add("--batch-size", type=int, default=128)
    add("--lr", type=float, default=1e-3)
    add("--shrink", type=int, default=2, help="divisor of the channels 32, 32, 64, 64")
    add("--train-rows", type=int, help="rows to train models on; default: all")
    add("--splits", type=int, default=5, help="random splits, 80 %% to 20 %%")
    add("--classifier", choices=tuple(CLASSIFIERS), default="mlp")
    add("--jobs", type=int, default=1, help="splits run in parallel")
    first = parser.parse_args(argv)
    if first.quick:
        parser.set_defaults(**QUICK)
    elif first.set == "celeba":
        parser.set_defaults(**CELEBA)
    return parser.parse_args(argv)


def settings(chosen):
    """Settings needed to run it again."""
    left_out = {"data", "quick", "seeds", "models", "write", "jobs"}
    return {k: v for k, v in vars(chosen).items() if k not in left_out}


def main(argv=None):
    """Fit every model with every seed, writing each row as soon as it is measured."""
    chosen = options(sys.argv[1:] if argv is None else argv)
    rows = load_rows(chosen)
    found = []
    for row in every_row(rows, chosen):
        found.append(row)
        common.print_table(summary(found))
        common.keep(chosen.write, settings(chosen), row)


def every_row(rows, chosen):
    """Yield the row of the majority class, then those of the models."""
    yield majority(rows, chosen)
    for seed in chosen.seeds:
        for name in chosen.models:
            print(f"\n{name}, seed {seed}", flush=True)
            yield from measure(name, rows, seed, chosen)


if __name__ == "__main__":
    main()
