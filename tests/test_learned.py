"""What likelihoods learn in fit is restored exactly, or rejected."""

import numpy as np
import pytest
from saved import described

from skvae.distributions import (
    Bernoulli,
    Categorical,
    Codes,
    Gaussian,
    Likelihood,
    Mixed,
    NegativeBinomial,
    Poisson,
    as_likelihood,
)
from skvae.persistence import learned, put_back

X = np.eye(3)[[0, 1, 2, 0]]
MIXED = [(Codes(), [2]), (Mixed([(Poisson(), [1]), (Gaussian(), [0])]), [0, 1])]
LIKELIHOODS = (
    *(Bernoulli(), Categorical(), Codes(), Gaussian(), Poisson(), NegativeBinomial()),
    *(Mixed(MIXED), as_likelihood("auto")),
    *(Gaussian(transform=kind) for kind in ("yeo-johnson", "quantile")),
)
LONG = np.zeros(4)


def unfitted():
    return Mixed([(Codes(), [2]), (Gaussian(), [0, 1])])


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda one: type(one).__name__)
def test_there_and_back(likelihood):
    fitted = likelihood.fit(X)
    again = put_back(likelihood.__sklearn_clone__(), learned(fitted), 3)
    assert described(vars(again)) == described(vars(fitted))


def test_columns_of_older_files_start_at_zero():
    values = learned(Gaussian().fit(X + 1e9))
    assert put_back(Gaussian(), dict(values), 3).origin.tolist() == [1e9] * 3
    del values["origin_"]
    assert put_back(Gaussian(), values, 3).origin is None


def test_the_likelihoods_above_are_all():
    ours = {c for c in subclasses(Likelihood) if c.__module__.startswith("skvae.")}
    assert {type(one) for one in LIKELIHOODS} == ours


def subclasses(cls):
    return [found for one in cls.__subclasses__() for found in (one, *subclasses(one))]


WRONG = {
    "width": ({"n_columns_": 2}, "learned 2 columns, not 3"),
    "superfluous": ({"fit_": 1}, "does not learn"),
    "out of range": ({"columns_": [np.array([9]), np.array([0, 1])]}, "in one part"),
    "twice": ({"columns_": [np.array([1]), np.array([0, 1])]}, "in one part and in"),
    "too few": ({"columns_": [np.array([1]), np.array([0])]}, "2 columns are in"),
    "not whole": ({"columns_": [np.array([2.0]), np.array([0, 1])]}, "positions"),
}
WRONG_PARTS = {
    "levels": (0, {"levels_": [LONG, LONG]}, "one array per column"),
    "no level": (0, {"levels_": [LONG[:0]]}, "must be numbers"),
    "strings": (0, {"levels_": [np.array(["a", "b"])]}, "must be numbers"),
    "frequencies": (0, {"frequencies_": [LONG]}, "one frequency"),
    "mean": (1, {"mean_": LONG}, "mean_ must be one number per column"),
    "origin": (1, {"origin_": LONG}, "origin_ must be one number per column"),
    "infinite": (1, {"origin_": LONG[:2] + np.inf}, "origin_ must be finite"),
    "list": (1, {"std_": [1.0, 1.0]}, "std_ must be one number per column"),
}


WRONG_TRANSFORMS = {
    "power": ("yeo-johnson", {"power_": LONG[:3] + 3}, "power_ must be from 0 to 2"),
    "unit": ("yeo-johnson", {"unit_": LONG[:3]}, "unit_ and factor_ positive"),
    "length": ("yeo-johnson", {"shift_": LONG}, "shift_ must be one number per column"),
    "nan": ("yeo-johnson", {"shift_": LONG[:3] + np.nan}, "shift_ must be finite"),
    "other": ("none", {"power_": LONG[:3] + 1}, "does not learn"),
    "columns": ("quantile", {"knots_": [LONG]}, "one array per column"),
    "order": ("quantile", {"knots_": [LONG[:2]] * 3}, "finite and increase"),
    "pairs": ("quantile", {"heights_": [np.arange(9.0)] * 3}, "must be pairs"),
}


@pytest.mark.parametrize("label", WRONG_TRANSFORMS)
def test_transformations_that_fit_does_not_learn_are_refused(label):
    kind, change, message = WRONG_TRANSFORMS[label]
    values = learned(Gaussian(transform=kind).fit(X)) | change
    with pytest.raises(ValueError, match=message):
        put_back(Gaussian(transform=kind), values, 3)


@pytest.mark.parametrize("label", WRONG)
def test_what_fit_does_not_learn_is_refused(label):
    change, message = WRONG[label]
    values = learned(unfitted().fit(X)) | change
    with pytest.raises(ValueError, match=message):
        put_back(unfitted(), values, 3)


@pytest.mark.parametrize("label", WRONG_PARTS)
def test_what_a_part_does_not_learn_is_refused(label):
    i, change, message = WRONG_PARTS[label]
    values = learned(unfitted().fit(X))
    values["parts_"][i] |= change
    with pytest.raises(ValueError, match=message):
        put_back(unfitted(), values, 3)
