"""Small instances of every estimator, for the common tests."""

from sklearn.base import clone

from skvae.discovery import all_estimators
from skvae.distributions import Gaussian
from skvae.priors import VampPrior

SMALL = {"max_epochs": 2, "hidden_layer_sizes": (16,), "random_state": 0}

# Settings that take another path through the code. An estimator without one of the
# parameters is left out of that variant.
VARIANTS = {
    "small": {},
    "linear": {"hidden_layer_sizes": ()},
    "bernoulli": {"likelihood": "bernoulli"},
    "row-scale": {"likelihood": Gaussian(scale="row")},
    "vamp": {"prior": VampPrior(n_pseudo_inputs=5)},
    "importance": {"n_importance_samples": 3},
    "warmup": {"kl_warmup": 2, "beta": 2.0},
    "dropout": {"dropout": 0.3, "activation": "tanh", "optimizer": "adamw"},
    "early-stopping": {"early_stopping": True},
    "double": {"dtype": "float64"},
}


def small(cls, **params):
    """Give an instance that fits in an instant."""
    return cls(**(SMALL | params))


def variants():
    """Yield (label, instance) for every estimator and every variant it has."""
    for name, cls in all_estimators():
        known = cls().get_params()
        for label, params in VARIANTS.items():
            if params.keys() <= known.keys():
                yield f"{name}-{label}", small(cls, **params)


def fitted(estimator, X):
    """Fit a copy."""
    return clone(estimator).fit(X)
