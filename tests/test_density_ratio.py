"""The learned ratio of two known densities."""

import math

import numpy as np
import pytest
import torch
from instances import batch_of, rows_of, small
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from scipy.special import logsumexp
from scipy.stats import norm

from skvae import CVAETransformer, TaskInvariantVAETransformer, VAETransformer
from skvae.distributions import Noise, Normal, StandardNormal, Tilted, kl
from skvae.priors import DensityRatio
from skvae.training import FusedAdam, Rows

N_ROWS, BATCH, PASSES = 4096, 512, 120  # the 5 % tolerances below hold for these


def posteriors(loc, scale):
    """Return the posteriors of rows that take turns, so that q(z) is their mixture."""
    loc, scale = torch.tensor(loc), torch.tensor(scale)  # (M, K) each
    which = torch.arange(N_ROWS) % len(loc)
    return Normal(loc[which], scale[which])


def trained(q, seed=0):
    """Train a critic on posteriors as the training loop would."""
    torch.manual_seed(seed)
    prior = DensityRatio((64, 64), dropout=0.0, n_passes=1, n_kept=2000)
    module = prior.build(q.loc.shape[1], None)
    module.begin(N_ROWS)
    noise = Noise.from_seed(seed)
    every = torch.arange(N_ROWS)
    list(module.losses("encode", every, lambda: q, noise))
    optimizer = FusedAdam(module.critic.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, PASSES)
    for _ in range(PASSES):
        order = torch.randperm(N_ROWS, generator=noise.generator)
        for index in order.split(BATCH):
            for _, loss, _ in module.losses("critic", index, None, noise):
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        schedule.step()
    rows = Rows(np.zeros((N_ROWS, 1), np.float32), "cpu", torch.float32)
    module.settle(
        rows, lambda batch: Normal(q.loc[batch.index], q.scale[batch.index]), noise
    )
    return module.eval()


def learned_divergence(module, q, n_draws=50):
    z = q.sample(Noise.from_seed(9), n_draws)  # (S, N, K)
    with torch.no_grad():
        log_ratio = module(q.loc).log_tilt(z) - module.log_normaliser
    return log_ratio.double().mean().item()


def mixture_divergence(loc, scale):
    """KL(1/M Σ_m N(loc_m, scale_m²) || N(0, 1)) by quadrature."""

    def integrand(z):
        log_q = logsumexp(norm.logpdf(z, loc, scale)) - math.log(len(loc))
        return math.exp(log_q) * (log_q - norm.logpdf(z))

    low, high = np.min(loc - 9 * scale), np.max(loc + 9 * scale)
    grid = np.linspace(low, high, 20_001)  # smooth, and zero at both ends
    return trapezoid([integrand(z) for z in grid], grid)


def test_the_divergence_of_two_gaussians_is_learned():
    loc, scale = [[1.0, 0.0]], [[0.6, 1.3]]
    q = posteriors(loc, scale)
    truth = kl(q, StandardNormal(q.loc))[0].item()  # 0.80 nats
    assert_allclose(learned_divergence(trained(q), q), truth, rtol=0.05)


def test_the_divergence_and_density_of_a_mixture_are_learned():
    loc, scale = [[-1.5], [1.5]], [[0.5], [0.5]]
    q = posteriors(loc, scale)
    truth = mixture_divergence(np.ravel(loc), np.ravel(scale))
    module = trained(q)
    assert_allclose(learned_divergence(module, q), truth, rtol=0.05)
    # e^T N(0, 1) / Z is q, a density that integrates to 1.
    prior = module(torch.zeros(1, 1))
    grid = torch.linspace(-5, 5, 2001)[:, None]
    with torch.no_grad():
        density = prior.log_prob(grid).exp().numpy()
    parts = norm.pdf(grid.numpy(), np.ravel(loc), np.ravel(scale))
    assert_allclose(trapezoid(density, dx=0.005), 1.0, atol=0.02)
    assert np.abs(density - parts.mean(axis=1)).max() < 0.06  # its maximum is 0.4


def test_draws_come_from_the_kept_posteriors():
    q = posteriors([[-1.5], [1.5]], [[0.5], [0.5]])
    draws = trained(q)(torch.zeros(20_000, 1)).sample(Noise.from_seed(3))
    assert abs(draws.mean().item()) < 0.1
    assert_allclose(draws.square().mean().item(), 1.5**2 + 0.5**2, rtol=0.05)


def test_the_normaliser_is_estimated_with_its_error():
    # T(z) = a z − a²/2 has ln E_N(0,1) e^T = 0, and T(z) = a z has a²/2.
    module = DensityRatio((), n_passes=1, n_kept=4).build(1, None)
    with torch.no_grad():
        module.critic.last.weight.fill_(0.8)
    rows = Rows(np.zeros((9, 1), np.float32), "cpu", torch.float32)
    q = Normal(torch.zeros(4, 1), torch.ones(4, 1))
    found = []
    for seed in range(30):
        with torch.no_grad():
            module.settle(rows, lambda batch: q, Noise.from_seed(seed))
        found.append(module.normaliser())
    values, errors = np.transpose(found)
    assert_allclose(values.mean(), 0.8**2 / 2, atol=4 * errors[0] / math.sqrt(30))
    assert_allclose(values.std(ddof=1), errors.mean(), rtol=0.5)


def test_a_linearly_tilted_normal_is_a_shifted_normal():
    # N(z; 0, 1) e^(a z) / e^(a²/2) = N(z; a, 1).
    like = torch.zeros(5, 1)
    tilted = Tilted(StandardNormal(like), lambda z: 0.7 * z.sum(-1), 0.7**2 / 2, None)
    moved = Normal(like + 0.7, torch.ones(5, 1))
    z = torch.randn(5, 1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(tilted.log_prob(z), moved.log_prob(z))
    q = Normal(like - 0.3, 0.5 + like)
    draws = q.sample(Noise.from_seed(0), 100_000)
    estimate = kl(q, tilted, draws).mean(0)
    torch.testing.assert_close(estimate, kl(q, moved), atol=0.01, rtol=0)


# -- in an estimator -------------------------------------------------------------------


@pytest.fixture(scope="module")
def tasks(digits):
    task = np.arange(len(digits)) % 2
    return np.column_stack([np.where(task[:, None] == 1, 1 - digits, digits), task])


@pytest.fixture(scope="module")
def fitted(tasks):
    return TaskInvariantVAETransformer(
        1,
        condition_columns=[-1],
        hidden_layer_sizes=(32,),
        critic_hidden_layer_sizes=(64, 64),
        critic_dropout=0.0,
        n_critic_passes=20,
        likelihood="gaussian-shared",
        max_epochs=60,
        random_state=0,
    ).fit(tasks)


def test_the_bound_rises_by_the_divergence_of_the_aggregated_posterior(fitted, tasks):
    """Theorem 2 of Takahashi et al. (2022), on the same weights, K = 1."""
    q, p = fitted._distributions(tasks)
    z = q.sample(Noise.from_seed(0), 200)
    with torch.no_grad():
        gain = (kl(q, p.base, z) - kl(q, p, z)).mean().item()
    truth = mixture_divergence(q.loc[:, 0].numpy(), q.scale[:, 0].numpy())
    assert_allclose(gain, truth, rtol=0.05)  # the critic's error, as above


def test_the_likelihood_agrees_with_the_exact_aggregated_posterior(fitted, tasks):
    """Compare with ln p(x | s) under the mixture of all posteriors as the prior."""
    q, p = fitted._distributions(tasks)
    batch = batch_of(fitted, tasks)
    z = q.sample(Noise.from_seed(1), 300)
    with torch.no_grad():
        given = fitted.module_.likelihood(z, batch).log_prob(batch.x)
        own = given + p.log_prob(z) - q.log_prob(z)
        mixed = given + p.near.log_prob(z) - q.log_prob(z)
    by_critic, by_mixture = (
        (w.logsumexp(0) - math.log(300)).mean() for w in (own, mixed)
    )
    assert_allclose(by_critic.item(), by_mixture.item(), atol=0.1)
    assert_allclose(fitted.score(tasks), by_critic.item(), atol=0.3)


def test_diagnostics_report_the_normaliser_that_was_subtracted(fitted, tasks):
    found = fitted.log_likelihood(tasks, return_diagnostics=True)
    module = fitted.module_.prior_module
    assert found.log_normaliser == module.log_normaliser.item() != 0
    assert 0 < found.log_normaliser_error < 0.1
    assert_allclose(found.values, fitted.score_samples(tasks))
    with torch.no_grad():
        module.log_normaliser += 1.0
    assert_allclose(fitted.score_samples(tasks), found.values - 1.0, rtol=1e-5)
    with torch.no_grad():
        module.log_normaliser -= 1.0
    vae = small(VAETransformer).fit(tasks)
    assert vae.log_likelihood(tasks, return_diagnostics=True)[4:] == (0.0, 0.0)


def test_without_critic_passes_the_model_is_a_cvae(tasks):
    columns = {"condition_columns": [-1]}
    one = small(TaskInvariantVAETransformer, n_critic_passes=0, **columns).fit(tasks)
    other = small(CVAETransformer, **columns).fit(tasks)
    np.testing.assert_array_equal(one.transform(tasks), other.transform(tasks))
    np.testing.assert_array_equal(one.score_samples(tasks), other.score_samples(tasks))


def test_beta_and_warmup_weigh_the_divergence_including_the_critic(tasks):
    estimator = small(TaskInvariantVAETransformer, condition_columns=[-1], beta=0.5)
    module = estimator.fit(tasks).module_
    module.kl_weight = 0.3
    batch = batch_of(estimator, tasks)
    with torch.no_grad():
        module.prior_module.critic.last.bias.fill_(2.0)
        bound, terms = module._terms(batch, Noise.from_seed(0))
    expected = terms["reconstruction"] - 0.5 * 0.3 * terms["kl"]
    torch.testing.assert_close(bound, expected)
    base = kl(
        module.posterior(batch), StandardNormal(estimator.module_.posterior(batch).mean)
    )
    assert (terms["kl"] < base).all()  # T is about 2 everywhere


def test_the_critic_is_fixed_while_the_model_trains(tasks):
    """The model's step uses no dropout in the critic; the critic's leaves the model."""
    estimator = small(TaskInvariantVAETransformer, condition_columns=[-1]).fit(tasks)
    module = estimator.module_.train()
    batch = batch_of(estimator, tasks)
    module.begin(rows_of(estimator, tasks))
    losses = {
        phase: list(module.losses(batch, phase, Noise.from_seed(0)))
        for phase in dict.fromkeys(module.phases)
    }
    assert [len(found) for found in losses.values()] == [1, 0, 1]
    critic = set(module.prior_module.critic.parameters())
    model = set(module.parameters()) - critic

    def reached(loss, group):
        given = torch.autograd.grad(
            loss.value, list(group), allow_unused=True, retain_graph=True
        )
        return any(g is not None for g in given)

    assert not reached(losses["critic"][0], model)

    def first(phase):
        return next(module.losses(batch, phase, Noise.from_seed(0)))

    again = first("model")
    assert again.value == losses["model"][0].value  # no dropout in the critic
    noisy = [first("critic"), first("critic")]
    assert noisy[0].value != noisy[1].value  # dropout in its own phase


def test_n_kept_posteriors_are_kept(tasks):
    estimator = small(TaskInvariantVAETransformer, condition_columns=[-1], n_kept=7)
    module = estimator.fit(tasks).module_.prior_module
    q, _ = estimator._distributions(tasks)
    assert module.kept_loc.shape == (7, 8)
    for loc, scale in zip(module.kept_loc, module.kept_scale, strict=True):
        row = (q.loc - loc).abs().sum(1).argmin()
        assert_allclose(q.loc[row], loc, atol=1e-5)
        assert_allclose(q.scale[row], scale, atol=1e-5)


def test_the_critics_settings_are_passed_on(tasks):
    estimator = small(
        TaskInvariantVAETransformer,
        condition_columns=[-1],
        critic_lr=0.0123,
        lr=0.0045,
        n_critic_passes=3,
    ).fit(tasks)
    net = estimator.net_
    assert net.optimizer_critic_.param_groups[0]["lr"] == 0.0123
    assert net.optimizer_.param_groups[0]["lr"] == 0.0045
    assert estimator.module_.phases == ("model", "encode", *["critic"] * 3)
    other = small(VAETransformer, prior=DensityRatio((8,), lr=0.5, n_passes=1))
    assert other.fit(tasks).net_.optimizer_critic_.param_groups[0]["lr"] == 0.5
    given = {"optimizer_critic__lr": 0.25}
    assert (
        other.set_params(net_params=given)
        .fit(tasks)
        .net_.optimizer_critic_.param_groups[0]["lr"]
        == 0.25
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden_layer_sizes": (0,)},
        {"activation": "sine"},
        {"dropout": 1.0},
        {"lr": 0.0},
        {"n_passes": -1},
        {"n_kept": 0},
    ],
    ids=str,
)
def test_invalid_settings_are_named(wrong, digits):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"{name!r} parameter of DensityRatio"):
        small(VAETransformer, prior=DensityRatio(**wrong)).fit(digits)
