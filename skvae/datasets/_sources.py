"""Loading of an image set from files in a folder or by download."""

from collections.abc import Callable
from http.client import HTTPException
from importlib.util import find_spec
from os import PathLike
from typing import NamedTuple

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.utils import Bunch

from skvae._validation import (
    BOOLEAN,
    NONE,
    POSITIVE_INT,
    Instance,
    Options,
    check_parameter,
)
from skvae.datasets._files import VARIABLE, find_folder
from skvae.datasets._images import as_grey, resize

PATH = (Instance((str, PathLike), "a path"), NONE)
PARTS = {"all": ("train", "test"), "train": ("train",), "test": ("test",)}


class Source(NamedTuple):
    """An image set: its files, its download and its description.

    Attributes
    ----------
    name : str
        Name of the set.
    files : str
        The files that the readers look for, in words.
    readers : tuple of callable
        See `skvae.datasets._files`. The first one that finds its file is used.
    page : str
        URL of the publication.
    description : str
        Description and terms of use.
    download : callable or None
        Function of the parts that returns the images and labels of each.
    """

    name: str
    files: str
    readers: tuple[Callable, ...]
    page: str
    description: str
    download: Callable | None = None

    @property
    def loader(self):
        """The name of the public function."""
        return f"load_{self.name.split()[0].lower()}"


class ImageShape:
    """Constraint on parameters: a height and a width."""

    def accepts(self, value):
        """Whether `value` is a pair of positive ints."""
        pair = isinstance(value, tuple | list) and len(value) == 2
        return pair and all(POSITIVE_INT.accepts(v) for v in value)

    def __str__(self):
        return "a tuple of two positive ints, height and width"


def load(
    source, folder, parts, image_shape, return_X_y, download_if_missing, padding=0
):
    """Load the parts of an image set; behind the public functions.

    `padding` is the number of black pixels to add on every side before resizing.

    Raises
    ------
    FileNotFoundError
        If the set is neither in the folder nor available for download.
    ValueError
        If a parameter is invalid, or a file has unexpected contents.
    """
    _check(source, folder, image_shape, return_X_y, download_if_missing)
    folder = find_folder(folder)
    found = None if folder is None else [_read(source, folder, p) for p in parts]
    if found is None or None in found:
        found = _download(source, folder, parts, download_if_missing)
        found = [_grey(source.name, *pair) for pair in found]
    border = ((0, 0), (padding, padding), (padding, padding))
    images = np.concatenate(
        [resize(np.pad(images, border), image_shape) for images, _ in found]
    )
    labels = [labels for _, labels in found if labels is not None]
    target = np.concatenate(labels).astype(int) if len(labels) == len(found) else None
    data = images.reshape(len(images), -1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        images=images,
        image_shape=tuple(image_shape),
        DESCR=f"{source.description}Page: {source.page}\n",
    )


def parts_of(subset, owner):
    """Return the parts of a subset."""
    return PARTS[check_parameter("subset", subset, (Options(tuple(PARTS)),), owner)]


def _check(source, folder, image_shape, return_X_y, download_if_missing):
    owner = source.loader
    check_parameter("folder", folder, PATH, owner)
    check_parameter("image_shape", image_shape, (ImageShape(),), owner)
    check_parameter("return_X_y", return_X_y, (BOOLEAN,), owner)
    check_parameter("download_if_missing", download_if_missing, (BOOLEAN,), owner)


def _read(source, folder, part):
    """Return grey images and labels from the first file found."""
    for reader in source.readers:
        found = reader(folder, part)
        if found is not None:
            return _grey(f"{source.name} in {folder}", *found)
    return None


def _grey(where, images, labels):
    try:
        grey = as_grey(images)
        if labels is not None and labels.shape != grey.shape[:1]:
            raise ValueError(
                f"it has {len(images)} images but labels of shape {labels.shape}."
            )
    except ValueError as error:
        raise ValueError(f"{where} cannot be used: {error}") from error
    return grey, labels


# -- downloads -------------------------------------------------------------------------


def _download(source, folder, parts, allowed):
    """Return images and labels of the parts, or raise an error with the reason."""
    cause = None
    if source.download is None:
        reason = f"It cannot be downloaded automatically; see {source.page}."
    elif not allowed:
        reason = "It was not downloaded, as download_if_missing is False."
    else:
        try:
            return source.download(parts)
        except (HTTPException, OSError, ValueError) as error:
            cause = error
            reason = f"The download failed ({type(error).__name__}: {error})."
    raise FileNotFoundError(_missing(source, folder, reason)) from cause


def _missing(source, folder, reason):
    where = f"in {folder}" if folder else "(no folder was given)"
    remedy = (
        f"Pass the folder of {source.files} as folder=... or set the environment "
        f"variable {VARIABLE}"
    )
    if source.download is not None:
        remedy += ", or use download_if_missing=True with a network connection"
    return f"{source.name} was not found {where}. {reason} {remedy}."


def openml(data_id, image_shape, train_counts):
    """Make a download function for OpenML's copy of a set.

    Values are rescaled to a minimum of 0 and a maximum of 1, and classes start at 0.

    Parameters
    ----------
    data_id : int
        Number of the set on OpenML.
    image_shape : tuple of int
        (h, w).
    train_counts : sequence of int
        Rows of each class among the training rows. These must come first; their counts
        are checked if only one part is requested.
    """

    def download(parts):
        parser = "auto" if find_spec("pandas") else "liac-arff"
        found = fetch_openml(data_id=data_id, as_frame=False, parser=parser)
        target = found.target.astype(int)
        target -= target.min()
        n_train = sum(train_counts)
        counts = np.bincount(target[:n_train]).tolist()
        if len(parts) == 1 and counts != list(train_counts):
            raise ValueError("its rows are not in the published order; load all of it")
        images = np.asarray(found.data, dtype=np.float32).reshape(-1, *image_shape)
        images = (images - images.min()) / np.ptp(images)
        rows = {"train": slice(n_train), "test": slice(n_train, None)}
        return [(images[rows[part]], target[rows[part]]) for part in parts]

    return download
