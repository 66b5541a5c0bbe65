"""Weights of the modalities in the bound."""

import copy

import numpy as np
import pytest
import torch
from instances import batch_of
from saved import assert_same_answers, through_file

from multimodal.modality_models import assert_same_weights, each_model, make, weights
from skvae.distributions import Noise


@pytest.mark.parametrize("n_draws", [1, 3])
@each_model
def test_modality_weights_affect_the_bound_alone(model, n_draws, holed):
    estimator = make(model, n_importance_samples=n_draws, dtype="float64").fit(holed)
    module, batch = estimator.module_, batch_of(estimator, holed)
    with torch.no_grad():
        q, experts = module.inferred(batch)
        plain, terms = module.terms(q, experts, batch, Noise.from_seed(0))
        score = estimator.log_likelihood(holed, 5)
        module.modality_weights = {"label": 4.0}
        bound, same = module.terms(q, experts, batch, Noise.from_seed(0))
        z = q.rsample(Noise.from_seed(0), n_draws)  # (S, B, K)
        image, label = module.likelihood(z, batch).block_log_probs(batch.x)
        prior = module.prior(batch).log_prob(z) - q.log_prob(z)
    assert terms.keys() == same.keys()
    assert all(torch.equal(terms[name], same[name]) for name in terms)
    np.testing.assert_array_equal(estimator.log_likelihood(holed, 5), score)
    if n_draws == 1:
        expected = plain + 3 * terms["reconstruction_label"]
    else:
        expected = torch.logsumexp(image + 4 * label + prior, 0) - np.log(n_draws)
        if experts:
            expected -= terms["kl_experts"]
    torch.testing.assert_close(bound, expected)


@each_model
def test_a_weight_favours_its_own_modality(model, holed):
    same = None, {}, {"image": 1.0}
    fits = [make(model, modality_weights=w).fit(holed) for w in same]
    assert_same_weights(*fits[:2])
    assert_same_weights(*fits[1:])
    heavy = make(model, modality_weights={"label": 50.0}).fit(holed)
    part = "reconstruction_label"
    assert heavy.history_[-1][part] > fits[0].history_[-1][part]


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_an_invalid_weight_is_named_when_training_resumes(way, holed, tmp_path):
    model = make("experts", warm_start=True).fit(holed)
    before = copy.deepcopy(weights(model))
    model.set_params(modality_weights={"lable": 5.0})
    with pytest.raises(
        ValueError, match=r"'modality_weights'.*Got \['lable'\] instead"
    ):
        getattr(model, way)(holed)
    assert model.module_.modality_weights is None
    assert all(torch.equal(value, before[k]) for k, value in weights(model).items())
    assert_same_answers(through_file(model, tmp_path / "m.safetensors"), model, holed)


def test_the_decoder_of_the_image_is_not_weighted(holed):
    """The generator's loss has γ; only the loss of the other networks has weights."""
    estimator = make("gan", dtype="float64").fit(holed)
    module, batch = estimator.module_, batch_of(estimator, holed)
    plain = [loss.value for loss in module.losses(batch, "model", Noise.from_seed(0))]
    module.modality_weights = {"image": 10.0}
    heavy = [loss.value for loss in module.losses(batch, "model", Noise.from_seed(0))]
    assert heavy[0].mean() > plain[0].mean()
    assert all(torch.equal(*pair) for pair in zip(heavy[1:], plain[1:], strict=True))
