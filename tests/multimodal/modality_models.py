"""Small models of several modalities, and tables to fit them to."""

import functools

import numpy as np
import pytest
from instances import small
from sklearn.datasets import load_digits

from skvae import HierarchicalJMVAETransformer, JMVAEGANTransformer, JMVAETransformer

N_PIXELS, N_LABELS = 16, 10
PIXELS = [f"p{j}" for j in range(N_PIXELS)]
LABELS = [f"y{j}" for j in range(N_LABELS)]
BLOCKS = {"image": slice(0, N_PIXELS), "label": slice(N_PIXELS, None)}
LIKELIHOOD = {"image": "bernoulli", "label": "categorical"}
OF_LABELS = {"modalities": BLOCKS, "likelihood": LIKELIHOOD, "n_components": 3}
TO_A_TWO = dict.fromkeys(range(16, 26), 0.0) | {18: 1.0}

MODELS = {
    "experts": (JMVAETransformer, {}),
    "iterated": (JMVAETransformer, {"alpha": 0.0, "n_iterations": 4}),
    "hierarchy": (
        HierarchicalJMVAETransformer,
        {
            "n_components": (4, 3),
            "upper_hidden_layer_sizes": (8,),
            "n_iterations": 4,
        },
    ),
    "gan": (JMVAEGANTransformer, {}),
}
each_model = pytest.mark.parametrize("model", MODELS)

# Three modalities with interleaved, unordered columns.
OF_THREE = {
    "modalities": {"visits": [5, 2], "body": [6, 0, 3], "kind": [1, 4]},
    "likelihood": {"visits": "poisson", "body": "gaussian", "kind": "codes"},
    "n_components": 3,
}

# Rows do not share their draws of counts, so counts are tested separately in chains.
OF_THREE_CHAINED = OF_THREE | {
    "likelihood": OF_THREE["likelihood"] | {"visits": "codes"}
}


def make(model, **params):
    cls, own = MODELS[model]
    return small(cls, **(OF_LABELS | own | params))


def of_three(model, **params):
    chained = model in ("iterated", "hierarchy")
    settings = OF_THREE_CHAINED if chained else OF_THREE
    return make(model, **(settings | MODELS[model][1] | params))


def digits_and_labels():
    """Return 16 pixels and the one-hot label of 120 digits."""
    X, y = load_digits(return_X_y=True)
    return np.column_stack([X[:120, 16:32] / 16, np.eye(10)[y[:120]]])


def with_holes(table):
    """Remove the label of every fourth row, and the image of every fourth."""
    table = table.copy()
    table[1::4, BLOCKS["label"]] = np.nan
    table[2::4, BLOCKS["image"]] = np.nan
    return table


def counts_reals_and_codes():
    """Return 90 rows whose three modalities depend on the same latents."""
    random = np.random.default_rng(0)
    z = random.normal(size=(90, 2))
    body = z @ random.normal(size=(2, 3)) + 0.3 * random.normal(size=(90, 3))
    kind = np.column_stack([7 + (z[:, 0] > 0), 3 * np.digitize(z[:, 1], [-0.5, 0.5])])
    visits = random.poisson(np.exp(0.5 * z))
    table = np.empty((90, 7))
    for name, block in (("body", body), ("kind", kind), ("visits", visits)):
        table[:, OF_THREE["modalities"][name]] = block
    return table


PATTERNS = [
    *((), ("visits",), ("body",), ("kind",)),
    *(("visits", "body"), ("visits", "kind"), ("body", "kind")),
]


def with_every_pattern(table):
    """Remove blocks in a cycle of seven rows, according to `PATTERNS`."""
    table = table.copy()
    for row, missing in enumerate(PATTERNS):
        for name in missing:
            table[row::7, OF_THREE["modalities"][name]] = np.nan
    return table


WHOLE, WHOLE_THREE = digits_and_labels(), counts_reals_and_codes()
HOLED, THREE = with_holes(WHOLE), with_every_pattern(WHOLE_THREE)


@functools.cache
def fitted(model):
    """Fit to rows with missing blocks; shared by tests that do not change the model."""
    return make(model).fit(HOLED)


@functools.cache
def fitted_to_three(model):
    return of_three(model, max_epochs=5).fit(THREE)


@functools.cache
def trained(model):
    """Fit until labels are informative about their images."""
    settings = {"max_epochs": 40, "batch_size": 20, "lr": 1e-2, "beta": 0.1}
    return make(model, **settings).fit(WHOLE)


def missing_in(table, model):
    """Return whether image and label are missing, (n, 2)."""
    blocks = model.modalities_.values()
    return np.column_stack([np.isnan(table[:, at[0]]) for at in blocks])


def weights(estimator):
    return estimator.module_.state_dict()


def assert_same_weights(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])
