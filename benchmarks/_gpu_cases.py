"""The fitted models that `benchmarks.gpu` checks: every estimator, and its variants."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits

from skvae import (
    CategoricalVAETransformer,
    CVAETransformer,
    JMVAETransformer,
    VAETransformer,
)
from skvae.discovery import all_estimators
from skvae.nets import ConvDecoder, ConvEncoder, Dense
from skvae.priors import DensityRatio, VampPrior

# float32 sums depend on the order of their terms, and so on the device. On a CPU,
# computing in float64 instead moves the answers of these models by at most 4e-7. The
# margin is for a discrete draw that rounding flips, and for rounding that a refit
# amplifies.
TOLERANCE = 1e-4
# cuDNN convolves in TF32 by default: 10 bits of mantissa, so 1e-3 in each layer.
TF32 = 1e-2
# Parameters that make the slow estimators fast enough; used where an estimator has
# them.
FAST = {
    "critic_hidden_layer_sizes": (16,),
    "n_critic_passes": 2,
    "n_kept": 50,
    "n_burn_in": 4,
    "n_draws": 4,
    "n_leapfrog": 3,
    "n_updates": 2,
    "n_iterations": 3,
    "discriminator": Dense((16,)),
}
PRIORS = {
    "vamp": VampPrior(n_pseudo_inputs=10),
    "density-ratio": DensityRatio((16,), n_passes=2, n_kept=50),
}
HALVES = {"left": slice(0, 30), "right": slice(30, None)}


@dataclass
class Case:
    """An estimator with the rows to fit and evaluate it on.

    `routed` are keyword arguments of its methods besides the rows, and `tolerance` is
    the largest difference to the CPU that passes, relative to 1 + the size of a value.
    """

    name: str
    estimator: BaseEstimator
    X: np.ndarray
    routed: dict = field(default_factory=dict)
    tolerance: float = TOLERANCE


def cases(sizes):
    """List the cases: the plain estimators, which matter most, come first."""
    X, y = load_digits(return_X_y=True)
    X, y = (X[: sizes["rows"]] / 16).astype("float32"), y[: sizes["rows"]]
    return [
        *_plain(X, sizes),
        *_with_priors(X, sizes),
        *_with_conditions(X, y, sizes),
        *_with_modalities(X, sizes),
        *_others(X, sizes),
    ]


def _small(cls, sizes, **params):
    known = cls().get_params()
    fast = {name: value for name, value in FAST.items() if name in known}
    common = {
        "hidden_layer_sizes": (sizes["hidden"],),
        "max_epochs": sizes["epochs"],
        "random_state": 0,
    }
    return cls(**common | fast | params)


def _having(parameter):
    return [cls for _, cls in all_estimators() if parameter in cls().get_params()]


def _plain(X, sizes):
    for name, cls in all_estimators():
        yield Case(name, _small(cls, sizes), X)


def _with_priors(X, sizes):
    for cls in _having("prior"):
        for label, prior in PRIORS.items():
            yield Case(f"{cls.__name__}, {label}", _small(cls, sizes, prior=prior), X)


def _with_conditions(X, y, sizes):
    for cls in _having("condition_columns"):
        name = cls.__name__
        columns = _small(cls, sizes, condition_columns=[3, 20])
        yield Case(f"{name}, condition columns", columns, X)
        yield Case(f"{name}, condition=", _small(cls, sizes), X, {"condition": y})
    vamp = _small(CVAETransformer, sizes, prior=PRIORS["vamp"])
    yield Case("CVAETransformer, condition=, vamp", vamp, X, {"condition": y})


def _with_modalities(X, sizes):
    holed = X.copy()
    holed[:10, HALVES["left"]] = np.nan
    holed[10:20, HALVES["right"]] = np.nan
    for cls in _having("modalities"):
        name, estimator = cls.__name__, _small(cls, sizes, modalities=HALVES)
        yield Case(f"{name}, modalities", estimator, X)
        yield Case(f"{name}, missing blocks", estimator, holed)
    iterated = _small(JMVAETransformer, sizes, modalities=HALVES, alpha=0.0)
    yield Case("JMVAETransformer, missing blocks, iterated", iterated, holed)


def _others(X, sizes):
    def vae(label, **params):
        name = f"VAETransformer, {label}"
        return Case(name, _small(VAETransformer, sizes, **params), X)

    yield vae("bernoulli, binarize", likelihood="bernoulli", binarize="dynamic")
    yield vae("dropout, early stopping", dropout=0.2, early_stopping=True)
    yield vae("importance-weighted", n_importance_samples=3)
    yield vae("float64", dtype="float64")
    counts = _small(VAETransformer, sizes, likelihood="poisson")
    yield Case("VAETransformer, poisson", counts, np.round(16 * X))
    codes = [("codes", slice(0, 32)), ("gaussian-shared", slice(32, None))]
    mixed = _small(VAETransformer, sizes, likelihood=codes)
    yield Case("VAETransformer, codes and gaussian", mixed, np.round(X))
    for gradient in ("straight-through", "target-propagation"):
        estimator = _small(CategoricalVAETransformer, sizes, gradient=gradient)
        yield Case(f"CategoricalVAETransformer, {gradient}", estimator, X)
    convolutions = vae(
        "convolutions",
        encoder=ConvEncoder((1, 8, 8), (8, 16)),
        decoder=ConvDecoder((1, 8, 8), (16, 8)),
    )
    convolutions.tolerance = TF32
    yield convolutions
