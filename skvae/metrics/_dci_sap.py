"""Disentanglement scores that predict factors from latents: DCI and SAP."""

from typing import NamedTuple

import numpy as np
from scipy.stats import entropy
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.svm import LinearSVC
from sklearn.utils import check_random_state

from skvae._kinds import cut
from skvae._validation import POSITIVE, POSITIVE_INT, check_parameter
from skvae.metrics._factors import check_labelled, check_varying, split_rows


class DCIScores(NamedTuple):
    """Result of `dci_scores`; with classifiers, all but the matrix are in [0, 1].

    Attributes
    ----------
    disentanglement : float
        1 if each latent is important for only one factor.
    completeness : float
        1 if only one latent is important for each factor.
    informativeness : float
        Accuracy on held-out rows, averaged over factors.
    importances : ndarray of shape (n_components, n_factors)
        Importance of each latent for each factor.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importances: np.ndarray


def dci_scores(
    Z, factors, *, estimator=None, n_train=10_000, n_test=5_000, random_state=None
):
    """Disentanglement, completeness and informativeness (DCI).

    A classifier predicts each of M factors from all K latents; R_ij is the importance
    of latent i for factor j. With H_b the entropy to base b of shares that sum to 1::

        disentanglement = Σ_i ρ_i (1 − H_M(R_i· / Σ_j R_ij)),  ρ_i = Σ_j R_ij / ΣΣ R,
        completeness = Σ_j ρ_j (1 − H_K(R_·j / Σ_i R_ij)),  ρ_j = Σ_i R_ij / ΣΣ R,

    and informativeness is the mean accuracy on held-out rows (Eastwood and Williams
    2018, section 2, who report an error instead). If all importances are 0, so are both
    scores.

    The settings are those of Locatello et al. (2019) in their ``disentanglement_lib``:
    gradient boosted trees with scikit-learn's defaults, 10 000 training and 5 000 test
    points, and the weights ρ_j, which are equal because the importances of a tree
    ensemble sum to 1. Training and test rows are disjoint here; the library draws both
    from the ground-truth generator, so they may overlap.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows, at least two columns.
    factors : array-like of shape (n, n_factors)
        Integer codes of the factors, at least two columns.
    estimator : classifier or None, default=None
        Must have ``feature_importances_`` after fit. Cloned for each factor, and seeded
        if its ``random_state`` is None. None means ``GradientBoostingClassifier()``,
        which takes 2 to 3 seconds per level of each factor with 10 latents and 10 000
        rows. ``ExtraTreesClassifier`` and ``RandomForestClassifier`` are much faster;
        ``HistGradientBoostingClassifier`` does not have importances. With a regressor,
        informativeness is the mean R².
    n_train, n_test : int, default=10_000, 5_000
        Number of training and test rows. If there are fewer rows, two thirds are used
        for training, or what `n_test` leaves if that is more, and the others for
        testing.
    random_state : int, RandomState or None, default=None
        Seed of the row sampling and the estimators.

    Returns
    -------
    DCIScores
        A named tuple ``(disentanglement, completeness, informativeness, importances)``.

    Raises
    ------
    ValueError
        As for :func:`mutual_information_gap`, but `factors` also need two columns.
    TypeError
        If `estimator` is not an estimator, or does not have ``feature_importances_``.

    References
    ----------
    Eastwood, C. and Williams, C. K. I. (2018). A Framework for the Quantitative
    Evaluation of Disentangled Representations. ICLR.
    Locatello, F. et al. (2019). Challenging Common Assumptions in the Unsupervised
    Learning of Disentangled Representations. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skvae.metrics import dci_scores
    >>> factors = np.indices((3, 3, 20)).reshape(3, -1).T[:, :2]
    >>> scores = dci_scores(
    ...     factors, factors, estimator=DecisionTreeClassifier(), random_state=0
    ... )
    >>> scores.disentanglement, scores.completeness, scores.informativeness
    (1.0, 1.0, 1.0)
    """
    owner = "dci_scores"
    Z, codes = check_labelled(Z, factors, owner, min_latents=2, min_factors=2)
    random = check_random_state(random_state)
    train, test = _split(codes, n_train, n_test, random, owner)
    estimator = GradientBoostingClassifier() if estimator is None else estimator
    importances, scores = [], []
    for column in codes.T:
        model = _seeded(estimator, random).fit(Z[train], column[train])
        importances.append(_importances(model))
        scores.append(model.score(Z[test], column[test]))
    importances = np.column_stack(importances)
    return DCIScores(
        _concentration(importances),
        _concentration(importances.T),
        float(np.mean(scores)),
        importances,
    )


def sap_score(Z, factors, *, C=0.01, n_train=10_000, n_test=5_000, random_state=None):
    """Separated attribute predictability (SAP): one latent per factor, or several.

    For each latent and factor, a linear classifier predicts the factor from this latent
    alone. The score is the difference in held-out accuracy between the two most
    predictive latents, averaged over factors (Kumar et al. 2018, section 3).

    The settings are those of Locatello et al. (2019) in their ``disentanglement_lib``:
    a linear support vector machine with C = 0.01 and balanced class weights, all
    factors treated as classes, 10 000 training and 5 000 test points. Here the problem
    is solved in its primal form, which needs no random numbers, and training and test
    rows are disjoint.

    A linear classifier of one number can at best separate the lowest and the highest
    class, so factors with many levels stay far below 1 even if the latent equals the
    factor. The penalty, which includes the intercept, suits latents with a mean near 0
    and a variance near 1; others score too low. If a transformer has a different scale,
    put a ``StandardScaler`` after it.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows, at least two columns.
    factors : array-like of shape (n, n_factors) or (n,)
        Integer codes of the factors.
    C : float, default=0.01
        Inverse regularisation strength of the support vector machines.
    n_train, n_test : int, default=10_000, 5_000
        Number of training and test rows. If there are fewer rows, two thirds are used
        for training, or what `n_test` leaves if that is more, and the others for
        testing.
    random_state : int, RandomState or None, default=None
        Seed of the row sampling.

    Returns
    -------
    float
        Score in [0, 1].

    Raises
    ------
    ValueError
        As for :func:`mutual_information_gap`.

    References
    ----------
    Kumar, A., Sattigeri, P. and Balakrishnan, A. (2018). Variational Inference of
    Disentangled Latent Concepts from Unlabeled Observations. ICLR.
    Locatello, F. et al. (2019). Challenging Common Assumptions in the Unsupervised
    Learning of Disentangled Representations. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.metrics import sap_score
    >>> factors = np.indices((2, 2, 50)).reshape(3, -1).T[:, :2]
    >>> sap_score(factors @ [[1, 1, 0, 0], [0, 0, 1, 1]], factors, random_state=0)
    0.0
    """
    owner = "sap_score"
    check_parameter("C", C, (POSITIVE,), owner)
    Z, codes = check_labelled(Z, factors, owner, min_latents=2)
    random = check_random_state(random_state)
    train, test = _split(codes, n_train, n_test, random, owner)
    machine = LinearSVC(C=C, class_weight="balanced", dual=False)
    accuracies = [
        [machine.fit(z[train], v[train]).score(z[test], v[test]) for v in codes.T]
        for z in Z.T[:, :, None]  # (n, 1) each
    ]
    second, best = np.sort(accuracies, axis=0)[-2:]
    return float(np.mean(best - second))


def _split(codes, n_train, n_test, random, owner):
    """Draw training and test rows."""
    check_parameter("n_train", n_train, (POSITIVE_INT,), owner)
    check_parameter("n_test", n_test, (POSITIVE_INT,), owner)
    train, test = split_rows(len(codes), n_train, n_test, random)
    check_varying(codes[train], owner)
    return train, test


def _seeded(estimator, random):
    """Clone an estimator and set its random_state if it is None."""
    model = clone(estimator)
    if model.get_params(deep=False).get("random_state", 0) is None:
        model.set_params(random_state=random.randint(np.iinfo(np.int32).max))
    return model


def _importances(model):
    if not hasattr(model, "feature_importances_"):
        raise TypeError(
            "The 'estimator' parameter of dci_scores must have feature_importances_ "
            f"after fit, as tree ensembles do. Got {cut(model)} instead."
        )
    return np.abs(model.feature_importances_)


def _concentration(importances):
    """Return the mean over rows of 1 − H(row) / ln(length), weighted by row sums."""
    weights = importances.sum(axis=1)
    used = weights > 0
    if not used.any():
        return 0.0
    spread = entropy(importances[used], axis=1, base=importances.shape[1])
    return float(np.average(1 - spread, weights=weights[used]))
