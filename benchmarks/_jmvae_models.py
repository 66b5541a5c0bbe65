"""Data and models of the multimodal benchmark, `benchmarks.jmvae`."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from benchmarks import _common as common
from skvae import (
    CMMATransformer,
    CVAETransformer,
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
)
from skvae.multimodal import suzuki2018

IMAGE, LABEL = "image", "label"
GAN = "JMVAE-kl GAN"  # for faces only
JOINT = {
    "JMVAE": (JMVAETransformer, {"alpha": 0.0}),
    "JMVAE-kl": (JMVAETransformer, {}),
    "JMVAE-kl weighted": (JMVAETransformer, {"modality_weights": {LABEL: 50.0}}),
    "hierarchical": (HierarchicalJMVAETransformer, {}),
    GAN: (JMVAEGANTransformer, {}),
}
ONE_WAY = {"CVAE": CVAETransformer, "CMMA": CMMATransformer}
MODELS = (*ONE_WAY, *JOINT)
DRAW_SEED = 20_240  # seed of the binarisation


@dataclass
class Pairs:
    """Tables of image and label columns, the classes, and their descriptions."""

    name: str
    train: np.ndarray
    test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray
    n_pixels: int
    image_shape: tuple
    label_names: tuple = tuple("0123456789")
    grey_test: np.ndarray = None

    @property
    def modalities(self):
        """Columns of image and label."""
        n = self.train.shape[1]
        return {IMAGE: slice(0, self.n_pixels), LABEL: slice(self.n_pixels, n)}


def load_pairs(chosen):
    """Load the data set chosen on the command line."""
    name = chosen.set
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        parts = train_test_split(
            (X / 16).astype("float32"), y, test_size=500, random_state=0, stratify=y
        )
        return _of_digits(name, *parts, (8, 8))
    path = common.data_file(FILES[name], chosen.data)
    with np.load(path, allow_pickle=False) as file:
        if name == "celeba":
            return _of_faces(file, chosen.train_rows or 9000)
        parts = (file["X_train"], file["X_test"], file["y_train"], file["y_test"])
        n = chosen.train_rows or 50_000
    X_train, X_test = (p.reshape(len(p), -1).astype("float32") / 255 for p in parts[:2])
    return _of_digits(name, X_train[:n], X_test, parts[2][:n], parts[3], (28, 28))


FILES = {"mnist": "mnist.npz", "celeba": "celeba_10k_32x32.npz"}


def _of_digits(name, X_train, X_test, y_train, y_test, shape):
    """Pairs of digits and one-hot labels; the test pixels are binarised once."""
    random, grey = np.random.default_rng(DRAW_SEED), X_test
    X_test = (random.random(X_test.shape) < X_test).astype(X_test.dtype)
    tables = [
        np.column_stack([X, np.eye(10, dtype=X.dtype)[y]])
        for X, y in ((X_train, y_train), (X_test, y_test))
    ]
    n_pixels = X_train.shape[1]
    return Pairs(name, *tables, y_train, y_test, n_pixels, shape, grey_test=grey)


def _of_faces(file, n_train):
    """Pairs of standardised pixels, channels first, and attributes of −1 and 1."""
    X = file["X"].transpose(0, 3, 1, 2).reshape(len(file["X"]), -1)
    X = X.astype("float32")
    X = (X - X[:9000].mean()) / X[:9000].std()
    attributes = file["attributes"].astype("float32") * 2 - 1
    table = np.column_stack([X, attributes])
    rows = [slice(0, n_train), slice(9000, None)]
    labels = [file["attributes"][r] for r in rows]
    return Pairs(
        "celeba",
        *(table[r] for r in rows),
        *labels,
        X.shape[1],
        (3, 32, 32),
        tuple(file["attribute_names"].tolist()),
    )


# --- models ---------------------------------------------------------------------------


def networks(pairs, chosen, **kind):
    """Published networks and settings, with those of the command line."""
    data = "celeba" if pairs.name == "celeba" else "mnist"
    found = suzuki2018(data, shrink=chosen.shrink, **kind)
    if chosen.n_components:
        found["n_components"] = chosen.n_components
    return found | training(chosen) | {"n_iterations": chosen.iterations}


def training(chosen):
    """Training settings of the command line."""
    return common.PLAIN | {
        "max_epochs": chosen.epochs,
        "kl_warmup": chosen.kl_warmup,
        "batch_size": chosen.batch_size,
        "lr": chosen.lr,
        "device": chosen.device,
        "verbose": 1,
    }


def joint_model(name, pairs, seed, chosen, **params):
    """Fit a model of both modalities."""
    cls, own = JOINT[name]
    if name.startswith("JMVAE-kl"):
        own = own | {"alpha": chosen.alpha}
    kind = {"layers": 2 if name == "hierarchical" else 1, "adversarial": name == GAN}
    model = cls(modalities=pairs.modalities, random_state=seed, **own)
    model.set_params(**networks(pairs, chosen, **kind) | params)
    return model.fit(pairs.train)


def one_way_model(name, pairs, target, seed, chosen):
    """Fit a model of one modality given the other."""
    (given,) = {IMAGE, LABEL} - {target}
    published = networks(pairs, chosen)
    model = ONE_WAY[name](
        published["n_components"],
        condition_columns=pairs.modalities[given],
        condition_encoding="passthrough",
        likelihood=published["likelihood"][target],
        random_state=seed,
        **_bodies(pairs, target, published, chosen),
        **training(chosen),
    )
    table = pairs.train
    if "binarize" in published:  # conditions are binarised once
        draws = np.random.default_rng(DRAW_SEED + 1).random(table.shape)
        table = (draws < table).astype(table.dtype)
        model.set_params(binarize="dynamic" if target == IMAGE else None)
    return model.fit(pairs.train if target == IMAGE else table)


def _bodies(pairs, target, published, chosen):
    """Networks of the target modality; those of CVAE and CMMA are not published."""
    if pairs.name != "celeba":
        return {"hidden_layer_sizes": published["hidden_layer_sizes"]}
    if target == LABEL:
        return {"hidden_layer_sizes": (512 // chosen.shrink,) * 2}
    return {role: published[role][IMAGE] for role in ("encoder", "decoder")}
