"""Models of several modalities against linear Gaussian truths and other identities.

x_m = W_m z + μ_m + σ_m ε with orthogonal columns in every W_m: the posterior given all
modalities, and given each one alone, is then a Gaussian with independent components,
which the encoders can represent. With the weights set to it every number has a closed
form.
"""

from functools import partial

import numpy as np
import pytest
import torch
from instances import small
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from skvae import (
    CMMATransformer,
    CVAETransformer,
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
    VAETransformer,
)
from skvae.distributions import Chain, Gaussian, Noise, Normal, kl
from skvae.metrics import conditional_log_likelihood
from skvae.nets import LocScale

K = 2
BLOCKS = {"wide": np.array([0, 2, 3, 5, 6]), "narrow": np.array([1, 4, 7])}
SCALES = {"wide": 0.7, "narrow": 1.2}


class Truth:
    """The model, and what follows from it."""

    def __init__(self):
        random = np.random.default_rng(0)
        self.W, self.mean = np.empty((8, K)), random.normal(size=8)
        self.var = np.empty(8)
        for name, at in BLOCKS.items():
            q, _ = np.linalg.qr(random.normal(size=(len(at), K)))
            self.W[at] = q * random.uniform(0.8, 1.6, K)
            self.var[at] = SCALES[name] ** 2

    def sample(self, n, seed):
        random = np.random.default_rng(seed)
        z = random.normal(size=(n, K))
        return self.mean + z @ self.W.T + random.normal(size=(n, 8)) * self.var**0.5

    def covariance(self, a, b):
        return self.W[a] @ self.W[b].T + np.diag(self.var)[np.ix_(a, b)]

    def log_prob(self, X, at):
        return multivariate_normal(self.mean[at], self.covariance(at, at)).logpdf(
            X[:, at]
        )

    def conditional_mean(self, X, target, given):
        gain = self.covariance(target, given) @ np.linalg.inv(
            self.covariance(given, given)
        )
        return self.mean[target] + (X[:, given] - self.mean[given]) @ gain.T

    def posterior(self, at):
        """E(z | x) = G (x − μ) and the variances, given some columns."""
        scaled = self.W[at] / self.var[at, None]
        precision = np.eye(K) + self.W[at].T @ scaled
        np.testing.assert_allclose(precision, np.diag(np.diag(precision)), atol=1e-9)
        return np.linalg.inv(precision) @ scaled.T, 1 / np.diag(precision)


TRUTH = Truth()
EVERY = np.arange(8)


@pytest.fixture(scope="module")
def X():
    return TRUTH.sample(400, seed=1)


def without(X, name):
    X = X.copy()
    X[:, BLOCKS[name]] = np.nan
    return X


def set_to(loc_scale, modalities, at):
    """Let an encoder be the true posterior given the columns `at`."""
    gain, variance = TRUTH.posterior(at)
    center = np.concatenate([m.head.center.numpy() for m in modalities])
    spread = np.concatenate([m.head.spread.numpy() for m in modalities])
    linear = loc_scale.linear
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[:K] = torch.as_tensor(gain * spread)
        linear.bias[:K] = torch.as_tensor(gain @ (center - TRUTH.mean[at]))
        raw = np.log(np.expm1(np.sqrt(variance) - 1e-4))
        linear.bias[K:] = torch.as_tensor(raw)


def at_the_truth(X, **params):
    """Fit for an epoch, then set every weight."""
    model = JMVAETransformer(
        K,
        modalities=BLOCKS,
        likelihood={name: Gaussian(scale=scale) for name, scale in SCALES.items()},
        hidden_layer_sizes=(),
        max_epochs=1,
        dtype="float64",
        random_state=0,
        **params,
    ).fit(X)
    module = model.module_
    for modality, at in zip(module.modalities, BLOCKS.values(), strict=True):
        head = modality.head
        with torch.no_grad():
            W = torch.as_tensor(TRUTH.W[at])
            head.linear.weight.copy_(W / head.spread[:, None])
            mean = torch.as_tensor(TRUTH.mean[at])
            head.linear.bias.copy_((mean - head.center) / head.spread)
    both = np.concatenate([*BLOCKS.values()])
    set_to(module.joint[-1], module.modalities, both)
    for expert, modality, at in zip(
        module.experts, module.modalities, BLOCKS.values(), strict=False
    ):
        set_to(expert[-1][-1], [modality], at)
    return model


@pytest.fixture(scope="module")
def experts(X):
    return at_the_truth(X)


@pytest.fixture(scope="module")
def iterated(X):
    return at_the_truth(X, alpha=0.0, n_iterations=30)


# -- the truth ------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_the_joint_log_likelihood_is_exact(which, X, request):
    model = request.getfixturevalue(which)
    np.testing.assert_allclose(
        model.score_samples(X), TRUTH.log_prob(X, EVERY), atol=1e-9
    )


@pytest.mark.parametrize("missing", BLOCKS)
def test_experts_are_the_posterior_of_what_is_there(missing, experts, X):
    """Of the two halves of a proposal the one has weights that are all equal."""
    (other,) = (at for name, at in BLOCKS.items() if name != missing)
    evaluator = experts._evaluator()
    batch = evaluator._batch(experts._check_scorable(without(X, missing)))
    z = torch.randn(5, len(X), 2, generator=torch.Generator().manual_seed(0)).double()
    q, p = evaluator.module.posterior(batch), evaluator.module.prior(batch)
    with torch.no_grad():
        log_joint = evaluator.module.likelihood(z, batch).log_prob(batch.x)
        log_joint = log_joint + p.log_prob(z) - q.log_prob(z)
    exact = np.broadcast_to(TRUTH.log_prob(X, other), log_joint.shape)
    np.testing.assert_allclose(log_joint.numpy(), exact, atol=1e-9)


@pytest.mark.parametrize("missing", BLOCKS)
@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_a_missing_block_is_left_out_of_the_likelihood(which, missing, X, request):
    (other,) = (at for name, at in BLOCKS.items() if name != missing)
    found = request.getfixturevalue(which).log_likelihood(
        without(X, missing), n_samples=20_000, return_std_error=True
    )
    exact = TRUTH.log_prob(X, other)
    assert found.mean_std_error < 0.05
    assert abs(found.values.mean() - exact.mean()) < 4 * found.mean_std_error


def replicates(model, function, n=20):
    """Give `function(model)` under several seeds, (n, ...)."""
    seed, module_seed = model._seed, model.module_.seed
    values = []
    for i in range(n):
        model._seed = model.module_.seed = 1000 + i
        values.append(function(model))
    model._seed, model.module_.seed = seed, module_seed
    return np.array(values)


@pytest.mark.parametrize("missing", BLOCKS)
@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_imputed_means_are_conditional_means(which, missing, X, request):
    model, rows = request.getfixturevalue(which), X[:40]
    (other,) = (at for name, at in BLOCKS.items() if name != missing)
    at = BLOCKS[missing]
    found = replicates(model, lambda m: m.impute(without(rows, missing), 100)[:, at])
    error = found - TRUTH.conditional_mean(rows, at, other)  # (R, n, columns)
    # Rows share their draws, so an error is one of columns, not of rows.
    by_column = error.mean(1)
    std_error = by_column.std(0, ddof=1) / len(found) ** 0.5
    assert (np.abs(by_column.mean(0)) < 4 * std_error).all()
    assert std_error.max() < 0.1


def test_generated_blocks_have_the_conditional_moments(experts, iterated, X):
    at, other = BLOCKS["narrow"], BLOCKS["wide"]
    given = TRUTH.covariance(at, other) @ np.linalg.inv(TRUTH.covariance(other, other))
    covariance = TRUTH.covariance(at, at) - given @ TRUTH.covariance(other, at)
    mean = TRUTH.conditional_mean(X[:5], at, other)
    for model in (experts, iterated):
        drawn = model.generate(X[:5], "narrow", n_samples=3000, random_state=0)
        assert drawn.shape == (3000, 5, 3)
        std_error = np.sqrt(np.diag(covariance) / 3000)
        assert (np.abs(drawn.mean(0) - mean) < 4.5 * std_error).all()
        found = np.cov(np.concatenate(drawn - mean).T)
        np.testing.assert_allclose(found, covariance, atol=0.06)


@pytest.mark.parametrize("target", BLOCKS)
def test_the_importance_weighted_conditional_is_the_truth(target, experts, X):
    (other,) = (at for name, at in BLOCKS.items() if name != target)
    exact = TRUTH.log_prob(X, EVERY) - TRUTH.log_prob(X, other)
    found = conditional_log_likelihood(
        experts, X, target=target, method="importance", n_samples=20_000
    )
    # Under half of the right proposal no weight is above 2, and its variance below 1.
    assert (np.abs(found - exact) < 4 * (2 / 20_000) ** 0.5).all()


@pytest.mark.parametrize("target", BLOCKS)
@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("which", ["experts", "iterated"])
def test_the_predictive_conditional_has_its_expectation(
    which, target, seen, X, request
):
    """E_q ln p(x_t | z) = ln N(x_t; W E(z) + μ, σ²) − ½ tr(W V Wᵀ) / σ²."""
    model, rows = request.getfixturevalue(which), X[:100]
    (rest,) = (name for name in BLOCKS if name != target)
    at, given = BLOCKS[target], EVERY if seen else BLOCKS[rest]
    gain, variance = TRUTH.posterior(given)
    if which == "iterated" and not seen:
        # q is the joint posterior of the filled row, whose mean scatters: together
        # they have the conditional's variance.
        _, variance = TRUTH.posterior(BLOCKS[rest])
    z = (rows[:, given] - TRUTH.mean[given]) @ gain.T
    residual = rows[:, at] - TRUTH.mean[at] - z @ TRUTH.W[at].T
    spread = (TRUTH.W[at] ** 2 @ variance).sum()
    squares = (residual**2).sum(1) + spread
    var = TRUTH.var[at[0]]
    exact = -0.5 * squares / var - 0.5 * len(at) * np.log(2 * np.pi * var)
    names = [rest, target] if seen else [rest]

    def ask(m):
        return conditional_log_likelihood(
            m, rows, target=target, given=names, n_samples=20
        ).mean()

    found = replicates(model, ask, n=60 if which == "iterated" else 30)
    std_error = found.std(ddof=1) / len(found) ** 0.5
    assert abs(found.mean() - exact.mean()) < 4 * std_error
    assert std_error < 0.2


def test_a_fit_without_experts_reaches_the_truth():
    train, test = TRUTH.sample(4000, seed=2), TRUTH.sample(4000, seed=3)
    model = JMVAETransformer(
        K,
        modalities=BLOCKS,
        alpha=0.0,
        hidden_layer_sizes=(),
        lr=1e-2,
        max_epochs=60,
        callbacks=[LRScheduler(CosineAnnealingLR, T_max=60)],
        random_state=0,
    ).fit(train)
    exact = TRUTH.log_prob(test, EVERY).mean()
    assert model.score(test) == pytest.approx(exact, abs=0.2)
    assert model.score(test) < exact + 0.02


# -- identities -----------------------------------------------------------------------


def test_without_alpha_there_are_no_experts(X):
    plain = small(JMVAETransformer, modalities=BLOCKS, alpha=0.0).fit(X)
    with_experts = small(JMVAETransformer, modalities=BLOCKS, alpha=0.5).fit(X)
    assert len(plain.module_.experts) == 0
    assert "kl_experts" not in plain.history_[-1]
    assert len(with_experts.module_.experts) == 2
    assert with_experts.history_[-1]["kl_experts"] > 0
    names = {name.partition(".")[0] for name in plain.module_.state_dict()}
    assert names == {"modalities", "joint"}


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("n_importance_samples", [1, 3])
def test_one_modality_makes_the_vae(alpha, n_importance_samples, X):
    params = {"n_importance_samples": n_importance_samples, "kl_warmup": 2}
    vae = small(VAETransformer, **params).fit(X)
    joint = small(JMVAETransformer, alpha=alpha, **params).fit(X)
    np.testing.assert_array_equal(joint.transform(X), vae.transform(X))
    np.testing.assert_allclose(joint.score_samples(X), vae.score_samples(X), rtol=1e-6)
    assert joint.history_[:, "train_loss"] == vae.history_[:, "train_loss"]


def test_one_layer_makes_the_model_without_hierarchy(X):
    params = {"modalities": BLOCKS, "n_iterations": 3}
    joint = small(JMVAETransformer, n_components=3, alpha=0.0, **params).fit(X)
    one = small(HierarchicalJMVAETransformer, n_components=(3,), **params).fit(X)
    table = without(X, "narrow")
    np.testing.assert_allclose(one.transform(table), joint.transform(table), rtol=1e-5)
    np.testing.assert_allclose(one.score_samples(X), joint.score_samples(X), rtol=1e-5)


def test_alpha_weighs_the_divergences_from_the_experts(X):
    model = small(JMVAETransformer, modalities=BLOCKS).fit(X)
    module, batch = model.module_, model._evaluator()._batch(model._check_encodable(X))
    bounds = {}
    for alpha in (0.0, 1.0, 2.5):
        module.alpha = alpha
        bounds[alpha] = module.bound(batch, Noise.from_seed(0))
    q = module.posterior(batch)
    divergence = 0
    for expert in module.experts_of(batch):
        theirs = torch.distributions.Normal(expert.loc, expert.scale)
        ours = torch.distributions.Normal(q.loc, q.scale)
        divergence += torch.distributions.kl_divergence(ours, theirs).sum(-1)
    for alpha in (1.0, 2.5):
        torch.testing.assert_close(bounds[0.0] - bounds[alpha], alpha * divergence)


def test_alpha_is_left_out_of_incomplete_rows_and_beta_warms_up_alone(X):
    table = X.copy()
    table[::2, BLOCKS["narrow"]] = np.nan
    model = small(JMVAETransformer, modalities=BLOCKS, kl_warmup=4, max_epochs=1)
    module = model.fit(table).module_
    batch = model._evaluator()._batch(model._check_encodable(table))
    assert module.kl_weight == 0.0  # of the first of four epochs
    by_alpha = []
    for alpha in (0.0, 1.0):
        module.alpha = alpha
        by_alpha.append(module.bound(batch, Noise.from_seed(0)))
    difference = by_alpha[0] - by_alpha[1]
    assert (difference[::2] == 0).all()
    assert (difference[1::2] > 0).all()


def test_rows_with_a_missing_block_train_on_their_expert(experts, X):
    table = without(X, "narrow")
    batch = experts._evaluator()._batch(experts._check_encodable(table))
    bound = experts.module_.bound(batch, Noise.from_seed(0))
    # The expert is the exact posterior, so the bound is ln p(x) in expectation.
    draws = [experts.module_.bound(batch, Noise.from_seed(i)) for i in range(200)]
    mean = torch.stack([bound, *draws]).mean(0).detach().numpy()
    exact = TRUTH.log_prob(X, BLOCKS["wide"])
    assert mean.mean() == pytest.approx(exact.mean(), abs=0.02)


def test_zeros_stand_for_a_missing_block_in_training_without_experts(iterated, X):
    module = iterated.module_
    center = np.empty(8)
    for modality, at in zip(module.modalities, BLOCKS.values(), strict=True):
        center[at] = modality.head.center
    filled = np.where(np.isnan(without(X, "wide")), center, X)  # features of zero
    table = iterated._check_encodable(without(X, "wide"))
    batch = iterated._evaluator()._batch(table)
    whole = iterated._evaluator()._batch(iterated._check_encodable(filled))
    torch.testing.assert_close(
        module.inferred(batch)[0].loc, module.posterior(whole).loc
    )


# -- the chain ------------------------------------------------------------------------


def chain():
    torch.manual_seed(0)
    below = [LocScale(3, 2).double(), LocScale(1, 3).double()]

    def normal(layer, z):
        loc, scale = layer(z)
        return Normal(loc, scale + 0.5)

    like = torch.zeros(4, 6, dtype=torch.float64)
    return Chain(like, (2, 3, 1), [partial(normal, layer) for layer in below])


def test_a_chain_is_the_product_of_its_layers():
    p = chain()
    z = p.sample(Noise.from_seed(1), 500)  # (500, 4, 6)
    z1, z2, z3 = z.split((2, 3, 1), -1)
    normal = torch.distributions.Normal
    lower, middle = p.layers(z)[:2]
    expected = (
        normal(lower.loc, lower.scale).log_prob(z1).sum(-1)
        + normal(middle.loc, middle.scale).log_prob(z2).sum(-1)
        + normal(0.0, 1.0).log_prob(z3).sum(-1)
    )
    torch.testing.assert_close(p.log_prob(z), expected)
    torch.testing.assert_close(p.marginal_log_prob(z).sum(-1), expected)
    assert (p.layers(z)[1].loc == p.below[1](z3).loc).all()


def test_the_divergence_from_a_chain_is_that_of_draws():
    p = chain()
    loc, scale = torch.randn(2, 4, 6, dtype=torch.float64)
    q = Normal(loc, scale.abs() + 0.3)
    z = q.sample(Noise.from_seed(2), 20_000)
    drawn = (q.log_prob(z) - p.log_prob(z)).detach()
    closed = kl(q, p, z).detach()
    difference = drawn - closed
    std_error = difference.std(0) / 20_000**0.5
    assert (difference.mean(0).abs() < 4 * std_error).all()
    assert (std_error < 0.01 * closed.mean(0)).all()


# -- conditional models ---------------------------------------------------------------


@pytest.mark.parametrize("cls", [CVAETransformer, CMMATransformer])
def test_conditional_models_answer_the_same_question(cls, X):
    model = small(
        cls, condition_columns=BLOCKS["narrow"], condition_encoding="passthrough"
    ).fit(X)
    found = conditional_log_likelihood(model, X, method="importance", n_samples=64)
    np.testing.assert_array_equal(found, model.score_samples(X))
    blind = conditional_log_likelihood(model, X)
    seeing = conditional_log_likelihood(model, X, given=["data", "condition"])
    assert blind.shape == seeing.shape == (len(X),)
    with pytest.raises(ValueError, match=r"'given' .* must have 'condition'"):
        conditional_log_likelihood(model, X, given=["data"])
    moved = X.copy()
    moved[:, BLOCKS["wide"]] += 1  # what is asked for is not looked at
    module = model.module_
    batches = [
        model._evaluator()._batch(model._check_encodable(rows)) for rows in (X, moved)
    ]
    before, after = (module.blind_posterior(batch) for batch in batches)
    torch.testing.assert_close(before.loc, after.loc, rtol=0, atol=0)


# -- the adversary --------------------------------------------------------------------


def test_generator_and_discriminator_have_groups_and_losses_of_their_own(X):
    model = small(JMVAEGANTransformer, modalities=BLOCKS, image="narrow", max_epochs=5)
    model.fit(X)
    row = model.history_[-1]
    assert row["generator_loss"] != row["discriminator_loss"]
    assert row["discriminator_loss"] == pytest.approx(
        row["missed_real"] + row["missed_fake"], rel=1e-5
    )
    groups = model.module_.parameter_groups()
    decoder = set(model.module_.modalities[1].decoder.parameters())
    assert decoder <= set(groups["generator"])
    assert not decoder & set(groups["model"])


def test_what_is_given_must_be_there(experts, X):
    holed = X.copy()
    holed[3, BLOCKS["wide"]] = np.nan
    for method in ("predictive", "importance"):
        with pytest.raises(ValueError, match="'wide' is missing in row 3"):
            conditional_log_likelihood(experts, holed, target="narrow", method=method)


@pytest.mark.parametrize("n_samples", [5, 100])
def test_a_discrete_target_is_never_more_than_certain(n_samples):
    X, y = load_digits(return_X_y=True)
    table = np.column_stack([X / 16, np.eye(10)[y]])
    model = JMVAETransformer(
        4,
        modalities={"image": slice(0, 64), "label": slice(64, 74)},
        likelihood={"image": "gaussian-shared", "label": "categorical"},
        alpha=0,
        n_iterations=2,
        hidden_layer_sizes=(32,),
        max_epochs=10,
        random_state=0,
    ).fit(table[:500])
    found = conditional_log_likelihood(
        model, table[500:800], target="label", method="importance", n_samples=n_samples
    )
    assert (found <= 1e-6).all()


@pytest.mark.parametrize("given", [3, (), "wide", ["deep"], iter(["wide"])])
def test_a_wrong_given_is_named(given, experts, X):
    with pytest.raises(ValueError, match="'given' parameter of conditional_log"):
        conditional_log_likelihood(experts, X, target="narrow", given=given)
