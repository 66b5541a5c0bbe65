"""Gaussian data with tasks, against integrals and closed forms."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from skvae.datasets import linear_posterior_information, make_task_gaussians

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("n_samples", [7, (3, 1, 2), np.array([1, 4, 1])])
def test_each_task_has_the_requested_number_of_rows(n_samples):
    truth = make_task_gaussians(n_samples, 3, random_state=0)
    sizes = [3, 2, 2] if isinstance(n_samples, int) else list(n_samples)
    assert np.bincount(truth.task).tolist() == sizes
    assert truth.data.shape == (sum(sizes), 8)
    np.testing.assert_allclose(truth.shares, np.array(sizes) / sum(sizes))
    np.testing.assert_allclose(truth.shares @ truth.offsets, 0, atol=1e-14)


def test_rows_follow_the_described_model():
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
def test_the_posterior_obeys_bayes_rule(n_samples):
    truth = make_task_gaussians(
        n_samples, 1 if n_samples == 1 else 2, n_components=3, random_state=0
    )
    q, d = truth.posterior, truth.data.shape[1]
    z = RANDOM.normal(size=truth.latents.shape)  # the rule holds for any z
    mean = z @ truth.loadings.T + truth.offsets[truth.task]
    joint = multivariate_normal(cov=truth.noise**2 * np.eye(d)).logpdf(
        truth.data - mean
    ) + multivariate_normal(cov=np.eye(3)).logpdf(z)
    location = truth.data @ q.weights.T + q.intercepts[truth.task]
    log_q = multivariate_normal(cov=q.covariance).logpdf(z - location)
    np.testing.assert_allclose(joint - log_q, truth.log_likelihood, rtol=1e-10)


def mixture_information(means, scale, shares):
    """Integrate I(S; Z) = h(Z) − h(Z | S) of a one-dimensional mixture."""

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
def test_the_information_of_the_blind_posterior_is_exact(n_samples, separation, noise):
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
def random_posterior():
    """Return a truth of three tasks, and a random linear posterior of two latents."""
    truth = make_task_gaussians((5, 2, 3), 3, n_features=4, random_state=0)
    root = RANDOM.normal(size=(2, 2))
    posterior = {
        "weights": RANDOM.normal(size=(2, 4)),
        "intercepts": RANDOM.normal(size=(3, 2)),
        "covariance": root @ root.T + 0.1 * np.eye(2),
    }
    return truth, posterior, linear_posterior_information(truth, **posterior)


def test_the_divergence_of_any_linear_posterior_is_exact(random_posterior):
    # The divergence is quadratic in x, so its mean over a Gaussian is its mean over the
    # points mean ± √D times the columns of a root of the covariance.
    truth, q, found = random_posterior
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


def test_the_information_of_any_linear_posterior_is_exact(random_posterior):
    truth, q, found = random_posterior
    covariance = truth.loadings @ truth.loadings.T + truth.noise**2 * np.eye(4)
    cross = q["weights"] @ covariance
    spread = cross @ q["weights"].T + q["covariance"]
    joint = np.block([[covariance, cross.T], [cross, spread]])
    # I(X; Z | S) = h(X | S) + h(Z | S) − h(X, Z | S)
    dets = [np.linalg.slogdet(m)[1] for m in (covariance, spread, joint)]
    rows = 0.5 * (dets[0] + dets[1] - dets[2])
    assert found.mutual_information_rows == pytest.approx(rows, rel=1e-10)
    # Integrate over a grid of the plane.
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


def test_the_information_of_independent_axes_adds_up():
    # The corners of a rectangle encode two independent bits, one per axis.
    truth = make_task_gaussians(8, 4, n_components=3, separation=0.0, random_state=0)
    corners = np.array([[0, 0, 9], [0, 3.0, 9], [1.5, 0, 9], [1.5, 3.0, 9]])
    q = truth.blind_posterior
    found = linear_posterior_information(truth, q.weights, corners, q.covariance)
    half = np.array([0.5, 0.5])
    each = [mixture_information(np.array([0, gap]), 1.0, half) for gap in (1.5, 3.0)]
    assert found.mutual_information_task == pytest.approx(sum(each), abs=1e-10)


@pytest.mark.parametrize("separation", [0.0, 1e3])
def test_tasks_that_coincide_or_lie_far_apart_have_known_information(separation):
    truth = make_task_gaussians((6, 3, 1), 3, separation=separation, random_state=0)
    entropy = -truth.shares @ np.log(truth.shares)
    expected = entropy if separation else 0.0
    found = truth.blind_posterior.mutual_information_task
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_diagonal_and_a_common_intercept_are_accepted():
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
def test_invalid_posteriors_are_refused(changed, message):
    truth = make_task_gaussians(10, 5, random_state=0)
    q = {k: truth.posterior[k] for k in ("weights", "intercepts", "covariance")}
    with pytest.raises(ValueError, match=message):
        linear_posterior_information(truth, **(q | changed))


def test_means_beyond_a_plane_are_refused():
    truth = make_task_gaussians(10, 4, n_components=3, random_state=0)
    q = truth.posterior
    with pytest.raises(ValueError, match="They span 3 dimensions"):
        linear_posterior_information(truth, q.weights, np.eye(4, 3), q.covariance)
