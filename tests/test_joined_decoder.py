"""The decoder of several paths: layers, invalid parameters, use in a search."""

import pytest
import torch
from instances import small
from saved import assert_same_answers, through_file
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from torch import nn
from torch.nn import functional

from skvae import MPVAETransformer
from skvae.nets import ConvEncoder, Dense, JoinedConvDecoder


def some(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_a_joined_decoder_applies_its_layers_in_order():
    recipe = JoinedConvDecoder((2, 16, 8), channels=(4, 3), widths=(2, 3))
    body = recipe.set_params(activation="tanh")(5)
    joint, first, _, second, _, back, _, last, _ = body
    (shallow, _, _), (deep, _, _, grow, _) = joint.parts
    z = some(7, 5)
    left = functional.linear(z[:, :2], shallow.weight, shallow.bias).tanh()
    right = functional.linear(z[:, 2:], deep.weight, deep.bias).tanh()
    right = functional.conv_transpose2d(
        right.reshape(7, 4, 2, 1), grow.weight, grow.bias, stride=2, padding=1
    ).tanh()
    h = torch.cat([left.reshape(7, 4, 4, 2), right], 1)
    for layer in (first, second):
        h = functional.conv2d(h, layer.weight, layer.bias, padding=1).tanh()
    h = functional.conv_transpose2d(h, back.weight, back.bias, stride=2, padding=1)
    h = functional.conv_transpose2d(
        h.tanh(), last.weight, last.bias, stride=2, padding=1
    )
    torch.testing.assert_close(body(z), h.reshape(7, 256))


@pytest.mark.parametrize("depths", [(0,), (1,), (2,)])
def test_a_single_path_may_have_any_depth(depths):
    recipe = JoinedConvDecoder((1, 16, 16), channels=(4, 3), n_joined=0, depths=depths)
    body = recipe(6)
    assert (
        sum(isinstance(m, nn.ConvTranspose2d) for m in body.modules()) == 2 + depths[0]
    )
    assert body(some(5, 6)).shape == (5, 256)


INVALID = {
    "widths": ({"widths": (2, 2)}, "'widths' .* add up to .* 5. Got .2, 2."),
    "depths": ({"widths": (2, 3), "depths": (0,)}, "'depths' .* each of 2 paths"),
    "small": ({"widths": (1, 1, 3)}, r"'image_shape' .* by 16 \(number .* 4\)"),
    "number": ({"n_joined": -1}, "'n_joined'"),
}


@pytest.mark.parametrize(("params", "message"), INVALID.values(), ids=INVALID)
def test_an_invalid_joined_decoder_raises(params, message):
    recipe = JoinedConvDecoder((1, 8, 8), channels=(4, 3)).set_params(**params)
    with pytest.raises(ValueError, match=message):
        recipe(5)


def test_a_search_can_change_the_widths(tmp_path):
    X = load_digits().data[:60] / 16
    encoder = [ConvEncoder((1, 8, 8), (3,), batch_norm=False), Dense((6,))]
    model = small(
        MPVAETransformer,
        encoder=encoder,
        decoder=JoinedConvDecoder((1, 8, 8), (3, 2)),
        likelihood="bernoulli",
    )
    grid = GridSearchCV(model, {"n_components": [(1, 2), (2, 4)]}, cv=2).fit(X)
    found = grid.best_estimator_
    assert found.module_.decoder[0].widths == found.n_components
    assert found.decoder.widths is None
    assert_same_answers(found, through_file(found, tmp_path / "model"), X)
