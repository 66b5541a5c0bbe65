"""The hand-written step: autograd's gradients, and the fits of the slow path."""

import copy
import pickle

import numpy as np
import pytest
import torch
from instances import rows_of
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn

from skvae import AETransformer, CVAETransformer, VAETransformer, load
from skvae.autoencoders import VAE
from skvae.distributions import Gaussian, Noise
from skvae.hmc import value_and_gradient
from skvae.nets import ACTIVATIONS
from skvae.refinement import joint_density
from skvae.training import VariationalNet
from skvae.training._fast import fast_training, written_model

GAUSSIANS = [
    "gaussian",
    "gaussian-shared",
    "gaussian-relative",
    "gaussian-unit",
    Gaussian(scale="row"),
    Gaussian(scale=0.3, mean="sigmoid"),
    Gaussian(scale="row", mean="tanh"),
    Gaussian(scale="row", transform="yeo-johnson"),
    Gaussian(transform="quantile"),
]
MIXED = [
    ("gaussian", slice(0, 4)),
    ("codes", [5, 7, 9]),
    ("poisson", [4, 6, 8, 10, 11]),
]
JOINED = [  # parts of one family, which share a head, in another order than theirs
    *[("poisson", [1]), ("codes", [5]), ("gaussian", [0, 2]), ("codes", [3, 8])],
    *[("poisson", [4, 6]), ("gaussian", [7, 9, 10, 11])],
]
SEVERAL = [("categorical", slice(0, 4)), ("categorical", slice(4, 12))]
SMALL = {"n_components": 3, "hidden_layer_sizes": (7, 5), "random_state": 0}


def numbers(n=60):
    return np.random.default_rng(0).random((n, 12))


def counts():
    return np.random.default_rng(0).integers(0, 3, (60, 12)).astype(float)


def one_hot():
    return np.eye(12)[np.random.default_rng(0).integers(0, 12, 60)]


def one_hots():
    random = np.random.default_rng(0)
    return np.hstack([np.eye(n)[random.integers(0, n, 60)] for n in (4, 8)])


def with_holes(X):
    """Hide three tenths of the cells, and all of the first row."""
    hidden = np.random.default_rng(1).random(X.shape) < 0.3
    hidden[0] = True
    return np.where(hidden, np.nan, X)


def with_whole_holes(X):
    """Hide one-hot variables as wholes."""
    hidden = np.random.default_rng(1).random((60, 2)) < 0.3
    return np.where(np.repeat(hidden, [4, 8], axis=1), np.nan, X)


def vae(**params):
    return VAETransformer(**SMALL | params)


def cases():
    """Yield (name, estimator, rows)."""
    for likelihood in [*GAUSSIANS, "bernoulli"]:
        start = "random" if "row" in str(likelihood) else "auto"
        yield str(likelihood), vae(likelihood=likelihood, init=start), numbers()
    for likelihood in ("codes", "poisson", MIXED):
        yield str(likelihood)[:8], vae(likelihood=likelihood), counts()
    yield "joined", vae(likelihood=JOINED), counts()
    yield "categorical", vae(likelihood="categorical"), one_hot()
    yield "several", vae(likelihood=SEVERAL), one_hots()
    for activation in ACTIVATIONS:
        yield activation, vae(activation=activation), numbers()
    yield "random start", vae(init="random"), numbers()
    yield "linear", vae(hidden_layer_sizes=()), numbers()
    yield "weight of the divergence", vae(beta=0.3), numbers()
    yield "autoencoder", AETransformer(**SMALL), numbers()
    conditional = CVAETransformer(**SMALL, condition_columns=[3, 8])
    yield "conditional", conditional, np.round(3 * numbers())
    yield "no condition", CVAETransformer(**SMALL), numbers()


def cases_with_holes():
    """Yield the same for rows with missing cells."""
    for likelihood in [*GAUSSIANS, "bernoulli"]:
        start = "random" if "row" in str(likelihood) else "auto"
        model = vae(likelihood=likelihood, init=start)
        yield str(likelihood), model, with_holes(numbers())
    for likelihood in ("codes", "poisson", MIXED):
        name = str(likelihood)[:8]
        yield name, vae(likelihood=likelihood), with_holes(counts())
    yield "several", vae(likelihood=SEVERAL), with_whole_holes(one_hots())
    yield "autoencoder", AETransformer(**SMALL), with_holes(numbers())
    holed = with_holes(np.round(3 * numbers()))
    holed[:, [3, 8]] = np.round(3 * numbers())[:, [3, 8]]
    conditional = CVAETransformer(**SMALL, condition_columns=[3, 8])
    yield "conditional", conditional, holed


CASES = [pytest.param(*case[1:], id=case[0]) for case in cases()]
HOLES = [pytest.param(*case[1:], id=f"holes, {case[0]}") for case in cases_with_holes()]


def trained(estimator, X, **params):
    return clone(estimator).set_params(**params).fit(X)


def autograd(module, batch, noise=Noise):
    """Return the terms of the loss, and its gradients by name."""
    module.zero_grad()
    (loss,) = module.losses(batch, "model", noise.from_seed(1))
    loss.averaged(batch.sample_weight).value.backward()
    terms = {name: value.detach() for name, value in loss.terms.items()}
    return terms, {name: p.grad for name, p in module.named_parameters()}


def by_hand(module, batch):
    """Return the same by the hand-written model."""
    model, n_rows = written_model([module]), len(batch.x)
    model.members.load()
    like = batch.x.new_empty((1, n_rows, model.n_normals))
    normals = Noise.from_seed(1).normal(like) if model.n_normals else None
    condition = batch.condition
    if condition is not None:
        condition = condition[None] if condition.shape[-1] else None
    weights = 1 / n_rows
    if batch.sample_weight is not None:
        weights = batch.sample_weight[None, :, None] / n_rows
    with torch.no_grad():
        seen = None if batch.seen is None else batch.seen[None]
        terms = model.forward(batch.x[None], condition, normals, seen)
        model.backward(weights, getattr(module, "beta", 1.0))
    found = {name: block.gradient[0] for name, block in model.members.blocks.items()}
    return dict(zip(model.terms, (term[0] for term in terms), strict=True)), found


def largest_difference(found, wanted):
    """Return the largest difference of two dicts of tensors over the largest value."""
    assert found.keys() == wanted.keys()
    size = max(value.abs().max() for value in wanted.values())
    return max((found[name] - wanted[name]).abs().max() / size for name in wanted)


class SingleNoise(Noise):
    """Draws in single precision, whatever is asked for."""

    def normal(self, like, n_samples=None):
        return super().normal(like.float(), n_samples).to(like.dtype)


def prepared(estimator, X, dtype):
    """Return a module after an epoch, and a batch."""
    fitted = trained(estimator, X, dtype=dtype, max_epochs=1, early_stopping=False)
    return fitted.net_.module_.train(), rows_of(fitted, X).take(torch.arange(20))


@pytest.mark.parametrize(("estimator", "X"), CASES + HOLES)
def test_gradients_are_autograds(estimator, X):
    module, batch = prepared(estimator, X, "float64")
    weights = torch.linspace(0, 3, 20).to(batch.x)
    for rows in (batch, batch._replace(sample_weight=weights)):
        (terms, wanted), (same, found) = autograd(module, rows), by_hand(module, rows)
        assert largest_difference(same, terms) < 1e-12
        assert largest_difference(found, wanted) < 1e-12


@pytest.mark.parametrize(("estimator", "X"), CASES)
def test_gradients_in_single_precision(estimator, X):
    # That of a shared scale is a small difference of large numbers: autograd's is off
    # by up to 5e-5, too, so both are compared with double precision.
    module, batch = prepared(estimator, X, "float32")
    (_, theirs), (_, ours) = autograd(module, batch), by_hand(module, batch)
    double = batch._replace(
        x=batch.x.double(),
        condition=None if batch.condition is None else batch.condition.double(),
    )
    _, exact = autograd(copy.deepcopy(module).double(), double, SingleNoise)
    off = largest_difference(theirs, exact)
    assert largest_difference(ours, exact) < max(1e-6, 1.5 * off)


@pytest.mark.parametrize(("estimator", "X"), CASES + HOLES)
def test_the_density_of_latents_is_autograds(estimator, X):
    module, batch = prepared(estimator, X, "float64")
    if not hasattr(module, "prior_module"):
        pytest.skip("the model has no prior")
    prior = module.eval().prior(batch)
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((20, 3)))
    value, gradient = joint_density(module, batch, prior)(z)

    def log_joint(z):
        return module.log_likelihood(z, batch) + prior.log_prob(z)

    wanted, slope = value_and_gradient(log_joint, z)
    torch.testing.assert_close(value, wanted, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient, slope, rtol=1e-10, atol=1e-10)


def weights(estimator):
    parts = [p.detach().flatten() for p in estimator.module_.parameters()]
    return torch.cat(parts).numpy()


def losses(estimator):
    names = {"train_loss", "valid_loss", "reconstruction", "kl", "beta"}
    rows = estimator.history_
    return [[row[name] for name in sorted(names & row.keys())] for row in rows]


SETTINGS = {
    "default": {},
    "warm-up": {"kl_warmup": 3, "beta": 0.5, "early_stopping": False},
    "weight decay": {"weight_decay": 0.1},
    "uneven batches": {"batch_size": 7},
    "one batch": {"batch_size": 1_000},
    "betas": {"net_params": {"optimizer__betas": (0.5, 0.9)}},
}


def test_fits_of_rows_with_holes_are_the_slow_ones():
    X, params = with_holes(numbers()), {"dtype": "float64", "max_epochs": 3}
    fast, slow = (
        trained(vae(), X, **params, net_params={"fast_path": on}) for on in (1, 0)
    )
    assert is_fast(fast, X)
    assert not is_fast(slow, X)
    np.testing.assert_allclose(losses(fast), losses(slow), rtol=1e-9)


@pytest.mark.parametrize("label", SETTINGS)
def test_fits_are_the_slow_ones(label):
    params = {"dtype": "float64", "max_epochs": 5, "init": "random"} | SETTINGS[label]
    slow = {"fast_path": False} | params.get("net_params", {})
    fast = trained(vae(), numbers(), **params)
    slow = trained(vae(), numbers(), **params | {"net_params": slow})
    np.testing.assert_allclose(weights(fast), weights(slow), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(losses(fast), losses(slow), rtol=1e-9)


def test_binarised_rows_are_drawn_as_on_the_slow_path():
    params = {"likelihood": "bernoulli", "binarize": "dynamic", "dtype": "float64"}
    fast = trained(vae(), numbers(), **params, max_epochs=3)
    slow = {"net_params": {"fast_path": False}}
    slow = trained(vae(), numbers(), **params, **slow, max_epochs=3)
    np.testing.assert_allclose(losses(fast), losses(slow), rtol=1e-9)


def test_moments_are_those_of_the_slow_path():
    params = {"dtype": "float64", "max_epochs": 2, "early_stopping": False}
    fits = [
        trained(vae(), numbers(), **params, net_params={"fast_path": on})
        for on in (True, False)
    ]
    states = [[*fit.net_.optimizer_.state.values()] for fit in fits]
    for fast, slow in zip(*states, strict=True):
        assert fast["step"] == slow["step"]
        for name in ("exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(fast[name], slow[name], rtol=1e-8, atol=1e-15)


def test_fits_are_reproducible_to_the_bit():
    one, two = (trained(vae(), numbers(), max_epochs=3) for _ in range(2))
    np.testing.assert_array_equal(weights(one), weights(two))


@pytest.mark.parametrize("how", ["pickle", "save"])
def test_a_resumed_fit_is_an_uninterrupted_one(how, tmp_path):
    X = numbers()
    whole = vae(early_stopping=False)
    for _ in range(3):
        whole.partial_fit(X)
    part = vae(early_stopping=False).partial_fit(X)
    if how == "pickle":
        part = pickle.loads(pickle.dumps(part))
    else:
        part.save(tmp_path / "part.safetensors", training_state=True)
        part = load(tmp_path / "part.safetensors")
    for _ in range(2):
        part.partial_fit(X)
    np.testing.assert_array_equal(weights(part), weights(whole))


def test_parameters_do_not_share_memory_after_a_fit():
    fitted = trained(vae(), numbers(), max_epochs=1)
    stores = [p.untyped_storage().data_ptr() for p in fitted.module_.parameters()]
    assert len({*stores}) == len(stores)


# -- what falls back -------------------------------------------------------------------


class OwnVAE(VAE):
    """A subclass, whose losses may be others."""


class Hook(Callback):
    """Wants every gradient."""

    def on_grad_computed(self, net, **kwargs):
        """Do nothing."""


class OwnNet(VariationalNet):
    """A subclass, whose steps may be others."""


def with_a_hook(net):
    net.module_.encoder.register_forward_hook(lambda *_: None)


def with_a_hook_of_a_tensor(net):
    next(net.module_.parameters()).register_hook(lambda gradient: gradient)


def with_fixed_weights(net):
    net.module_.loc_scale.linear.bias.requires_grad_(False)


def with_a_new_setting(net):
    net.module_.capacity = 3.0


def with_a_new_option_of_the_head(net):
    net.module_.head.degrees = 3.0


def with_more_parameters(net):
    net.module_.more = nn.Linear(2, 2)


def with_several_draws(net):
    net.module_.n_importance_samples = 2


def of_a_subclass(net):
    net.module_.__class__ = OwnVAE


def with_step_hooks(net):
    net.optimizer_.register_step_post_hook(lambda *_: None)


CHANGES = [
    with_a_hook,
    with_a_hook_of_a_tensor,
    with_fixed_weights,
    with_a_new_setting,
    with_a_new_option_of_the_head,
    with_more_parameters,
    with_several_draws,
    of_a_subclass,
    with_step_hooks,
]


def is_fast(estimator, X):
    return fast_training(estimator.net_, rows_of(estimator, X)) is not None


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_unknown_falls_back(change):
    fitted = trained(vae(), numbers(), max_epochs=1)
    assert is_fast(fitted, numbers())
    change(fitted.net_)
    assert not is_fast(fitted, numbers())


class Body(nn.Linear):
    """A network of the user."""


@pytest.mark.parametrize(
    "params",
    [
        {"encoder": lambda n: Body(n, 4)},
        {"decoder": lambda n: nn.Sequential(nn.Linear(n, 4), nn.BatchNorm1d(4))},
        {"dropout": 0.2},
        {"optimizer": "sgd"},
        {"prior": "vamp"},
        {"n_importance_samples": 2},
        {"net_params": {"fast_path": False}},
        {"callbacks": [Hook()]},
    ],
    ids=lambda params: next(iter(params)),
)
def test_other_networks_and_settings_fall_back(params):
    assert not is_fast(trained(vae(), numbers(), max_epochs=1, **params), numbers())


@pytest.mark.parametrize("name", ["observed", "y"])
def test_rows_with_more_beside_them_fall_back(name):
    fitted = trained(vae(), numbers(), max_epochs=1)
    rows = rows_of(fitted, numbers())
    rows._beside = {name: torch.ones(60, 1)}
    assert fast_training(fitted.net_, rows) is None


def test_a_net_of_another_class_is_not_trained_by_hand(monkeypatch):
    fitted, called = trained(vae(), numbers(), max_epochs=1), []
    step = VariationalNet.train_step
    monkeypatch.setattr(
        OwnNet,
        "train_step",
        lambda *args, **kwargs: (called.append(1), step(*args, **kwargs))[1],
        raising=False,
    )
    fitted.net_.__class__ = OwnNet
    fitted.partial_fit(numbers())
    assert called
