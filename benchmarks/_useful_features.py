"""Latents as features, in the usefulness benchmark."""

import time

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis, KernelPCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from benchmarks import _useful_data as data
from benchmarks._useful_cells import build, tables_of
from skvae.metrics import active_units

BASELINES = ("raw", "PCA", "FactorAnalysis", "KernelPCA", "AE")
MEASURES = ("all labels", "100 labels", "10-NN")


def measure(cell, plan):
    """Return the test scores of predictors on the latents of a method.

    A linear predictor with all labels, with 100 labels, and 10 nearest neighbours. The
    latents are learned on all training rows; the linear predictors standardise them.
    The score is the AUC for two classes, the accuracy for more, and R² for numbers.
    """
    table = data.load(cell.work, cell.set, plan.folder)
    split = data.split(table, cell.seed, plan.max_rows)
    start = time.perf_counter()
    Z = latents(cell, plan, split)
    taken = time.perf_counter() - start
    found = {name: score(name, Z, split, cell.seed) for name in MEASURES}
    if cell.estimator is not None:
        found["in use"] = active_units(Z[1]).sum()
    return found if cell.k is None else found | {"fit, s": taken}


def latents(cell, plan, split):
    """Return the latents of the training and test rows."""
    if cell.method == "raw":
        return split.X
    model = method_of(cell, plan, split)
    tables = tables_of(model, split)
    model.fit(tables[0])
    return [model.transform(part) for part in tables]


def method_of(cell, plan, split):
    """Return the transformer; linear ones have no more latents than columns."""
    if cell.estimator is not None:
        return build(cell, plan, split)
    most = min(cell.k, *split.X[0].shape)
    return {
        "PCA": lambda: PCA(most, random_state=cell.seed),
        "FactorAnalysis": lambda: FactorAnalysis(most, random_state=cell.seed),
        "KernelPCA": lambda: KernelPCA(cell.k, kernel="rbf", random_state=cell.seed),
    }[cell.method]()


def score(name, Z, split, seed):
    """Return the test score of one predictor."""
    y, n_classes = split.y, split.n_classes
    if name == "10-NN":
        model = KNeighborsClassifier(10) if n_classes else KNeighborsRegressor(10)
        return score_of(model.fit(Z[0], y[0]), Z[1], y[1], n_classes)
    rows = slice(None)
    if name == "100 labels":
        rows = data.few_rows(y[0], bool(n_classes), seed=seed)
    model = LogisticRegression(max_iter=1000) if n_classes else Ridge()
    scaler = StandardScaler().fit(Z[0])  # needs no labels: on all rows
    model.fit(scaler.transform(Z[0])[rows], y[0][rows])
    return score_of(model, scaler.transform(Z[1]), y[1], n_classes)


def score_of(model, Z, y, n_classes):
    """Return the AUC for two classes, the accuracy for more, R² for numbers."""
    if n_classes == 2:
        return roc_auc_score(y, model.predict_proba(Z)[:, 1])
    if n_classes:
        return np.mean(model.predict(Z) == y)
    return r2_score(y, model.predict(Z))
