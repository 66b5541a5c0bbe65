"""Random image sets, written in the published file formats."""

import numpy as np

RANDOM = np.random.default_rng(0)
SIZES = {"train": 5, "test": 3}
SHAPES = {
    "mnist": (28, 28),
    "usps": (16, 16),
    "svhn": (32, 32),
    "olivetti": (64, 64),
    "umist": (28, 23),
    "frey": (28, 20),
}
NUMERALS = ("mnist", "usps", "svhn")
FILES = {name: name if name in NUMERALS else f"{name}_faces" for name in SHAPES}


def random_images(name):
    """Return random images and classes of every part of a set."""
    sizes = SIZES if name in NUMERALS else {"all": 6}
    return {
        part: (
            RANDOM.integers(0, 256, (size, *SHAPES[name])).astype(np.uint8),
            RANDOM.integers(0, 3, size).astype(np.uint8),
        )
        for part, size in sizes.items()
    }


def write_npz(folder, name, parts, keys=str):
    arrays = {}
    for part, (images, labels) in parts.items():
        suffix = "" if part == "all" else f"_{part}"
        arrays[keys(f"X{suffix}")] = images
        if name != "frey":
            arrays[keys(f"y{suffix}")] = labels
    np.savez(folder / f"{FILES[name]}.npz", **arrays)
