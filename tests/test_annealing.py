"""Annealed importance sampling against known ln p(x): closed forms and quadrature."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from families import assert_mean
from instances import VARIANTS, fitted, small
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_inference import FEW, LinearGaussian, truth
from test_refinement import REFINABLE

from skvae import (
    AETransformer,
    CategoricalVAETransformer,
    CMMATransformer,
    CVAETransformer,
    VAETransformer,
)
from skvae.annealing import Annealing, annealed_log_weights, schedule
from skvae.distributions import (
    Chain,
    Noise,
    Normal,
    NormalMixture,
    StandardNormal,
    Tilted,
)
from skvae.inference import Evaluator
from skvae.metrics import log_likelihood_bounds
from skvae.training import Batch, LatentModel

ROWS = Batch(x=torch.as_tensor(FEW))


class Wrong(LinearGaussian):
    """The linear model with an encoder that is wrong by several posterior scales."""

    def __init__(self):
        super().__init__(shift=2.0, stretch=0.5)

    def posterior(self, batch):
        q = super().posterior(batch)
        return Normal(q.loc, q.scale.expand_as(q.loc))


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


class Squared(LatentModel):
    """x ~ N(z_1², 0.3²), so that z_1 has two modes; q knows one of them."""

    def __init__(self, prior):
        super().__init__()
        self.prior_of = prior
        self.unused = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))

    def posterior(self, batch):
        return Normal(batch.x.clamp(min=0.1).sqrt(), torch.full_like(batch.x, 0.2))

    def likelihood(self, z, batch=None):
        return Normal(z[..., :1].square(), z.new_tensor([0.3]))

    def prior(self, batch):
        return self.prior_of(batch.x)


def tilted(x):
    """N(0, 1) e^{z}, whose normaliser is e^{1/2}, so that it is N(1, 1)."""
    near = NormalMixture(column(1.0), column(1.0), len(x))
    half = torch.tensor(0.5, dtype=torch.float64)
    return Tilted(StandardNormal(x), lambda z: z[..., 0], half, near)


def chain(x):
    """z_2 ~ N(0, 1), z_1 ~ N(sin z_2, 0.5²)."""
    like = x.new_empty((len(x), 2))
    return Chain(like, (1, 1), [lambda z: Normal(z.sin(), torch.full_like(z, 0.5))])


PRIORS = {
    "standard": StandardNormal,
    "normal": lambda x: Normal(torch.full_like(x, 0.5), torch.full_like(x, 3.0)),
    "mixture": lambda x: NormalMixture(column(-1.5, 1.0), column(0.1, 0.4), len(x)),
    "tilted": tilted,
    "chain": chain,
}
POINTS = Batch(x=column(0.2, 1.0, 2.5))


def by_quadrature(prior):
    """ln p(x) of `POINTS` by the trapezoidal rule over one or two latents."""
    model, n_latents = Squared(prior), 2 if prior is chain else 1
    axes = [torch.linspace(-12, 12, 2401, dtype=torch.float64)] * n_latents
    z = torch.cartesian_prod(*axes).view(-1, n_latents)  # (G, K)
    cell = n_latents * np.log(0.01)
    values = []
    for x in POINTS.x:
        batch = Batch(x=x.expand(len(z), 1))
        log_joint = model.likelihood(z).log_prob(batch.x)
        log_joint = log_joint + model.prior(batch).log_prob(z)
        values.append(log_joint.logsumexp(0) + cell)
    return torch.stack(values)


# -- the estimate ------------------------------------------------------------------


def repeated(batch, n):
    """Return each row n times in a row."""
    return Batch(x=batch.x.repeat_interleave(n, 0))


@pytest.mark.parametrize("n_temperatures", [20, 60])
def test_weights_are_unbiased_forwards_and_backwards(n_temperatures):
    few = Batch(x=ROWS.x[:5])
    exact = torch.as_tensor(truth(few.x))
    batch, exact_model = repeated(few, 2000), LinearGaussian()
    with torch.no_grad():
        z = exact_model.posterior(batch).sample(Noise.from_seed(1))
        chains = Annealing(exact_model, batch, Noise.from_seed(0), n_temperatures)
        forwards = chains.log_weights(1).view(5, 2000).T
        backwards = chains.reverse_log_weights(z, 1).view(5, 2000).T
    assert forwards.std() > 0.1  # so that the test can fail
    assert_mean((forwards - exact).exp(), 1.0)
    assert_mean((exact - backwards).exp(), 1.0)
    assert ((forwards.mean(0) < exact) & (exact < backwards.mean(0))).all()


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
def test_weights_are_unbiased_under_every_prior(prior):
    batch, exact = repeated(POINTS, 3000), by_quadrature(prior)
    noise = Noise.from_seed(0)
    log_w = annealed_log_weights(Squared(prior), batch, noise, 1, 30)
    assert_mean((log_w.view(3, 3000).T - exact).exp(), 1.0)


def test_both_modes_are_found_where_importance_sampling_finds_one():
    evaluator, exact = Evaluator(Squared(StandardNormal)), by_quadrature(StandardNormal)
    x = POINTS.x.numpy()[1:]
    exact = exact.numpy()[1:]
    refined = evaluator.log_likelihood(x, 256, 0, refine=20).values
    np.testing.assert_allclose(refined, exact - np.log(2), atol=0.15)
    found = evaluator.log_likelihood(x, 256, 0, "ais", n_temperatures=100)
    assert (np.abs(found.values - exact) < 4 * found.std_error).all()
    assert found.std_error.max() < 0.05


def test_it_agrees_with_the_truth_and_with_refinement_if_the_encoder_is_wrong():
    evaluator, exact = Evaluator(Wrong()), truth(FEW)
    found = evaluator.log_likelihood(FEW, 64, 0, "ais", n_temperatures=100)
    refined = evaluator.log_likelihood(FEW, 64, 0, refine=60)
    plain = evaluator.log_likelihood(FEW, 64, 0, refine=0)
    assert plain.values.mean() < exact.mean() - 0.5
    for values in (exact, refined.values):
        difference = found.values.mean() - values.mean()
        assert abs(difference) < 4 * np.hypot(
            found.mean_std_error, refined.mean_std_error
        )
    assert np.mean(np.abs(found.values - exact) < 1.96 * found.std_error) > 0.85
    assert found.effective_sample_size.min() > 10


def test_more_temperatures_raise_the_estimate_towards_the_truth():
    evaluator = Evaluator(Wrong())
    means = [
        evaluator.log_likelihood(FEW, 4, 0, "ais", n_temperatures=k).values.mean()
        for k in (2, 8, 32, 128)
    ]
    assert means == sorted(means)
    assert truth(FEW).mean() - 0.05 < means[-1] < truth(FEW).mean() + 0.05


def test_temperatures_rise_from_0_to_1_in_growing_steps():
    assert schedule(1) == [0.0, 1.0]
    steps = np.diff(schedule(50))
    np.testing.assert_allclose(steps[1:] / steps[:-1], 100 ** (1 / 50))
    np.testing.assert_allclose(steps.sum(), 1.0)


# -- the estimators ----------------------------------------------------------------

QUICK = {"method": "ais", "n_samples": 3, "n_temperatures": 8}


@pytest.mark.parametrize("label", REFINABLE)
def test_a_row_does_not_depend_on_the_others(label, digits):
    estimator = fitted(REFINABLE[label], digits)
    together = estimator.log_likelihood(digits[:45], **QUICK)
    order = np.random.default_rng(0).permutation(45)
    shuffled = estimator.log_likelihood(digits[order], **QUICK)
    np.testing.assert_allclose(shuffled, together[order], atol=1e-7)
    alone = [estimator.log_likelihood(digits[[i]], **QUICK)[0] for i in range(2)]
    np.testing.assert_allclose(alone, together[:2], atol=1e-7)


def test_it_touches_nothing_and_works_in_threads_and_inference_mode(digits):
    by_autograd = {"net_params": {"fast_path": False}}  # which leaves gradients
    model = small(VAETransformer, **by_autograd).fit(digits)
    expected = model.log_likelihood(digits, **QUICK)
    parameters = list(model.module_.parameters())
    before = [(p.clone(), p.grad.clone()) for p in parameters]
    generator = torch.get_rng_state()
    with torch.inference_mode():
        np.testing.assert_array_equal(model.log_likelihood(digits, **QUICK), expected)
    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(model.log_likelihood, digits, **QUICK) for _ in range(4)]
        for task in tasks:
            np.testing.assert_array_equal(task.result(), expected)
    assert torch.equal(torch.get_rng_state(), generator)
    for parameter, (value, gradient) in zip(parameters, before, strict=True):
        assert torch.equal(parameter, value)
        assert torch.equal(parameter.grad, gradient)
        assert parameter.requires_grad


def test_errors_name_what_is_wrong(digits):
    model = small(VAETransformer).fit(digits)
    with pytest.raises(ValueError, match="'n_temperatures' parameter of VAET"):
        model.log_likelihood(digits, method="ais", n_temperatures=0)
    with pytest.raises(ValueError, match="'method' parameter of VAETransformer"):
        model.log_likelihood(digits, method="annealed")
    categories = small(CategoricalVAETransformer).fit(digits)
    with pytest.raises(ValueError, match="needs real latents"):
        categories.log_likelihood(digits, method="ais")


HAS_RATIO = re.compile("density-ratio|TaskInvariant")  # as the prior


# -- bounds from both sides --------------------------------------------------------


@pytest.fixture(scope="module")
def linear():
    """A linear model, and the mean of ln p(x) over rows that it generates."""
    model = make_pipeline(
        StandardScaler(),
        VAETransformer(
            2, hidden_layer_sizes=(), max_epochs=60, lr=1e-2, random_state=0
        ),
    ).fit(load_iris().data)
    with torch.no_grad():
        p = model[-1].module_.likelihood(torch.eye(3, 2))
        loadings, scale = p.mean[:2] - p.mean[2], p.scale.expand(3, 4)[0]
    covariance = (loadings.T @ loadings + scale.square().diag()).double()
    return model, -0.5 * float(torch.logdet(2 * np.pi * np.e * covariance))


def test_the_bounds_enclose_the_truth(linear):
    model, exact = linear
    few, many = (
        log_likelihood_bounds(model, n_rows=400, n_chains=2, n_temperatures=k)
        for k in (5, 100)
    )
    assert few.lower < many.lower < many.upper < few.upper
    assert few.gap > 5 * few.gap_error
    assert many.gap < 0.2 * few.gap
    assert many.lower - 4 * many.lower_error < exact
    assert exact < many.upper + 4 * many.upper_error
    assert abs(many.lower - exact) < 4 * many.lower_error
    assert many.gap_error < 0.5 * many.lower_error  # both are of the same rows
    np.testing.assert_allclose(many.gap, many.upper - many.lower)
    np.testing.assert_allclose(many.lower, many.lower_values.mean())
    np.testing.assert_allclose(many.upper, many.upper_values.mean())


def test_the_same_seed_gives_the_same_bounds(linear):
    first, second, other = (
        log_likelihood_bounds(linear[0], n_rows=5, n_temperatures=5, random_state=seed)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.upper_values, second.upper_values)
    assert not np.isin(first.upper_values, other.upper_values).any()


@pytest.mark.parametrize("label", [k for k in REFINABLE if not HAS_RATIO.search(k)])
def test_the_lower_bound_is_below_the_upper_for_every_estimator(label, digits):
    estimator = fitted(REFINABLE[label], digits)
    found = log_likelihood_bounds(estimator, n_rows=20, n_chains=4, n_temperatures=60)
    assert found.lower_values.shape == found.upper_values.shape == (20,)
    assert -4 * found.gap_error < found.gap < 2.0


@pytest.mark.parametrize("cls", [CVAETransformer, CMMATransformer])
def test_conditions_as_an_argument_are_drawn(cls, digits):
    condition = np.arange(len(digits)) % 3
    model = small(cls).fit(digits, condition=condition)
    found = log_likelihood_bounds(model, n_rows=20, n_chains=4, n_temperatures=60)
    assert -4 * found.gap_error < found.gap < 2.0


def test_errors_of_the_bounds_name_what_is_wrong(digits, linear):
    for name, value in {"n_rows": 1, "n_chains": 0, "n_temperatures": 1.5}.items():
        with pytest.raises(ValueError, match=f"'{name}' parameter of log_likelihood_b"):
            log_likelihood_bounds(linear[0], **{name: value})
    with pytest.raises(TypeError, match="needs a model with a density"):
        log_likelihood_bounds(small(AETransformer).fit(digits))
    with pytest.raises(ValueError, match="needs real latents"):
        log_likelihood_bounds(small(CategoricalVAETransformer).fit(digits))
    tilted = small(VAETransformer, **VARIANTS["density-ratio"]).fit(digits)
    with pytest.raises(ValueError, match="drawn from exactly"):
        log_likelihood_bounds(tilted)
