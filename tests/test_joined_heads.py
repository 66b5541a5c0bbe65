"""Parts of one family share a head, which gives what a head per part gives."""

import numpy as np
import pytest
import torch
from families import numbers

from skvae import VAETransformer
from skvae.distributions import (
    Gaussian,
    Likelihood,
    Noise,
    Poisson,
    as_likelihood,
    working_of,
)
from skvae.persistence import restore
from skvae.persistence._saving import describe

N, N_HIDDEN = 60, 5
RANDOM = np.random.default_rng(0)


def one_hot(n_levels):
    return np.eye(n_levels)[RANDOM.choice(n_levels, N)]


BLOCKS = [  # parts, in an order that mixes the families
    ("gaussian", RANDOM.normal(3, 2, (N, 1))),
    ("codes", RANDOM.choice([1, 3], (N, 1))),
    ("bernoulli", RANDOM.choice([0, 1], (N, 2))),
    ("categorical", one_hot(3)),
    ("gaussian", RANDOM.normal(-1, 5, (N, 2))),
    (Gaussian(scale="row"), RANDOM.normal(size=(N, 1))),
    ("categorical", one_hot(5)),
    ("gaussian-shared", RANDOM.normal(size=(N, 2))),
    ("poisson", RANDOM.poisson(4, (N, 1))),
    ("codes", RANDOM.choice([0, 2, 5, 6], (N, 2))),
    ("bernoulli", RANDOM.choice([0, 1], (N, 1))),
    ("negative-binomial", RANDOM.poisson(4, (N, 1))),
    (Gaussian(scale="row"), RANDOM.normal(size=(N, 1))),
    ("poisson", RANDOM.poisson(9, (N, 2))),
    ("gaussian-shared", RANDOM.normal(size=(N, 1))),
    ("negative-binomial", RANDOM.negative_binomial(1, 0.3, (N, 2))),
    ("categorical", one_hot(2)),
]
WIDTHS = [values.shape[1] for _, values in BLOCKS]
# The positions are shuffled, so that no part is a slice of the table.
PLACES = np.split(RANDOM.permutation(sum(WIDTHS)), np.cumsum(WIDTHS)[:-1])
X = np.empty((N, sum(WIDTHS)))
for place, (_, values) in zip(PLACES, BLOCKS, strict=True):
    X[:, place] = values
PARTS = [(spec, at.tolist()) for at, (spec, _) in zip(PLACES, BLOCKS, strict=True)]
FAMILIES = 9  # of which the shared Gaussian has two heads


@pytest.fixture(autouse=True, scope="module")
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def heads():
    """The joined head, and a head per part with the same weights."""
    likelihood = as_likelihood(PARTS).fit(X)
    apart = [part.head(N_HIDDEN) for part in likelihood.parts_]
    head = likelihood.head(N_HIDDEN)
    old = {
        f"heads.{i}.{name}": tensor
        for i, one in enumerate(apart)
        for name, tensor in one.state_dict().items()
    }
    head.load_state_dict(head.join_weights(old, ""))
    return head, apart


def blocks(table):
    return [torch.as_tensor(table)[..., at] for at in PLACES]


def test_there_is_one_head_per_family(heads):
    assert len(heads[0].heads) == FAMILIES


def test_a_joined_head_gives_what_the_parts_give(heads):
    head, apart = heads
    h, x = numbers(N, N_HIDDEN), torch.as_tensor(X)
    expected = [part.features(b) for part, b in zip(apart, blocks(X), strict=True)]
    torch.testing.assert_close(head.features(x), torch.cat(expected, -1))
    joined, parts = head(h), [part(h) for part in apart]
    pairs = list(zip(parts, blocks(X), strict=True))
    cells = torch.cat([p.cell_log_prob(b) for p, b in pairs], -1)
    order = np.concatenate(PLACES)
    torch.testing.assert_close(joined.cell_log_prob(x)[:, order], cells)
    torch.testing.assert_close(joined.log_prob(x), cells.sum(-1))
    mean = torch.cat([part.mean for part in parts], -1)
    torch.testing.assert_close(joined.mean[:, order], mean)


def test_draws_are_in_the_support_and_have_the_mean(heads):
    head, _ = heads
    likelihood = as_likelihood(PARTS).fit(X)
    p = head(numbers(1, N_HIDDEN))
    draws = p.sample(Noise.from_seed(0), 4000)[:, 0]
    likelihood.check(draws.numpy())
    for part, at in zip(likelihood.parts_, PLACES, strict=True):
        if part.binary:
            mean = p.mean[0, at].detach()
            error = (mean * (1 - mean) / 4000).sqrt()
            assert ((draws[:, at].mean(0) - mean).abs() < 4.5 * error + 1e-9).all()


def test_a_start_is_that_of_the_parts(heads):
    head, apart = heads
    mean = head.features(torch.as_tensor(X)).mean(0).numpy()
    sizes = np.cumsum([part.n_features for part in apart])[:-1]
    pairs = zip(apart, np.split(mean, sizes), strict=True)
    expected = [working_of(part, some) for part, some in pairs]
    found = working_of(head, mean)
    for name in ("rate", "slope", "noise"):
        values = np.concatenate([getattr(one, name) for one in expected])
        np.testing.assert_allclose(getattr(found, name), values)
    n = len(mean)
    start = RANDOM.normal(size=(n, 2)), RANDOM.normal(size=n), RANDOM.uniform(1, 2, n)
    head.start_linear(*start)
    for part, *some in zip(apart, *(np.split(v, sizes) for v in start), strict=True):
        part.start_linear(*some)
    h = numbers(N, N_HIDDEN)
    expected = sum(p(h).log_prob(b) for p, b in zip(apart, blocks(X), strict=True))
    torch.testing.assert_close(head(h).log_prob(torch.as_tensor(X)), expected)


def test_a_file_with_a_head_per_part_gives_the_same_model():
    vae = VAETransformer(
        2, likelihood=PARTS, max_epochs=2, hidden_layer_sizes=(8,), random_state=0
    ).fit(X)
    header, tensors = describe(vae, training_state=False)
    header["format"] = 1
    old, _ = restore(VAETransformer, header, in_parts(vae, tensors), {})
    np.testing.assert_array_equal(old.transform(X), vae.transform(X))
    np.testing.assert_array_equal(old.score_samples(X), vae.score_samples(X))


def in_parts(vae, tensors):
    """Return weights in the layout of one head per part."""
    prefix, head, parts = "module.head.heads.", vae.module_.head, vae.likelihood_.parts_
    out = {name: t for name, t in tensors.items() if not name.startswith(prefix)}
    for g, group in enumerate(head.groups):
        for name in head.heads[g].state_dict():
            start = 0
            for i in group:
                shape = (
                    parts[i].head(head.heads[g].linear.in_features).state_dict()[name]
                )
                piece = tensors[f"{prefix}{g}.{name}"][start : start + len(shape)]
                start += len(shape)
                if name == "levels":
                    piece = piece[:, : shape.shape[1]]
                out[f"{prefix}{i}.{name}"] = piece.clone()
    return out


class Own(Poisson):
    """A likelihood of a user, with a head of its own."""

    def head(self, n_hidden):
        self.heads_ = getattr(self, "heads_", 0) + 1
        return super().head(n_hidden)


def test_likelihoods_of_users_keep_their_heads():
    counts = RANDOM.poisson(3, (N, 2)).astype(float)
    likelihood = as_likelihood([(Own(), [0]), (Own(), [1])]).fit(counts)
    assert len(likelihood.head(N_HIDDEN).heads) == 2
    assert not Likelihood.joinable


def test_a_decoder_that_gives_the_parameters_needs_one_likelihood(heads):
    with pytest.raises(ValueError, match="cannot be combined with several"):
        heads[0].take_as_is()
