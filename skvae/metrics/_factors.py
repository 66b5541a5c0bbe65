"""Checks and sampling of latents with known factors."""

import numpy as np
from sklearn.utils import check_array


def check_labelled(Z, factors, owner, min_latents=1, min_factors=1):
    """Check latents and factors, and recode the values of each factor from 0.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents.
    factors : array-like of shape (n, n_factors) or (n,)
        Integer codes.
    owner : str
        Name of the calling function, for error messages.
    min_latents, min_factors : int, default=1
        Minimum numbers of columns.

    Returns
    -------
    Z : ndarray of shape (n, n_components)
        Latents as float64.
    codes : ndarray of shape (n, n_factors)
        Codes from 0 to the factor's number of values minus 1.

    Raises
    ------
    ValueError
        If an argument is invalid, or their lengths differ.
    """
    Z = check_array(
        Z, dtype=np.float64, ensure_min_samples=2, input_name="Z", estimator=owner
    )
    factors = _integers(factors, owner)
    if len(Z) != len(factors):
        raise ValueError(
            f"{owner} needs one row of factors for each row of Z. Got {len(factors)} "
            f"rows of factors and {len(Z)} of Z instead."
        )
    _check_columns("Z", Z, min_latents, owner)
    _check_columns("factors", factors, min_factors, owner)
    codes = [np.unique(column, return_inverse=True)[1] for column in factors.T]
    return Z, np.column_stack(codes)


def _integers(factors, owner):
    """Return `factors` as a 2D array of whole numbers."""
    factors = np.asarray(factors)
    if factors.ndim == 1:
        factors = factors[:, None]
    if factors.ndim != 2:
        raise ValueError(
            f"{owner} needs factors of shape (n, n_factors) or (n,). Got shape "
            f"{factors.shape} instead."
        )
    whole = factors.dtype.kind in "biu" or (
        factors.dtype.kind == "f" and bool(np.all(np.floor(factors) == factors))
    )
    if not whole or not np.all(np.isfinite(factors)):
        raise ValueError(
            f"{owner} needs integer codes as factors. Got other values of dtype "
            f"{factors.dtype}. Encode labels with sklearn.preprocessing.OrdinalEncoder "
            "and real values with KBinsDiscretizer(encode='ordinal')."
        )
    return factors


def _check_columns(name, values, least, owner):
    if values.shape[1] < least:
        raise ValueError(
            f"{owner} needs {name} with at least {least} columns. Got "
            f"{values.shape[1]} instead."
        )


def check_varying(codes, owner):
    """Raise an error if a factor has only one value in the rows used.

    Raises
    ------
    ValueError
        With the columns of these factors.
    """
    constant = np.flatnonzero(np.ptp(codes, axis=0) == 0)
    if len(constant):
        raise ValueError(
            f"{owner} needs factors with at least 2 values each. Got a single value in "
            f"{len(codes)} rows of column {', '.join(map(str, constant))} of factors. "
            "Drop the column or pass more rows."
        )


def draw_rows(n, size, random):
    """Draw `size` of n rows without replacement, or all n if there are fewer."""
    return np.arange(n) if n <= size else random.choice(n, size, replace=False)


def split_rows(n, n_train, n_test, random):
    """Draw two disjoint sets of rows.

    If there are fewer than ``n_train + n_test`` rows, the first set gets what the
    second leaves, or two thirds of the rows if that is more, and the second gets the
    rest.
    """
    most = max(n - n_test, round(2 * n / 3))
    n_train = min(n_train, most)
    rows = random.permutation(n)
    return rows[:n_train], rows[n_train : n_train + n_test]
