"""Priors: the standard normal, and the mixture of posteriors with its gradients."""

import pytest
import torch
from families import EXACT, assert_mean, numbers
from sklearn.base import clone
from torch import nn
from torch.func import functional_call

from skvae import VAETransformer
from skvae.distributions import Noise, Normal
from skvae.distributions import StandardNormal as StandardNormalDistribution
from skvae.nets import LocScale
from skvae.priors import SHORTHAND, Prior, StandardNormal, VampPrior, as_prior


class Encoder(nn.Module):
    """x -> N(loc(x), scale(x)), linear."""

    def __init__(self, n_components):
        super().__init__()
        self.layer = LocScale(2, n_components).double()
        with torch.no_grad():
            self.layer.linear.weight.copy_(numbers(2 * n_components, 2))
            self.layer.linear.bias.copy_(numbers(2 * n_components, seed=1))

    def forward(self, x):
        return Normal(*self.layer(x))


def vamp(n_components, n_pseudo_inputs=5):
    """Return the prior's module and the posterior that it is called with."""

    def rows(n):
        return numbers(n, 2, seed=3)

    prior = VampPrior(n_pseudo_inputs).build(n_components, rows)
    return prior, Encoder(n_components)


def like(n_rows, n_components):
    return torch.empty(n_rows, n_components, dtype=torch.float64)


# -- the parameter ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "cls"), [*SHORTHAND.items(), (VampPrior(3), VampPrior)]
)
def test_a_prior_is_a_name_or_an_object(value, cls):
    assert type(as_prior(value)) is cls


@pytest.mark.parametrize("value", ["normal", None, VampPrior, 1])
def test_an_invalid_prior_raises(value):
    with pytest.raises(ValueError, match="'prior' parameter of Model must be a str"):
        as_prior(value, "Model")


@pytest.mark.parametrize("value", [0, 2.5, "5"])
def test_an_invalid_number_of_pseudo_inputs_raises(value):
    with pytest.raises(ValueError, match="'n_pseudo_inputs' parameter of VampPrior"):
        VampPrior(value).build(1, None)


def test_the_number_of_pseudo_inputs_is_searchable():
    estimator = VAETransformer(prior=VampPrior(3))
    copy = clone(estimator).set_params(prior__n_pseudo_inputs=7)
    assert copy.prior.n_pseudo_inputs == 7
    assert estimator.prior.n_pseudo_inputs == 3


def test_a_prior_must_implement_build():
    with pytest.raises(NotImplementedError):
        Prior().build(2, None)


# -- the standard normal ----------------------------------------------------------


def test_the_standard_normal_has_no_parameters():
    module = StandardNormal().build(3, None)
    distribution = module(like(4, 3), None)
    assert list(module.parameters()) == []
    assert type(distribution) is StandardNormalDistribution
    assert torch.equal(distribution.mean, torch.zeros(4, 3, dtype=torch.float64))


# -- the mixture of posteriors ----------------------------------------------------


def test_vamp_averages_the_posteriors_at_the_pseudo_inputs():
    prior, encoder = vamp(n_components=2)
    z = numbers(6, 4, 2, seed=5)
    with torch.no_grad():
        densities = encoder(prior.pseudo_inputs).log_prob(z.unsqueeze(-2)).exp()
        log_prob = prior(like(4, 2), encoder).log_prob(z)
    torch.testing.assert_close(log_prob, densities.mean(-1).log(), **EXACT)


def test_vamp_integrates_to_one():
    prior, encoder = vamp(n_components=1)
    z = torch.linspace(-60, 60, 400_001, dtype=torch.float64).unsqueeze(1)
    with torch.no_grad():
        density = prior(like(len(z), 1), encoder).log_prob(z).exp()
    total = torch.trapezoid(density, z[:, 0]).item()
    assert total == pytest.approx(1.0, abs=1e-9)


def test_vamp_draws_every_component_equally_often():
    prior, encoder = vamp(n_components=2)
    with torch.no_grad():
        encoder.layer.linear.bias[2:] = -100  # narrow: a draw shows its component
        encoder.layer.linear.weight[2:] = 0
        distribution = prior(like(3, 2), encoder)
        loc = encoder(prior.pseudo_inputs).loc
    draws = distribution.sample(Noise.from_seed(0), 10_000)  # (S, 3, 2)
    distance = (draws.unsqueeze(-2) - loc).abs().amax(-1)  # (S, 3, 5)
    assert_mean((distance < 1e-3).double(), 1 / 5)


def test_vamp_draws_have_the_moments_of_the_mixture():
    prior, encoder = vamp(n_components=2)
    with torch.no_grad():
        distribution, q = prior(like(3, 2), encoder), encoder(prior.pseudo_inputs)
    draws = distribution.sample(Noise.from_seed(0), 20_000)
    assert_mean(draws, q.loc.mean(0))
    assert_mean(draws.square(), (q.loc.square() + q.scale.square()).mean(0))
    torch.testing.assert_close(distribution.mean, q.loc.mean(0).expand(3, 2), **EXACT)
    assert distribution.sample(Noise.from_seed(0)).shape == (3, 2)


def test_gradients_reach_the_pseudo_inputs_and_the_encoder():
    prior, encoder = vamp(n_components=2)
    prior(like(4, 2), encoder).log_prob(numbers(4, 2)).sum().backward()
    assert (prior.pseudo_inputs.grad.abs().sum(1) > 0).all()
    for parameter in encoder.parameters():
        assert (parameter.grad != 0).all()


def test_gradients_match_finite_differences():
    prior, encoder = vamp(n_components=2)
    z = numbers(4, 2, seed=5)

    def log_prob(pseudo_inputs):
        tensors, arguments = {"pseudo_inputs": pseudo_inputs}, (like(4, 2), encoder)
        return functional_call(prior, tensors, arguments).log_prob(z)

    assert torch.autograd.gradcheck(log_prob, numbers(5, 2).requires_grad_())


def test_pseudo_inputs_start_as_a_copy_of_training_rows():
    X = numbers(5, 2)
    prior = VampPrior(5).build(2, lambda n: X[:n])
    assert torch.equal(prior.pseudo_inputs, X)
    with torch.no_grad():
        prior.pseudo_inputs.zero_()
    assert torch.equal(X, numbers(5, 2))


def test_pseudo_inputs_repeat_rows_of_a_short_table():
    X = numbers(4, 3).float()
    vae = VAETransformer(2, prior=VampPrior(10), likelihood="bernoulli", max_epochs=1)
    vae.set_params(lr=1e-12, hidden_layer_sizes=(4,)).fit(X.sigmoid().numpy())
    found = vae.module_.prior_module.pseudo_inputs
    nearest = torch.cdist(found, X.sigmoid())
    assert (nearest.amin(1) < 1e-5).all()
    assert set(nearest.argmin(1).tolist()) == {0, 1, 2, 3}


def test_a_single_pseudo_input_is_its_posterior():
    prior, encoder = vamp(n_components=2, n_pseudo_inputs=1)
    z = numbers(4, 2, seed=5)
    with torch.no_grad():
        expected = encoder(prior.pseudo_inputs).log_prob(z)
        log_prob = prior(like(4, 2), encoder).log_prob(z)
    torch.testing.assert_close(log_prob, expected, **EXACT)
