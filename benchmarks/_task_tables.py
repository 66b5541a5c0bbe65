"""The tables of Takahashi et al. (2022): pairs of digit sets, and faces."""

import numpy as np
from sklearn.model_selection import train_test_split

from skvae.datasets import (
    load_image_tasks,
    load_usps,
    make_digit_tasks,
    make_digits_as_signs,
)

# Published numbers of training, validation and test rows; validation is not used here.
SIZES = {
    "usps": (6438, 1000, 1860),
    "mnist": (10_000, 10_000, 10_000),
    "svhn": (983, 0, 983),
    "signs": (10_000, 10_000, 9_553),
    "frey": (1565, 200, 200),
    "olivetti": (150, 100, 150),
    "umist": (300, 75, 200),
}
N_TARGET = 100
FACES = ("frey", "olivetti", "umist")
PAIRS = {"usps-mnist": ("usps", "mnist"), "mnist-usps": ("mnist", "usps")}
# SynthDigits is made anew. Of SVHN, only the first 1 083 training rows are used: as the
# target 100 to learn and 983 to test, as the source the other way round.
SIGN_PAIRS = {"signs-svhn": ("signs", "svhn"), "svhn-signs": ("svhn", "signs")}
# How 16 x 16 pixels are enlarged to 28 x 28: linearly, without or with a border of one
# or two pixels; by repeating pixels; or like MNIST, with 20 x 20 pixels in a frame.
USPS = ("padded", "padded-2", "resized", "repeated", "framed")
LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601
REPEAT = np.arange(28) * 16 // 28


def load_table(name, folder, seed, usps="padded"):
    """Training rows, test rows (data, class, task), and the tasks to report."""
    if name == "digits":
        return _small(seed)
    if name == "faces":
        return _faces(folder, seed)
    source, target = (PAIRS | SIGN_PAIRS)[name]
    parts = {
        task: _digits(task, folder, seed, usps, n_svhn)
        for task, n_svhn in ((source, SIZES["svhn"][0]), (target, N_TARGET))
    }
    train = [_first(parts[source][0], SIZES[source][0])]
    train.append(_first(parts[target][0], N_TARGET))
    test = [_first(part[1], SIZES[task][2]) for task, part in parts.items()]
    return _joined(train), _joined(test), (target,)


def _digits(task, folder, seed, usps, n_svhn):
    """Shuffled training and test rows of a data set."""
    random = np.random.default_rng(seed)
    if task == "usps":
        return _usps(folder, random, usps)
    if task == "signs":
        return _signs(seed)
    if task == "svhn":
        return _svhn(folder, random, n_svhn)
    found = [
        load_image_tasks([task], folder=folder, subset=part)
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


def _signs(seed):
    n_train, _, n_test = SIZES["signs"]
    found = make_digits_as_signs(n_train + n_test, random_state=seed)
    task = np.full(len(found.data), "signs")
    rows = slice(n_train), slice(n_train, None)
    return [(found.data[r], found.target[r], task[r]) for r in rows]


def _svhn(folder, random, n_train):
    """Rows to learn, and the rest to test."""
    with np.load(folder / "svhn_train_first1083.npz", allow_pickle=False) as file:
        images, target = file["X"] / np.float32(255), file["y"].astype(int)
    order = random.permutation(len(images))
    data = (images[order] @ np.float32(LUMA)).reshape(len(images), -1)
    task = np.full(len(data), "svhn")
    rows = slice(n_train), slice(n_train, None)
    return [(data[r], target[order][r], task[r]) for r in rows]


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
