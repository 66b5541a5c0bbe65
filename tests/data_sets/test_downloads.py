"""Downloads, without a network."""

from http.client import IncompleteRead
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.utils import Bunch

from data_sets.image_files import FILES, SHAPES, random_images
from skvae import datasets
from skvae.datasets import _faces, _sources


def openml(shape, counts, n_test, low, high, first):
    """Return data as OpenML does: classes as str, float rows, training rows first."""
    target = np.repeat(np.arange(10), counts)
    target = np.append(target, np.arange(n_test) % 10) + first
    data = np.full((len(target), np.prod(shape)), float(low))
    data[0, 0], data[-1, -1] = high, (low + high) / 2
    return Bunch(data=data, target=target.astype(str).astype(object))


USPS_COUNTS = [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]  # as published
MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize("pandas", [True, False])
def test_usps_is_downloaded_and_scaled(monkeypatch, tmp_path, pandas):
    asked = {}

    def fetch(**settings):
        asked.update(settings)
        return openml((16, 16), USPS_COUNTS, 2007, -1, 1, first=1)

    monkeypatch.setattr(_sources, "fetch_openml", fetch)
    monkeypatch.setattr(_sources, "find_spec", lambda name: pandas or None)
    found = datasets.load_usps(tmp_path)
    parser = "auto" if pandas else "liac-arff"
    assert asked == {"data_id": 41082, "as_frame": False, "parser": parser}
    assert found.data.shape == (9298, 256)
    assert found.data[0, 0] == 1
    assert found.data[-1, -1] == 0.5
    assert found.data.sum() == 1.5
    assert found.target.min() == 0
    test = datasets.load_usps(subset="test", image_shape=(28, 28))
    assert test.data.shape == (2007, 784)
    np.testing.assert_array_equal(test.target, found.target[7291:])


def test_mnist_is_downloaded_and_scaled(monkeypatch):
    made = openml((28, 28), MNIST_COUNTS, 20, 0, 255, first=0)
    monkeypatch.setattr(_sources, "fetch_openml", lambda **settings: made)
    found = datasets.load_mnist(subset="test")
    assert found.data.shape == (20, 784)
    assert found.data[-1, -1] == 0.5
    np.testing.assert_array_equal(found.target, np.arange(20) % 10)


def test_downloaded_olivetti_faces_equal_those_of_a_file(monkeypatch, tmp_path):
    raw = random_images("olivetti")["all"][0] % 243
    raw[0, 0, 0] = 242  # the maximum
    faces = Bunch(images=(raw / 242).astype(np.float32), target=np.repeat([0, 1], 3))
    monkeypatch.setattr(_faces, "fetch_olivetti_faces", lambda: faces)
    found = datasets.load_olivetti()
    np.savez(tmp_path / "olivetti_faces.npz", X=raw, y=faces.target)
    local = datasets.load_olivetti(tmp_path)
    np.testing.assert_allclose(found.data, local.data, rtol=1e-6)
    np.testing.assert_array_equal(found.target, local.target)


@pytest.mark.parametrize(
    "error",
    [
        URLError("no such host"),
        TimeoutError("late"),
        IncompleteRead(b"half"),
        ValueError("checksum"),
    ],
)
@pytest.mark.parametrize(
    ("name", "module", "fetcher"),
    [
        ("mnist", _sources, "fetch_openml"),
        ("usps", _sources, "fetch_openml"),
        ("olivetti", _faces, "fetch_olivetti_faces"),
    ],
)
def test_a_failed_download_names_the_alternatives(
    error, name, module, fetcher, monkeypatch, tmp_path
):
    def fetch(**settings):
        raise error

    monkeypatch.setattr(module, fetcher, fetch)
    with pytest.raises(FileNotFoundError) as caught:
        getattr(datasets, f"load_{name}")(tmp_path)
    message = str(caught.value)
    assert caught.value.__cause__ is error
    for part in (str(tmp_path), f"{name}", ".npz", "SKVAE_DATA", type(error).__name__):
        assert part in message
    assert "\n" not in message


def test_a_download_in_an_unexpected_order_is_refused(monkeypatch):
    made = openml((16, 16), USPS_COUNTS[::-1], 2007, -1, 1, first=1)
    monkeypatch.setattr(_sources, "fetch_openml", lambda **settings: made)
    with pytest.raises(FileNotFoundError, match="not in the published order"):
        datasets.load_usps(subset="train")
    assert datasets.load_usps().data.shape == (9298, 256)


@pytest.mark.parametrize("name", SHAPES)
def test_missing_files_are_named_and_not_downloaded(name, tmp_path):
    load = getattr(datasets, f"load_{name}")
    allowed = name in ("mnist", "usps", "olivetti")
    more = {"download_if_missing": False} if allowed else {}
    for folder in (None, tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            load(folder, **more)
        message = str(caught.value)
        assert f"{FILES[name]}.npz" in message
        assert "SKVAE_DATA" in message
        assert ("download_if_missing" if allowed else "https://") in message.replace(
            "http://", "https://"
        )
        assert folder is None or str(folder) in message
