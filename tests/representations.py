"""Scores, factors and representations for tests of disentanglement."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from skvae.metrics import (
    beta_vae_score,
    dci_scores,
    factor_vae_score,
    modularity_score,
    mutual_information_gap,
    sap_score,
)


def grid(*levels, repeats=1):
    """Return every combination of the factors' values, shuffled."""
    codes = np.indices((*levels, repeats)).reshape(len(levels) + 1, -1).T[:, :-1]
    return np.random.default_rng(0).permutation(codes)


class Correlated(ClassifierMixin, BaseEstimator):
    """Importances are squared correlations, so that they can be derived by hand."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        covariance = (X - X.mean(0)).T @ (y - y.mean())
        scale = ((X - X.mean(0)) ** 2).sum(0) * ((y - y.mean()) ** 2).sum()
        square = covariance**2 / np.where(scale, scale, 1)
        self.feature_importances_ = np.where(square > 0.1, square, 0)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def dci(**settings):
    """Return one of the three values of `dci_scores` as a function."""
    part = settings.pop("part")

    def score(Z, factors, **given):
        return getattr(dci_scores(Z, factors, **(settings | given)), part)

    return score


VOTES = {"n_train": 600, "n_test": 400, "random_state": 0}
SPLIT = {"random_state": 0}
SCORES = {
    "mig": (mutual_information_gap, {}),
    "modularity": (modularity_score, {}),
    "disentanglement": (dci(part="disentanglement", estimator=Correlated()), SPLIT),
    "completeness": (dci(part="completeness", estimator=Correlated()), SPLIT),
    "sap": (sap_score, SPLIT),
    "beta-vae": (beta_vae_score, VOTES),
    "factor-vae": (factor_vae_score, VOTES),
}


def scored(name, Z, factors, **given):
    score, settings = SCORES[name]
    return score(Z, factors, **(settings | given))


TWO = grid(2, 2, repeats=400)  # two binary factors: linear classifiers suffice
REPRESENTATIONS = {
    "perfect": TWO.astype(float),
    "float32": TWO.astype(np.float32),
    "dead": np.hstack([TWO, np.full((len(TWO), 2), 1e9)]),
    "duplicated": np.hstack([TWO, TWO]),
    "rotated": TWO @ [[1, 1], [1, -1]],
    "noise": np.random.default_rng(1).normal(size=(len(TWO), 2)),
}
# Tolerances for the sampling of rows and votes: at least three standard errors.
SAMPLED = {
    "mig": 0.03,
    "disentanglement": 0.03,
    "completeness": 0.03,
    "sap": 0.08,
    "beta-vae": 0.1,
    "factor-vae": 0.1,
}

FACTORS = grid(3, 4, repeats=30)
RNG = np.random.default_rng(2)
MIXED = FACTORS @ RNG.normal(size=(2, 3)) + RNG.normal(size=(len(FACTORS), 3))
