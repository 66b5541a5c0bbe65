"""Checks that every estimator must pass, beyond those of scikit-learn."""

import pickle

import numpy as np
import pytest
import torch
from instances import OF_DIGITS, batch_of, fit, fitted, rows_of, small, variants
from instances import VARIANTS as EVERYWHERE
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone

from skvae import VAETransformer
from skvae.discovery import all_estimators
from skvae.distributions import Noise

VARIANTS = dict(variants(EVERYWHERE | OF_DIGITS))
ESTIMATORS = [cls for _, cls in all_estimators()]
each_variant = pytest.mark.parametrize("label", VARIANTS)
each_estimator = pytest.mark.parametrize("cls", ESTIMATORS)


def weights(estimator):
    return [p.detach().numpy() for p in estimator.module_.parameters()]


def assert_same_weights(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


@each_variant
def test_the_same_seed_gives_bit_equal_fits(label, digits):
    one, other = (fitted(VARIANTS[label], digits) for _ in range(2))
    assert_same_weights(one, other)
    np.testing.assert_array_equal(one.transform(digits), other.transform(digits))


@each_variant
def test_another_seed_gives_another_fit(label, digits):
    other = fit(clone(VARIANTS[label]).set_params(random_state=1), digits)
    one = fitted(VARIANTS[label], digits)
    assert not np.array_equal(one.transform(digits), other.transform(digits))


@each_variant
def test_pickling_keeps_every_result(label, digits):
    one = fitted(VARIANTS[label], digits)
    other = pickle.loads(pickle.dumps(one))
    assert other.net_.module is other.net_.module_
    np.testing.assert_array_equal(one.transform(digits), other.transform(digits))
    assert one.score(digits) == other.score(digits)


@each_variant
def test_clone_of_a_fitted_estimator_is_unfitted_and_equal(label, digits):
    copy = clone(fitted(VARIANTS[label], digits))
    assert not hasattr(copy, "net_")
    assert repr(copy) == repr(VARIANTS[label])


@each_variant
def test_a_rows_latents_do_not_depend_on_the_other_rows(label, digits):
    estimator = fitted(VARIANTS[label], digits)
    together = estimator.transform(digits)
    alone = np.concatenate([estimator.transform(row[None]) for row in digits[:7]])
    np.testing.assert_allclose(alone, together[:7], atol=1e-6)


@each_variant
def test_fitting_leaves_the_global_generators_untouched(label, digits):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    estimator = fitted(VARIANTS[label], digits)
    estimator.transform(digits)
    estimator.score(digits)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_random_state_none_draws_once_from_numpys_generator(digits):
    estimator = small(ESTIMATORS[0], random_state=None)
    np.random.seed(3)
    one = fitted(estimator, digits)
    np.random.seed(3)
    assert_same_weights(one, fitted(estimator, digits))


@each_variant
def test_every_parameter_gets_a_gradient_from_its_own_group_alone(label, digits):
    estimator = fitted(VARIANTS[label], digits)
    module = estimator.module_.train()
    module.kl_weight = 1.0
    groups = module.parameter_groups()
    everything = {id(p) for p in module.parameters()}
    assert {id(p) for group in groups.values() for p in group} == everything
    batch = batch_of(estimator, digits[:32])
    module.begin(rows_of(estimator, digits[:32]))
    for phase in module.phases:
        for loss in module.losses(batch, phase, Noise.from_seed(0)):
            assert loss.value.shape == (32,)  # one per row, so that rows have weights
            module.zero_grad()
            loss.value.mean().backward(inputs=groups[loss.group])
            moved = {id(p) for p in module.parameters() if p.grad is not None}
            assert moved == {id(p) for p in groups[loss.group]}
            assert all(p.grad.abs().sum() > 0 for p in groups[loss.group])


@each_variant
def test_the_bound_has_one_value_per_row_and_changes_no_weights(label, digits):
    estimator = fitted(VARIANTS[label], digits)
    before = [w.copy() for w in weights(estimator)]
    module = estimator.module_
    batch = batch_of(estimator, digits[:10])
    assert module.bound(batch, Noise.from_seed(0)).shape == (10,)
    for a, b in zip(before, weights(estimator), strict=True):
        np.testing.assert_array_equal(a, b)


@each_variant
def test_the_kl_weight_affects_the_bound(label, digits):
    estimator = fitted(VARIANTS[label], digits)
    if "kl_warmup" not in estimator.get_params():
        return
    batch, module = batch_of(estimator, digits[:10]), estimator.module_
    bounds = []
    for module.kl_weight in (0.0, 1.0):
        bounds.append(module.bound(batch, Noise.from_seed(0)).detach())
    assert not torch.equal(*bounds)


@each_variant
def test_the_bound_rises(label, digits):
    estimator = clone(VARIANTS[label]).set_params(max_epochs=15)
    if "kl_warmup" in estimator.get_params():
        estimator.set_params(kl_warmup=0)  # the warm-up changes the bound itself
    losses = fit(estimator, digits).history_[:, "train_loss"]
    assert losses[-1] < losses[0]


@each_estimator
def test_the_docstring_lists_every_parameter_once(cls):
    listed = [
        name.strip()
        for entry in ClassDoc(cls)["Parameters"]
        for name in entry.name.split(",")
    ]
    assert sorted(listed) == sorted(cls().get_params(deep=False))


@each_estimator
def test_every_default_is_stated_in_the_docstring(cls):
    doc = ClassDoc(cls)
    stated = {
        name.strip(): entry.type
        for entry in doc["Parameters"]
        for name in entry.name.split(",")
    }
    for name, default in cls().get_params(deep=False).items():
        written = stated[name].split("default=")[1].replace('"', "'")
        assert written == repr(default) or float(written) == default


@each_estimator
def test_every_public_method_is_documented(cls):
    for name in dir(cls):
        if not name.startswith("_") and callable(getattr(cls, name)):
            assert getattr(cls, name).__doc__, name


@each_estimator
def test_every_parameter_and_nothing_else_has_constraints(cls):
    assert cls._allowed.keys() == cls().get_params(deep=False).keys()


@each_estimator
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_of_the_input_is_kept(cls, dtype, digits):
    estimator = fit(small(cls), digits)
    Z = estimator.transform(digits.astype(dtype))
    assert Z.dtype == dtype
    assert estimator.inverse_transform(Z).dtype == dtype
    assert estimator.reconstruct(digits.astype(dtype)).dtype == dtype


@each_estimator
def test_reconstruct_is_transform_and_back(cls, digits):
    estimator = fit(small(cls), digits)
    back = estimator.inverse_transform(estimator.transform(digits))
    np.testing.assert_allclose(estimator.reconstruct(digits), back, rtol=1e-5)


def test_tensors_with_gradients_and_of_half_precision(digits):
    estimator = small(VAETransformer).fit(digits)
    tensor = torch.as_tensor(digits, dtype=torch.float32, device="cpu")
    for given in (tensor.requires_grad_(), tensor.half()):
        assert estimator.transform(given).dtype == torch.float32
