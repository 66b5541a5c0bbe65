"""Bodies, dropout with its own generator, and the encoder's last layer."""

import pytest
import torch
from families import assert_mean
from torch import nn

from skvae.nets import (
    ACTIVATIONS,
    LocalDropout,
    LocScale,
    build_body,
    mlp,
    over_rows,
    set_dropout_generator,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def dropout(p, seed=0):
    module = LocalDropout(p)
    module.generator = seeded(seed)
    return module


# -- mlp --------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp_applies_its_layers_in_order(activation):
    body = mlp(3, (5, 2), activation)
    x = torch.linspace(-2, 2, 12).view(4, 3)
    first, f, second, g = body
    h = nn.functional.linear(x, first.weight, first.bias)
    expected = g(nn.functional.linear(f(h), second.weight, second.bias))
    assert type(f) is type(g) is ACTIVATIONS[activation]
    torch.testing.assert_close(body(x), expected)
    assert body(x.expand(6, 4, 3)).shape == (6, 4, 2)


def test_mlp_without_layers_is_the_identity():
    x = torch.ones(4, 3)
    assert mlp(3, (), dropout=0.5)(x) is x


@pytest.mark.parametrize(("p", "n_dropouts"), [(0.0, 0), (0.5, 2)])
def test_mlp_drops_after_every_activation(p, n_dropouts):
    kinds = [type(layer) for layer in mlp(3, (5, 2), dropout=p)]
    assert kinds.count(LocalDropout) == n_dropouts
    assert (kinds[-1] is LocalDropout) == bool(n_dropouts)


# -- dropout ----------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.7])
def test_dropout_keeps_the_mean_and_drops_a_share_p(p):
    out = dropout(p)(torch.full((50_000, 1), 3.0))
    assert_mean(out.double(), 3.0)
    assert_mean((out == 0).double(), p)
    torch.testing.assert_close(out[out != 0].unique(), torch.tensor([3.0 / (1 - p)]))


def test_dropout_is_the_identity_in_evaluation_and_at_zero():
    h = torch.ones(4, 3)
    assert dropout(0.5).eval()(h) is h
    assert dropout(0.0)(h) is h


def test_dropout_draws_from_its_own_generator_only():
    state = torch.random.get_rng_state()
    h = torch.ones(100)
    assert torch.equal(dropout(0.5)(h), dropout(0.5)(h))
    assert not torch.equal(dropout(0.5)(h), dropout(0.5, seed=1)(h))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_every_dropout_gets_the_generator():
    body = nn.Sequential(
        mlp(3, (5, 2), dropout=0.5), nn.ModuleList([LocalDropout(0.1)])
    )
    generator = seeded()
    set_dropout_generator(body, generator)
    parts = [part for part in body.modules() if isinstance(part, LocalDropout)]
    assert [part.generator is generator for part in parts] == [True] * 3


# -- bodies of a user -------------------------------------------------------------


def nested():
    return nn.Sequential(nn.Linear(3, 5), nn.Sequential(nn.Dropout(0.2), nn.ReLU()))


def one_dropout_in_two_places():
    drop = nn.Dropout(0.2)
    return nn.Sequential(nn.Linear(3, 4), drop, nn.Linear(4, 5), drop)


@pytest.mark.parametrize(
    "body",
    [nn.Dropout(0.2), nested(), one_dropout_in_two_places()],
    ids=["alone", "nested", "in-two-places"],
)
def test_torch_dropout_becomes_local(body):
    module, _ = build_body(body, 3, "encoder")
    kinds = [type(part) for part in module.modules()]
    assert nn.Dropout not in kinds
    assert {part.p for part in module.modules() if hasattr(part, "p")} == {0.2}


@pytest.mark.parametrize(
    ("body", "width"),
    [
        (nn.Linear(3, 5), 5),
        (lambda n_in: nn.Linear(n_in, 7), 7),
        (nn.LazyLinear(4), 4),
        (nn.Linear(3, 5, dtype=torch.float64), 5),
        (nn.Identity(), 3),
        (lambda n_in: nn.Sequential(nn.Linear(n_in, 6), nn.BatchNorm1d(6)), 6),
    ],
    ids=["module", "function", "lazy", "double", "identity", "batch-norm"],
)
def test_the_width_of_a_body_is_found(body, width):
    module, n_out = build_body(body, 3, "encoder")
    assert n_out == width
    assert module.training


def test_a_module_is_copied():
    body = nn.Linear(3, 5)
    module, _ = build_body(body, 3, "encoder")
    assert torch.equal(module.weight, body.weight)
    with torch.no_grad():
        module.weight.zero_()
    assert body.weight.abs().sum() > 0


def test_finding_the_width_leaves_batch_statistics_alone():
    module, _ = build_body(nn.BatchNorm1d(3), 3, "encoder")
    assert module.num_batches_tracked == 0


@pytest.mark.parametrize("lead", [(), (2,), (2, 6)])
def test_a_body_for_rows_is_applied_over_all_axes_but_the_last(lead):
    body = nn.Sequential(
        nn.Unflatten(1, (1, 3)), nn.Flatten(), nn.BatchNorm1d(3)
    ).eval()
    h = torch.randn(*lead, 4, 3, generator=seeded())
    rows = [body(row.unsqueeze(0)) for row in h.reshape(-1, 3)]
    expected = torch.cat(rows).reshape(*lead, 4, 3)
    torch.testing.assert_close(over_rows(body, h), expected)


def returns(value):
    """Build a body whose output is `value`."""
    module = nn.Identity()
    module.forward = lambda x: value
    return lambda n_in: module


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (nn.Linear(4, 5), r"map \(n, 3\) to \(n, h\). It failed on \(2, 3\): .*shape"),
        (nn.Unflatten(1, (1, 3)), r"It maps \(2, 3\) to \(2, 1, 3\)"),
        (nn.Flatten(0), r"It maps \(2, 3\) to \(6,\)"),
        (returns(torch.zeros(1, 5)), r"It maps \(2, 3\) to \(1, 5\)"),
        (returns((1, 2)), r"It maps \(2, 3\) to tuple"),
        (lambda n_in: 7, "function that returns one. The function returned 7"),
    ],
    ids=["width", "three-axes", "one-axis", "rows", "tuple", "number"],
)
def test_an_invalid_body_raises(body, message):
    with pytest.raises(ValueError, match=f"'decoder' parameter must .*{message}"):
        build_body(body, 3, "decoder")


# -- the encoder's last layer -----------------------------------------------------


def test_loc_scale_is_one_linear_map_and_a_softplus():
    layer = LocScale(5, 3)
    h = torch.randn(2, 4, 5, generator=seeded())
    raw = nn.functional.linear(h, layer.linear.weight, layer.linear.bias)
    loc, scale = layer(h)
    torch.testing.assert_close(loc, raw[..., :3])
    torch.testing.assert_close(scale, raw[..., 3:].exp().log1p() + 1e-4)


@pytest.mark.parametrize("size", [1e6, -1e6])
def test_scale_is_positive_and_finite_on_unscaled_input(size):
    loc, scale = LocScale(5, 3)(torch.full((4, 5), size))
    assert loc.isfinite().all()
    assert (scale >= 1e-4).all()
    assert scale.isfinite().all()
