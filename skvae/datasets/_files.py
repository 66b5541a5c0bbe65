"""Images and labels from files: NumPy archives, IDX and MATLAB files.

A reader is a function of a folder and a part ("train", "test" or "all"). It gives the
images, (n, h, w) or with colours (n, h, w, 3), and the labels, (n,) or None; and None
alone where its file is not there.
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
    """Give the folder to look in: the argument, else that of the variable, or None."""
    folder = folder or os.environ.get(VARIABLE)
    return Path(folder).expanduser() if folder else None


@contextmanager
def _reading(path):
    """Name the file in what goes wrong with its contents."""
    try:
        yield
    except DAMAGE as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


# -- NumPy archives --------------------------------------------------------------------


def npz(name):
    """Make a reader of an archive with ``X_train`` and ``y_train``, or ``X`` and ``y``.

    Capitals do not matter, and labels may be missing.
    """

    def read(folder, part):
        path = folder / name
        if not path.is_file():
            return None
        suffix = "" if part == "all" else f"_{part}"
        with _reading(path), np.load(path, allow_pickle=False) as file:
            keys = {key.lower(): key for key in file.files}
            if f"x{suffix}" not in keys:
                raise ValueError(f"it holds {file.files}, and no 'X{suffix}'.")
            labels = keys.get(f"y{suffix}")
            images = file[keys[f"x{suffix}"]]
            return images, None if labels is None else file[labels]

    return read


# -- MNIST as published ----------------------------------------------------------------


def mnist_idx(folder, part):
    """Read MNIST from the four files in which it was published, packed or not."""
    prefix = {"train": "train", "test": "t10k"}[part]
    kinds = ("images-idx3", "labels-idx1")
    paths = [_packed_or_not(folder / f"{prefix}-{kind}-ubyte") for kind in kinds]
    return None if None in paths else tuple(_read_idx(path) for path in paths)


def _packed_or_not(path):
    candidates = (path, path.with_name(f"{path.name}.gz"))
    return next((p for p in candidates if p.is_file()), None)


def _read_idx(path):
    """Read an array of bytes: 0, 0, type, number of axes, their lengths, values."""
    opener = gzip.open if path.suffix == ".gz" else open
    with _reading(path), opener(path, "rb") as file:
        content = file.read()
        if len(content) < 4 or content[:3] != bytes([0, 0, IDX_BYTE]):
            raise ValueError("it is no IDX file of bytes.")
        start = 4 + 4 * content[3]
        shape = np.frombuffer(content[4:start], dtype=">u4").astype(int)
        return np.frombuffer(content[start:], dtype=np.uint8).reshape(shape)


# -- MATLAB files ----------------------------------------------------------------------


def frey_mat(folder, part):
    """Read Roweis's file of the Frey faces, ``ff`` (560, n): a column an image."""
    path = folder / "frey_rawface.mat"
    if not path.is_file():
        return None
    with _reading(path):
        (columns,) = _read_mat(path, "ff")
        return columns.T.reshape(-1, 28, 20), None


def umist_mat(folder, part):
    """Read Roweis's file of the UMist faces, ``facedat``: a cell a person."""
    path = folder / "umist_cropped.mat"
    if not path.is_file():
        return None
    with _reading(path):
        (people,) = _read_mat(path, "facedat")
        people = list(people.ravel())  # of (h, w, n) each
        images = np.moveaxis(np.concatenate(people, axis=2), 2, 0)
        return images, np.repeat(range(len(people)), [p.shape[2] for p in people])


def svhn_mat(folder, part):
    """Read a published part of SVHN: ``X`` (32, 32, 3, n), ``y`` with 10 for 0."""
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
