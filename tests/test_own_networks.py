"""Bodies of a user: what is copied, trained, seeded and left unchanged."""

import numpy as np
import pytest
import torch
from instances import beside, bodies, fit, having, small, width_parameter
from sklearn.model_selection import GridSearchCV
from torch import nn

from skvae.nets import LocalDropout

with_encoder = pytest.mark.parametrize("cls", having("encoder"))


def convolutional():
    """(n, 64) -> (n, 64), through 8 x 8 images."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),  # (n, 64) -> (n, 1, 8, 8)
        nn.Conv2d(1, 4, 3, stride=2, padding=1),  # (n, 4, 4, 4)
        nn.ReLU(),
        nn.Flatten(),  # (n, 64)
    )


def own(n_in):
    return nn.Sequential(nn.Linear(n_in, 12), nn.BatchNorm1d(12), nn.Tanh())


@with_encoder
def test_a_module_is_copied_and_left_untouched(cls, digits):
    module = convolutional()
    before = [p.clone() for p in module.parameters()]
    estimator = fit(small(cls, encoder=module), digits)
    for given, kept, fitted in zip(
        module.parameters(), before, bodies(estimator)[0].parameters(), strict=True
    ):
        assert torch.equal(given, kept)
        assert not torch.equal(given, fitted)


@with_encoder
def test_a_function_gets_the_width_and_is_seeded(cls, digits):
    one = fit(small(cls, encoder=own, decoder=own), digits)
    other = fit(small(cls, encoder=own, decoder=own), digits)
    assert bodies(one)[0][0].in_features == 64
    widths = getattr(one.module_, "widths", [one.module_.n_outputs])
    # The decoder sees all paths, but only the lowest layer of a hierarchy.
    n_latents = widths[0] if hasattr(one.module_, "below") else sum(widths)
    assert bodies(one)[1][0].in_features == n_latents
    np.testing.assert_array_equal(one.transform(digits), other.transform(digits))


@with_encoder
def test_width_and_likelihood_remain_searchable(cls, digits):
    search = GridSearchCV(
        small(cls, encoder=convolutional(), decoder=own),
        {width_parameter(cls): [2, 5], "likelihood": ["bernoulli", "gaussian"]},
        cv=2,
    )
    search.fit(digits, **beside(search.estimator, digits))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@with_encoder
def test_frozen_layers_stay_unchanged(cls, digits):
    module = convolutional().requires_grad_(False)
    estimator = fit(small(cls, encoder=module), digits)
    for given, fitted in zip(
        module.parameters(), bodies(estimator)[0].parameters(), strict=True
    ):
        assert torch.equal(given, fitted)


@with_encoder
def test_dropout_draws_from_the_generator_of_the_fit(cls, digits):
    module = nn.Sequential(nn.Linear(64, 16), nn.Dropout(0.5))
    torch.manual_seed(0)
    one = fit(small(cls, encoder=module), digits)
    torch.manual_seed(1)
    other = fit(small(cls, encoder=module), digits)
    assert isinstance(bodies(one)[0][1], LocalDropout)
    assert isinstance(module[1], nn.Dropout)
    np.testing.assert_array_equal(one.transform(digits), other.transform(digits))


@with_encoder
def test_batch_normalisation_trains_and_does_not_leak_between_rows(cls, digits):
    rows = digits[:129]  # a last batch of one row is merged into the previous one
    estimator = fit(small(cls, encoder=own, batch_size=64), rows)
    alone = estimator.transform(rows[:1])
    np.testing.assert_allclose(alone, estimator.transform(rows)[:1], atol=1e-5)
