"""The learned density ratio, where both densities are known."""

import math

import numpy as np
import pytest
import torch
from instances import PLAIN, batch_of, rows_of, small
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from scipy.special import logsumexp
from scipy.stats import kstest, norm

from skvae import CVAETransformer, TaskInvariantVAETransformer, VAETransformer
from skvae.distributions import (
    Noise,
    Normal,
    NormalMixture,
    StandardNormal,
    Tilted,
    kl,
)
from skvae.priors import DensityRatio
from skvae.priors._log_normaliser import (
    Effort,
    Proposal,
    estimate_log_normaliser,
)
from skvae.training import FusedAdam, Rows

N_ROWS, BATCH, PASSES = 4096, 512, 120  # enough for errors below 5 %


def posteriors(loc, scale):
    """Rows that share a few posteriors, so that q(z) is the mixture of these."""
    loc, scale = torch.tensor(loc), torch.tensor(scale)  # (M, K) each
    which = torch.arange(N_ROWS) % len(loc)
    return Normal(loc[which], scale[which])


def trained(q, seed=0):
    """Train a critic on posteriors, as the training loop does."""
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
                loss.mean().backward()
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


def test_the_ratio_of_two_gaussians():
    loc, scale = [[1.0, 0.0]], [[0.6, 1.3]]
    q = posteriors(loc, scale)
    truth = kl(q, StandardNormal(q.loc))[0].item()  # 0.80 nats
    assert_allclose(learned_divergence(trained(q), q), truth, rtol=0.05)


def test_the_ratio_of_a_mixture_matches_quadrature():
    loc, scale = [[-1.5], [1.5]], [[0.5], [0.5]]
    q = posteriors(loc, scale)
    truth = mixture_divergence(np.ravel(loc), np.ravel(scale))
    module = trained(q)
    assert_allclose(learned_divergence(module, q), truth, rtol=0.05)
    # e^T N(0, 1) / Z must be close to q, a density that integrates to 1.
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


def test_the_normaliser_and_its_error_are_estimated():
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


def known_ratio(n_latents, n_modes, width, constant):
    """T = ln q(z) / N(z; 0, I) + constant, for a mixture q, and posteriors from q."""
    noise = Noise.from_seed(n_latents)
    loc = 0.7 * noise.normal(torch.empty(n_modes, n_latents))
    scale = width * (1 + noise.uniform(loc))
    q = NormalMixture(loc.double(), scale.double(), 1)
    which = torch.arange(1000) % n_modes
    # Half of each component's variance is that of a posterior, half that between rows.
    half = scale[which] / math.sqrt(2)
    posterior = Normal(loc[which] + half * noise.normal(half), half)

    def log_ratio(z):
        base = StandardNormal(z).log_prob(z)
        return (q.log_prob(z.double()) - base).to(z.dtype) + constant

    draws = q.sample(noise, 5000)[:, 0]
    return log_ratio, posterior, (log_ratio(draws) - constant).mean().item()


@pytest.mark.parametrize(
    ("n_latents", "width", "divergence"),
    [(2, 0.04, 3), (8, 0.25, 6), (8, 0.12, 12), (16, 0.2, 12)],
)
def test_a_known_normaliser_is_found_far_from_the_standard_normal(
    n_latents, width, divergence
):
    """With draws from N(0, I) only, about e^KL of them would be needed."""
    log_ratio, q, kl_found = known_ratio(n_latents, 5, width, constant=1.5)
    assert kl_found > divergence - 1
    n_covered, n_seeds, effort = 0, 5, Effort(16, 32, 0.1)
    for seed in range(n_seeds):
        value, error = estimate_log_normaliser(
            log_ratio, q.loc, q.scale, Noise.from_seed(seed), effort
        )
        assert error < 0.2
        assert abs(value - 1.5) < 4 * error
        n_covered += bool(abs(value - 1.5) < 2.2 * error)
    assert n_covered >= n_seeds - 1


@pytest.mark.parametrize("n_rows", [1, 7, 40])
def test_few_equal_or_diverged_posteriors_raise_nothing(n_rows):
    def log_ratio(z):
        return 0.5 * z.sum(-1) + 2.0  # ln Z = 3 · 0.5² / 2 + 2

    for loc in (0.0, 1e6, math.nan):
        q = Normal(torch.full((n_rows, 3), loc), torch.full((n_rows, 3), 0.1))
        value, error = estimate_log_normaliser(
            log_ratio, q.loc, q.scale, Noise.from_seed(0), Effort(16, 32, 0.1)
        )
        if math.isnan(loc):
            assert math.isnan(value)
        else:
            assert abs(value - 2.375) < 4 * error < 1


def test_the_proposal_draws_from_its_density():
    q = Normal(torch.tensor([[-2.0], [1.0], [1.2]]), torch.full((3, 1), 0.4))
    proposal = Proposal(q.loc, q.scale, Noise.from_seed(0))
    grid = torch.linspace(-8, 8, 4001).double()
    density = proposal.log_prob(grid[:, None]).exp()
    assert_allclose(torch.trapezoid(density, grid), 1, rtol=1e-5)
    cumulative = np.cumsum(density.numpy()) * (grid[1] - grid[0]).item()
    draws = proposal.sample(4, 5000, Noise.from_seed(1)).flatten().numpy()
    distance = kstest(draws, lambda z: np.interp(z, grid.numpy(), cumulative))
    assert distance.pvalue > 1e-3


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
        batch_size=128,
        random_state=0,
        **PLAIN,
    ).fit(tasks)


def test_the_bound_gains_the_divergence_of_the_aggregate(fitted, tasks):
    """Theorem 2 of Takahashi et al. (2022), with the same weights and K = 1."""
    q, p = fitted._distributions(tasks)
    z = q.sample(Noise.from_seed(0), 200)
    with torch.no_grad():
        gain = (kl(q, p.base, z) - kl(q, p, z)).mean().item()
    truth = mixture_divergence(q.loc[:, 0].numpy(), q.scale[:, 0].numpy())
    assert_allclose(gain, truth, rtol=0.05)  # the critic's error, as above


def log_tilted(module, grid):
    """ln of N(z; 0, 1) e^T(z) at K = 1, not normalised."""
    with torch.no_grad():
        return StandardNormal(grid).log_prob(grid) + module.critic(grid)


def log_integral(log_values, grid):
    return logsumexp(log_values, axis=0) + math.log(grid[1, 0] - grid[0, 0])


def test_the_normaliser_of_a_fit_matches_quadrature(fitted):
    module = fitted.module_.prior_module
    grid = torch.linspace(-12, 12, 20_001)[:, None]
    truth = log_integral(log_tilted(module, grid).double().numpy(), grid)
    value, error = module.normaliser()
    assert 0 < error < 0.05
    assert abs(value - truth) < 3 * error


def test_the_likelihood_matches_quadrature(fitted, tasks):
    """ln p(x | s) under the learned prior, integrated over z at K = 1."""
    module, batch = fitted.module_, batch_of(fitted, tasks)
    grid = torch.linspace(-12, 12, 4001)[:, None]
    log_prior = log_tilted(module.prior_module, grid)  # (G,)
    z = grid[:, None].expand(-1, len(batch.x), -1)  # (G, B, 1)
    with torch.no_grad():
        log_joint = module.likelihood(z, batch).log_prob(batch.x) + log_prior[:, None]
    truth = log_integral(log_joint.double().numpy(), grid)
    truth -= log_integral(log_prior.double().numpy(), grid)
    found = fitted.log_likelihood(tasks, n_samples=1000, return_diagnostics=True)
    error = math.hypot(found.mean_std_error, found.log_normaliser_error)
    assert error < 0.05
    assert abs(found.values.mean() - truth.mean()) < 3 * error


def held_out(estimator, rows, shift):
    """The held-out loss, and the same without an estimate, at T + shift."""
    module = estimator.module_.prior_module
    with torch.no_grad():
        module.critic.last.bias += shift
    found = estimator.net_.held_out_loss(rows)
    with torch.no_grad():
        module.log_normaliser.zero_()
        bound = estimator.module_.bound(
            rows.take(torch.arange(len(rows))), Noise.from_seed(0)
        )
        module.critic.last.bias -= shift
    return found, bound.mean().item()


def test_a_constant_in_the_critic_does_not_change_the_held_out_bound(tasks):
    estimator = small(TaskInvariantVAETransformer, condition_columns=[-1]).fit(tasks)
    rows = rows_of(estimator, tasks)
    one, unnormalised = held_out(estimator, rows, 0.0)
    other, shifted = held_out(estimator, rows, 5.0)
    assert_allclose(other, one, atol=1e-4)
    assert_allclose(shifted - unnormalised, 5.0, atol=1e-4)


def test_the_held_out_bound_does_not_depend_on_earlier_estimates(tasks):
    estimator = small(TaskInvariantVAETransformer, condition_columns=[-1]).fit(tasks)
    rows, net = rows_of(estimator, tasks), estimator.net_
    first = net.held_out_loss(rows)
    with torch.no_grad():
        estimator.module_.prior_module.log_normaliser.fill_(7.0)
    assert net.held_out_loss(rows) == first


def test_diagnostics_report_the_subtracted_normaliser(fitted, tasks):
    found = fitted.log_likelihood(tasks, return_diagnostics=True)
    module = fitted.module_.prior_module
    assert found.log_normaliser == module.log_normaliser.item() != 0
    assert 0 < found.log_normaliser_error < 0.1
    assert_allclose(found.values, fitted.score_samples(tasks))
    with torch.no_grad():
        module.log_normaliser += 1.0
    # ln w is a float32 of about ten nats.
    assert_allclose(fitted.score_samples(tasks), found.values - 1.0, atol=1e-5)
    with torch.no_grad():
        module.log_normaliser -= 1.0
    vae = small(VAETransformer).fit(tasks)
    assert vae.log_likelihood(tasks, return_diagnostics=True)[4:] == (0.0, 0.0)


def test_without_passes_it_is_the_cvae(tasks):
    # By autograd, the bits are the same in both classes.
    how = {"condition_columns": [-1], "net_params": {"fast_path": False}}
    one = small(TaskInvariantVAETransformer, n_critic_passes=0, **how).fit(tasks)
    other = small(CVAETransformer, **how).fit(tasks)
    np.testing.assert_array_equal(one.transform(tasks), other.transform(tasks))
    ours, theirs = (m.log_likelihood(tasks, refine=0) for m in (one, other))
    np.testing.assert_array_equal(ours, theirs)
    refined = one.score_samples(tasks), other.score_samples(tasks)
    np.testing.assert_allclose(*refined, rtol=1e-5, atol=1e-5)


def test_beta_and_warmup_weight_divergence_and_critic_alike(tasks):
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


def test_critic_and_model_are_updated_separately(tasks):
    """Model steps use the critic without dropout; critic steps leave the model."""
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
            loss.value.mean(), list(group), allow_unused=True, retain_graph=True
        )
        return any(g is not None for g in given)

    assert not reached(losses["critic"][0], model)

    def first(phase):
        return next(module.losses(batch, phase, Noise.from_seed(0)))

    again = first("model")
    assert torch.equal(again.value, losses["model"][0].value)  # no dropout
    noisy = [first("critic"), first("critic")]
    assert (noisy[0].value != noisy[1].value).all()  # dropout in its own phase


def test_n_kept_posteriors_of_training_rows_are_kept(tasks):
    estimator = small(TaskInvariantVAETransformer, condition_columns=[-1], n_kept=7)
    module = estimator.fit(tasks).module_.prior_module
    q, _ = estimator._distributions(tasks)
    assert module.kept_loc.shape == (7, 8)
    for loc, scale in zip(module.kept_loc, module.kept_scale, strict=True):
        row = (q.loc - loc).abs().sum(1).argmin()
        assert_allclose(q.loc[row], loc, atol=1e-5)
        assert_allclose(q.scale[row], scale, atol=1e-5)


def test_the_parameters_of_the_critic_are_used(tasks):
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
def test_invalid_parameters_raise(wrong, digits):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"{name!r} parameter of DensityRatio"):
        small(VAETransformer, prior=DensityRatio(**wrong)).fit(digits)
