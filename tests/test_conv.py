"""Recipes for networks: layers, shapes, and their use as estimator parameters."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from instances import bodies, fit, having, small
from saved import assert_same_answers, through_file, through_pickle
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn
from torch.nn import functional

from skvae import (
    AETransformer,
    CMMATransformer,
    CVAETransformer,
    JMVAETransformer,
    VAETransformer,
)
from skvae.distributions import Codes, Gaussian
from skvae.nets import ACTIVATIONS, ConvDecoder, ConvEncoder, Dense, build_body

with_encoder = pytest.mark.parametrize("cls", having("encoder"))

SHAPE = (1, 8, 8)
ENCODER = ConvEncoder(SHAPE, channels=(4, 6), batch_norm=(False, True), sizes=(5,))
DECODER = ConvDecoder(SHAPE, channels=(6, 4), batch_norm=(False, True))


def kinds(module):
    return [type(layer).__name__ for layer in module]


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


def some(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# -- what a recipe builds --------------------------------------------------------------

IMAGES = [((1, 8, 8), (4, 6)), ((3, 16, 8), (5,)), ((2, 12, 20), (3, 7)), (SHAPE, ())]


@pytest.mark.parametrize(("shape", "channels"), IMAGES)
@pytest.mark.parametrize("sizes", [(), (9,), (9, 2)])
def test_every_convolution_halves_the_image(shape, channels, sizes):
    n_in = math.prod(shape)
    recipe = ConvEncoder(shape, channels=channels, batch_norm=False, sizes=sizes)
    body, n_out = build_body(recipe, n_in, "encoder")
    factor = 2 ** len(channels)
    n_flat = (shape[0], *channels)[-1] * (shape[1] // factor) * (shape[2] // factor)
    assert n_out == (n_flat, *sizes)[-1]
    assert body(some(4, n_in)).shape == (4, n_out)
    convolutions = sum(16 * a * b + b for a, b in pairwise((shape[0], *channels)))
    linear = sum(a * b + b for a, b in pairwise((n_flat, *sizes)))
    assert n_parameters(body) == convolutions + linear


@pytest.mark.parametrize(("shape", "channels"), IMAGES[:3])
def test_every_transposed_convolution_doubles_the_image(shape, channels):
    recipe = ConvDecoder(shape, channels=channels, batch_norm=False)
    body, n_out = build_body(recipe, 3, "decoder")
    assert n_out == math.prod(shape)
    assert body(some(4, 3)).shape == (4, n_out)
    factor = 2 ** len(channels)
    n_first = channels[0] * (shape[1] // factor) * (shape[2] // factor)
    convolutions = sum(16 * a * b + b for a, b in pairwise((*channels, shape[0])))
    assert n_parameters(body) == 4 * n_first + convolutions


def test_defaults_fit_small_colour_images():
    encoder, decoder = ConvEncoder()(3072), ConvDecoder()(64)
    assert encoder(some(2, 3072)).shape == (2, 256 * 2 * 2)
    assert decoder(some(2, 64)).shape == (2, 3072)
    assert kinds(encoder).count("BatchNorm2d") == 3
    assert kinds(encoder)[:4] == ["Unflatten", "Conv2d", "ReLU", "Conv2d"]
    assert kinds(decoder)[:4] == ["Linear", "Unflatten", "ReLU", "ConvTranspose2d"]
    assert kinds(decoder)[-2:] == ["ConvTranspose2d", "Flatten"]


def test_an_encoder_applies_its_layers_in_order():
    recipe = ConvEncoder(
        (2, 8, 4), channels=(3, 5), batch_norm=(True, False), sizes=(6,)
    )
    body = recipe.set_params(activation="tanh")(64).eval()
    _, conv, norm, _, deeper, _, _, linear, _ = body
    x = some(7, 64)
    image = x.reshape(7, 2, 8, 4)  # a row holds channels, then rows of pixels
    h = functional.conv2d(image, conv.weight, conv.bias, stride=2, padding=1)
    h = functional.batch_norm(
        h, norm.running_mean, norm.running_var, norm.weight, norm.bias
    ).tanh()
    h = functional.conv2d(h, deeper.weight, deeper.bias, stride=2, padding=1).tanh()
    expected = functional.linear(h.flatten(1), linear.weight, linear.bias).tanh()
    torch.testing.assert_close(body(x), expected)


def test_a_decoder_applies_its_layers_in_order():
    recipe = ConvDecoder((2, 8, 4), channels=(5, 3), batch_norm=(False, True))
    body = recipe.set_params(activation="elu")(6).eval()
    linear, _, _, conv, norm, _, deeper, _ = body
    z = some(7, 6)
    h = functional.linear(z, linear.weight, linear.bias).reshape(7, 5, 2, 1)
    h = functional.elu(h)
    h = functional.conv_transpose2d(h, conv.weight, conv.bias, stride=2, padding=1)
    h = functional.batch_norm(
        h, norm.running_mean, norm.running_var, norm.weight, norm.bias
    )
    h = functional.conv_transpose2d(
        functional.elu(h), deeper.weight, deeper.bias, stride=2, padding=1
    )
    torch.testing.assert_close(body(z), h.reshape(7, 64))


def test_a_pixel_reaches_its_neighbours_only():
    body = ConvEncoder(SHAPE, channels=(3,), batch_norm=False, activation="identity")
    module = body(64)
    x = torch.zeros(2, 64)
    x[1, 7 * 8 + 7] = 1.0  # the last row's last pixel
    change = module(x).detach().diff(dim=0).reshape(3, 4, 4)
    assert (change[:, 3, 3] != 0).all()
    change[:, 3, 3] = 0
    assert not change.any()


@pytest.mark.parametrize("widths", [(3,), (3, 5), (3, 5, 7)])
def test_all_layers_but_the_first_are_normalised_by_default(widths):
    n_more = len(widths) - 1
    found = kinds(ConvEncoder(SHAPE, widths)(64))[1:-1]
    assert found == ["Conv2d", "ReLU"] + ["Conv2d", "BatchNorm2d", "ReLU"] * n_more
    found = kinds(ConvDecoder(SHAPE, widths)(2))[2:-1]
    more = ["BatchNorm2d", "ReLU", "ConvTranspose2d"]
    assert found == ["ReLU", "ConvTranspose2d"] + more * n_more
    assert kinds(ConvEncoder(SHAPE, ())(64)) == ["Unflatten", "Flatten"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [False, True, (True, False), [False, True]])
def test_dense_layers_are_normalised_before_their_activation(activation, batch_norm):
    module = Dense((4, 2), batch_norm=batch_norm, activation=activation)(10)
    name = ACTIVATIONS[activation].__name__
    norms = [batch_norm] * 2 if isinstance(batch_norm, bool) else batch_norm
    expected = []
    for norm in norms:
        expected += ["Linear", *(["BatchNorm1d"] if norm else []), name]
    assert kinds(module) == expected
    assert module(some(5, 10)).shape == (5, 2)


def test_dense_matches_hidden_layer_sizes(digits):
    sizes = {"encoder": Dense((16,)), "decoder": Dense((16,))}
    one, other = small(VAETransformer, **sizes), small(VAETransformer)
    np.testing.assert_array_equal(
        one.fit(digits).transform(digits), other.fit(digits).transform(digits)
    )


# -- in every estimator ----------------------------------------------------------------


@with_encoder
def test_recipes_work_in_every_estimator(cls, digits, tmp_path):
    rows = digits[:60]
    estimator = fit(small(cls, encoder=ENCODER, decoder=DECODER), rows)
    assert [type(body) for body in bodies(estimator)] == [nn.Sequential] * 2
    other = through_file(estimator, tmp_path / "model")
    assert repr(other.encoder) == repr(ENCODER)
    assert_same_answers(estimator, other, rows)
    copied = clone(estimator)
    assert copied.encoder is not ENCODER
    assert repr(copied) == repr(estimator)
    again = through_pickle(fit(copied, rows)).transform(rows)
    np.testing.assert_array_equal(again, estimator.transform(rows))


@pytest.mark.parametrize("cls", [VAETransformer, JMVAETransformer])
def test_results_of_a_row_do_not_depend_on_other_rows(cls, digits):
    estimator = small(cls, encoder=ENCODER, decoder=DECODER).fit(digits[:60])
    together = estimator.transform(digits), estimator.reconstruct(digits)
    for row in ([0], [7, 3]):
        found = estimator.transform(digits[row]), estimator.reconstruct(digits[row])
        for one, all_ in zip(found, together, strict=True):
            np.testing.assert_allclose(one, all_[row], rtol=1e-4, atol=1e-5)


def test_convolutions_accept_several_draws_per_row(digits):
    estimator = small(
        VAETransformer, encoder=ENCODER, decoder=DECODER, n_importance_samples=3
    )
    assert np.isfinite(estimator.fit(digits).score(digits))


@pytest.mark.parametrize("cls", [CVAETransformer, CMMATransformer])
def test_convolutions_work_beside_a_condition(cls, digits):
    condition = np.arange(len(digits)) % 3
    estimator = small(cls, encoder=ENCODER, decoder=DECODER)
    Z = estimator.fit(digits, condition=condition).transform(digits, condition)
    assert np.isfinite(Z).all()
    other = clone(estimator).fit(digits, condition=1 - condition // 2)
    assert not np.array_equal(Z, other.transform(digits, 1 - condition // 2))


def test_a_modality_may_have_a_recipe(digits, tmp_path):
    table = np.column_stack([digits, np.eye(10)[np.arange(len(digits)) % 10]])
    table[::5, :64] = np.nan
    estimator = small(
        JMVAETransformer,
        modalities={"image": slice(0, 64), "label": slice(64, None)},
        likelihood={"image": "bernoulli", "label": "categorical"},
        encoder={"image": ENCODER, "label": Dense((6,))},
        decoder={"image": DECODER},
    ).fit(table)
    image, label = estimator.module_.modalities
    assert kinds(image.encoder)[1] == "Conv2d"
    assert kinds(label.encoder) == ["Linear", "ReLU"]
    other = through_file(estimator, tmp_path / "model")
    assert repr(other.encoder) == repr(estimator.encoder)
    assert_same_answers(estimator, other, table)
    np.testing.assert_array_equal(estimator.impute(table), other.impute(table))
    assert clone(estimator).encoder["image"] is not ENCODER


def test_a_convolutional_autoencoder_learns(digits):
    rates = {"max_epochs": 40, "lr": 1e-2, "batch_size": 40}
    estimator = small(AETransformer, encoder=ENCODER, decoder=DECODER, **rates)
    found = estimator.fit(digits).reconstruct(digits)
    at_the_mean = np.mean((digits - digits.mean(0)) ** 2)
    assert np.mean((digits - found) ** 2) < 0.8 * at_the_mean


def test_parameters_of_recipes_can_be_searched(digits):
    grid = {
        "encoder__channels": [(4,), (4, 6)],
        "decoder__activation": ["relu", "elu"],
    }
    recipe = ConvEncoder(SHAPE, batch_norm=False)
    search = GridSearchCV(
        small(VAETransformer, encoder=recipe, decoder=DECODER), grid, cv=2
    ).fit(digits)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 4
    assert recipe.channels == (64, 128, 256, 256)  # the given recipe is unchanged
    best = search.best_params_["encoder__channels"]
    found = kinds(bodies(search.best_estimator_)[0])
    assert found.count("Conv2d") == len(best)


def test_training_cannot_resume_with_another_recipe(digits, tmp_path):
    estimator = small(VAETransformer, encoder=ENCODER, warm_start=True).fit(digits)
    same = ConvEncoder(**ENCODER.get_params())
    estimator.set_params(encoder=same).fit(digits)
    other = clone(ENCODER).set_params(channels=(4, 7))
    estimator.set_params(encoder=other)
    for resume in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match=r"'encoder' parameter .* must stay"):
            resume(digits)
    with pytest.raises(ValueError, match=r"'encoder' parameter .* changed after fit"):
        estimator.save(tmp_path / "model")


# -- a decoder that returns the parameters itself --------------------------------------


def test_the_decoders_pixels_are_the_parameters(digits):
    estimator = small(VAETransformer, decoder=DECODER, likelihood="bernoulli")
    estimator.fit(digits)
    decoder = bodies(estimator)[1]
    assert decoder.gives_parameters
    names = [name for name, _ in estimator.module_.named_parameters()]
    assert not [name for name in names if "head" in name]  # no layer follows
    Z = estimator.transform(digits)
    with torch.no_grad():
        raw = decoder(torch.tensor(Z, dtype=torch.float32)).numpy()
    start = logit(np.clip(digits.mean(0), 0.01, 0.99))  # the columns' own means
    np.testing.assert_allclose(
        estimator.inverse_transform(Z), expit(raw + start), rtol=1e-4, atol=1e-6
    )


def test_gaussian_means_are_in_the_datas_units(digits):
    X = 100 + 30 * digits
    estimator = small(VAETransformer, decoder=DECODER, likelihood="gaussian").fit(X)
    Z = estimator.transform(X)
    with torch.no_grad():
        raw = bodies(estimator)[1](torch.tensor(Z, dtype=torch.float32)).numpy()
    std = np.where(X.std(0) > 0, X.std(0), 1)
    spread = np.maximum(std, np.ptp(X, axis=0) / 10)
    np.testing.assert_allclose(
        estimator.inverse_transform(Z), X.mean(0) + spread * raw, rtol=1e-4
    )


@pytest.mark.parametrize("scale", ["column", "shared", "row", 0.3])
def test_scales_are_still_learned(scale, digits):
    likelihood = Gaussian(scale=scale, mean="sigmoid")
    estimator = small(VAETransformer, decoder=DECODER, likelihood=likelihood)
    assert np.isfinite(estimator.fit(digits).score(digits))


@pytest.mark.parametrize(
    ("decoder", "likelihood", "message"),
    [
        (
            DECODER,
            [("bernoulli", slice(0, 32)), ("gaussian", slice(32, 64))],
            "several",
        ),
        (DECODER, Codes(), "'decoder' returns 64 parameters per row, .* needs [0-9]+"),
        (ConvDecoder((3, 8, 8), (4,), False), "bernoulli", "192 .* needs 64"),
        (ConvDecoder((1, 8, 10), (4,), False), "bernoulli", "80 .* needs 64"),
    ],
    ids=["mixed", "codes", "colours", "wide"],
)
def test_a_wrong_number_of_parameters_raises(decoder, likelihood, message, digits):
    estimator = small(VAETransformer, decoder=decoder, likelihood=likelihood)
    with pytest.raises(ValueError, match=message):
        estimator.fit(
            np.round(3 * digits) / 3 if message == "several" else digits > 0.5
        )


# -- invalid recipes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (ConvEncoder((1, 8, 9), (4,), False), "multiply to 64, the number of input"),
        (ConvEncoder((3, 8, 8), (4,), False), r"columns. Got \(3, 8, 8\)"),
        (ConvEncoder((1, 4, 16), (4, 4, 4), False), r"divisible by 8 \(number .* 3\)"),
        (ConvEncoder((1, 1, 64), (4,), False), r"divisible by 2 \(number .* 1\)"),
        (ConvEncoder(SHAPE), r"divisible by 16 \(number .* 4\)"),
        (
            ConvEncoder((1, 4, 16)),
            "4 x 16 pixels can be halved 2 times at most: shorten channels to 2",
        ),
        (ConvEncoder((1, 1, 64)), "1 x 64 pixels cannot be halved"),
        (
            ConvEncoder(SHAPE, (4, 4), (True,)),
            r"'batch_norm' parameter must be .* one bool per layer \(2\)",
        ),
        (ConvEncoder(SHAPE, (4,), (True, True)), r"one bool per layer \(1\). Got"),
        (Dense((4, 4), batch_norm=(True,)), r"one bool per layer \(2\). Got"),
        (ConvEncoder, "The function returned ConvEncoder"),
    ],
    ids=[
        "columns",
        "colours",
        "height",
        "width",
        "digits",
        "fitting",
        "none fits",
        "norms",
        "more",
        "d",
        "cls",
    ],
)
def test_an_encoder_recipe_that_does_not_fit_raises(recipe, message, digits):
    estimator = small(VAETransformer).fit(digits)
    before = estimator.transform(digits)
    with pytest.raises(ValueError, match=message):
        estimator.set_params(encoder=recipe).fit(digits)
    np.testing.assert_array_equal(estimator.transform(digits), before)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (ConvDecoder((1, 8, 9), (4,), False), r"'image_shape' .* by 2 \(number .* 1\)"),
        (ConvDecoder(SHAPE), r"'image_shape' .* by 16 \(number .* 4\)"),
        (ConvDecoder(SHAPE, (4,), (True, True)), r"'batch_norm' .* per layer \(1\)"),
    ],
    ids=["odd", "digits", "norms"],
)
def test_a_decoder_recipe_that_does_not_fit_raises(recipe, message, digits):
    with pytest.raises(ValueError, match=message):
        small(VAETransformer, decoder=recipe).fit(digits)


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (ConvEncoder((8, 8), (4,), False), "image_shape"),
        (ConvEncoder((1, 8, 8), 4, False), "channels"),
        (ConvEncoder(64, (4,), False), "image_shape"),
        (ConvEncoder((1, 8, 8), (4,), 1), "batch_norm"),
        (Dense((4,), None), "batch_norm"),
        (ConvEncoder((1, 8, 8), (4,), "y"), "batch_norm"),
        (ConvEncoder((1, 8, 8), (4,), False, activation="rellu"), "activation"),
        (ConvEncoder((1, 8, 8), (4.5,), False), "channels"),
        (ConvEncoder((1, 8, 8), (0,), False), "channels"),
        (ConvEncoder((1, 8, 8), (4,), False, sizes=5), "sizes"),
        (ConvEncoder((1, -8, -8), (4,), False), "image_shape"),
        (Dense(5), "sizes"),
        (Dense((4,), activation=None), "activation"),
        (Dense((0,)), "sizes"),
    ],
    ids=str,
)
def test_an_invalid_parameter_of_a_recipe_raises(recipe, name, digits):
    with pytest.raises(
        ValueError, match=f"'{name}' parameter of {type(recipe).__name__}"
    ):
        small(VAETransformer, encoder=recipe).fit(digits)


@pytest.mark.parametrize(
    "recipe",
    [ConvDecoder((1, 8, 8), (), False), ConvDecoder((8, 8), (4,), False)],
    ids=str,
)
def test_an_invalid_parameter_of_a_decoder_recipe_raises(recipe, digits):
    with pytest.raises(ValueError, match="parameter of ConvDecoder"):
        small(VAETransformer, decoder=recipe).fit(digits)
