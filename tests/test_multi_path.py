"""Latents from several depths: special cases, weights, names and own networks."""

import numpy as np
import pytest
import torch
from instances import batch_of, small
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skvae import MPVAETransformer, VAETransformer, load
from skvae.distributions import Noise
from skvae.metrics import diagnose
from skvae.nets import ConvEncoder, Dense


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:200] / 16


@pytest.mark.parametrize("kl_warmup", [0, 2])
@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_one_path_gives_the_plain_vae(beta, kl_warmup, digits):
    params = {"beta": beta, "kl_warmup": kl_warmup, "hidden_layer_sizes": (16, 8)}
    params["net_params"] = {"fast_path": False}  # autograd has the same bits in both
    vae = small(VAETransformer, n_components=5, **params).fit(digits)
    one = small(MPVAETransformer, n_components=(5,), **params).fit(digits)
    np.testing.assert_array_equal(one.transform(digits), vae.transform(digits))
    ours, theirs = (m.log_likelihood(digits, refine=0) for m in (one, vae))
    np.testing.assert_array_equal(ours, theirs)
    refined = one.score_samples(digits), vae.score_samples(digits)
    np.testing.assert_allclose(*refined, rtol=1e-5, atol=1e-5)
    assert (
        one.history_[:, ("train_loss", "kl")] == vae.history_[:, ("train_loss", "kl")]
    )


def test_paths_of_equal_depth_also_give_the_vae(digits):
    """Two paths after the last layer are two halves of the latents of a VAE."""
    vae = small(VAETransformer, n_components=5).fit(digits)
    two = small(MPVAETransformer, n_components=(2, 3), encoder=None, taps=None)
    two.set_params(encoder=[Dense((16,)), nn.Identity()]).fit(digits)
    module, vae_module = two.module_, vae.module_
    with torch.no_grad():
        module.stages[0][0].load_state_dict(vae_module.encoder[0].state_dict())
        module.decoder.load_state_dict(vae_module.decoder.state_dict())
        module.head.load_state_dict(vae_module.head.state_dict())
        linear = vae_module.loc_scale.linear
        for head, part in zip(module.heads, (slice(0, 2), slice(2, 5)), strict=True):
            rows = [*range(5)][part]
            rows = rows + [5 + i for i in rows]
            head.linear.weight.copy_(linear.weight[rows])
            head.linear.bias.copy_(linear.bias[rows])
    np.testing.assert_allclose(two.transform(digits), vae.transform(digits), rtol=1e-5)
    np.testing.assert_allclose(
        two.score_samples(digits), vae.score_samples(digits), rtol=1e-4
    )
    bounds = [
        m.module_.bound(batch_of(m, digits), Noise.from_seed(0)) for m in (two, vae)
    ]
    torch.testing.assert_close(*bounds)


def test_beta_weighs_each_path(digits):
    model = small(MPVAETransformer, n_components=(2, 3), beta=(0.5, 3.0)).fit(digits)
    module, batch = model.module_, batch_of(model, digits)
    q = module.posterior(batch)
    normal = torch.distributions.Normal
    by_latent = torch.distributions.kl_divergence(
        normal(q.loc, q.scale), normal(torch.zeros(5), torch.ones(5))
    )
    bound, terms = module._terms(batch, Noise.from_seed(0))
    first, second = by_latent[:, :2].sum(1), by_latent[:, 2:].sum(1)
    torch.testing.assert_close(
        bound, terms["reconstruction"] - 0.5 * first - 3.0 * second
    )
    torch.testing.assert_close(terms["kl_path0"], first)
    row = model.history_[-1]
    assert (row["beta_path0"], row["beta_path1"]) == (0.5, 3.0)


def test_paths_select_the_output_of_transform(digits):
    whole = small(MPVAETransformer, n_components=(2, 3)).fit(digits)
    Z = whole.transform(digits)
    for paths, columns in (
        ((0,), [0, 1]),
        ((1,), [2, 3, 4]),
        ((1, 0), [2, 3, 4, 0, 1]),
    ):
        part = small(MPVAETransformer, n_components=(2, 3), paths=paths).fit(digits)
        np.testing.assert_array_equal(part.transform(digits), Z[:, columns])
        filled = np.zeros_like(Z)
        filled[:, columns] = Z[:, columns]
        np.testing.assert_array_equal(
            part.inverse_transform(Z[:, columns]), whole.inverse_transform(filled)
        )
        np.testing.assert_array_equal(
            part.score_samples(digits), whole.score_samples(digits)
        )


def test_feature_names_contain_the_path(digits):
    model = small(MPVAETransformer, n_components=(1, 2), paths=(1, 0))
    pipeline = make_pipeline(StandardScaler(), model).set_output(transform="pandas")
    table = pipeline.fit_transform(digits)
    assert list(table) == [
        "mpvaetransformer_path1_0",
        "mpvaetransformer_path1_1",
        "mpvaetransformer_path0_0",
    ]
    ordered = ["mpvaetransformer_path0_0", *list(table)[:2]]
    assert (
        list(model.latent_names()) == list(diagnose(pipeline, digits).index) == ordered
    )


def test_taps_set_where_paths_begin(digits):
    sizes = {"hidden_layer_sizes": (12, 10, 8), "n_components": (1, 1)}
    for taps, widths in ((None, (10, 8)), ((0, 3), (64, 8)), ((1, 2), (12, 10))):
        model = small(MPVAETransformer, **sizes, taps=taps).fit(digits)
        found = [head.linear.in_features for head in model.module_.heads]
        assert tuple(found) == widths


def test_a_list_of_networks_gives_the_stages(digits, tmp_path):
    """The stages are convolutional recipes, which a file can hold."""
    first = ConvEncoder((1, 8, 8), channels=(4,), batch_norm=False)  # (n, 4 * 4 * 4)
    second = ConvEncoder((4, 4, 4), channels=(8,), batch_norm=False)  # (n, 8 * 2 * 2)
    model = small(MPVAETransformer, encoder=[first, second], likelihood="bernoulli")
    model.fit(digits)
    assert [head.linear.in_features for head in model.module_.heads] == [64, 32]
    model.save(tmp_path / "m.safetensors")
    loaded = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.transform(digits), model.transform(digits))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"taps": (2, 1)}, "'taps'.* must rise"),
        ({"taps": (1, 5)}, "'taps'.* must rise"),
        ({"taps": (1,)}, "'taps'.* one entry for each of 2 paths"),
        ({"beta": (1.0, 2.0, 3.0)}, "'beta'.* one entry for each of 2 paths"),
        ({"beta": (1.0, -2.0)}, "'beta'"),
        ({"paths": (2,)}, "'paths'.* below 2"),
        ({"paths": (0, 0)}, "'paths'"),
        ({"n_components": ()}, "'n_components'"),
        ({"encoder": [Dense((4,))]}, "'encoder'.* one entry for each of 2 paths"),
    ],
)
def test_an_invalid_parameter_is_named(params, message, digits):
    with pytest.raises(ValueError, match=message):
        small(MPVAETransformer, **params).fit(digits)
