"""Data with tasks: the truth against integrals, files as written here, no network."""

import builtins
import gzip
import struct
from http.client import IncompleteRead
from urllib.error import URLError

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.integrate import quad
from scipy.io import savemat
from scipy.stats import multivariate_normal, norm
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from skvae import CVAETransformer, datasets
from skvae.datasets import (
    _faces,
    _images,
    _sources,
    linear_posterior_information,
    load_image_tasks,
    make_digit_tasks,
    make_task_gaussians,
)

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    """Keep the machine's own data away, and the network."""

    def unexpected(**settings):
        raise AssertionError("nothing is to be downloaded")

    monkeypatch.delenv("SKVAE_DATA", raising=False)
    monkeypatch.setattr(_sources, "fetch_openml", unexpected)
    monkeypatch.setattr(_faces, "fetch_olivetti_faces", unexpected)


# -- a truth with tasks ----------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [7, (3, 1, 2), np.array([1, 4, 1])])
def test_rows_of_each_task(n_samples):
    truth = make_task_gaussians(n_samples, 3, random_state=0)
    sizes = [3, 2, 2] if isinstance(n_samples, int) else list(n_samples)
    assert np.bincount(truth.task).tolist() == sizes
    assert truth.data.shape == (sum(sizes), 8)
    np.testing.assert_allclose(truth.shares, np.array(sizes) / sum(sizes))
    np.testing.assert_allclose(truth.shares @ truth.offsets, 0, atol=1e-14)


def test_rows_are_as_described():
    truth = make_task_gaussians(
        20000, 3, n_components=3, n_features=5, noise=0.3, random_state=1
    )
    np.testing.assert_allclose(truth.loadings.T @ truth.loadings, np.eye(3), atol=1e-12)
    steps = np.linalg.norm(np.diff(truth.offsets, axis=0), axis=1)
    np.testing.assert_allclose(steps, 2.0)  # the separation
    assert 0.6 < (np.diff(truth.task) != 0).mean() < 0.73  # in random order
    rest = truth.data - truth.offsets[truth.task] - truth.latents @ truth.loadings.T
    for values, scale in ((rest, 0.3), (truth.latents, 1.0)):
        covariance = np.cov(values, rowvar=False)
        np.testing.assert_allclose(
            covariance, scale**2 * np.eye(len(covariance)), atol=0.05 * scale**2
        )
        np.testing.assert_allclose(values.mean(0), 0, atol=0.05 * scale)


@pytest.mark.parametrize("n_samples", [1, 50])
def test_posterior_obeys_bayes_rule(n_samples):
    truth = make_task_gaussians(
        n_samples, 1 if n_samples == 1 else 2, n_components=3, random_state=0
    )
    q, d = truth.posterior, truth.data.shape[1]
    z = RANDOM.normal(size=truth.latents.shape)  # the rule holds anywhere
    mean = z @ truth.loadings.T + truth.offsets[truth.task]
    joint = multivariate_normal(cov=truth.noise**2 * np.eye(d)).logpdf(
        truth.data - mean
    ) + multivariate_normal(cov=np.eye(3)).logpdf(z)
    location = truth.data @ q.weights.T + q.intercepts[truth.task]
    log_q = multivariate_normal(cov=q.covariance).logpdf(z - location)
    np.testing.assert_allclose(joint - log_q, truth.log_likelihood, rtol=1e-10)


def mixture_information(means, scale, shares):
    """I(S; Z) of a mixture on a line, as h(Z) − h(Z | S) by adaptive integration."""

    def integrand(z):
        density = shares @ norm.pdf(z, means, scale)
        return -density * np.log(density)

    ends = min(means) - 12 * scale, max(means) + 12 * scale
    entropy = quad(integrand, *ends, points=means, epsabs=1e-12, limit=1000)[0]
    return entropy - 0.5 * np.log(2 * np.pi * np.e * scale**2)


@pytest.mark.parametrize("noise", [0.3, 1.5])
@pytest.mark.parametrize(
    ("n_samples", "separation"),
    [((10, 10), 1.0), ((30, 1), 4.0), ((5, 20, 3), 2.5), ((1, 1, 1, 1, 1), 0.7)],
)
def test_information_of_the_blind_posterior(n_samples, separation, noise):
    truth = make_task_gaussians(
        n_samples, len(n_samples), separation=separation, noise=noise, random_state=0
    )
    shrink = 1 / (1 + noise**2)
    steps = np.arange(len(n_samples))
    means = shrink * separation * (steps - truth.shares @ steps)
    task = mixture_information(means, 1.0, truth.shares)
    blind, exact = truth.blind_posterior, truth.posterior
    np.testing.assert_allclose(blind.mutual_information_task, task, atol=1e-10)
    gap = truth.shares @ means**2 / 2 - task
    np.testing.assert_allclose(blind.prior_gap, gap, atol=1e-10)
    assert exact.mutual_information_task == pytest.approx(0, abs=1e-12)
    assert exact.prior_gap == pytest.approx(0, abs=1e-12)
    for q in (blind, exact):  # two latents, each of signal-to-noise ratio 1 / σ²
        assert q.mutual_information_rows == pytest.approx(np.log1p(noise**-2))


@pytest.fixture(scope="module")
def crooked():
    """A truth of three tasks and any posterior of two latents."""
    truth = make_task_gaussians((5, 2, 3), 3, n_features=4, random_state=0)
    root = RANDOM.normal(size=(2, 2))
    posterior = {
        "weights": RANDOM.normal(size=(2, 4)),
        "intercepts": RANDOM.normal(size=(3, 2)),
        "covariance": root @ root.T + 0.1 * np.eye(2),
    }
    return truth, posterior, linear_posterior_information(truth, **posterior)


def test_divergence_of_any_linear_posterior(crooked):
    # The divergence is quadratic in x, so that its mean over a Gaussian is that over
    # the points mean ± √D columns of a root of the covariance.
    truth, q, found = crooked
    covariance = truth.loadings @ truth.loadings.T + truth.noise**2 * np.eye(4)
    columns = 2 * np.linalg.cholesky(covariance).T
    points = np.concatenate([columns, -columns])
    prior = torch.distributions.MultivariateNormal(
        torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    )
    total = 0
    for share, offset, intercept in zip(
        truth.shares, truth.offsets, q["intercepts"], strict=True
    ):
        means = (offset + points) @ q["weights"].T + intercept
        posterior = torch.distributions.MultivariateNormal(
            torch.tensor(means), torch.tensor(q["covariance"])
        )
        divergence = torch.distributions.kl_divergence(posterior, prior)
        total += share * divergence.mean().item()
    assert found.kl == pytest.approx(total, rel=1e-10)


def test_information_of_any_linear_posterior(crooked):
    truth, q, found = crooked
    covariance = truth.loadings @ truth.loadings.T + truth.noise**2 * np.eye(4)
    cross = q["weights"] @ covariance
    spread = cross @ q["weights"].T + q["covariance"]
    joint = np.block([[covariance, cross.T], [cross, spread]])
    # I(X; Z | S) = h(X | S) + h(Z | S) − h(X, Z | S)
    dets = [np.linalg.slogdet(m)[1] for m in (covariance, spread, joint)]
    rows = 0.5 * (dets[0] + dets[1] - dets[2])
    assert found.mutual_information_rows == pytest.approx(rows, rel=1e-10)
    # The integrals over a grid of the plane.
    means = truth.offsets @ q["weights"].T + q["intercepts"]
    reach = 9 * np.sqrt(np.linalg.eigvalsh(spread)[-1]) + abs(means).max()
    axis, step = np.linspace(-reach, reach, 401, retstep=True)
    z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    parts = [multivariate_normal(m, spread).logpdf(z) for m in means]
    log_mixture = np.logaddexp.reduce(np.log(truth.shares)[:, None] + parts)
    log_prior = multivariate_normal(cov=np.eye(2)).logpdf(z)
    gap = np.exp(log_mixture) @ (log_mixture - log_prior) * step**2
    task = sum(
        share * (np.exp(part) @ (part - log_mixture)) * step**2
        for share, part in zip(truth.shares, parts, strict=True)
    )
    assert found.prior_gap == pytest.approx(gap, rel=1e-8)
    assert found.mutual_information_task == pytest.approx(task, rel=1e-8)
    whole = task + rows + gap  # the identity of Hoffman & Johnson
    assert found.kl == pytest.approx(whole, rel=1e-8)


def test_independent_parts_of_a_task_add_up():
    # Tasks at the corners of a rectangle tell two bits, each on its own axis.
    truth = make_task_gaussians(8, 4, n_components=3, separation=0.0, random_state=0)
    corners = np.array([[0, 0, 9], [0, 3.0, 9], [1.5, 0, 9], [1.5, 3.0, 9]])
    q = truth.blind_posterior
    found = linear_posterior_information(truth, q.weights, corners, q.covariance)
    half = np.array([0.5, 0.5])
    each = [mixture_information(np.array([0, gap]), 1.0, half) for gap in (1.5, 3.0)]
    assert found.mutual_information_task == pytest.approx(sum(each), abs=1e-10)


@pytest.mark.parametrize("separation", [0.0, 1e3])
def test_information_of_tasks_at_one_place_or_far_apart(separation):
    truth = make_task_gaussians((6, 3, 1), 3, separation=separation, random_state=0)
    entropy = -truth.shares @ np.log(truth.shares)
    expected = entropy if separation else 0.0
    found = truth.blind_posterior.mutual_information_task
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_diagonal_and_a_common_intercept_do():
    truth = make_task_gaussians(10, n_components=1, random_state=0)
    q = truth.blind_posterior
    short = linear_posterior_information(truth, q.weights, 0.0, np.diag(q.covariance))
    assert short.kl == pytest.approx(q.kl, rel=1e-12)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": np.ones((2, 3))}, r"weights must have the shape \(K, 8\)"),
        ({"weights": np.ones(8)}, r"weights must have the shape \(K, 8\)"),
        ({"intercepts": np.ones((3, 2))}, r"intercepts must broadcast to \(5, 2\)"),
        ({"covariance": np.eye(3)}, r"covariance must have the shape \(2, 2\)"),
        ({"covariance": -np.eye(2)}, "covariance must be symmetric and positive"),
        ({"covariance": [[1, 1], [0, 1]]}, "covariance must be symmetric and positive"),
    ],
)
def test_wrong_posteriors(changed, message):
    truth = make_task_gaussians(10, 5, random_state=0)
    q = {k: truth.posterior[k] for k in ("weights", "intercepts", "covariance")}
    with pytest.raises(ValueError, match=message):
        linear_posterior_information(truth, **(q | changed))


def test_means_beyond_a_plane_are_refused():
    truth = make_task_gaussians(10, 4, n_components=3, random_state=0)
    q = truth.posterior
    with pytest.raises(ValueError, match="They span 3 dimensions"):
        linear_posterior_information(truth, q.weights, np.eye(4, 3), q.covariance)


@pytest.mark.parametrize(
    ("function", "parameters", "name"),
    [
        (make_task_gaussians, {"n_tasks": 0}, "n_tasks"),
        (make_task_gaussians, {"n_samples": 1}, "n_samples"),
        (make_task_gaussians, {"n_samples": (5, 0)}, "n_samples"),
        (make_task_gaussians, {"n_samples": (5, 5, 5)}, "n_samples"),
        (make_task_gaussians, {"n_components": 9}, "n_features"),
        (make_task_gaussians, {"n_components": 0}, "n_components"),
        (make_task_gaussians, {"separation": -1.0}, "separation"),
        (make_task_gaussians, {"noise": 0.0}, "noise"),
        (make_task_gaussians, {"random_state": "0"}, "random_state"),
        (make_digit_tasks, {"tasks": []}, "tasks"),
        (make_digit_tasks, {"tasks": "plain"}, "tasks"),
        (make_digit_tasks, {"tasks": ["plain", "upside down"]}, "tasks"),
        (make_digit_tasks, {"tasks": ["plain", "plain"]}, "tasks"),
        (make_digit_tasks, {"disjoint": 1}, "disjoint"),
        (make_digit_tasks, {"as_frame": None}, "as_frame"),
        (make_digit_tasks, {"random_state": -1}, "random_state"),
        (datasets.load_mnist, {"folder": 3}, "folder"),
        (datasets.load_mnist, {"subset": "extra"}, "subset"),
        (datasets.load_usps, {"image_shape": 28}, "image_shape"),
        (datasets.load_svhn, {"image_shape": (3, 28, 28)}, "image_shape"),
        (datasets.load_umist, {"image_shape": (28, 0)}, "image_shape"),
        (datasets.load_frey, {"return_X_y": "yes"}, "return_X_y"),
        (datasets.load_olivetti, {"download_if_missing": 0}, "download_if_missing"),
        (load_image_tasks, {"names": "mnist"}, "names"),
        (load_image_tasks, {"names": ["cifar"]}, "names"),
        (load_image_tasks, {"names": ["usps", "usps"]}, "names"),
        (load_image_tasks, {"subset": "valid"}, "subset"),
        (load_image_tasks, {"image_shape": (28,)}, "image_shape"),
        (load_image_tasks, {"n_samples": 0}, "n_samples"),
        (load_image_tasks, {"n_samples": {"frey": 1}}, "n_samples"),
        (load_image_tasks, {"n_samples": {"mnist": 0.5}}, "n_samples"),
        (load_image_tasks, {"as_frame": "auto"}, "as_frame"),
        (load_image_tasks, {"download_if_missing": 1}, "download_if_missing"),
        (load_image_tasks, {"random_state": 0.5}, "random_state"),
    ],
)
def test_wrong_parameters(function, parameters, name):
    given = {"names": ["mnist"]} if function is load_image_tasks else {}
    with pytest.raises(ValueError, match=f"The '{name}") as caught:
        function(**(given | parameters))
    assert function.__name__ in str(caught.value)


@pytest.mark.parametrize("function", [make_task_gaussians, make_digit_tasks])
def test_own_random_numbers(function):
    before = np.random.get_state()[1].copy()
    one, same, other = (function(random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.data, same.data)
    assert not np.array_equal(one.data, other.data)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


# -- digits as tasks -------------------------------------------------------------------


def test_views_of_digits():
    raw = load_digits().images / 16
    found = make_digit_tasks(random_state=0)
    assert found.data.dtype == np.float32
    assert found.image_shape == (8, 8)
    views = {"plain": raw, "inverted": 1 - raw, "rotated": raw.swapaxes(1, 2)[:, ::-1]}
    for task, images in views.items():
        rows = found.task == task
        wanted = images[found.index[rows]].reshape(-1, 64)
        np.testing.assert_array_equal(found.data[rows], wanted)
    np.testing.assert_array_equal(found.target, load_digits().target[found.index])


def test_every_digit_is_in_one_task():
    found = make_digit_tasks(random_state=0)
    assert sorted(found.index) == list(range(1797))
    shares = [np.bincount(found.target[found.task == t]) for t in np.unique(found.task)]
    assert np.ptp(shares, axis=0).max() <= 1  # each class as often in each task


@pytest.mark.parametrize("disjoint", [True, False])
def test_every_digit_is_in_every_task(disjoint):
    tasks = ["rotated"] if disjoint else ["rotated", "plain"]
    found = make_digit_tasks(tasks, disjoint=disjoint)
    for task in tasks:
        np.testing.assert_array_equal(found.index[found.task == task], range(1797))
    assert list(dict.fromkeys(found.task)) == tasks


def test_a_frame_of_digits_is_ready_for_a_conditional_model():
    found = make_digit_tasks(["plain", "inverted"], as_frame=True, random_state=0)
    arrays = make_digit_tasks(["plain", "inverted"], random_state=0)
    assert [*found.data.columns] == [*found.feature_names, "task"]
    assert [*found.frame.columns] == [*found.data.columns, "target"]
    np.testing.assert_array_equal(found.data[found.feature_names], arrays.data)
    np.testing.assert_array_equal(found.frame["task"], arrays.task)
    np.testing.assert_array_equal(found.frame["target"], arrays.target)
    for name in ("target", "task"):
        assert found[name].name == name
        np.testing.assert_array_equal(found[name], arrays[name])
    model = CVAETransformer(2, condition_columns=["task"], max_epochs=1)
    assert model.fit(found.data).conditions_.levels_[0].tolist() == [
        "inverted",
        "plain",
    ]


def test_a_frame_without_pandas(monkeypatch):
    found = builtins.__import__

    def without(name, *arguments, **more):
        if name == "pandas":
            raise ImportError(name)
        return found(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"make_digit_tasks .* \"skvae\[metrics\]\""):
        make_digit_tasks(as_frame=True)


# -- files -----------------------------------------------------------------------------

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


def made_up(name):
    """Bytes and classes of every part of a set."""
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
    for part, (images, labels) in parts.items():  # SVHN: grey in all three colours
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
def test_archives(name, keys, tmp_path):
    parts = made_up(name)
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
def test_published_files(name, write, more, tmp_path):
    parts = made_up(name)
    write(tmp_path, name, parts, *more)
    check(getattr(datasets, f"load_{name}")(str(tmp_path)), parts, name)


def test_published_file_of_umist(tmp_path):
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
def test_parts(name, part, tmp_path):
    parts = {part: made_up(name)[part]}  # the other one need not be there
    write_npz(tmp_path, name, parts)
    found = getattr(datasets, f"load_{name}")(tmp_path, subset=part)
    check(found, parts, name)


def test_data_and_classes_alone(tmp_path):
    write_npz(tmp_path, "usps", made_up("usps"))
    bunch = datasets.load_usps(tmp_path)
    X, y = datasets.load_usps(tmp_path, return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_rounded_numbers_beyond_white(tmp_path):
    np.savez(tmp_path / "frey_faces.npz", X=np.full((1, 28, 20), 1 + 5e-7))
    assert datasets.load_frey(tmp_path).data.max() == 1


def test_folder_by_variable_and_by_argument(tmp_path, monkeypatch):
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
def test_damaged_files(name, content, message, tmp_path):
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        np.savez(tmp_path / name, **content)
    (tmp_path / "train-labels-idx1-ubyte").touch()
    load = datasets.load_frey if "frey" in name else datasets.load_mnist
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_mat_file_of_something_else(tmp_path):
    savemat(tmp_path / "frey_rawface.mat", {"gg": np.zeros(3)})
    with pytest.raises(ValueError, match="it has no 'ff'"):
        datasets.load_frey(tmp_path)


# -- downloads -------------------------------------------------------------------------


def openml(shape, counts, n_test, low, high, first):
    """What OpenML gives: classes as str, rows of floats, training rows first."""
    target = np.repeat(np.arange(10), counts)
    target = np.append(target, np.arange(n_test) % 10) + first
    data = np.full((len(target), np.prod(shape)), float(low))
    data[0, 0], data[-1, -1] = high, (low + high) / 2
    return Bunch(data=data, target=target.astype(str).astype(object))


USPS_COUNTS = [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]  # as published
MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize("pandas", [True, False])
def test_download_of_usps(monkeypatch, tmp_path, pandas):
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


def test_download_of_mnist(monkeypatch):
    made = openml((28, 28), MNIST_COUNTS, 20, 0, 255, first=0)
    monkeypatch.setattr(_sources, "fetch_openml", lambda **settings: made)
    found = datasets.load_mnist(subset="test")
    assert found.data.shape == (20, 784)
    assert found.data[-1, -1] == 0.5
    np.testing.assert_array_equal(found.target, np.arange(20) % 10)


def test_download_of_olivetti_has_the_values_of_the_file(monkeypatch, tmp_path):
    raw = made_up("olivetti")["all"][0] % 243
    raw[0, 0, 0] = 242  # the largest
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
def test_a_download_that_fails(error, name, module, fetcher, monkeypatch, tmp_path):
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


def test_a_download_in_another_order(monkeypatch):
    made = openml((16, 16), USPS_COUNTS[::-1], 2007, -1, 1, first=1)
    monkeypatch.setattr(_sources, "fetch_openml", lambda **settings: made)
    with pytest.raises(FileNotFoundError, match="not in the published order"):
        datasets.load_usps(subset="train")
    assert datasets.load_usps().data.shape == (9298, 256)


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_missing_is_said_and_not_downloaded(name, tmp_path):
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


# -- sizes and colours -----------------------------------------------------------------


def test_half_the_size_weighs_pixels_by_their_distance():
    # The triangle filter: (1, 3, 3, 1) / 8 around each new centre.
    row = RANDOM.random(8).astype(np.float32)
    found = _images.resize(row[None, None].repeat(2, axis=1), (1, 4))[0, 0]
    weights = np.array([1, 3, 3, 1]) / 8
    np.testing.assert_allclose(found[1], weights @ row[1:5], rtol=1e-5)
    np.testing.assert_allclose(found[2], weights @ row[3:7], rtol=1e-5)
    np.testing.assert_allclose(
        found[0], weights[1:] @ row[:3] / weights[1:].sum(), 1e-5
    )


def test_enlarging_agrees_with_scipy():
    images = RANDOM.random((3, 16, 16)).astype(np.float32)
    found = _images.resize(images, (28, 28))
    zoom = (1, 28 / 16, 28 / 16)
    wanted = ndimage.zoom(images, zoom, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("image_shape", [(28, 20), (7, 90), (1, 1)])
def test_another_size_keeps_white(image_shape):
    found = _images.resize(np.ones((2, 64, 64), np.float32), image_shape)
    assert found.shape == (2, *image_shape)
    assert found.max() <= 1
    np.testing.assert_allclose(found, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("colour", "grey"),
    [((255, 255, 255), 1.0), ((0, 255, 0), 0.587), ((9, 0, 0), 0.01055)],
)
def test_grey_is_luma(colour, grey, tmp_path):
    np.savez(tmp_path / "svhn.npz", X_test=np.full((2, 32, 32, 3), colour, np.uint8))
    found = datasets.load_svhn(tmp_path, subset="test")
    np.testing.assert_allclose(found.data, grey, rtol=1e-3)
    assert found.data.max() <= 1


# -- image sets as tasks ---------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """All sets, a few made-up rows of each; MNIST has 40 for training."""
    for name in SHAPES:
        write_npz(tmp_path, name, made_up(name))
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


def test_few_rows_of_the_target_task(folder):
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
    assert np.bincount(found.target[5:]).tolist() == [15, 5]  # 3 to 1, as among all
    assert len(np.unique(drawn, axis=0)) == 20
    whole = datasets.load_mnist(folder, subset="train")
    for row, label in zip(drawn, found.target[5:], strict=True):
        (place,) = np.flatnonzero((whole.data == row).all(1))
        assert whole.target[place] == label
    np.testing.assert_array_equal(found.data, same.data)
    assert not np.array_equal(found.data, other.data)


@pytest.mark.parametrize("n_samples", [6, 100])
def test_no_more_rows_than_there_are(n_samples, folder):
    found = load_image_tasks(["frey", "umist"], folder=folder, image_shape=(9, 9))
    same = load_image_tasks(
        ["frey", "umist"], folder=folder, image_shape=(9, 9), n_samples=n_samples
    )
    np.testing.assert_array_equal(found.data, same.data)


def test_a_frame_of_tasks(folder):
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
def test_sets_that_do_not_go_together(names, more, message, folder):
    with pytest.raises(ValueError, match=message):
        load_image_tasks(names, folder=folder, **more)


def test_tasks_are_not_downloaded_unasked(folder):
    (folder / "mnist.npz").unlink()
    with pytest.raises(FileNotFoundError, match="download_if_missing is False"):
        load_image_tasks(["mnist"], folder=folder, download_if_missing=False)
