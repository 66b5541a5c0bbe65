"""The models that a search or a comparison will fit, and the rows of each."""

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skvae.base._autoencoder import BaseAutoencoderTransformer


def models_of_folds(estimators, X, y, splits):
    """Return the models of estimators on all folds, and their training rows.

    Parameters
    ----------
    estimators : list of estimator
        Models, or pipelines in which they are a step; others are left out.
    X, y
        Rows and targets.
    splits : list of (train, test)
        Positions.

    Returns
    -------
    models : list of BaseAutoencoderTransformer
        Unfitted.
    tables : list of array-like
        The rows of each as it will see them; models that see the same share them.
    owners : list of int
        The position of the estimator that each belongs to.
    """
    models, tables, owners, known = [], [], [], {}
    for fold, (train, _) in enumerate(splits):
        for number, estimator in enumerate(estimators):
            before, model = _split(clone(estimator))
            if model is None:
                continue
            key = fold, joblib.hash(before)
            if key not in known:
                known[key] = _reached(before, X, y, train)
            if known[key] is not None:
                models.append(model)
                tables.append(known[key])
                owners.append(number)
    return models, tables, owners


def _split(estimator):
    """Return the steps before the model, a Pipeline or None, and the model or None."""
    if isinstance(estimator, BaseAutoencoderTransformer):
        return None, estimator
    if not isinstance(estimator, Pipeline):
        return None, None
    for i, (_, step) in enumerate(estimator.steps):
        if isinstance(step, BaseAutoencoderTransformer):
            return (clone(estimator[:i]) if i else None), step
    return None, None


def _reached(before, X, y, train):
    """Return the training rows of a fold as the model sees them, or None."""
    if hasattr(X, "columns") and not hasattr(X, "iloc"):
        return None  # a data frame whose rows are taken in another way
    X_train = X.iloc[train] if hasattr(X, "iloc") else np.asarray(X)[train]
    if before is None:
        return X_train
    y_train = None if y is None else np.asarray(y)[train]
    try:
        return before.fit_transform(X_train, y_train)
    except Exception:  # of any kind: the search itself will meet it again
        return None
