"""Transformed Gaussian columns: densities in the user's units, and exact inverses."""

import numpy as np
import pytest
import torch
from families import EXACT, numbers
from instances import fit, variants
from scipy import stats
from sklearn.base import clone

from skvae import VAETransformer, load
from skvae.distributions import Gaussian, Noise

KINDS = ("yeo-johnson", "quantile")
N = 300
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


def table():
    """Skewed, bounded, normal, constant columns, and one that is far from zero."""
    random = np.random.default_rng(0)
    z = random.normal(size=N)
    noise = random.normal(size=(N, 3))
    return np.column_stack(
        [
            np.exp(z + 0.3 * noise[:, 0]),
            -np.exp(z + 0.3 * noise[:, 1]) / 50,
            1 / (1 + np.exp(-2 * z)),
            5 + noise[:, 2],
            np.full(N, 3.0),
            1e9 + np.exp(z),
            np.where(z < 0, 0.0, z),
        ]
    )


X = table()


@pytest.fixture(autouse=True, scope="module")
def double():
    """Build heads in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    """A fitted likelihood, its transformation and its training rows from the origin."""
    likelihood = Gaussian(transform=request.param).fit(X)
    x = torch.from_numpy(X - likelihood.origin_)
    return likelihood, likelihood.head(4).transform, x


def beyond(x):
    """Return values inside and outside the range of each column, (..., D)."""
    low, high = x.min(0).values, x.max(0).values
    share = torch.linspace(-1.5, 2.5, 101)[:, None]
    return low + share * (high - low + 1e-3)


def test_the_inverse_is_exact_also_beyond_the_training_rows(fitted):
    _, t, x = fitted
    for values in (x, beyond(x)):
        torch.testing.assert_close(t.inverse(t(values)), values, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(t(t.inverse(values)), values, rtol=1e-9, atol=1e-9)


def test_it_increases(fitted):
    _, t, x = fitted
    assert (t(beyond(x)).diff(dim=0) > 0).all()


def test_the_slope_is_the_numerical_derivative(fitted):
    _, t, x = fitted
    values, step = beyond(x), 1e-7 * (x.max(0).values - x.min(0).values + 1)
    slope = (t(values + step) - t(values - step)) / (2 * step)
    found = t.log_slope(values).exp()
    off = ((found - slope) / found).abs() > 1e-5
    # A difference across a knot, or across zero, is of two lines.
    assert off.double().mean() < 0.01


def test_mean_and_standard_deviation_are_kept(fitted):
    likelihood, t, x = fitted
    np.testing.assert_allclose(t(x).mean(0), likelihood.mean_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(t(x).std(0, correction=0), likelihood.std_, rtol=1e-6)


def test_skewed_columns_become_normal(fitted):
    _, t, x = fitted
    before, after = (np.abs(stats.skew(v[:, :3])) for v in (x.numpy(), t(x).numpy()))
    assert (after < 0.7).all()
    assert (before[:2] > 3).all()


def test_units_do_not_matter():
    for kind in KINDS:
        one = Gaussian(transform=kind).fit(X[:, :3])
        other = Gaussian(transform=kind).fit(1000 * X[:, :3])
        x = torch.from_numpy(X[:, :3])
        found = other.head(4).transform(1000 * x) / 1000
        torch.testing.assert_close(found, one.head(4).transform(x))


def test_normal_columns_hardly_change():
    x = np.random.default_rng(1).normal(10, 2, (2000, 1))
    for kind, off in zip(KINDS, (0.3, 0.5), strict=True):
        t = Gaussian(transform=kind).fit(x).head(4).transform
        inner = torch.linspace(6, 14, 50)[:, None]
        assert (t(inner) - inner).abs().max() < off


@pytest.mark.parametrize("scale", ["column", "shared", "row", 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_density_integrates_to_one(kind, scale):
    head = Gaussian(scale=scale, transform=kind).fit(X[:, [0]]).head(4)
    with torch.no_grad():
        for seed, parameter in enumerate(head.parameters()):
            parameter.copy_(numbers(*parameter.shape, seed=seed) / 3)
        p = head(numbers(1, 4))
        centre, sigma = p.normal.loc, p.normal.scale
        y = centre + sigma * torch.linspace(-9, 9, 60_001)[:, None]
        x = p.transform.inverse(y)  # a grid of x that is dense where the mass is
        density = p.log_prob(x[:, None]).exp().flatten()
    total = torch.trapezoid(density, x.flatten())
    assert total.item() == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_add_up_and_draws_have_the_median(kind):
    likelihood = Gaussian(transform=kind).fit(X)
    p = likelihood.head(4)(numbers(4, 4))
    x = torch.from_numpy(X[:4] - likelihood.origin_)
    torch.testing.assert_close(p.cell_log_prob(x).sum(-1), p.log_prob(x), **EXACT)
    below = (p.sample(Noise.from_seed(0), 5000) < p.mean).double().mean((0, 1))
    np.testing.assert_allclose(below, 0.5, atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_transformed_rows_with_the_jacobian(kind):
    x = X[:100, [0, 2, 3]]
    settings = SMALL | {"dtype": "float64", "early_stopping": False}
    vae = VAETransformer(2, likelihood=Gaussian("column", transform=kind), **settings)
    vae.fit(x)
    t = vae.module_.head.transform
    y = t(torch.from_numpy(x))
    plain = VAETransformer(2, likelihood=Gaussian("column"), **settings)
    plain.fit(y.numpy())
    jacobian = t.log_slope(torch.from_numpy(x)).sum(-1).numpy()
    loss, of_plain = (e.history_[-1]["train_loss"] for e in (vae, plain))
    assert loss == pytest.approx(of_plain - jacobian.mean(), abs=1e-10)
    expected = plain.score_samples(y.numpy()) + jacobian  # at other draws
    np.testing.assert_allclose(vae.score_samples(x), expected, atol=0.3)
    assert vae.score(x) == pytest.approx(expected.mean(), abs=0.01)
    drawn = t.inverse(torch.from_numpy(plain.sample(5, random_state=0)))
    np.testing.assert_allclose(vae.sample(5, random_state=0), drawn, rtol=1e-3)
    mean = t.inverse(torch.from_numpy(plain.reconstruct(y.numpy())))
    np.testing.assert_allclose(vae.reconstruct(x), mean, rtol=1e-3)


def holed():
    x = X.copy()
    x[np.random.default_rng(0).random(x.shape) < 0.2] = np.nan
    x[0] = np.nan
    return x


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_filled_and_files_give_the_same(kind, tmp_path):
    likelihood = Gaussian("column", transform=kind)
    vae = VAETransformer(2, likelihood=likelihood, **SMALL | {"dtype": "float64"})
    x = holed()
    filled, seen = vae.fit(x).impute(x, n_samples=5), ~np.isnan(x)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[seen], x[seen])
    vae.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.reconstruct(x), vae.reconstruct(x))


OTHERS = [
    pytest.param(estimator, id=label.partition("-")[0])
    for label, estimator in variants({"": {"likelihood": Gaussian(transform=KINDS[1])}})
]


@pytest.mark.parametrize("estimator", OTHERS)
def test_every_estimator_answers_in_the_units_of_the_user(estimator):
    x = X[:60, [0, 1, 2, 3, 0, 2]]
    fit(estimator.set_params(max_epochs=1), x)
    mean = estimator.reconstruct(x)
    assert (np.abs(mean - x).mean(0) < 3 * x.std(0)).all()


def test_partial_fit_keeps_what_the_first_rows_taught():
    vae = VAETransformer(2, likelihood=Gaussian(transform="quantile"), **SMALL)
    vae.partial_fit(X[:200])
    knots = [k.copy() for k in vae.likelihood_.knots_]
    vae.partial_fit(X[200:] + 5)
    for before, after in zip(knots, vae.likelihood_.knots_, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", KINDS)
def test_joined_heads_are_one(kind):
    together = Gaussian("column", transform=kind)
    parts = [(clone(together), [0, 2, 3]), (clone(together), [1, 4, 5, 6])]
    settings = SMALL | {"dtype": "float64", "init": "pca"}
    scores = [
        VAETransformer(2, likelihood=likelihood, **settings).fit(X).score(X)
        for likelihood in (together, parts)
    ]
    assert np.isfinite(scores).all()
    assert abs(scores[0] - scores[1]) < 1.0


def test_a_bounded_mean_is_refused():
    with pytest.raises(ValueError, match="requires mean='identity'"):
        Gaussian(mean="tanh", transform="quantile").fit(X)
