"""Reconstruction error of rows from their latents."""

import numpy as np
from sklearn.utils.validation import check_array

from skvae.base import condition_positions, split_model
from skvae.inputs import as_numpy, take_columns


def reconstruction_error(estimator, X, y=None):
    """Mean squared reconstruction error per entry.

    In the units of `X`: a pipeline's steps before the model are inverted. Condition
    columns are left out, as the model returns them unchanged. Missing values, such as
    those of a missing modality, are left out too.

    Parameters
    ----------
    estimator : transformer
        Fitted, with ``reconstruct`` or ``inverse_transform``.
    X : array-like of shape (n_samples, n_features)
        Numeric data, with NaN for missing values.
    y : None
        Ignored.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If the estimator, or a step before it, does not have ``inverse_transform``.
    ValueError
        If every value is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from skvae.metrics import reconstruction_error
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> reconstruction_error(PCA(4).fit(X), X) < 1e-20
    True
    """
    back, given = reconstructed(estimator, X)
    kept = np.delete(np.arange(back.shape[1]), given)
    original, restored = (
        check_array(take_columns(part, kept), dtype=float, ensure_all_finite=False)
        for part in (X, back)
    )
    observed = ~np.isnan(original)
    if not observed.any():
        raise ValueError("Every value of X is missing: there is nothing to compare.")
    return float(np.mean(np.square(original[observed] - restored[observed])))


def neg_reconstruction_error(estimator, X, y=None):
    """Negative `reconstruction_error`, for use as a scorer: larger is better.

    Parameters
    ----------
    estimator, X, y
        As in `reconstruction_error`.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        As for `reconstruction_error`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import cross_val_score
    >>> from skvae.metrics import neg_reconstruction_error
    >>> scores = cross_val_score(
    ...     PCA(2), load_wine().data, scoring=neg_reconstruction_error, cv=3
    ... )
    >>> bool((scores < 0).all())
    True
    """
    return -reconstruction_error(estimator, X)


def reconstructed(estimator, X):
    """Return rows reconstructed in the units of `X`, and the condition columns.

    The condition columns are returned unchanged; steps before the model must not have
    moved them.
    """
    before, model = split_model(estimator)
    if not hasattr(model, "inverse_transform"):
        raise TypeError(f"{model!r} has no inverse_transform.")
    if before is not None and not hasattr(before, "inverse_transform"):
        raise TypeError("A step before the model has no inverse_transform.")
    rows = X if before is None else before.transform(X)
    if hasattr(model, "reconstruct"):
        rows = model.reconstruct(rows)
    else:
        rows = model.inverse_transform(model.transform(rows))
    given = condition_positions(model)
    rows = rows if before is None else before.inverse_transform(rows)
    rows = np.asarray(as_numpy(rows))
    return rows, [] if given is None else given
