"""Cross-validated probabilities of the task given the latents."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

N_FOLDS = 5
N_PSEUDO = 2  # rows that pull a task's covariance towards the average over tasks
LEAST_LOG = np.log(1e-9)  # of a classifier's probabilities, before weighting
LARGEST_WEIGHT = 2.0
LEAST_VARIANCE = 1e-9  # of standardised latents
MAX_TREE_TASKS = 10  # with more, trees would take most of the time


class GaussianDiscriminant(ClassifierMixin, BaseEstimator):
    """Quadratic discriminant analysis, usable with few rows per task.

    The correlations of each task are shrunk as in Ledoit & Wolf (2004), which keeps the
    probabilities reasonable if a task has hardly more rows than there are latents. The
    variances are pulled slightly towards their average over tasks.

    References
    ----------
    Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional
    covariance matrices. Journal of Multivariate Analysis.
    """

    def fit(self, X, y):
        """Estimate the mean and covariance of each class."""
        self.classes_, y = np.unique(y, return_inverse=True)
        counts = np.bincount(y)
        means = np.stack([X[y == k].mean(0) for k in range(len(counts))])
        centred = X - means[y]
        average = np.square(centred).mean(0)
        self._parts = [
            (np.log(n / len(X)), mean, *_gaussian(centred[y == k], average))
            for k, (n, mean) in enumerate(zip(counts, means, strict=True))
        ]
        return self

    def predict_proba(self, X):
        """Return the probability of each class: (n, K) -> (n, n_classes)."""
        logs = [
            log_share + log_det - 0.5 * np.square((X - mean) @ whitener).sum(1)
            for log_share, mean, whitener, log_det in self._parts
        ]
        return softmax(np.stack(logs, axis=1), axis=1)


def _gaussian(centred, average):
    """Return L with C⁻¹ = L Lᵀ, (K, K), and ln det L, from a task's centred rows."""
    n_rows, n_latents = centred.shape
    n = n_rows + N_PSEUDO
    variance = (np.square(centred).sum(0) + N_PSEUDO * average) / n
    scale = np.sqrt(variance + LEAST_VARIANCE)
    shrunk = n_rows * _shrunk(centred / scale) + N_PSEUDO * np.eye(n_latents)
    values, vectors = np.linalg.eigh(shrunk / n)
    log_volume = np.log(scale).sum() + 0.5 * np.log(values).sum()
    return vectors / np.sqrt(values) / scale[:, None], -log_volume


def _shrunk(rows):
    """Return the covariance of centred rows, shrunk to a multiple of the identity."""
    n_rows, n_latents = rows.shape
    covariance = rows.T @ rows / n_rows
    size = np.square(covariance).sum()
    level = np.trace(covariance) / n_latents
    distance = size - n_latents * level**2
    error = (np.square(np.square(rows).sum(1)).mean() - size) / n_rows
    weight = min(1.0, error / distance) if distance > 0 else 1.0
    return (1 - weight) * covariance + weight * level * np.eye(n_latents)


def _classifiers(n_tasks):
    """Return classifiers for linear, quadratic and any other boundaries."""
    found = [
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        make_pipeline(StandardScaler(), GaussianDiscriminant()),
    ]
    if n_tasks <= MAX_TREE_TASKS:
        trees = HistGradientBoostingClassifier(
            max_iter=40,
            max_leaf_nodes=8,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=0,  # None would draw from the global generator
        )
        found.append(trees)
    return found


def classifier_log_share(z, task, random):
    """Return ln c(s | z) at each row's own task from classifiers that did not see it.

    Logistic regression, quadratic discriminant analysis and, for up to ten tasks,
    boosted trees are fitted to the rows outside each fold and combined by

        c(s | z) ∝ p(s) Π_k (c_k(s | z) / p(s))^w_k,

    a logarithmic opinion pool (Genest & Zidek 1986). The weights w_k between 0 and 2
    maximise the mean of ln c(s | z) over the rows outside the fold. They also calibrate
    the classifiers: if the latents hold no information about the task, they are about
    0, and c(s | z) is p(s).

    Parameters
    ----------
    z : ndarray of shape (N, K)
    task : ndarray of shape (N,)
        Numbers from 0. There are several tasks, each with at least two rows.
    random : RandomState
        Assigns rows to folds.

    Returns
    -------
    ndarray of shape (N,)

    References
    ----------
    Genest, C. and Zidek, J. V. (1986). Combining probability distributions: a critique
    and an annotated bibliography. Statistical Science.
    """
    fold = _folds(task, random)
    log_share = np.log(np.bincount(task) / len(task))
    logs = [_out_of_fold(each, z, task, fold) for each in _classifiers(len(log_share))]
    ratios = np.maximum(np.stack(logs), LEAST_LOG) - log_share  # (C, N, n_tasks)
    found = np.empty(len(task))
    for k in np.unique(fold):
        test = fold == k
        weights = _pool_weights(ratios[:, ~test], task[~test], log_share)
        pooled = log_softmax(np.tensordot(weights, ratios[:, test], 1) + log_share, 1)
        found[test] = pooled[np.arange(test.sum()), task[test]]
    return found


def _folds(task, random):
    """Return the fold of each row, (N,); rows of a task are spread over the folds."""
    order = random.permutation(len(task))
    order = order[np.argsort(task[order], kind="stable")]
    fold = np.empty(len(task), dtype=int)
    fold[order] = np.arange(len(task)) % N_FOLDS
    return fold


def _out_of_fold(classifier, z, task, fold):
    """Return ln c_k(s | z) of every task, (N, n_tasks), fitted to the other folds."""
    found = np.empty((len(task), task.max() + 1))
    for k in np.unique(fold):
        test = fold == k
        found[test] = classifier.fit(z[~test], task[~test]).predict_proba(z[test])
    with np.errstate(divide="ignore"):
        return np.log(found)


def _pool_weights(ratios, task, log_share):
    """Return the weights, (C,), that maximise the mean of ln c(s | z)."""
    own = np.take_along_axis(ratios, task[None, :, None], 2)[..., 0]  # (C, N)

    def loss(weights):
        logs = log_softmax(np.tensordot(weights, ratios, 1) + log_share, 1)
        expected = (ratios * np.exp(logs)).sum(2)  # (C, N)
        value = np.take_along_axis(logs, task[:, None], 1).mean()
        return -value, (expected - own).mean(1)

    start = np.full(len(ratios), 1 / len(ratios))
    bounds = [(0.0, LARGEST_WEIGHT)] * len(ratios)
    return minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
