"""Small instances of every estimator, for the common tests."""

import torch
from sklearn.base import clone

from skvae.discovery import all_estimators
from skvae.distributions import Gaussian
from skvae.inputs import take_columns
from skvae.nets import Dense
from skvae.priors import DensityRatio, VampPrior

SMALL = {"max_epochs": 2, "hidden_layer_sizes": (16,), "random_state": 0}
SMALL_WHERE_KNOWN = {
    "critic_hidden_layer_sizes": (8,),
    "n_critic_passes": 2,
    "n_kept": 20,
    "n_burn_in": 4,
    "n_draws": 4,
    "n_leapfrog": 3,
    "n_updates": 2,
    "discriminator": Dense((8,)),
}

# Settings that take another path through the code. An estimator without one of the
# parameters is left out of that variant.
VARIANTS = {
    "small": {},
    "linear": {"hidden_layer_sizes": ()},
    "bernoulli": {"likelihood": "bernoulli"},
    "row-scale": {"likelihood": Gaussian(scale="row")},
    "vamp": {"prior": VampPrior(n_pseudo_inputs=5)},
    "straight-through": {"gradient": "straight-through", "output": "one-hot"},
    "target-propagation": {"gradient": "target-propagation", "output": "codes"},
    "no-experts": {"alpha": 0.0, "n_iterations": 3},
    "density-ratio": {"prior": DensityRatio((8,), n_passes=2, n_kept=20)},
    "importance": {"n_importance_samples": 3},
    "warmup": {"kl_warmup": 2, "beta": 2.0},
    "dropout": {"dropout": 0.3, "activation": "tanh", "optimizer": "adamw"},
    "early-stopping": {"early_stopping": True},
    "double": {"dtype": "float64"},
}

HALVES = {"left": slice(0, 30), "right": slice(30, None)}
# Settings that need columns with few values, as the digits have them.
OF_DIGITS = {
    "condition": {"condition_columns": [3, 20]},
    "passthrough": {
        "condition_columns": slice(0, 12),
        "condition_encoding": "passthrough",
    },
    "modalities": {"modalities": HALVES, "modality_weights": {"right": 3.0}},
    "iterated": {"modalities": HALVES, "alpha": 0.0, "n_iterations": 3},
}


def small(cls, **params):
    """Give an instance that fits in an instant."""
    known = cls().get_params()
    extra = {name: v for name, v in SMALL_WHERE_KNOWN.items() if name in known}
    return cls(**(SMALL | extra | params))


def having(*parameters):
    """List every estimator that has these parameters."""
    known = {cls: cls().get_params() for _, cls in all_estimators()}
    return [cls for cls, params in known.items() if {*parameters} <= params.keys()]


def width_parameter(cls):
    """Name the parameter that says how many latents there are."""
    known = cls().get_params()
    return "n_components" if "n_components" in known else "n_variables"


def variants(settings=VARIANTS):
    """Yield (label, instance) for every estimator and every variant it has."""
    for name, cls in all_estimators():
        known = cls().get_params()
        for label, params in settings.items():
            if params.keys() <= known.keys():
                yield f"{name}-{label}", small(cls, **params)


def decode(estimator, Z, X):
    """Decode latents, under the conditions of some rows where there are any."""
    given = getattr(estimator, "_positions", None)
    how = {} if given is None else {"condition": take_columns(X, given)}
    return estimator.inverse_transform(Z, **how)


def batch_of(estimator, X):
    """Give rows as the fitted module sees them in training."""
    batch = estimator._evaluator()._batch(estimator._check_encodable(X))
    return batch._replace(index=torch.arange(len(X)))


def bodies(estimator):
    """Give the fitted encoder and decoder of an estimator of one modality."""
    module = estimator.module_
    if hasattr(module, "stages"):
        return module.stages[0], module.decoder
    (part,) = getattr(module, "modalities", (module,))
    return part.encoder, part.decoder


def fitted(estimator, X):
    """Fit a copy."""
    return clone(estimator).fit(X)
