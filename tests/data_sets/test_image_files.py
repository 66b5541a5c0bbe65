"""Image sets read from local files, intact or damaged."""

import gzip
import struct

import numpy as np
import pytest
from scipy.io import savemat

from data_sets.image_files import (
    NUMERALS,
    RANDOM,
    SHAPES,
    SIZES,
    random_images,
    write_npz,
)
from skvae import datasets


def write_idx(folder, name, parts, suffix=""):
    opener = gzip.open if suffix else open
    for part, prefix in (("train", "train"), ("test", "t10k")):
        kinds = ("images-idx3", "labels-idx1")
        for kind, values in zip(kinds, parts[part], strict=True):
            header = struct.pack(
                f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape
            )
            with opener(folder / f"{prefix}-{kind}-ubyte{suffix}", "wb") as file:
                file.write(header + values.tobytes())


def write_mat(folder, name, parts):
    if name == "frey":  # columns of pixels, row by row
        images = parts["all"][0]
        savemat(folder / "frey_rawface.mat", {"ff": images.reshape(-1, 560).T})
        return
    for part, (images, labels) in parts.items():  # SVHN: equal red, green and blue
        colours = np.stack([images] * 3, -1).transpose(1, 2, 3, 0)
        ten = np.where(labels == 0, 10, labels)[:, None]
        savemat(folder / f"{part}_32x32.mat", {"X": colours, "y": ten})


def check(found, parts, name):
    images = np.concatenate([images for images, _ in parts.values()])
    assert found.data.dtype == np.float32
    assert found.image_shape == images.shape[1:]
    assert np.shares_memory(found.data, found.images)
    np.testing.assert_allclose(found.images, images / 255, rtol=1e-6)
    if name == "frey":
        assert found.target is None
    else:
        labels = np.concatenate([labels for _, labels in parts.values()])
        np.testing.assert_array_equal(found.target, labels)
        assert found.target.dtype == int
    assert "Source: " in found.DESCR
    assert "Terms: " in found.DESCR


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("keys", [str, str.lower])
def test_archives_are_read(name, keys, tmp_path):
    parts = random_images(name)
    write_npz(tmp_path, name, parts, keys)
    check(getattr(datasets, f"load_{name}")(tmp_path), parts, name)


@pytest.mark.parametrize(
    ("name", "write", "more"),
    [
        ("mnist", write_idx, ()),
        ("mnist", write_idx, (".gz",)),
        ("frey", write_mat, ()),
        ("svhn", write_mat, ()),
    ],
)
def test_published_files_are_read(name, write, more, tmp_path):
    parts = random_images(name)
    write(tmp_path, name, parts, *more)
    check(getattr(datasets, f"load_{name}")(str(tmp_path)), parts, name)


def test_the_published_umist_file_is_read(tmp_path):
    people = np.empty((1, 2), dtype=object)
    for i, n_images in enumerate((3, 2)):
        people[0, i] = RANDOM.integers(0, 256, (112, 92, n_images)).astype(np.uint8)
    savemat(tmp_path / "umist_cropped.mat", {"facedat": people})
    found = datasets.load_umist(tmp_path, image_shape=(112, 92))
    assert found.target.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(found.images[4], people[0, 1][..., 1] / 255, rtol=1e-6)
    assert datasets.load_umist(tmp_path).images.shape == (5, 28, 23)


@pytest.mark.parametrize("name", NUMERALS)
@pytest.mark.parametrize("part", SIZES)
def test_one_part_can_be_read_without_the_other(name, part, tmp_path):
    parts = {part: random_images(name)[part]}  # the other part need not exist
    write_npz(tmp_path, name, parts)
    found = getattr(datasets, f"load_{name}")(tmp_path, subset=part)
    check(found, parts, name)


def test_data_and_classes_can_be_returned_alone(tmp_path):
    write_npz(tmp_path, "usps", random_images("usps"))
    bunch = datasets.load_usps(tmp_path)
    X, y = datasets.load_usps(tmp_path, return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_rounding_errors_above_white_are_clipped(tmp_path):
    np.savez(tmp_path / "frey_faces.npz", X=np.full((1, 28, 20), 1 + 5e-7))
    assert datasets.load_frey(tmp_path).data.max() == 1


def test_the_folder_argument_overrides_the_variable(tmp_path, monkeypatch):
    folders = [tmp_path / "one", tmp_path / "two"]
    for i, folder in enumerate(folders):
        folder.mkdir()
        np.savez(folder / "frey_faces.npz", X=np.full((1, 28, 20), float(i)))
    monkeypatch.setenv("SKVAE_DATA", str(folders[1]))
    assert datasets.load_frey().data[0, 0] == 1
    assert datasets.load_frey(folders[0]).data[0, 0] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("frey_faces.npz", b"no archive", "cannot be read"),
        ("frey_faces.npz", {"Z": np.zeros(3)}, "no 'X'"),
        ("frey_faces.npz", {"X": np.array([None])}, "allow_pickle=False"),
        ("frey_faces.npz", {"X": np.zeros((3, 560))}, r"the shape \(3, 560\)"),
        ("frey_faces.npz", {"X": np.full((1, 28, 20), 1.5)}, r"outside of \[0, 1\]"),
        ("frey_faces.npz", {"X": np.full((1, 28, 20), np.nan)}, r"outside of \[0, 1\]"),
        ("frey_faces.npz", {"X": np.zeros((2, 28, 20)), "y": [0]}, r"shape \(1,\)"),
        ("frey_rawface.mat", b"", "cannot be read"),
        ("frey_rawface.mat", b"MATLAB 7.3 MAT-file" + bytes(200), "cannot be read"),
        ("train-images-idx3-ubyte", b"\0\0\x08\x01\0\0\0\x09abc", "cannot be read"),
        ("train-images-idx3-ubyte", b"\0\0\x0d\x01\0\0\0\x00", "not an IDX file"),
        ("train-images-idx3-ubyte", b"", "not an IDX file"),
        ("train-images-idx3-ubyte.gz", b"unpacked", "cannot be read"),
    ],
)
def test_damaged_files_are_refused(name, content, message, tmp_path):
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        np.savez(tmp_path / name, **content)
    (tmp_path / "train-labels-idx1-ubyte").touch()
    load = datasets.load_frey if "frey" in name else datasets.load_mnist
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_mat_file_with_other_contents_is_refused(tmp_path):
    savemat(tmp_path / "frey_rawface.mat", {"gg": np.zeros(3)})
    with pytest.raises(ValueError, match="it has no 'ff'"):
        datasets.load_frey(tmp_path)
