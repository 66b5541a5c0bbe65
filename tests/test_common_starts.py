"""The start of every estimator that has one, and what only one of them does."""

import numpy as np
import pytest
import torch
from instances import having, small
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA
from skorch.callbacks import Callback
from starting import STARTED, TABLES, probabilistic_pca, standardised, started

from skvae import (
    AETransformer,
    CMMATransformer,
    HierarchicalJMVAETransformer,
    MCEMTransformer,
    MPVAETransformer,
)
from skvae.distributions import Bernoulli
from skvae.distributions._heads import Head
from skvae.distributions._likelihoods import BernoulliHead
from skvae.nets import ConvDecoder

pytestmark = pytest.mark.usefixtures("closed_form")

# -- every estimator -------------------------------------------------------------------

DENSITIES = [cls for cls in having("init") if hasattr(cls, "score_samples")]
CONDITIONAL = having("init", "condition_columns")
OF_A_CRITIC = {"n_critic_passes": 0}  # the prior stays N(0, I)


def halves(name="wine"):
    """Return training rows, test rows, and the classes of both."""
    X, kind = standardised(name), TABLES[name]().target
    return X[::2], X[1::2], kind[::2], kind[1::2]


def started_small(cls, X, condition=None, **params):
    known = cls().get_params()
    settings = STARTED | {n: v for n, v in OF_A_CRITIC.items() if n in known} | params
    beside = {} if condition is None else {"condition": condition}
    return small(cls, n_components=2, **settings).fit(X, **beside)


def mean_and_error(model, X, **given):
    """Return the mean of ln p(x), and its Monte-Carlo error."""
    found = model.log_likelihood(
        X, n_samples=200, refine=50, return_std_error=True, **given
    )
    return found.values.mean(), found.mean_std_error


@pytest.mark.parametrize("hidden", [(), (8, 4)])
@pytest.mark.parametrize("cls", DENSITIES)
def test_every_density_starts_at_probabilistic_pca(cls, hidden):
    train, test, *_ = halves()
    model = started_small(
        cls, train, likelihood="gaussian-shared", hidden_layer_sizes=hidden
    )
    exact = probabilistic_pca(train, model.transform(test).shape[1], test).mean()
    found, error = mean_and_error(model, test)
    assert found == pytest.approx(exact, abs=1e-6 + 4 * error)
    # The posteriors are exact too, where there is an encoder of one layer of latents.
    inexact = (MCEMTransformer, HierarchicalJMVAETransformer)
    assert error < 1e-6 or cls in inexact


@pytest.mark.parametrize("cls", CONDITIONAL)
def test_a_start_given_a_condition_is_better_than_without(cls):
    train, test, kind, test_kind = halves()
    model = started_small(cls, train, kind, likelihood="gaussian-shared")
    found, _ = mean_and_error(model, test, condition=test_kind)
    assert found > probabilistic_pca(train, 2, test).mean() + 0.5


def test_an_autoencoder_starts_at_pca():
    (cls,) = set(having("init")) - set(DENSITIES)
    train, test, *_ = halves()
    pca = PCA(2).fit(train)
    for hidden in ((), (8, 4)):
        model = started_small(
            cls, train, likelihood="gaussian-shared", hidden_layer_sizes=hidden
        )
        expected = pca.inverse_transform(pca.transform(test))
        np.testing.assert_allclose(model.reconstruct(test), expected, atol=1e-6)
        # Scores are in units of the shared scale.
        ratio = model.transform(test) / pca.transform(test)
        np.testing.assert_allclose(np.abs(ratio), np.abs(ratio[0, 0]), rtol=1e-5)


class Watch(Callback):
    """Keep the held-out rows, and their loss before the first epoch."""

    def on_train_begin(self, net, **kwargs):
        self.at_start = None

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        if self.at_start is None:
            self.rows, self.at_start = dataset_valid, net.held_out_loss(dataset_valid)


@pytest.mark.parametrize("lr", [1e-3, 1.0])
@pytest.mark.parametrize("cls", having("init"))
def test_no_fit_ends_below_its_start(cls, lr):
    X = standardised("wine")
    model = small(
        cls,
        init="pca",
        likelihood="gaussian-shared",
        early_stopping=True,
        lr=lr,
        dtype="float64",  # two ways to compute the bound agree up to rounding
        callbacks=[Watch()],
    ).fit(X)
    watch = next(c for _, c in model.net_.callbacks_ if isinstance(c, Watch))
    assert model.net_.held_out_loss(watch.rows) <= watch.at_start + 1e-6


@pytest.mark.parametrize("shape", [(60, 3), (3, 60)])
@pytest.mark.parametrize("cls", having("init"))
def test_latents_beyond_the_rank_start_empty(cls, shape):
    X = np.random.default_rng(0).normal(size=shape)
    model = small(cls, **STARTED, n_components=6).fit(X)
    k = model.transform(X).shape[1]
    assert np.isfinite(model.transform(X)).all()
    moved = model.inverse_transform(np.eye(k)) - model.inverse_transform(
        np.zeros((k, k))
    )
    assert (np.abs(moved).max(1) > 1e-6).sum() <= min(3, len(X) - 1)


@pytest.mark.parametrize("cls", having("init"))
def test_a_start_is_deterministic_and_leaves_generators_alone(cls, digits):
    before = torch.get_rng_state()
    first, second = (small(cls, init="pca").fit(digits) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first.transform(digits), second.transform(digits))


# -- models of their own ---------------------------------------------------------------


def test_a_learned_prior_given_a_condition_starts_at_a_step_of_em():
    train, test, kind, test_kind = halves()
    model = started_small(CMMATransformer, train, kind, likelihood="gaussian-shared")
    mean = train.mean(0)
    values, vectors = np.linalg.eigh((train - mean).T @ (train - mean) / len(train))
    noise = values[:-2].mean()
    W = vectors[:, -2:] * np.sqrt(values[-2:] - noise)
    sigma = np.linalg.inv(np.eye(2) + W.T @ W / noise)
    z = (train - mean) @ W @ sigma / noise  # posterior means under N(0, I)
    means = np.stack([z[kind == k].mean(0) for k in range(3)])
    prior = np.square(z - means[kind]).mean(0) + np.diag(sigma)
    covariance = (W * prior) @ W.T + noise * np.eye(13)
    left = test - mean - means[test_kind] @ W.T
    exact = multivariate_normal(np.zeros(13), covariance).logpdf(left)
    found = model.score_samples(test, condition=test_kind)
    np.testing.assert_allclose(found, exact, atol=1e-4)
    assert found.mean() > probabilistic_pca(train, 2, test).mean() + 0.5


def test_the_deepest_path_starts_at_the_first_components():
    X = standardised("wine")
    model = started(X, (2, 1), MPVAETransformer, likelihood="gaussian-shared")
    Z = PCA(3).fit_transform(X)
    correlation = np.abs(np.corrcoef(model.transform(X).T, Z.T)[:3, 3:])
    np.testing.assert_allclose(correlation, np.eye(3)[[1, 2, 0]], atol=1e-5)


@pytest.mark.parametrize("path_sizes", [(), (6,)])
@pytest.mark.parametrize("taps", [(0, 2), (1, 2), None])
def test_paths_from_any_depth_start_alike(taps, path_sizes):
    X = standardised("wine")
    model = started(
        X,
        (2, 1),
        MPVAETransformer,
        likelihood="gaussian-shared",
        hidden_layer_sizes=(8, 4),
        taps=taps,
        path_hidden_layer_sizes=path_sizes,
    )
    exact = probabilistic_pca(X, 3)
    np.testing.assert_allclose(model.score_samples(X), exact, rtol=1e-6, atol=1e-5)


def test_rare_values_do_not_upset_an_autoencoder():
    random = np.random.default_rng(0)
    X = (random.random((2000, 40)) < 0.02).astype(float)
    model = started(X[:1000], 10, AETransformer, likelihood="bernoulli")
    rate = X[:1000].mean(0).clip(0.01)
    independent = X[1000:] @ np.log(rate) + (1 - X[1000:]) @ np.log1p(-rate)
    assert model.score(X[1000:]) > independent.mean()


# -- what cannot start -----------------------------------------------------------------


class Doubled(Bernoulli):
    """Its encoder sees every column twice."""

    def head(self, n_hidden):
        return DoubledHead(n_hidden, self.mean_)


class DoubledHead(BernoulliHead):
    def __init__(self, n_hidden, mean):
        super().__init__(n_hidden, mean)
        self.n_features = 2 * len(mean)

    working = Head.working

    def features(self, x):
        return torch.cat([x, x], -1)


class Free(Bernoulli):
    """Its head is a plain module."""

    def head(self, n_hidden):
        return FreeHead(super().head(n_hidden))


class FreeHead(torch.nn.Module):
    def __init__(self, head):
        super().__init__()
        self.inner, self.n_features = head, head.n_features

    def features(self, x):
        return self.inner.features(x)

    def forward(self, h):
        return self.inner(h)


@pytest.mark.parametrize("likelihood", [Doubled(), Free(), [(Free(), slice(None))]])
@pytest.mark.parametrize("cls", having("init"))
def test_a_head_that_cannot_start_is_named(cls, likelihood, digits):
    X = digits / digits.max()
    assert np.isfinite(small(cls, likelihood=likelihood).fit(X).transform(X)).all()
    with pytest.raises(ValueError, match="'init' parameter must be 'random'"):
        small(cls, likelihood=likelihood, init="pca").fit(X)


@pytest.mark.parametrize("cls", having("init", "decoder"))
def test_a_decoder_that_returns_the_parameters_itself_is_named(cls, digits):
    decoder = ConvDecoder((1, 8, 8), channels=(4,))
    with pytest.raises(ValueError, match=f"'init' parameter of {cls.__name__}"):
        small(cls, init="pca", decoder=decoder).fit(digits)


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("cls", having("init"))
def test_few_rows_and_constant_columns_start_too(cls, rows, digits):
    few = digits[:rows].copy()
    few[:, :3] = 1.0
    assert np.isfinite(small(cls, init="pca").fit(few).transform(few)).all()
