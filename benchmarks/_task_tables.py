"""The tables of Takahashi et al. (2022): pairs of digit sets, and faces."""

import numpy as np
from sklearn.model_selection import train_test_split

from skvae.datasets import load_image_tasks, load_usps, make_digit_tasks

# Published numbers of training, validation and test rows; validation is not used here.
SIZES = {
    "usps": (6438, 1000, 1860),
    "mnist": (10_000, 10_000, 10_000),
    "svhn": (10_000, 10_000, 26_032),
    "frey": (1565, 200, 200),
    "olivetti": (150, 100, 150),
    "umist": (300, 75, 200),
}
N_TARGET = 100
FACES = ("frey", "olivetti", "umist")
PAIRS = {"usps-mnist": ("usps", "mnist"), "mnist-usps": ("mnist", "usps")}
# The published pairs of SVHN also contain SynthDigits, which has no loader.
SVHN_PAIRS = {"mnist-svhn": ("mnist", "svhn"), "svhn-mnist": ("svhn", "mnist")}
# How 16 x 16 pixels are enlarged to 28 x 28: linearly, without or with a border of one
# or two pixels; by repeating pixels; or like MNIST, with 20 x 20 pixels in a frame.
USPS = ("padded", "padded-2", "resized", "repeated", "framed")
REPEAT = np.arange(28) * 16 // 28


def load_table(name, folder, seed, usps="padded"):
    """Training rows, test rows (data, class, task), and the tasks to report."""
    if name == "digits":
        return _small(seed)
    if name == "faces":
        return _faces(folder, seed)
    source, target = (PAIRS | SVHN_PAIRS)[name]
    side = 32 if name in SVHN_PAIRS else 28
    parts = {task: _digits(task, folder, seed, usps, side) for task in (source, target)}
    train = [_first(parts[source][0], SIZES[source][0])]
    train.append(_first(parts[target][0], N_TARGET))
    test = [_first(part[1], SIZES[task][2]) for task, part in parts.items()]
    return _joined(train), _joined(test), (target,)


def _digits(task, folder, seed, usps, side):
    """Shuffled training and test rows of a data set, `side` x `side` pixels."""
    random = np.random.default_rng(seed)
    if task == "usps":
        return _usps(folder, random, usps)
    found = [
        load_image_tasks([task], folder=folder, subset=part, image_shape=(side, side))
        for part in ("train", "test")
    ]
    orders = [random.permutation(len(part.data)) for part in found]
    return [_rows(part, order) for part, order in zip(found, orders, strict=True)]


def _usps(folder, random, usps):
    """All images pooled; the published counts are 80 % and 20 % of them."""
    padding = {"padded": 1, "padded-2": 2}.get(usps, 0)
    side = {"repeated": 16, "framed": 20}.get(usps, 28)
    found = load_usps(folder, image_shape=(side, side), padding=padding)
    images = found.images
    if usps == "repeated":
        images = images[:, REPEAT[:, None], REPEAT]
    if usps == "framed":
        images = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    data = images.reshape(len(images), -1)
    order = random.permutation(len(data))
    order = order[: -SIZES["usps"][2]], order[-SIZES["usps"][2] :]
    task = np.full(len(data), "usps")
    return [(data[rows], found.target[rows], task[rows]) for rows in order]


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
