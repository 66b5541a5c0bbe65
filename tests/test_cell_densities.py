"""Densities per cell, and of the observed cells of rows."""

import numpy as np
import pytest
import torch
from families import EXACT, FAMILIES, codes, product

from skvae.distributions import Distribution, Noise, Product

INDEPENDENT = ("bernoulli", "normal", "normal-column-scale", "poisson")
DECODED = (*INDEPENDENT, "one-hot")
SEEN = torch.tensor([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]], dtype=torch.bool)


@pytest.mark.parametrize("lead", [(), (5,)])
@pytest.mark.parametrize("family", INDEPENDENT)
def test_independent_cells_have_the_density_of_torch(family, lead):
    ours, theirs = FAMILIES[family](*lead)
    value = ours.sample(Noise.from_seed(0))
    expected = theirs.base_dist.log_prob(value)  # (..., B, D)
    torch.testing.assert_close(ours.cell_log_prob(value), expected, **EXACT)
    observed = torch.stack(
        [expected[..., i, seen].sum(-1) for i, seen in enumerate(SEEN)], -1
    )
    torch.testing.assert_close(ours.observed_log_prob(value, SEEN), observed, **EXACT)


@pytest.mark.parametrize("family", DECODED)
def test_without_holes_the_density_is_that_of_the_row_to_the_bit(family):
    ours, theirs = FAMILIES[family]()
    value = ours.sample(Noise.from_seed(0))
    torch.testing.assert_close(
        ours.observed_log_prob(value), ours.log_prob(value), rtol=0, atol=0
    )
    every = torch.ones_like(SEEN)
    torch.testing.assert_close(
        ours.observed_log_prob(value, every), theirs.log_prob(value), **EXACT
    )


def test_a_one_hot_variable_is_observed_as_a_whole():
    ours, theirs = FAMILIES["one-hot"]()
    value, seen = ours.sample(Noise.from_seed(0)), torch.tensor([1, 0, 1, 0]) == 1
    found = ours.observed_log_prob(value, seen[:, None].expand(-1, 3))
    torch.testing.assert_close(found, theirs.log_prob(value) * seen, **EXACT)


def test_each_code_is_a_cell():
    ours, theirs = codes()
    value = ours.sample(Noise.from_seed(0))  # (4, 2)
    level = torch.tensor([[0.0, 2.0, 5.0], [1.0, 3.0, np.nan]]).double()
    index = (value[..., None] == level).double().argmax(-1)
    expected = theirs.log_prob(index)
    torch.testing.assert_close(ours.cell_log_prob(value), expected, **EXACT)
    seen = SEEN[:, 1:]
    found = ours.observed_log_prob(value, seen)
    torch.testing.assert_close(found, (expected * seen).sum(-1), **EXACT)


@pytest.mark.parametrize("blocks", [False, True])
def test_cells_of_a_product_are_those_of_its_blocks(blocks):
    ours = product()
    if blocks:
        flags = torch.tensor([[1, 1, 0, 1], [0, 1, 1, 1], [1] * 4, [0] * 4]) == 1
        ours = Product(ours.blocks, flags)
    value = ours.sample(Noise.from_seed(0))  # (4, 9)
    seen = torch.rand(value.shape, generator=torch.Generator().manual_seed(1)) < 0.6
    one_hot = torch.tensor([7, 1, 4])
    seen[:, one_hot] = seen[:, one_hot[:1]]
    expected = torch.zeros(4, dtype=value.dtype)
    for m, (block, at) in enumerate(ours.blocks):
        terms = block.cell_log_prob(value[:, at]) * seen[:, at]
        expected += terms.sum(-1) * (ours.observed[:, m] if blocks else 1)
        torch.testing.assert_close(
            block.cell_log_prob(value[:, at]).sum(-1),
            block.log_prob(value[:, at]),
            **EXACT,
        )
    torch.testing.assert_close(ours.observed_log_prob(value, seen), expected, **EXACT)
    by_cell = (ours.cell_log_prob(value) * seen).sum(-1)
    torch.testing.assert_close(by_cell, expected, **EXACT)


@pytest.mark.parametrize("family", ["bernoulli", "normal", "poisson"])
def test_missing_cells_move_no_parameter(family):
    ours, _ = FAMILIES[family]()
    name = {"bernoulli": "logits", "normal": "loc", "poisson": "rate"}[family]
    parameter = getattr(ours, name).requires_grad_()
    value = ours.sample(Noise.from_seed(0))
    ours.observed_log_prob(value, SEEN).sum().backward()
    assert (parameter.grad[~SEEN] == 0).all()
    assert (parameter.grad[SEEN] != 0).any()


def test_a_family_without_cells_says_so():
    with pytest.raises(NotImplementedError, match="'cell_log_prob'"):
        Distribution().observed_log_prob(torch.zeros(4, 3), SEEN)
