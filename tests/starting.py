"""Fits that stay at their start, and what it is compared with."""

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer

STARTED = {
    "init": "pca",
    "max_epochs": 1,
    "lr": 1e-12,
    "dtype": "float64",
    "early_stopping": False,
}
TABLES = {"wine": load_wine, "breast cancer": load_breast_cancer, "digits": load_digits}


def standardised(name):
    X = TABLES[name]().data
    return StandardScaler().fit_transform(X[:, X.std(0) > 0])


def started(X, k=5, cls=VAETransformer, condition=None, **params):
    model = cls(k, **(STARTED | {"random_state": 0} | params))
    return model.fit(X) if condition is None else model.fit(X, condition=condition)


def probabilistic_pca(X, k, test=None):
    """ln p(x) of each row at maximum likelihood; scikit-learn divides by n − 1."""
    mean = X.mean(0)
    values, vectors = np.linalg.eigh((X - mean).T @ (X - mean) / len(X))
    values[:-k] = values[:-k].mean()
    covariance = (vectors * values) @ vectors.T
    return multivariate_normal(mean, covariance).logpdf(X if test is None else test)
