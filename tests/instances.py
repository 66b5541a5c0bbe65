"""Small instances of every estimator, for the common tests."""

import numpy as np
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.utils import get_tags

from skvae.discovery import all_estimators
from skvae.distributions import Gaussian
from skvae.inputs import Given
from skvae.nets import Dense
from skvae.priors import DensityRatio, VampPrior
from skvae.training import Rows

SMALL = {
    "max_epochs": 2,
    "hidden_layer_sizes": (16,),
    "random_state": 0,
    "early_stopping": False,
}
SMALL_WHERE_KNOWN = {
    "init": "random",
    "critic_hidden_layer_sizes": (8,),
    "n_critic_passes": 2,
    "n_kept": 20,
    "n_burn_in": 10,
    "n_draws": 20,
    "n_leapfrog": 3,
    "n_updates": 2,
    "discriminator": Dense((8,)),
}

# Training without a start and without held-out rows.
PLAIN = {"init": "random", "early_stopping": False}

# Settings that exercise other paths through the code. An estimator that lacks one of a
# variant's parameters is left out of that variant.
VARIANTS = {
    "small": {},
    "linear": {"hidden_layer_sizes": ()},
    "bernoulli": {"likelihood": "bernoulli"},
    "row-scale": {"likelihood": Gaussian(scale="row")},
    "vamp": {"prior": VampPrior(n_pseudo_inputs=5)},
    "straight-through": {"gradient": "straight-through", "output": "one-hot"},
    "target-propagation": {
        "gradient": "target-propagation",
        "output": "codes",
        "likelihood": "gaussian",
    },
    "no-experts": {"alpha": 0.0, "n_iterations": 3},
    "density-ratio": {"prior": DensityRatio((8,), n_passes=2, n_kept=20)},
    "importance": {"n_importance_samples": 3},
    "warmup": {"kl_warmup": 2, "beta": 2.0},
    "dropout": {"dropout": 0.3, "activation": "tanh", "optimizer": "adamw"},
    "early-stopping": {"early_stopping": True},
    "pca": {"init": "pca"},
    "double": {"dtype": "float64"},
}

# Likelihoods for scikit-learn's checks of one estimator only, to save time.
LIKELIHOODS = {
    "auto": {"likelihood": "auto"},
    "yeo-johnson": {"likelihood": Gaussian(transform="yeo-johnson")},
    "quantile": {"likelihood": Gaussian(transform="quantile")},
}

HALVES = {"left": slice(0, 30), "right": slice(30, None)}
# Settings that need columns with few distinct values, as in the digits.
OF_DIGITS = {
    "condition": {"condition_columns": [3, 20]},
    "passthrough": {
        "condition_columns": slice(0, 12),
        "condition_encoding": "passthrough",
    },
    "invariant": {
        "condition_columns": [3, 20],
        "invariance": 2.0,
        "condition_weights": "balanced",
    },
    "invariant-passthrough": {
        "condition_columns": slice(0, 12),
        "condition_encoding": "passthrough",
        "invariance": 0.1,
    },
    "modalities": {"modalities": HALVES, "modality_weights": {"right": 3.0}},
    "iterated": {"modalities": HALVES, "alpha": 0.0, "n_iterations": 3},
}


def small(cls, **params):
    """Return an instance that fits quickly."""
    known = cls().get_params()
    extra = {name: v for name, v in SMALL_WHERE_KNOWN.items() if name in known}
    return cls(**(SMALL | extra | params))


def having(*parameters):
    """Return the estimator classes that have all of these parameters."""
    known = {cls: cls().get_params() for _, cls in all_estimators()}
    return [cls for cls, params in known.items() if {*parameters} <= params.keys()]


def width_parameter(cls):
    """Return the name of the parameter that sets the number of latents."""
    known = cls().get_params()
    return "n_components" if "n_components" in known else "n_variables"


def variants(settings=VARIANTS):
    """Yield (label, instance) for every estimator and each of its variants."""
    for name, cls in all_estimators():
        known = cls().get_params()
        for label, params in settings.items():
            if params.keys() <= known.keys():
                yield f"{name}-{label}", small(cls, **params)


def decode(estimator, Z, X):
    """Decode latents, given the condition columns of X if there are any."""
    columns = estimator.get_params(deep=False).get("condition_columns")
    if columns is None:
        return estimator.inverse_transform(Z)
    given = ColumnTransformer([("condition", "passthrough", columns)]).fit_transform(X)
    return estimator.inverse_transform(Z, condition=given)


def beside(estimator, X):
    """Return what fit needs beside X: labels, if the tags of an estimator say so."""
    if not get_tags(estimator).target_tags.required:
        return {}
    return {"y": np.arange(len(X)) % 3}


def fit(estimator, X):
    """Fit an estimator to X, and to labels if it needs them."""
    return estimator.fit(X, **beside(estimator, X))


def partial_fit(estimator, X):
    """Train for one epoch on X, and on labels if the estimator needs them."""
    return estimator.partial_fit(X, **beside(estimator, X))


def rows_of(estimator, X):
    """Return X as the `Rows` that the fitted module receives in training."""
    parameter = next(estimator.module_.parameters())
    table = estimator._check_encodable(X, Given(**beside(estimator, X)))
    units = {"origin": estimator.likelihood_.origin, "fill": estimator.likelihood_.fill}
    return Rows(table, parameter.device, parameter.dtype, **units)


def batch_of(estimator, X):
    """Return X as the batch that the fitted module receives in training."""
    return rows_of(estimator, X).take(torch.arange(len(X)))


def bodies(estimator):
    """Return the encoder and decoder bodies of an estimator of one modality."""
    module = estimator.module_
    if hasattr(module, "stages"):
        return module.stages[0], module.decoder
    (part,) = getattr(module, "modalities", (module,))
    return part.encoder, part.decoder


def fitted(estimator, X):
    """Return a fitted clone."""
    return fit(clone(estimator), X)


def weights_of(estimator):
    """Return everything in the state of the fitted module, as arrays."""
    return [
        value.numpy(force=True) for value in estimator.module_.state_dict().values()
    ]
