"""What is measured of a model of two tasks: density, accuracy, information."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import _common as common
from benchmarks._task_picture import some_rows
from skvae.metrics import task_information

ESS = "median ESS"


def conditions(estimator, task):
    """The argument ``condition``, for models that have it."""
    return {"condition": task} if hasattr(estimator, "conditions_") else {}


def latents(estimator, part):
    """Posterior means."""
    return estimator.transform(part[0], **conditions(estimator, part[2]))


def drawn(values, seed):
    """Grey pixels drawn once as 0/1."""
    random = np.random.default_rng(seed)
    return (random.random(values.shape) < values).astype(values.dtype)


def density(estimator, test, targets, chosen):
    """Mean ln p(x | s) of the reported tasks' first test rows, its error, the ESS."""
    rows = np.flatnonzero(np.isin(test[2], targets))
    rows = np.random.default_rng(0).permutation(rows)[: chosen.density_rows]
    X, how = test[0][rows], conditions(estimator, test[2][rows])
    if estimator.binarize:
        X = drawn(X, seed=0)
    found = estimator.log_likelihood(
        X, n_samples=chosen.n_samples, return_diagnostics=True, **how
    )
    shown = common.density_of(found)
    result = {
        "test ln p(x)": shown["ln p(x)"],
        "Monte-Carlo error": shown["its error"],
        ESS: shown[ESS],
    }
    if found.log_normaliser_error > 0:
        result["ln Z"] = round(found.log_normaliser, 3)
        result["ln Z, error"] = round(found.log_normaliser_error, 3)
    return result


def accuracies(estimator, train, test, targets):
    """Accuracy on the target's test rows of classifiers fitted to the latents."""
    if len(targets) > 1:  # faces: every set shows different people
        return {}
    here, here_test = (part[2] == targets[0] for part in (train, test))
    Z, Z_test = (latents(estimator, part) for part in (train, test))
    every = np.ones(len(Z), dtype=bool)
    kinds = {
        "linear": (_linear(), every),
        "MLP": (_network(early_stopping=True), every),
        "linear, target": (_linear(), here),
        "MLP, target": (_network(max_iter=1000), here),
    }
    return {
        f"accuracy, {kind}": round(
            classifier.fit(Z[rows], train[1][rows]).score(
                Z_test[here_test], test[1][here_test]
            ),
            4,
        )
        for kind, (classifier, rows) in kinds.items()
    }


def _linear():
    return _scaled(LogisticRegression(max_iter=2000))


def _network(**settings):
    return _scaled(MLPClassifier(100, random_state=0, **settings))


def _scaled(classifier):
    return make_pipeline(StandardScaler(), classifier)


def information(estimator, test):
    """I(S; Z), and how well the means tell the task, on equally many test rows each."""
    rows = some_rows(test[2])
    found = task_information(
        estimator, test[0][rows], task=test[2][rows], n_rows=len(rows)
    )
    Z = latents(estimator, tuple(part[rows] for part in test))
    network = _network(early_stopping=True)
    accuracy = cross_val_score(network, Z, test[2][rows], cv=3).mean()
    return {"I(S; Z)": round(float(found), 4), "task accuracy": round(accuracy, 4)}
