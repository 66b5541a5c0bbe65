"""Several image sets as tasks of one table."""

import numpy as np
import pytest

from data_sets.image_files import RANDOM, SHAPES, random_images, write_npz
from skvae import datasets
from skvae.datasets import load_image_tasks


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a few random rows of each set; MNIST has 40 for training."""
    for name in SHAPES:
        write_npz(tmp_path, name, random_images(name))
    labels = np.repeat([0, 1], [30, 10])
    images = RANDOM.random((40, 28, 28))
    np.savez(tmp_path / "mnist.npz", X_train=images, y_train=labels)
    return tmp_path


def test_sets_become_tasks(folder):
    found = load_image_tasks(
        ["frey", "umist", "olivetti"], folder=folder, image_shape=(28, 20)
    )
    assert found.data.shape == (18, 560)
    assert found.task.tolist() == ["frey"] * 6 + ["umist"] * 6 + ["olivetti"] * 6
    assert found.image_shape == (28, 20)
    for name in ("frey", "umist", "olivetti"):
        alone = getattr(datasets, f"load_{name}")(folder, image_shape=(28, 20))
        rows = found.task == name
        np.testing.assert_array_equal(found.data[rows], alone.data)
        wanted = -1 if alone.target is None else alone.target
        np.testing.assert_array_equal(found.target[rows], wanted)
        assert alone.DESCR in found.DESCR


def test_few_rows_of_a_task_are_drawn_by_class(folder):
    def load(seed):
        return load_image_tasks(
            ["usps", "mnist"],
            folder=folder,
            subset="train",
            image_shape=(28, 28),
            n_samples={"mnist": 20},
            random_state=seed,
        )

    found, same, other = load(0), load(0), load(1)
    assert found.task.tolist() == ["usps"] * 5 + ["mnist"] * 20
    drawn = found.data[5:]
    assert np.bincount(found.target[5:]).tolist() == [15, 5]  # 3 to 1, as in all
    assert len(np.unique(drawn, axis=0)) == 20
    whole = datasets.load_mnist(folder, subset="train")
    for row, label in zip(drawn, found.target[5:], strict=True):
        (place,) = np.flatnonzero((whole.data == row).all(1))
        assert whole.target[place] == label
    np.testing.assert_array_equal(found.data, same.data)
    assert not np.array_equal(found.data, other.data)


@pytest.mark.parametrize("n_samples", [6, 100])
def test_at_most_all_rows_of_a_task_are_used(n_samples, folder):
    found = load_image_tasks(["frey", "umist"], folder=folder, image_shape=(9, 9))
    same = load_image_tasks(
        ["frey", "umist"], folder=folder, image_shape=(9, 9), n_samples=n_samples
    )
    np.testing.assert_array_equal(found.data, same.data)


def test_a_frame_has_a_task_column(folder):
    found = load_image_tasks(["frey"], folder=folder, n_samples=2, as_frame=True)
    assert found.frame.shape == (2, 562)
    assert found.data.columns[21] == "pixel_1_1"
    assert set(found.data["task"]) == {"frey"}


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        (["usps", "mnist"], {"subset": "train"}, r"'usps': \(16, 16\), 'mnist': \(28"),
        (["mnist", "frey"], {"subset": "train"}, "must be 'all' with 'frey'"),
    ],
)
def test_incompatible_sets_are_refused(names, more, message, folder):
    with pytest.raises(ValueError, match=message):
        load_image_tasks(names, folder=folder, **more)


def test_tasks_are_not_downloaded_if_forbidden(folder):
    (folder / "mnist.npz").unlink()
    with pytest.raises(FileNotFoundError, match="download_if_missing is False"):
        load_image_tasks(["mnist"], folder=folder, download_if_missing=False)
