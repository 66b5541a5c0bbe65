"""Training on tables with missing blocks."""

import copy

import numpy as np
import pytest
import torch
from instances import batch_of
from saved import assert_same_answers, through_file

from multimodal.modality_models import (
    OF_THREE,
    assert_same_weights,
    each_model,
    fitted,
    fitted_to_three,
    make,
    missing_in,
    of_three,
)
from skvae.distributions import Noise
from skvae.nets import Dense


def test_likelihoods_learn_from_the_observed_rows(three, tmp_path):
    estimator = fitted_to_three("experts")
    visits, body, kind = estimator.likelihood_.parts_
    blocks = OF_THREE["modalities"]
    np.testing.assert_allclose(visits.mean_, np.nanmean(three[:, blocks["visits"]], 0))
    np.testing.assert_allclose(body.mean_, np.nanmean(three[:, blocks["body"]], 0))
    np.testing.assert_allclose(body.std_, np.nanstd(three[:, blocks["body"]], 0))
    np.testing.assert_array_equal(body.low_, np.nanmin(three[:, blocks["body"]], 0))
    for j, column in enumerate(blocks["kind"]):
        seen = three[~np.isnan(three[:, column]), column]
        levels, counts = np.unique(seen, return_counts=True)
        np.testing.assert_array_equal(kind.levels_[j], levels)
        np.testing.assert_allclose(kind.frequencies_[j], counts / len(seen))
    other = through_file(estimator, tmp_path / "model")
    assert_same_answers(estimator, other, three)


@each_model
def test_every_likelihood_trains_with_missing_blocks(model, three):
    estimator = of_three(model, max_epochs=15).fit(three)
    losses = estimator.history_[:, "train_loss"]
    assert losses[-1] < losses[0]
    module = estimator.module_.train()
    for n_draws in (1, 3):
        module.zero_grad()
        module.n_importance_samples = n_draws
        bound = module.bound(batch_of(estimator, three), Noise.from_seed(0))
        assert torch.isfinite(bound).all()
        bound.sum().backward()
        for name, p in module.named_parameters():
            assert p.grad is None or torch.isfinite(p.grad).all(), name
    filled = estimator.impute(three)
    kinds = filled[:, OF_THREE["modalities"]["kind"]]
    assert set(kinds[:, 0]) <= {7, 8}
    assert set(kinds[:, 1]) <= {0, 3, 6}


@each_model
def test_terms_of_missing_blocks_are_zero(model, holed):
    estimator = fitted(model)
    module, batch = estimator.module_, batch_of(estimator, holed)
    terms = module.terms(*module.inferred(batch), batch, Noise.from_seed(0))[1]
    missing = missing_in(holed, estimator)
    for m, name in enumerate(estimator.modalities_):
        part = terms[f"reconstruction_{name}"].detach().numpy()
        np.testing.assert_array_equal(part == 0, missing[:, m])
    total = terms["reconstruction_image"] + terms["reconstruction_label"]
    assert torch.equal(terms["reconstruction"], total)
    if "kl_experts" in terms:
        among = terms["kl_experts"].detach().numpy()
        np.testing.assert_array_equal(among == 0, missing.any(axis=1))


@each_model
def test_the_history_averages_over_the_rows_that_have_a_block(model, holed):
    estimator = make(model, batch_size=7).fit(holed)  # a batch may lack a block
    present = ~missing_in(holed, estimator)
    for row in estimator.history_:
        parts = [row[f"reconstruction_{name}"] for name in estimator.modalities_]
        total = parts @ present.mean(axis=0)
        np.testing.assert_allclose(row["reconstruction"], total, rtol=1e-5)
    if model in ("experts", "gan"):  # beta = alpha = 1
        row = estimator.history_[-1]
        among = present.all(axis=1).mean() * row["kl_experts"]
        bound = row["reconstruction"] - row["kl"] - among
        np.testing.assert_allclose(row["train_loss"], -bound, rtol=1e-5)


def test_a_block_missing_everywhere_is_nan_in_the_history(holed):
    estimator = make("experts").fit(holed).partial_fit(holed[1::4])
    last = estimator.history_[-1]
    assert np.isnan([last["reconstruction_label"], last["kl_experts"]]).all()
    assert last["reconstruction_image"] == pytest.approx(last["reconstruction"])


@each_model
def test_a_block_missing_from_a_batch_moves_no_weights_of_its_own(model, holed):
    estimator = make(model, optimizer="sgd").partial_fit(holed)
    modality = estimator.module_.modalities[1]
    parts = [modality.decoder, modality.head, *estimator.module_.experts[1:]]
    if model in ("experts", "gan"):  # nor is the joint encoder used
        parts += [modality.encoder, estimator.module_.joint]
    before = copy.deepcopy([part.state_dict() for part in parts])
    image = copy.deepcopy(estimator.module_.modalities[0].decoder.state_dict())
    estimator.partial_fit(holed[1::4])  # images only
    for part, values in zip(parts, before, strict=True):
        for name, tensor in part.state_dict().items():
            assert torch.equal(tensor, values[name]), name
    moved = estimator.module_.modalities[0].decoder.state_dict()
    assert not all(torch.equal(moved[name], image[name]) for name in image)


@each_model
def test_every_way_to_train_four_epochs_gives_the_same_bits(model, holed):
    at_once = make(model, max_epochs=4).fit(holed)
    in_two = make(model, max_epochs=2, warm_start=True).fit(holed).fit(holed)
    in_steps = make(model)
    for _ in range(4):
        in_steps.partial_fit(holed)
    assert_same_weights(at_once, in_two)
    assert_same_weights(at_once, in_steps)


@each_model
def test_binarizing_binary_rows_changes_nothing(model, holed):
    binary = np.where(np.isnan(holed), np.nan, holed > 0.5)
    plain = make(model).fit(binary)
    assert_same_weights(plain, make(model, binarize="fixed").fit(binary))
    for binarize in ("fixed", "dynamic"):  # not the labels or missing blocks
        grey = make(model, binarize=binarize, early_stopping=True).fit(holed)
        assert np.isfinite(grey.score(holed))
        assert grey.score(holed) != plain.score(holed)


@each_model
def test_early_stopping_holds_out_rows_with_missing_blocks(model, holed):
    settings = {"max_epochs": 30, "n_iter_no_change": 2, "tol": 0.5}
    estimator = make(model, early_stopping=True, **settings).fit(holed)
    found = estimator.history_[:, "valid_loss"]
    assert np.isfinite(found).all()
    assert estimator.n_iter_ < 30
    assert min(found) < found[0]


@pytest.mark.parametrize("model", ["experts", "gan"])
def test_missing_blocks_do_not_affect_batch_statistics(model, whole):
    table = whole.copy()
    table[::2, :16] = np.nan
    net = Dense((4,), batch_norm=True)
    start = make(model, encoder={"image": net}, max_epochs=1, batch_size=120, lr=1e-12)
    linear, norm, _ = start.fit(table).module_.experts[0][0]
    with torch.no_grad():
        seen = linear(torch.tensor(whole[1::2, :16], dtype=torch.float32)).mean(0)
    share = norm.running_mean / seen  # the momentum, if no other rows count
    assert share.max() < 1.2 * share.min()
