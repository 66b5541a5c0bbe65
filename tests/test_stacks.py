"""Fits side by side: every member ends where its own fit would."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import KFold

from skvae import AETransformer, CVAETransformer, JMVAETransformer, VAETransformer
from skvae.distributions import Gaussian
from skvae.inputs import NOTHING
from skvae.stacks import train_together

SMALL = {
    "n_components": 3,
    "hidden_layer_sizes": (8, 5),
    "max_epochs": 8,
    "batch_size": 32,
    "dtype": "float64",
    "random_state": 0,
}
N_ROWS = 161  # folds of 107 and 108 rows


def rows(seed=0):
    random = np.random.default_rng(seed)
    latents = random.standard_normal((N_ROWS, 4))
    table = latents @ random.standard_normal((4, 10))
    return table + 0.3 * random.standard_normal(table.shape)


def members(estimator, X, grid, n_folds=3):
    """Return unfitted estimators and the training rows of each."""
    folds = [X[train] for train, _ in KFold(n_folds).split(X)]
    return [(clone(estimator).set_params(**p), part) for p in grid for part in folds]


def side_by_side(pairs):
    """Train the nets of estimators together; return which of them were trained."""
    tables = [estimator._prepare(X, NOTHING, False) for estimator, X in pairs]
    taken = train_together([estimator.net_ for estimator, _ in pairs], tables)
    return [seconds is not None for seconds in taken]


def state(estimator):
    """Return the weights, the moments and the history of a fitted estimator."""
    numbers = [p.detach().flatten() for p in estimator.module_.parameters()]
    for moments in estimator.net_.optimizer_.state.values():
        numbers += [moments[name].flatten() for name in ("exp_avg", "exp_avg_sq")]
    names = {"train_loss", "valid_loss", "reconstruction", "kl", "beta"}
    history = [
        [row[name] for name in sorted(names & row.keys())] for row in estimator.history_
    ]
    return torch.cat(numbers).numpy(), np.array(history)


def assert_members_are_their_fits(pairs, rtol=1e-9):
    alone = [clone(estimator).fit(X) for estimator, X in pairs]
    assert all(side_by_side(pairs))
    for one, (other, _) in zip(alone, pairs, strict=True):
        (weights, history), (same, record) = state(one), state(other)
        assert len(history) == len(record)
        np.testing.assert_allclose(record, history, rtol=rtol)
        np.testing.assert_allclose(same, weights, rtol=rtol, atol=rtol / 100)
        assert not other.net_.module_.training


def grid(**values):
    """Return all combinations of values."""
    found = [{}]
    for name, some in values.items():
        found = [params | {name: value} for params in found for value in some]
    return found


GRIDS = {
    "step sizes": grid(lr=[1e-3, 1e-2], weight_decay=[0.0, 0.1]),
    "divergence": grid(beta=[0.5, 1.0], kl_warmup=[0, 3]),
    "ends": grid(max_epochs=[2, 5], lr=[1e-3]),
}
SETTINGS = {
    "early stopping": {"n_iter_no_change": 1, "lr": 1e-2},
    "plain": {"early_stopping": False, "init": "random"},
    "scale of each row": {"likelihood": Gaussian(scale="row"), "init": "random"},
    "autograd's activations": {"activation": "tanh"},
}


@pytest.mark.parametrize("label", GRIDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_members_are_their_fits(label, setting):
    estimator = VAETransformer(**SMALL | SETTINGS[setting])
    assert_members_are_their_fits(members(estimator, rows(), GRIDS[label]))


@pytest.mark.parametrize("cls", [AETransformer, CVAETransformer])
def test_other_models_are_stacked(cls):
    pairs = members(cls(**SMALL), rows(), grid(lr=[1e-3, 3e-3]))
    assert_members_are_their_fits(pairs)


def test_conditions_are_stacked():
    X = rows()
    X[:, 0] = np.arange(N_ROWS) % 3
    estimator = CVAETransformer(**SMALL, condition_columns=[0])
    assert_members_are_their_fits(members(estimator, X, grid(lr=[1e-3, 3e-3])))


def test_rows_with_holes_are_stacked():
    X = rows()
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    X[5] = np.nan
    assert_members_are_their_fits(members(VAETransformer(**SMALL), X, [{}]))


def test_other_transformations_are_not_stacked():
    likelihood = Gaussian("column", transform="quantile")
    estimator = VAETransformer(**SMALL).set_params(likelihood=likelihood)
    (one, X), (_, Y), _ = members(estimator, rows(), [{}])
    assert all(side_by_side([(clone(one), X), (clone(one).set_params(lr=0.1), X)]))
    assert not any(side_by_side([(clone(one), X), (clone(one), Y)]))


def test_columns_far_from_zero_are_stacked():
    X = rows() + 1e6
    assert_members_are_their_fits(members(VAETransformer(**SMALL), X, [{}]), rtol=1e-7)


def test_every_member_has_its_own_seed():
    estimator = VAETransformer(**SMALL)
    pairs = [(clone(estimator).set_params(random_state=i), rows(i)) for i in range(3)]
    assert_members_are_their_fits(pairs)


def test_networks_of_several_shapes_are_stacked_in_groups():
    pairs = members(VAETransformer(**SMALL), rows(), grid(n_components=[2, 3]))
    assert_members_are_their_fits(pairs)


def test_in_single_precision_members_stay_close():
    # Rounding grows as training goes on.
    estimator = VAETransformer(**SMALL | {"dtype": "float32", "max_epochs": 3})
    pairs = members(estimator, rows(), grid(lr=[1e-3, 3e-3]))
    assert_members_are_their_fits(pairs, rtol=1e-3)


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.1},
        {"prior": "vamp"},
        {"binarize": "dynamic", "likelihood": "bernoulli"},
        {"net_params": {"fast_path": False}},
        {"optimizer": "sgd"},
    ],
    ids=str,
)
def test_what_cannot_be_stacked_is_left_alone(params):
    X = rows()
    X = (X - X.min(0)) / np.ptp(X, axis=0)
    estimator = VAETransformer(**SMALL | params)
    (pair,) = members(estimator, X, [{}])[:1]
    assert side_by_side([pair]) == [False]
    assert len(pair[0].net_.history) == 0


def test_other_families_are_left_alone():
    halves = {"left": slice(0, 5), "right": slice(5, None)}
    estimator = JMVAETransformer(**SMALL, modalities=halves)
    assert side_by_side([(estimator, rows())]) == [False]


def test_a_member_that_diverges_does_not_spoil_the_others():
    bad = {"lr": 1e30}
    plain = VAETransformer(**SMALL | {"early_stopping": False})
    pairs = [(clone(plain), rows()), (clone(plain).set_params(**bad), rows())]
    assert side_by_side(pairs) == [True, False]
    alone = clone(plain).fit(rows())
    np.testing.assert_allclose(state(pairs[0][0])[1], state(alone)[1], rtol=1e-9)


def test_a_stacked_fit_can_be_resumed():
    estimator = VAETransformer(**SMALL | {"early_stopping": False})
    alone, pair = clone(estimator).fit(rows()), (clone(estimator), rows())
    assert side_by_side([pair]) == [True]
    for one in (alone, pair[0]):
        one.partial_fit(rows())
    np.testing.assert_allclose(
        state(pair[0])[0], state(alone)[0], rtol=1e-9, atol=1e-11
    )
