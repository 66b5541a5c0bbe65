"""Multimodal fits that start at a closed form, against PCA and Gaussian formulas."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from instances import batch_of, small
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import StandardScaler

from skvae import (
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
    VAETransformer,
)
from skvae.distributions import Gaussian
from skvae.nets import ConvDecoder, ConvEncoder

K = 4
WINE = StandardScaler().fit_transform(load_wine().data)
BLOCKS = {"even": np.arange(0, 13, 2), "odd": np.arange(1, 13, 2)}
OTHER = {"even": "odd", "odd": "even"}
MODELS = [JMVAETransformer, JMVAEGANTransformer, HierarchicalJMVAETransformer]
each_model = pytest.mark.parametrize("cls", MODELS)
STARTED = {
    "init": "pca",
    "modalities": BLOCKS,
    "likelihood": "gaussian-shared",
    "max_epochs": 1,
    "lr": 1e-12,
    "dtype": "float64",
    "random_state": 0,
    "early_stopping": False,
}
pytestmark = pytest.mark.usefixtures("closed_form")


def started(X, k=K, cls=JMVAETransformer, **params):
    return cls(k, **(STARTED | params)).fit(X)


def pca_covariance(S, k=K, noise=None):
    """Return the covariance of the linear model with k latents that fits S best."""
    values, vectors = np.linalg.eigh(S)
    noise = values[:-k].mean() if noise is None else noise
    values[:-k], values[-k:] = noise, np.maximum(values[-k:], noise)
    return (vectors * values) @ vectors.T


C = pca_covariance(WINE.T @ WINE / len(WINE))
EXACT = multivariate_normal(np.zeros(13), C).logpdf(WINE)


def without(X, name, rows=slice(None)):
    X = X.copy()
    X[rows, BLOCKS[name][:, None]] = np.nan
    return X


IMAGES = {"modalities": {"image": slice(0, 64), "label": slice(64, 74)}}


def pixels_and_labels():
    digits = load_digits()
    X = np.column_stack([digits.data / 16, np.eye(10)[digits.target]])
    return X, digits.target


def loadings(model):
    """Return W of x = W z_1 + ..., (d, K), in the columns' units."""
    decode = model.module_.modalities.likelihood
    at = torch.vstack([torch.eye(K), torch.zeros(1, K)]).double()
    with torch.no_grad():
        found = decode(at).mean.numpy()
    return (found[:-1] - found[-1]).T


# -- one layer -------------------------------------------------------------------------

NETWORKS = [
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (32, 16)},
    {"hidden_layer_sizes": {"even": (16,), "odd": ()}},
    {"joint_hidden_layer_sizes": (12, 6)},
    {"alpha": 0.0, "n_iterations": 3},
]


@pytest.mark.parametrize("params", NETWORKS)
@pytest.mark.parametrize("cls", [JMVAETransformer, JMVAEGANTransformer])
def test_shared_scales_start_at_probabilistic_pca_of_all_columns(cls, params):
    found = started(WINE, cls=cls, **params).score_samples(WINE)
    np.testing.assert_allclose(found, EXACT, atol=1e-5)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("joint", [(), (12,)])
def test_an_expert_starts_at_the_mean_given_its_modality(name, joint):
    model = started(WINE, joint_hidden_layer_sizes=joint)
    given, target = BLOCKS[name], BLOCKS[OTHER[name]]
    gain = C[np.ix_(target, given)] @ np.linalg.inv(C[np.ix_(given, given)])
    exact = WINE[:, given] @ gain.T
    holed = without(WINE, OTHER[name])
    found = model.inverse_transform(model.transform(holed))
    np.testing.assert_allclose(found[:, target], exact, atol=1e-6)
    drawn = model.generate(holed[:20], OTHER[name], 400, random_state=0, mean=True)
    np.testing.assert_allclose(drawn.mean(0), exact[:20], atol=0.2)


def test_an_expert_starts_at_the_variances_given_its_modality():
    model = started(WINE)
    W = loadings(model)
    np.testing.assert_allclose(W @ W.T, C - np.linalg.eigvalsh(C)[0] * np.eye(13))
    experts = model.module_.experts_of(batch_of(model, WINE))
    for expert, at in zip(experts, BLOCKS.values(), strict=True):
        by_x = np.linalg.solve(C[np.ix_(at, at)], W[at])
        exact = 1 - (W[at] * by_x).sum(0)
        variance = expert.scale[0].detach().numpy() ** 2
        np.testing.assert_allclose(variance, exact, rtol=1e-6)


def test_experts_start_where_their_divergence_is_smallest():
    model = started(WINE)
    X = model.sample(4000, random_state=0)
    module, batch = model.module_, batch_of(model, X)

    def divergence():
        with torch.no_grad():
            experts = module.experts_of(batch)
            return module._divergence_of(experts, module.q(batch.x), batch).mean()

    at_start = divergence()
    for expert in module.experts:
        linear = expert[-1].loc_scale.linear
        for part in (linear.weight[:K], linear.bias[:K], linear.bias[K:]):
            for step in (-0.1, 0.1):
                with torch.no_grad():
                    before = part.clone()
                    part.add_(step * (part.abs() + 0.1))
                    assert divergence() > at_start
                    part.copy_(before)
    assert divergence() == at_start


def test_one_modality_starts_as_the_plain_vae_does():
    settings = {name: v for name, v in STARTED.items() if name != "modalities"}
    plain = VAETransformer(K, **settings).fit(WINE)
    joint = started(WINE, modalities=None)
    np.testing.assert_allclose(joint.transform(WINE), plain.transform(WINE), atol=1e-8)
    np.testing.assert_allclose(joint.score(WINE), plain.score(WINE), rtol=1e-8)


def test_columns_in_any_units_start_alike():
    unit = np.logspace(-3, 3, 13)
    near = started(WINE, likelihood="gaussian").score(WINE)
    X = WINE * unit + 2**20 * unit
    far = started(X, likelihood="gaussian").score(X)
    assert far + np.log(unit).sum() == pytest.approx(near, abs=1e-4)


# -- other columns ---------------------------------------------------------------------


@each_model
def test_pixels_and_labels_start_better_than_independent_columns(cls):
    X, label = pixels_and_labels()
    settings = {"likelihood": {"image": "bernoulli", "label": "categorical"}} | IMAGES
    at_start = started(X[:600], 8, cls, **settings)
    independent = started(X[:600], 8, cls, **(settings | {"init": "random"}))
    with torch.no_grad():
        for modality in independent.module_.modalities:
            modality.head.linear.weight.zero_()
    assert at_start.score(X[:100]) > independent.score(X[:100]) + 2
    X[:100, 64:] = np.nan
    assert at_start.score(X[:100]) > independent.score(X[:100]) + 1
    read = at_start.impute(X[:100])[:, 64:].argmax(1)
    assert np.mean(read == label[:100]) > 0.7


# -- missing blocks --------------------------------------------------------------------

FIXED = {"likelihood": Gaussian(scale=0.6), "k": 2}


def of_rows(S, mean):
    """Return the exact ln p(x) of complete rows at the best loadings for S."""
    covariance = pca_covariance(S, 2, 0.36)
    return multivariate_normal(mean, covariance).logpdf(WINE)


@each_model
def test_loadings_come_from_complete_rows_and_means_from_all(cls):
    X = without(WINE, "even", slice(0, 40))
    X[40:50, BLOCKS["odd"]] = np.nan
    model = started(X, cls=cls, **FIXED | one_layer(cls))
    exact = of_rows(np.cov(WINE[50:].T, bias=True), np.nanmean(X, axis=0))
    np.testing.assert_allclose(model.score_samples(WINE), exact, atol=1e-5)


@each_model
def test_without_complete_rows_each_modality_starts_at_its_own_model(cls):
    X = without(WINE, "even", slice(0, 90))
    X[90:, BLOCKS["odd"]] = np.nan
    S, mean = np.zeros((13, 13)), np.nanmean(X, axis=0)
    for name, rows in (("even", slice(90, None)), ("odd", slice(0, 90))):
        at = BLOCKS[name]
        S[np.ix_(at, at)] = np.cov(WINE[rows, at].T, bias=True)
    model = started(X, cls=cls, **FIXED | one_layer(cls))
    found = model.score_samples(WINE)
    np.testing.assert_allclose(found, of_rows(S, mean), atol=1e-5)


def one_layer(cls):
    return {"k": (2,)} if cls is HierarchicalJMVAETransformer else {}


def test_few_complete_rows_do_not_decide_alone():
    X = without(WINE, "even", slice(5, 90))
    X[90:, BLOCKS["odd"]] = np.nan  # five rows are complete
    few = started(X, **FIXED).score(WINE)
    assert few > started(X[:5], **FIXED).score(WINE) + 1


def test_a_modality_that_few_rows_have_is_among_the_rows(monkeypatch):
    monkeypatch.setattr("skvae.autoencoders._start.MAX_ROWS", 20)
    X = without(WINE, "even", slice(0, 177))
    assert np.isfinite(started(X).score(WINE))


# -- layers ----------------------------------------------------------------------------


def layered(widths, X=WINE, **params):
    return started(X, widths, HierarchicalJMVAETransformer, **params)


@pytest.mark.parametrize("widths", [(K,), (K, K), (K, 2), (K, 6), (K, 3, 5)])
@pytest.mark.parametrize("upper", [(), (8,)])
def test_the_hierarchy_has_the_density_of_probabilistic_pca(widths, upper):
    model = layered(widths, upper_hidden_layer_sizes=upper)
    module = model.module_
    variance = np.eye(widths[-1])
    for below in reversed(module.below):
        at = torch.vstack([torch.eye(len(variance)), torch.zeros(len(variance))])
        with torch.no_grad():
            p = below(at.double())
        B = (p.loc[:-1] - p.loc[-1]).numpy().T
        variance = B @ variance @ B.T + np.diag(p.scale[0].numpy() ** 2)
    np.testing.assert_allclose(variance, np.eye(K), atol=1e-8)
    W = loadings(model)
    sigma = module.modalities[0].likelihood(torch.zeros(1, K).double()).scale
    noise = np.eye(13) * sigma.detach().numpy()[0] ** 2
    np.testing.assert_allclose(W @ W.T + noise, C, atol=1e-8)


def gap(share, n_layers):
    """Return KL(q || p(z | x)) of the best q with independent layers.

    share is r of z_1k; every layer has this latent.
    """
    precision = np.zeros((n_layers, n_layers))
    precision[0, 0] = share / (1 - share)
    precision[-1, -1] += 1
    for lower, upper in pairwise(range(n_layers)):
        c = np.array([1, -np.sqrt(share)])
        both = np.ix_([lower, upper], [lower, upper])
        precision[both] += np.outer(c, c) / (1 - share)
        share = share**2
    return (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1]) / 2


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_the_bound_of_the_hierarchy_is_as_tight_as_its_posterior_allows(n_layers):
    model = layered((K,) * n_layers)
    values = np.linalg.eigvalsh(C)
    gaps = [gap(1 - values[0] / value, n_layers) for value in values[-K:]]
    found = model.log_likelihood(WINE, 500, "elbo", return_std_error=True)
    exact = EXACT.mean() - sum(gaps)
    error = found.mean_std_error
    assert found.values.mean() == pytest.approx(exact, abs=4 * error)
    assert 0 < error < 0.01


def test_the_gap_is_at_most_half_a_bit_per_latent_above_the_first_layer():
    shares = 1 - np.logspace(-6, -0.01, 50)
    for n_layers in (2, 3, 4):
        worst = max(gap(share, n_layers) for share in shares)
        assert 0 < worst < (n_layers - 1) * np.log(2) / 2


def test_a_narrow_top_layer_starts_at_what_the_modalities_share():
    random = np.random.default_rng(0)
    shared, first, second = random.normal(size=(3, 500))
    left = 3 * first[:, None] + shared[:, None] * [1, -1, 1, -1]
    right = 3 * second[:, None] + shared[:, None] * [1, 1, -1, -1]
    X = np.hstack([left, right]) + 0.3 * random.normal(size=(500, 8))
    blocks = {"left": slice(0, 4), "right": slice(4, 8)}
    Z = layered((3, 1), X, modalities=blocks).transform(X)
    assert abs(np.corrcoef(Z[:, 0], shared)[0, 1]) > 0.95


def test_one_layer_starts_as_the_model_without_hierarchy():
    joint, one = started(WINE, alpha=0.0), layered((K,))
    np.testing.assert_allclose(one.transform(WINE), joint.transform(WINE), atol=1e-8)


# -- training --------------------------------------------------------------------------


@each_model
def test_the_start_is_the_worst_that_can_come_out(cls):
    # Steps so large that every epoch is worse than the start.
    settings = {"cls": cls, "early_stopping": True, "dtype": "float32"}
    model = started(WINE, lr=1.0, max_epochs=4, **settings)
    start = started(WINE, **settings)
    np.testing.assert_allclose(model.transform(WINE), start.transform(WINE), atol=1e-4)


@each_model
def test_training_leaves_the_start_for_something_better(cls):
    X = StandardScaler().fit_transform(pixels_and_labels()[0])
    train, test = X[:1200], X[1200:]
    settings = IMAGES | {"k": 8, "cls": cls, "dtype": "float32"}
    start = started(train, **settings)
    model = started(train, lr=1e-3, max_epochs=8, early_stopping=True, **settings)
    at_start, found = (m.log_likelihood(test, 20, "elbo") for m in (start, model))
    assert found.mean() > at_start.mean() + 5
    assert model.history_[-1]["valid_loss"] < model.history_[0]["valid_loss"] - 5


@each_model
def test_two_fits_with_missing_blocks_are_equal_to_the_bit(cls):
    X = without(WINE, "even", slice(0, 30))
    before = torch.get_rng_state()
    first, second = (
        small(cls, init="pca", modalities=BLOCKS).fit(X).transform(X) for _ in range(2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first, second)


# -- networks --------------------------------------------------------------------------


@each_model
def test_an_encoder_of_images_gets_a_linear_path_beside_it(cls):
    X, convolutions = (
        pixels_and_labels()[0][:300],
        ConvEncoder((1, 8, 8), channels=(4,)),
    )
    custom = started(X, cls=cls, encoder={"image": convolutions}, **IMAGES)
    default = started(X, cls=cls, **IMAGES)
    np.testing.assert_allclose(custom.transform(X), default.transform(X), atol=1e-6)


@each_model
def test_a_decoder_that_returns_the_parameters_itself_is_named(cls):
    decoder = {"image": ConvDecoder((1, 8, 8), channels=(4,))}
    with pytest.raises(ValueError, match=f"'init' parameter of {cls.__name__}"):
        started(pixels_and_labels()[0], cls=cls, decoder=decoder, **IMAGES)


@each_model
@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_few_rows_and_constant_columns_start_too(cls, n_rows):
    few = WINE[:n_rows].copy()
    few[:, :3] = 1.0
    model = small(cls, init="pca", modalities=BLOCKS).fit(few)
    assert np.isfinite(model.transform(few)).all()
