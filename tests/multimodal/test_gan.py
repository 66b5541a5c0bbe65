"""The generator and the discriminator of the image modality."""

import copy

import numpy as np
import pytest
import torch
from instances import batch_of, small
from saved import assert_same_answers, through_file
from torch import nn

from multimodal import gaussian_truth
from multimodal.modality_models import OF_THREE, fitted, make, of_three, weights
from skvae import JMVAEGANTransformer
from skvae.distributions import Noise

GROUPS = ("generator", "discriminator")


def test_the_history_shows_every_loss(holed):
    rows = fitted("gan").history_
    for name in (
        *("train_loss", "reconstruction", "kl", "kl_experts", "beta"),
        *("reconstruction_image", "reconstruction_label"),
        *("generator_loss", "not_fooled"),
        *("discriminator_loss", "missed_real", "missed_fake"),
    ):
        assert np.isfinite(rows[:, name]).all(), name
    last, has_image = rows[-1], ~np.isnan(holed[:, 0])
    parts = has_image.mean() * last["missed_real"] + last["missed_fake"]
    np.testing.assert_allclose(last["discriminator_loss"], parts, rtol=1e-5)


@pytest.mark.parametrize("still", GROUPS)
def test_a_group_is_moved_by_its_own_loss_alone(still, holed):
    held = {f"optimizer_{still}__lr": 0.0}
    estimator = make("gan", net_params=held).partial_fit(holed)
    before = copy.deepcopy(weights(estimator))
    groups = estimator.module_.parameter_groups()
    names = {id(p): name for name, p in estimator.module_.named_parameters()}
    estimator.partial_fit(holed)
    for group, parameters in groups.items():
        for p in parameters:
            name = names[id(p)]
            assert torch.equal(p, before[name]) == (group == still), name


def test_rows_without_an_image_need_not_fool_the_discriminator(holed):
    estimator = make("gan").fit(holed)
    module, found = estimator.module_, []
    for gamma in (0.0, 50.0):
        module.gamma = gamma
        losses = module.losses(
            batch_of(estimator, holed[2::4]), None, Noise.from_seed(0)
        )
        found.append({loss.group: loss for loss in losses})
    without, with_weight = found
    assert torch.equal(without["generator"].value, with_weight["generator"].value)
    assert not without["discriminator"].terms["missed_real"].any()
    assert without["discriminator"].terms["missed_fake"].all()


@pytest.mark.parametrize("image", ["body", "kind", "visits"])
def test_any_modality_may_be_the_image(image, three, tmp_path):
    estimator = of_three("gan", image=image).fit(three)
    first = list(OF_THREE["modalities"]).index(image)
    generator = estimator.module_.parameter_groups()["generator"]
    decoder = estimator.module_.modalities[first].decoder
    assert {id(p) for p in decoder.parameters()} <= {id(p) for p in generator}
    assert_same_answers(estimator, through_file(estimator, tmp_path / "model"), three)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"image": "sound"}, r"'image' .* modalities \['image', 'label'\]"),
        ({"image": 0}, "'image' parameter of JMVAEGANTransformer"),
        ({"gamma": -1.0}, "'gamma' parameter of JMVAEGANTransformer"),
        ({"discriminator": nn.Linear(3, 3)}, r"'discriminator' .* map \(n, 16\)"),
        ({"discriminator": "deep"}, "'discriminator' parameter of JMVAEGAN"),
    ],
    ids=str,
)
def test_an_invalid_parameter_of_the_gan_is_named(params, message, whole):
    with pytest.raises(ValueError, match=message):
        make("gan", **params).fit(whole)


def test_generator_and_discriminator_have_separate_groups_and_losses(X):
    blocks = gaussian_truth.BLOCKS
    model = small(JMVAEGANTransformer, modalities=blocks, image="narrow", max_epochs=5)
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
