"""Tables of the usefulness benchmark: where they are, their targets, their splits.

A table has one natural target: classes or a number. Its columns are numbers or
categories; pictures have pixels in [0, 1]. Each seed has its own split.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

TEST_ROWS = 2000


class Table(NamedTuple):
    """A whole table, before it is split.

    `categories` are the positions of the columns that are one-hot encoded, and `form`
    is "numbers" or "pictures".
    """

    X: np.ndarray
    y: np.ndarray
    is_classes: bool
    categories: tuple = ()
    form: str = "numbers"


class Split(NamedTuple):
    """Training and test rows as the estimators see them.

    The first `n_numbers` columns are numbers, the others one-hot blocks of the widths
    `blocks`. `raw` are the same rows before encoding, and `encode` encodes more.
    """

    X: tuple
    y: tuple
    table: Table
    n_numbers: int
    blocks: tuple
    raw: tuple
    encode: object

    @property
    def n_classes(self):
        """Number of classes, or 0 if the target is a number."""
        return len(np.unique(self.table.y)) if self.table.is_classes else 0


# --- the tables -----------------------------------------------------------------------


class Source(NamedTuple):
    """How to read a table: a function of the folder and its file, and the file."""

    read: object
    file: str | None = None


def builtin(load, is_classes=True, scale=1, form="numbers"):
    """Return the source of a table of scikit-learn."""

    def read(_):
        X, y = load(return_X_y=True)
        return Table(X / scale, y, is_classes, form=form)

    return Source(read)


def uci(name, target=-1, is_classes=True, categories=(), drop=(), above=None):
    """Return the source of a file of the folder "imputation".

    The positions are those of the file. With `above`, the class is whether the target
    is above this number.
    """
    file = f"imputation/{name}.npz"

    def read(folder):
        with np.load(folder / file, allow_pickle=False) as found:
            X = found["X"]
        out = [target % X.shape[1], *(column % X.shape[1] for column in drop)]
        kept = [column for column in range(X.shape[1]) if column not in out]
        y = X[:, target] if above is None else X[:, target] > above
        places = tuple(kept.index(column) for column in categories)
        y = np.unique(y, return_inverse=True)[1] if is_classes else y
        return Table(X[:, kept], y, is_classes, places)

    return Source(read, file)


def adbench(name):
    """Return the source of a file of the folder "adbench"; class 1 is the anomaly."""
    file = f"adbench/{name}.npz"

    def read(folder):
        with np.load(folder / file, allow_pickle=False) as found:
            return Table(found["X"], found["y"].astype(int), True)

    return Source(read, file)


def pictures(name):
    """Return the source of a file of pictures: at most 10 000 of them."""
    file = f"{name}.npz"

    def read(folder):
        with np.load(folder / file, allow_pickle=False) as found:
            X = np.concatenate([found["X_train"], found["X_test"]])
            y = np.concatenate([found["y_train"], found["y_test"]])
        some = np.random.default_rng(0).permutation(len(X))[:10_000]
        scale = 255 if X.dtype == np.uint8 else 1
        X = X[some].reshape(len(some), -1) / float(scale)
        return Table(X.astype(float), y[some], True, form="pictures")

    return Source(read, file)


def _tumours(_):
    X, y = datasets.load_breast_cancer(return_X_y=True)
    return Table(X, 1 - y, True)  # the malignant ones are the anomalies


def _adult(folder):
    with np.load(folder / "adult.npz", allow_pickle=False) as found:
        parts = [
            np.hstack([found[f"X_numeric_{part}"], found[f"X_categorical_{part}"]])
            for part in ("train", "test")
        ]
        y = np.concatenate([found["y_train"], found["y_test"]])
    return Table(np.concatenate(parts).astype(float), y, True, tuple(range(6, 14)))


def _credit_default(folder):
    with np.load(folder / "credit_default.npz", allow_pickle=False) as found:
        X, y, names = found["X"].astype(float), found["y"], found["names"].tolist()
    places = [names.index(name) for name in ("SEX", "EDUCATION", "MARRIAGE")]
    return Table(X, y, True, tuple(places))


def _cells(folder):
    """Counts of genes, as ln(1 + counts scaled to the median library size)."""
    with np.load(folder / "pbmc68k_reduced.npz", allow_pickle=False) as found:
        size = found["total_counts"][:, None].astype(float)
        return Table(np.log1p(found["X"] * np.median(size) / size), found["y"], True)


FEATURES = {
    "digits": builtin(datasets.load_digits, scale=16, form="pictures"),
    "wine": builtin(datasets.load_wine),
    "breast_cancer": builtin(datasets.load_breast_cancer),
    "iris": builtin(datasets.load_iris),
    "diabetes": builtin(datasets.load_diabetes, is_classes=False),
    "adult": Source(_adult, "adult.npz"),
    "credit_default": Source(_credit_default, "credit_default.npz"),
    "usps": pictures("usps"),
    "mnist": pictures("mnist"),
    "pbmc68k_reduced": Source(_cells, "pbmc68k_reduced.npz"),
    "airfoil": uci("airfoil", is_classes=False),
    "bike": uci("bike", 0, is_classes=False, categories=(10, 11, 12)),
    "climate": uci("climate"),
    "compression": uci("compression", is_classes=False),
    "credit": uci("credit", categories=(0, 3, 4, 5, 6, 8, 9, 11, 12)),
    "drug": uci(  # cannabis in the last year; the other drugs are left out
        "drug", 17, categories=(1, 3, 4), drop=(*range(12, 17), *range(18, 31)), above=2
    ),
    "health": uci("health"),
    "housing": uci("housing", is_classes=False),
    "kin8nm": uci("kin8nm", is_classes=False),
    "libras": uci("libras"),
    "naval": uci("naval", is_classes=False, drop=(16,)),  # the other target
    "parkinsons": uci("parkinsons", 16),
    "power": uci("power", is_classes=False),
    "raisin": uci("raisin"),
    "sonar": uci("sonar"),
    "spam": uci("spam"),
    "wine_white": uci("wine_white", is_classes=False),
    "yacht": uci("yacht", is_classes=False),
} | {
    name: adbench(name)
    for name in (
        "annthyroid",
        "campaign",
        "cardio",
        "fault",
        "landsat",
        "magic.gamma",
        "pima",
        "yeast",
    )
}
ADBENCH = """
    aloi annthyroid campaign cardio celeba cover fault glass http internetads landsat
    letter magic.gamma mammography musk optdigits pendigits pima satimage-2 shuttle smtp
    spambase thyroid vertebral waveform wbc wilt wine yeast
"""
ANOMALIES = {name: adbench(name) for name in ADBENCH.split()}
SOURCES = {
    "features": FEATURES,
    "density": FEATURES,
    "anomalies": ANOMALIES | {"breast_cancer": Source(_tumours)},
    "synthetic": FEATURES,
}
# Settings are chosen on these and confirmed on the others. Tables of the same origin
# (digits and optdigits, annthyroid and thyroid, ...) are in the same half.
CHOOSE = """
    digits wine diabetes adult credit bike usps airfoil climate housing libras
    parkinsons power sonar annthyroid cardio landsat pima thyroid satimage-2 optdigits
    http smtp glass letter musk vertebral
"""


def in_half(name, half):
    """Return whether a table belongs to a half, "choose", "confirm" or None (both)."""
    return half is None or (half == "choose") == (name in CHOOSE.split())


@lru_cache(maxsize=2)
def load(work, name, folder):
    """Return a table; the last two are kept."""
    return SOURCES[work][name].read(folder)


def missing(work, name, folder):
    """Return the name of the file that is needed but missing, or None."""
    file = SOURCES[work][name].file
    is_there = folder is not None and file is not None and (folder / file).is_file()
    return None if is_there else file


# --- splits ---------------------------------------------------------------------------


def split(table, seed, max_rows):
    """Return the split of a seed: three quarters of the rows, or `max_rows`, to train.

    Classes are stratified. Numbers are standardised, unless they are pixels, and
    categories are one-hot; what these need is learned from the training rows.
    """
    n_train = min(max_rows, int(0.75 * len(table.X)))
    n_test = min(TEST_ROWS, len(table.X) - n_train)
    parts = train_test_split(
        np.arange(len(table.X)),
        train_size=n_train,
        test_size=n_test,
        random_state=seed,
        stratify=table.y if table.is_classes else None,
    )
    raw = tuple(table.X[part] for part in parts)
    encoder = encoder_of(table).fit(raw[0])
    one_hot = encoder.named_transformers_["categories"]
    blocks = tuple(map(len, getattr(one_hot, "categories_", ())))
    return Split(
        X=tuple(encoder.transform(part) for part in raw),
        y=tuple(table.y[part] for part in parts),
        table=table,
        n_numbers=table.X.shape[1] - len(table.categories),
        blocks=blocks,
        raw=raw,
        encode=encoder.transform,
    )


def encoder_of(table):
    """Return the transformer of the columns: numbers first, then one-hot blocks."""
    numbers = np.setdiff1d(np.arange(table.X.shape[1]), table.categories)
    is_picture = table.form == "pictures"
    scaler = FunctionTransformer() if is_picture else StandardScaler()
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    return ColumnTransformer(
        [("numbers", scaler, numbers), ("categories", one_hot, list(table.categories))],
    )


def few_rows(y, is_classes, n=100, seed=0):
    """Return the positions of `n` rows, with every class if that is possible."""
    if n >= len(y):
        return np.arange(len(y))
    if is_classes:
        counts = np.unique(y, return_counts=True)[1]
        is_classes = counts.min() > 1 and len(counts) <= min(n, len(y) - n)
    rows = np.arange(len(y))
    stratify = y if is_classes else None
    return train_test_split(rows, train_size=n, random_state=seed, stratify=stratify)[0]
