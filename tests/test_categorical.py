"""Categorical latents against exact enumeration, and the temperature schedule."""

import numpy as np
import pytest
import torch
from instances import batch_of, small
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skvae import CategoricalVAETransformer, VAETransformer, estimates
from skvae.autoencoders import TargetPropagation
from skvae.distributions import Categories, Noise, UniformCategories, kl
from skvae.metrics import diagnose, gradient_check
from skvae.metrics._gradient_check import configurations, exact_bound
from skvae.plotting import ManifoldDisplay, TraversalDisplay


@pytest.fixture(scope="module")
def digits():
    X, _ = load_digits(return_X_y=True)
    return (X[:150] > 8).astype(np.float64)


@pytest.fixture(scope="module")
def tiny(digits):
    """Two variables of three categories, partly trained, in double precision."""
    return CategoricalVAETransformer(
        2,
        3,
        hidden_layer_sizes=(16,),
        activation="softplus",
        likelihood="bernoulli",
        lr=1e-2,
        max_epochs=20,
        kl_warmup=20,
        dtype="float64",
        random_state=0,
    ).fit(digits)


# -- distributions --------------------------------------------------------------------


def test_categories_agree_with_torch():
    logits = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    q = Categories(logits)
    reference = torch.distributions.OneHotCategorical(logits=logits)
    y = q.sample(Noise.from_seed(0), 20_000)  # (S, 5, 12)
    torch.testing.assert_close(
        q.log_prob(y), reference.log_prob(y.unflatten(-1, (3, 4))).sum(-1)
    )
    torch.testing.assert_close(q.mean, reference.probs.flatten(-2))
    assert (y.unflatten(-1, (3, 4)).sum(-1) == 1).all()
    error = (q.mean * (1 - q.mean) / 20_000).sqrt()
    assert ((y.mean(0) - q.mean).abs() < 4.5 * error).all()


def test_the_divergence_from_the_uniform_equals_its_enumeration(tiny, digits):
    batch = batch_of(tiny, digits[:10])
    q, p = tiny.module_.posterior(batch), tiny.module_.prior(batch)
    y = configurations(tiny.module_).unsqueeze(1)
    weights = q.log_prob(y).exp()
    torch.testing.assert_close(weights.sum(0), torch.ones(10).double())
    expected = (weights * (q.log_prob(y) - p.log_prob(y))).sum(0)
    torch.testing.assert_close(kl(q, p), expected)


def test_draws_of_the_prior_are_uniform():
    p = UniformCategories(torch.zeros(4, 6).double(), 3)
    y = p.sample(Noise.from_seed(0), 10_000)
    assert ((y.mean(0) - 1 / 3).abs() < 4.5 * (2 / 9 / 10_000) ** 0.5).all()
    torch.testing.assert_close(
        p.log_prob(y), torch.full((10_000, 4), -2 * np.log(3)).double()
    )


def test_relaxed_draws_harden_as_the_temperature_falls():
    q = Categories(torch.randn(50, 2, 5, generator=torch.Generator().manual_seed(1)))
    hard = q.sample(Noise.from_seed(3))
    distance = [
        float((q.relaxed(Noise.from_seed(3), tau) - hard).abs().mean())
        for tau in (2.0, 0.5, 0.1, 0.01)
    ]
    assert distance == sorted(distance, reverse=True)
    assert distance[-1] < 0.01
    st = q.straight_through(Noise.from_seed(3), 0.5)
    torch.testing.assert_close(st, hard)


# -- enumeration ----------------------------------------------------------------------


def test_a_prior_lists_its_values_if_they_are_few():
    p = UniformCategories(torch.zeros(4, 6).double(), 2)
    values = p.support(8)
    assert values.shape == (8, 6)
    assert len(values.unique(dim=0)) == 8
    torch.testing.assert_close(
        p.log_prob(values).exp().sum(), torch.tensor(1.0).double()
    )
    assert p.support(7) is None


def test_the_log_likelihood_equals_its_enumeration(tiny, digits, monkeypatch):
    batch = batch_of(tiny, digits[:40])
    y = configurations(tiny.module_).unsqueeze(1)
    log_joint = tiny.module_.likelihood(y).log_prob(batch.x)  # (9, B)
    exact = (torch.logsumexp(log_joint, 0) - 2 * np.log(3)).detach().numpy()
    summed = tiny.log_likelihood(digits[:40], return_diagnostics=True)
    np.testing.assert_allclose(summed.values, exact, rtol=1e-12)
    assert summed.mean_std_error == 0
    assert (summed.effective_sample_size == 64).all()
    monkeypatch.setattr(estimates, "N_ENUMERATED", 8)  # there are 9
    found = tiny.log_likelihood(digits[:40], n_samples=20_000, return_std_error=True)
    assert abs(found.values.mean() - exact.mean()) < 4 * found.mean_std_error
    # A row's own estimate misses configurations that q hardly ever draws.
    np.testing.assert_allclose(found.values, exact, atol=0.2)


def test_the_bound_equals_its_enumeration(tiny, digits):
    batch = batch_of(tiny, digits[:40])
    tiny.module_.kl_weight = 1.0
    exact = exact_bound(tiny.module_, batch).detach()
    draws = torch.stack(
        [tiny.module_.bound(batch, Noise.from_seed(i)) for i in range(2000)]
    ).detach()
    error = draws.std(0) / 2000**0.5
    assert ((draws.mean(0) - exact).abs() < 4.5 * error + 1e-9).all()
    found = tiny.log_likelihood(
        digits[:40], n_samples=20_000, method="elbo", return_std_error=True
    )
    assert abs(found.values.mean() - exact.mean()) < 4 * found.mean_std_error


def test_gradient_bias_and_variance_trade_off_with_temperature(tiny, digits):
    found = gradient_check(
        tiny, digits[:50], temperatures=[2.0, 0.5, 0.1], n_draws=400, random_state=0
    )
    bias = [found[f"gumbel, {tau}"].bias for tau in ("2", "0.5", "0.1")]
    assert bias == sorted(bias, reverse=True)
    std = [found[f"gumbel, {tau}"].std for tau in ("2", "0.5", "0.1")]
    assert std == sorted(std)
    for name, check in found.items():
        assert check.cosine > 0, name
        assert check.draw_cosine > 0, name


def test_a_gradient_check_does_not_change_the_model(tiny, digits):
    before, tau = tiny.transform(digits), tiny.module_.temperature
    gradients = [p.grad.clone() for p in tiny.module_.parameters()]
    gradient_check(tiny, digits[:10], n_draws=2, random_state=0)
    assert tiny.module_.temperature == tau
    np.testing.assert_array_equal(tiny.transform(digits), before)
    for p, gradient in zip(tiny.module_.parameters(), gradients, strict=True):
        assert torch.equal(p.grad, gradient)


def test_a_gradient_check_refuses_unsuitable_models(digits):
    with pytest.raises(TypeError, match="VAETransformer"):
        gradient_check(small(VAETransformer).fit(digits), digits)
    model = small(CategoricalVAETransformer, n_variables=9).fit(digits)
    with pytest.raises(ValueError, match=r"10 \*\* 9"):
        gradient_check(model, digits)
    tiny = small(CategoricalVAETransformer, n_variables=1, n_categories=2)
    pipeline = make_pipeline(MinMaxScaler(), tiny).fit(digits)
    assert gradient_check(pipeline, digits, n_draws=2)
    with pytest.raises(ValueError, match="'temperatures'"):
        gradient_check(pipeline, digits, temperatures=[0.0])


# -- training -------------------------------------------------------------------------


def test_the_temperature_falls_as_scheduled(digits):
    model = small(
        CategoricalVAETransformer,
        temperature=0.9,
        temperature_decay=0.2,
        min_temperature=0.5,
        max_epochs=5,
    ).fit(digits)
    expected = np.maximum(0.5, 0.9 * np.exp(-0.2 * np.arange(5)))
    np.testing.assert_allclose(model.history_[:, "temperature"], expected)
    assert model.module_.temperature == pytest.approx(expected[-1])
    model.set_params(warm_start=True, max_epochs=1).fit(digits)
    assert model.history_[-1]["temperature"] == 0.5


@pytest.mark.parametrize(
    "gradient", ["gumbel", "straight-through", "target-propagation"]
)
def test_every_gradient_estimator_learns(gradient, digits):
    params = {"gradient": gradient, "likelihood": "bernoulli", "random_state": 0}
    model = CategoricalVAETransformer(6, 4, hidden_layer_sizes=(32,), **params)
    begin = model.set_params(max_epochs=1, lr=3e-3).fit(digits).score(digits)
    end = model.set_params(max_epochs=150, kl_warmup=50).fit(digits).score(digits)
    # Better than the column frequencies, which need no latents.
    share = digits.mean(axis=0).clip(1e-6, 1 - 1e-6)
    without = (digits * np.log(share) + (1 - digits) * np.log1p(-share)).sum(1).mean()
    assert end > without + 1
    assert end > begin


def test_target_propagation_trains_encoder_and_decoder_by_separate_losses(digits):
    model = small(CategoricalVAETransformer, gradient="target-propagation").fit(digits)
    row = model.history_[-1]
    assert {"encoder_loss", "target_distance", "inverse_distance"} <= row.keys()
    assert "temperature" not in row
    batch = batch_of(model, digits)
    decoder, encoder = model.module_.losses(batch, "model", Noise.from_seed(0))
    groups = model.module_.parameter_groups()
    for loss, name in ((decoder, "model"), (encoder, "encoder")):
        assert loss.group == name
        others = [p for group, ps in groups.items() if group != name for p in ps]
        found = torch.autograd.grad(
            loss.value.mean(), others, allow_unused=True, retain_graph=True
        )
        assert all(g is None for g in found)


def test_a_perfect_reconstruction_is_its_own_target(tiny, digits):
    module, batch = tiny.module_, batch_of(tiny, digits[:20])
    q = module.posterior(batch)

    class Same:
        mean = batch.x

    target = TargetPropagation().target(module, q, Same, batch)
    torch.testing.assert_close(target, q.mean)


def test_the_inverse_is_evaluated_near_the_draws(tiny, digits):
    module, batch = tiny.module_, batch_of(tiny, digits)
    way, noise = TargetPropagation(), Noise.from_seed(0)
    y = module.posterior(batch).sample(noise)
    changed, n_draws = [], 200
    for _ in range(n_draws):
        again = way.redrawn(module, y, batch, noise)
        entries = module.by_variable(again)
        assert torch.equal(entries.sum(-1), torch.ones_like(entries[..., 0]))
        changed.append((entries != module.by_variable(y)).any(-1).double().mean())
    # One in ten is redrawn, and may be drawn as the same category.
    expected = 0.1 * (1 - 1 / module.n_categories)
    error = (expected * (1 - expected) / (n_draws * len(digits) * 2)) ** 0.5
    assert abs(torch.stack(changed).mean() - expected) < 4 * error


def test_the_encoders_loss_sums_target_inverse_and_divergence(tiny, digits):
    module, batch = tiny.module_, batch_of(tiny, digits)
    way, y = TargetPropagation(), module.posterior(batch).sample(Noise.from_seed(0))
    inverse = way.inverse_distance(module, y, batch, Noise.from_seed(1))
    again = way.redrawn(module, y, batch, Noise.from_seed(1)).numpy()
    back = tiny.transform(tiny.inverse_transform(again))
    np.testing.assert_allclose(inverse.detach(), ((back - again) ** 2).sum(1))
    _, encoder = way.losses(module, batch, Noise.from_seed(0))
    terms = encoder.terms
    divergence = kl(module.posterior(batch), module.prior(batch))
    weighted = 0.1 * module.beta * module.kl_weight * divergence
    expected = terms["target_distance"] + terms["inverse_distance"] + weighted
    torch.testing.assert_close(encoder.value, expected)


# -- outputs of transform -------------------------------------------------------------


def test_the_three_outputs_agree(digits):
    by = {
        output: small(
            CategoricalVAETransformer, n_variables=3, n_categories=4, output=output
        ).fit(digits)
        for output in ("probabilities", "one-hot", "codes")
    }
    Z = {output: model.transform(digits) for output, model in by.items()}
    assert Z["probabilities"].shape == Z["one-hot"].shape == (150, 12)
    assert Z["codes"].shape == (150, 3)
    grouped = Z["probabilities"].reshape(150, 3, 4)
    np.testing.assert_allclose(grouped.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(grouped.argmax(-1), Z["codes"])
    np.testing.assert_array_equal(
        Z["one-hot"].reshape(150, 3, 4), np.eye(4)[Z["codes"].astype(int)]
    )
    np.testing.assert_array_equal(
        by["codes"].inverse_transform(Z["codes"]),
        by["one-hot"].inverse_transform(Z["one-hot"]),
    )
    assert len(by["codes"].get_feature_names_out()) == 3


# -- diagnostics and displays ---------------------------------------------------------


def test_diagnose_has_one_row_per_variable(digits):
    """The mutual information of a variable and the rows is a sum over categories."""
    model = small(CategoricalVAETransformer, n_variables=2, n_categories=3, lr=0.02)
    model.set_params(beta=0.1, max_epochs=60, dtype="float64").fit(digits)
    table = diagnose(model, digits)
    prefix = "categoricalvaetransformer"
    assert list(table.index) == [f"{prefix}_variable0", f"{prefix}_variable1"]
    pi = model.transform(digits).reshape(len(digits), 2, 3)
    np.testing.assert_allclose(table["kl"], (pi * np.log(3 * pi)).sum(-1).mean(0))
    known = (pi * np.log(pi / pi.mean(0))).sum(-1).mean(0)
    assert (known > 0.3).all()
    assert (np.abs(table["mutual_information"] - known) < 0.05 * known).all()
    np.testing.assert_allclose(table["variance"], pi.var(0).sum(-1))
    assert table["active"].all()


def test_columns_are_named_by_variable_and_category(digits):
    names = {
        output: small(
            CategoricalVAETransformer, n_variables=2, n_categories=3, output=output
        )
        .fit(digits)
        .get_feature_names_out()
        for output in ("probabilities", "one-hot", "codes")
    }
    prefix = "categoricalvaetransformer_variable"
    whole = [f"{prefix}{v}_category{k}" for v in (0, 1) for k in (0, 1, 2)]
    assert list(names["probabilities"]) == list(names["one-hot"]) == whole
    assert list(names["codes"]) == [f"{prefix}0", f"{prefix}1"]


@pytest.mark.parametrize("X", [None, 0], ids=["no rows", "rows"])
@pytest.mark.parametrize("output", ["probabilities", "one-hot", "codes"])
def test_displays_show_every_category(output, X, digits):
    pytest.importorskip("matplotlib")
    model = small(
        CategoricalVAETransformer, n_variables=3, n_categories=4, output=output
    ).fit(digits)
    X = None if X is None else digits
    codes = np.zeros(3, int)
    if X is not None:
        pi = model.module_.posterior(batch_of(model, X)).mean.detach()
        all_codes = pi.numpy().reshape(len(X), 3, 4).argmax(-1)
        codes = all_codes[0]
    one_hot = np.repeat(np.eye(4)[codes][None], 4, 0)
    one_hot[:, 1] = np.eye(4)
    Z = one_hot.reshape(4, 12) if output != "codes" else one_hot.argmax(-1)
    expected = model.inverse_transform(Z)
    shown = TraversalDisplay.from_estimator(
        model, X, latents=[1, 0], image_shape=(8, 8)
    )
    assert list(shown.values) == [0, 1, 2, 3]
    assert shown.latent_names[0].endswith("variable1")
    np.testing.assert_allclose(shown.rows[0], expected, rtol=1e-6)
    grid = ManifoldDisplay.from_estimator(model, X, at=codes, image_shape=(8, 8))
    assert grid.rows.shape == (4, 4, 64)
    np.testing.assert_allclose(grid.rows[:, codes[0]], expected, rtol=1e-6)
    for axis in (shown.ax_.xaxis, grid.ax_.xaxis, grid.ax_.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == list("0123")
    assert shown.ax_.get_xlabel() == "category"
    names = [label.get_text() for label in shown.ax_.get_yticklabels()]
    assert names == ["…variable1", "…variable0"]
    if X is not None:
        commonest = [np.bincount(column).argmax() for column in all_codes.T]
        free = ManifoldDisplay.from_estimator(model, X)
        held = ManifoldDisplay.from_estimator(model, X, at=commonest)
        np.testing.assert_array_equal(free.rows, held.rows)


@pytest.mark.parametrize("values", [[0, 4], [0.5, 1], [-1, 0]])
def test_an_invalid_category_is_refused(values, digits):
    pytest.importorskip("matplotlib")
    model = small(CategoricalVAETransformer, n_variables=3, n_categories=4).fit(digits)
    with pytest.raises(ValueError, match=r"'values' .* categories below 4"):
        TraversalDisplay.from_estimator(model, values=values)
    with pytest.raises(ValueError, match=r"'at' .* categories below 4"):
        ManifoldDisplay.from_estimator(model, at=[*values, 0])


def test_whole_values_of_a_real_latent_are_not_categories(digits):
    pytest.importorskip("matplotlib")
    vae = small(VAETransformer, n_components=2).fit(digits)
    shown = TraversalDisplay.from_estimator(vae, values=[-1, 0, 1], image_shape=(8, 8))
    assert shown.ax_.get_xlabel() == "value of the latent"
