"""Latents that vary with the data."""

import numpy as np
from sklearn.utils import check_array

from skvae._validation import NON_NEGATIVE, check_parameter
from skvae.base import find_model
from skvae.inputs import as_numpy


def active_units(Z, threshold=0.01):
    """Return which latents vary with the data.

    A latent is active if the variance of its posterior mean over the data,
    Cov_x(E_q(z|x)[z_k]), is above 0.01 (Burda et al. 2016, section 5.2). This threshold
    assumes the scale of a standard normal prior.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Latents, as returned by ``transform``.
    threshold : float, default=0.01
        Variance above which a latent is active.

    Returns
    -------
    ndarray of bool, shape (n_components,)

    Raises
    ------
    ValueError
        If the threshold is negative, or `Z` is not a numeric table.

    Examples
    --------
    >>> from skvae.metrics import active_units
    >>> active_units([[0.0, 1.0], [0.01, -1.0]])
    array([False,  True])
    """
    check_parameter("threshold", threshold, (NON_NEGATIVE,), "active_units")
    return np.var(check_array(Z, dtype=np.float64, input_name="Z"), axis=0) > threshold


def n_active_units(estimator, X, y=None, *, threshold=0.01, condition=None):
    """Count the latents that vary with the data; can be used as a scorer.

    Parameters
    ----------
    estimator : estimator
        A fitted skvae estimator, or a pipeline or search that contains one.
    X : array-like of shape (n_samples, n_features)
        Input data.
    y : None
        Ignored.
    threshold : float, default=0.01
        As in `active_units`.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Condition of each row, for a model that takes it as an argument.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If there is no skvae estimator.
    ValueError
        If `X` does not have the same columns as in fit.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import n_active_units
    >>> vae = VAETransformer(2, max_epochs=2, random_state=0)
    >>> model = make_pipeline(StandardScaler(), vae)
    >>> cross_val_score(model, load_wine().data, scoring=n_active_units, cv=3).shape
    (3,)
    """
    before, model = find_model(estimator, "n_active_units")
    given = {} if condition is None else {"condition": condition}
    Z = model.transform(X if before is None else before.transform(X), **given)
    return int(active_units(as_numpy(Z), threshold).sum())
