"""The distribution of a chain of latent layers, against torch.distributions."""

from functools import partial

import torch

from skvae.distributions import Chain, Noise, Normal, kl
from skvae.nets import LocScale


def chain():
    torch.manual_seed(0)
    below = [LocScale(3, 2).double(), LocScale(1, 3).double()]

    def normal(layer, z):
        loc, scale = layer(z)
        return Normal(loc, scale + 0.5)

    like = torch.zeros(4, 6, dtype=torch.float64)
    return Chain(like, (2, 3, 1), [partial(normal, layer) for layer in below])


def test_a_chain_is_the_product_of_its_layers():
    p = chain()
    z = p.sample(Noise.from_seed(1), 500)  # (500, 4, 6)
    z1, z2, z3 = z.split((2, 3, 1), -1)
    normal = torch.distributions.Normal
    lower, middle = p.layers(z)[:2]
    expected = (
        normal(lower.loc, lower.scale).log_prob(z1).sum(-1)
        + normal(middle.loc, middle.scale).log_prob(z2).sum(-1)
        + normal(0.0, 1.0).log_prob(z3).sum(-1)
    )
    torch.testing.assert_close(p.log_prob(z), expected)
    torch.testing.assert_close(p.marginal_log_prob(z).sum(-1), expected)
    assert (p.layers(z)[1].loc == p.below[1](z3).loc).all()


def test_the_divergence_from_a_chain_agrees_with_monte_carlo():
    p = chain()
    loc, scale = torch.randn(2, 4, 6, dtype=torch.float64)
    q = Normal(loc, scale.abs() + 0.3)
    z = q.sample(Noise.from_seed(2), 20_000)
    drawn = (q.log_prob(z) - p.log_prob(z)).detach()
    closed = kl(q, p, z).detach()
    difference = drawn - closed
    std_error = difference.std(0) / 20_000**0.5
    assert (difference.mean(0).abs() < 4 * std_error).all()
    assert (std_error < 0.01 * closed.mean(0)).all()
