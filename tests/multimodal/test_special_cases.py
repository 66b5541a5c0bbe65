"""Settings under which two models agree, and the effect of alpha."""

import numpy as np
import pytest
import torch
from instances import batch_of, small

from multimodal.gaussian_truth import BLOCKS, without
from skvae import HierarchicalJMVAETransformer, JMVAETransformer, VAETransformer
from skvae.distributions import Noise


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
def test_one_modality_gives_the_plain_vae(alpha, n_importance_samples, X):
    params = {"n_importance_samples": n_importance_samples, "kl_warmup": 2}
    params["net_params"] = {"fast_path": False}  # autograd has the same bits in both
    vae = small(VAETransformer, **params).fit(X)
    joint = small(JMVAETransformer, alpha=alpha, **params).fit(X)
    np.testing.assert_array_equal(joint.transform(X), vae.transform(X))
    np.testing.assert_allclose(joint.score_samples(X), vae.score_samples(X), rtol=1e-6)
    assert joint.history_[:, "train_loss"] == vae.history_[:, "train_loss"]


def test_one_layer_gives_the_model_without_hierarchy(X):
    params = {"modalities": BLOCKS, "n_iterations": 3}
    joint = small(JMVAETransformer, n_components=3, alpha=0.0, **params).fit(X)
    one = small(HierarchicalJMVAETransformer, n_components=(3,), **params).fit(X)
    table = without(X, "narrow")
    np.testing.assert_allclose(one.transform(table), joint.transform(table), rtol=1e-5)
    np.testing.assert_allclose(one.score_samples(X), joint.score_samples(X), rtol=1e-5)


def test_alpha_weighs_the_divergences_from_the_experts(X):
    model = small(JMVAETransformer, modalities=BLOCKS).fit(X)
    module, batch = model.module_, batch_of(model, X)
    bounds = {}
    for alpha in (0.0, 1.0, 2.5):
        module.alpha = alpha
        bounds[alpha] = module.bound(batch, Noise.from_seed(0))
    q = module.posterior(batch)
    divergence = 0
    for expert in module.experts_of(batch):
        p = torch.distributions.Normal(expert.loc, expert.scale)
        joint_q = torch.distributions.Normal(q.loc, q.scale)
        divergence += torch.distributions.kl_divergence(joint_q, p).sum(-1)
    for alpha in (1.0, 2.5):
        torch.testing.assert_close(bounds[0.0] - bounds[alpha], alpha * divergence)


def test_alpha_skips_incomplete_rows_and_is_not_warmed_up(X):
    table = X.copy()
    table[::2, BLOCKS["narrow"]] = np.nan
    model = small(JMVAETransformer, modalities=BLOCKS, kl_warmup=4, max_epochs=1)
    module = model.fit(table).module_
    batch = batch_of(model, table)
    assert module.kl_weight == 0.0  # in the first of four warm-up epochs
    by_alpha = []
    for alpha in (0.0, 1.0):
        module.alpha = alpha
        by_alpha.append(module.bound(batch, Noise.from_seed(0)))
    difference = by_alpha[0] - by_alpha[1]
    assert (difference[::2] == 0).all()
    assert (difference[1::2] > 0).all()
