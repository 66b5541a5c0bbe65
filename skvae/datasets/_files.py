"""Readers of images and labels: NumPy archives, IDX and MATLAB files.

A reader is a function of a folder and a part ("train", "test" or "all"). It returns the
images, (n, h, w) or, in colour, (n, h, w, 3), and the labels, (n,) or None. If its file
does not exist, it returns None.
"""

import gzip
import os
import zlib
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

VARIABLE = "SKVAE_DATA"
IDX_BYTE = 8  # the code of unsigned bytes in an IDX header
DAMAGE = (
    BadZipFile,
    EOFError,
    KeyError,
    MatReadError,
    NotImplementedError,
    TypeError,
    ValueError,
    gzip.BadGzipFile,
    zlib.error,
)


def find_folder(folder):
    """Return the given folder, else that of the environment variable, or None."""
    folder = folder or os.environ.get(VARIABLE)
    return Path(folder).expanduser() if folder else None


@contextmanager
def _reading(path):
    """Add the path of the file to errors about its contents."""
    try:
        yield
    except DAMAGE as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


# -- NumPy archives --------------------------------------------------------------------


def npz(name):
    """Make a reader of an archive with ``X_train`` and ``y_train``, or ``X`` and ``y``.

    Names are case-insensitive, and labels are optional.
    """

    def read(folder, part):
        path = folder / name
        if not path.is_file():
            return None
        suffix = "" if part == "all" else f"_{part}"
        with _reading(path), np.load(path, allow_pickle=False) as file:
            keys = {key.lower(): key for key in file.files}
            if f"x{suffix}" not in keys:
                raise ValueError(f"it has the arrays {file.files}, but no 'X{suffix}'.")
            labels = keys.get(f"y{suffix}")
            images = file[keys[f"x{suffix}"]]
            return images, None if labels is None else file[labels]

    return read


# -- MNIST as published ----------------------------------------------------------------


def mnist_idx(folder, part):
    """Read MNIST from its four published files, optionally compressed."""
    prefix = {"train": "train", "test": "t10k"}[part]
    kinds = ("images-idx3", "labels-idx1")
    paths = [_plain_or_gzip(folder / f"{prefix}-{kind}-ubyte") for kind in kinds]
    return None if None in paths else tuple(_read_idx(path) for path in paths)


def _plain_or_gzip(path):
    candidates = (path, path.with_name(f"{path.name}.gz"))
    return next((p for p in candidates if p.is_file()), None)


def _read_idx(path):
    """Read bytes from an IDX file: 0, 0, type, number of axes, shape, values."""
    opener = gzip.open if path.suffix == ".gz" else open
    with _reading(path), opener(path, "rb") as file:
        content = file.read()
        if len(content) < 4 or content[:3] != bytes([0, 0, IDX_BYTE]):
            raise ValueError("it is not an IDX file of bytes.")
        start = 4 + 4 * content[3]
        shape = np.frombuffer(content[4:start], dtype=">u4").astype(int)
        return np.frombuffer(content[start:], dtype=np.uint8).reshape(shape)


# -- MATLAB files ----------------------------------------------------------------------


def frey_mat(folder, part):
    """Read Roweis's file of the Frey faces: ``ff`` (560, n), one column per image."""
    path = folder / "frey_rawface.mat"
    if not path.is_file():
        return None
    with _reading(path):
        (columns,) = _read_mat(path, "ff")
        return columns.T.reshape(-1, 28, 20), None


def umist_mat(folder, part):
    """Read Roweis's file of the UMist faces: ``facedat``, one cell per person."""
    path = folder / "umist_cropped.mat"
    if not path.is_file():
        return None
    with _reading(path):
        (people,) = _read_mat(path, "facedat")
        people = list(people.ravel())  # each (h, w, n)
        images = np.moveaxis(np.concatenate(people, axis=2), 2, 0)
        return images, np.repeat(range(len(people)), [p.shape[2] for p in people])


def svhn_mat(folder, part):
    """Read one published part of SVHN: ``X`` (32, 32, 3, n), ``y`` with 10 for 0."""
    path = folder / f"{part}_32x32.mat"
    if not path.is_file():
        return None
    with _reading(path):
        images, labels = _read_mat(path, "X", "y")
        return np.moveaxis(images, 3, 0), labels.ravel() % 10


def _read_mat(path, *names):
    found = loadmat(path, variable_names=names)
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"it has no {missing[0]!r}.")
    return [found[name] for name in names]
