"""Training begins with more noise than the closed form, which stays a candidate."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from skvae import CVAETransformer, VAETransformer
from skvae.distributions import Working
from skvae.nets import Dense, Skip
from skvae.starts import fit_linear
from skvae.starts._linear import KEPT, WIDE

WINE = StandardScaler().fit_transform(load_wine().data)
NO_STEP = {"max_epochs": 1, "lr": 1e-12, "dtype": "float64", "random_state": 0}


def linear(k, **settings):
    noise = np.full(WINE.shape[1], Working.SHARED)
    return fit_linear(WINE, k, noise, np.random.default_rng(0), **settings)


@pytest.mark.parametrize("k", [2, 5, 12, 13, 20])
def test_the_wide_start_has_more_noise_and_no_empty_latent(k):
    best, wide = linear(k), linear(k, wide=True)
    smallest = np.linalg.eigvalsh(WINE.T @ WINE / len(WINE))[::-1][min(k, 13) - 1]
    assert (wide.psi >= min(WIDE, smallest) - 1e-9).all()
    assert (wide.psi >= best.psi).all()
    length = (wide.W**2).sum(0)[: min(k, 13)]
    assert (length > KEPT * 0.9 * np.linalg.eigvalsh(WINE.T @ WINE / 178)[0]).all()
    # The directions are the same.
    np.testing.assert_allclose(
        wide.W / np.maximum(np.linalg.norm(wide.W, axis=0), 1e-12),
        best.W / np.maximum(np.linalg.norm(best.W, axis=0), 1e-12),
        atol=1e-6,
    )


def test_a_fixed_noise_is_not_widened():
    noise = np.full(13, Working.FIXED)
    random = np.random.default_rng(0)
    best, wide = (fit_linear(WINE, 3, noise, random, wide=w) for w in (False, True))
    np.testing.assert_array_equal(best.W, wide.W)


def test_training_begins_at_the_wide_start():
    model = VAETransformer(5, early_stopping=False, **NO_STEP).fit(WINE)
    scale = model.module_.head.scale(None).detach().numpy()
    np.testing.assert_allclose(scale, np.sqrt(linear(5, wide=True).psi), rtol=1e-6)


def test_early_stopping_falls_back_to_the_closed_form():
    model = VAETransformer(5, **NO_STEP).fit(WINE)
    scale = model.module_.head.scale(None).detach().numpy()
    assert (scale < 0.9 * np.sqrt(linear(5, wide=True).psi)).all()
    rows, _ = model._hold_out().positions(len(WINE))
    X = WINE[rows]
    exact = PCA(5).fit(X)
    noise = (len(X) - 1) / len(X) * exact.noise_variance_
    np.testing.assert_allclose(scale, np.sqrt(noise), rtol=1e-5)


def test_as_many_latents_as_columns_are_no_trap():
    # The noise of probabilistic PCA is almost zero there.
    X = StandardScaler().fit_transform(load_diabetes().data)
    model = VAETransformer(10, random_state=0).fit(X[:300])
    assert model.n_iter_ > 20
    assert model.score(X[300:]) > PCA(9).fit(X[:300]).score(X[300:]) + 0.5


def test_auto_leaves_custom_networks_as_they_are():
    has_path = {
        init: isinstance(
            VAETransformer(2, encoder=Dense((8,)), max_epochs=1, init=init)
            .fit(WINE)
            .module_.encoder,
            Skip,
        )
        for init in ("auto", "random", "pca")
    }
    assert has_path == {"auto": False, "random": False, "pca": True}


def test_weak_components_do_not_drown():
    random = np.random.default_rng(0)
    X = random.normal(size=(600, 4))
    X[:, 3] = X[:, 0] + X[:, 1] + 0.1 * random.normal(size=600)
    X = StandardScaler().fit_transform(np.column_stack([X, X[:, :2]]))
    noise = np.full(6, Working.SHARED)
    wide = fit_linear(X, 6, noise, np.random.default_rng(0), wide=True)
    length = (wide.W**2).sum(0)
    assert (length[:4] > 0.99 * KEPT * wide.psi[0]).all()
    assert (length[4:] < 1e-9).all()  # two columns are copies


def test_the_wide_start_given_a_condition_has_the_means_of_its_rows():
    kind = load_wine().target
    model = CVAETransformer(4, early_stopping=False, **NO_STEP)
    model.fit(WINE, condition=kind)
    at_zero = model.inverse_transform(np.zeros((3, 4)), condition=[0, 1, 2])
    means = np.stack([WINE[kind == k].mean(0) for k in range(3)])
    np.testing.assert_allclose(at_zero, means, atol=1e-6)
