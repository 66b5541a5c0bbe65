"""The imputers that `benchmarks.imputation` compares."""

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import BayesianRidge

from skvae import VAEImputer


class Means:
    """Means of numbers, and the most frequent level of discrete columns."""

    def __init__(self, discrete):
        self.discrete = discrete

    def fit_transform(self, X):
        out = SimpleImputer().fit_transform(X)
        if self.discrete.any():
            most = SimpleImputer(strategy="most_frequent")
            out[:, self.discrete] = most.fit_transform(X[:, self.discrete])
        return out


def trees(discrete, seed):
    forest = ExtraTreesRegressor(n_estimators=10, random_state=seed)
    return IterativeImputer(forest, random_state=seed)


def plugin(name):
    """Return what makes an imputer of the package hyperimpute."""

    def build(discrete, seed):
        from hyperimpute.plugins.imputers import Imputers  # slow, and optional

        return Imputers().get(name, random_state=seed)

    return build


METHODS = {
    "mean": lambda discrete, seed: Means(discrete),
    "knn": lambda discrete, seed: KNNImputer(),
    "ridge": lambda discrete, seed: IterativeImputer(
        BayesianRidge(), random_state=seed
    ),
    "trees": trees,
    "vae": lambda discrete, seed: VAEImputer(random_state=seed),
}
SLOW = {"missforest": plugin("missforest"), "hyperimpute": plugin("hyperimpute")}


def draws_of(method, imputer, holed, n_draws, seed):
    """Return draws of the table, (m, n, d), or None if the method has none."""
    if method == "vae":
        return imputer.estimator_.impute(
            holed, n_imputations=n_draws, random_state=seed
        )
    if method != "ridge":
        return None
    how = {"sample_posterior": True, "random_state": seed}
    imputer = IterativeImputer(BayesianRidge(), **how).fit(holed)
    return np.stack([imputer.transform(holed) for _ in range(n_draws)])
