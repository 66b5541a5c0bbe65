"""Disentanglement scores based on mutual information: MIG and modularity."""

import numpy as np
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score
from sklearn.utils import check_random_state

from skvae._validation import POSITIVE_INT, check_parameter
from skvae.metrics._factors import check_labelled, check_varying, draw_rows


def mutual_information_gap(Z, factors, *, n_train=10_000, n_bins=20, random_state=None):
    """Mutual information gap (MIG): whether a single latent encodes each factor.

    The mean over factors v_k of

        1 / H(v_k) (I(z_j(k); v_k) − max_{j ≠ j(k)} I(z_j; v_k)),

    where j(k) is the latent that is most informative about v_k (Chen et al. 2018, eq.
    6). It is 1 if one latent determines each factor and the others are independent of
    it, and 0 if two latents are equally informative.

    The settings are those of Locatello et al. (2019) in their ``disentanglement_lib``:
    20 bins per latent, of equal width from its smallest to its largest value, and the
    plug-in estimate of I from 10 000 points. Chen et al. integrate over q(z | x)
    instead. Points are drawn from the rows without replacement; the library draws them
    from the ground-truth generator.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows, at least two columns.
    factors : array-like of shape (n, n_factors) or (n,)
        Integer codes of the factors; which integers are used does not matter.
    n_train : int, default=10_000
        Number of rows to draw; all rows if there are fewer.
    n_bins : int, default=20
        Bins per latent. A factor with more levels than bins cannot reach 1.
    random_state : int, RandomState or None, default=None
        Seed of the row sampling.

    Returns
    -------
    float
        Score in [0, 1].

    Raises
    ------
    ValueError
        If `Z` has only one row or column, NaN or infinite values; if `factors` are not
        whole numbers, differ in length, or one of them has a single value; or if
        another argument is invalid.

    References
    ----------
    Chen, R. T. Q., Li, X., Grosse, R. and Duvenaud, D. (2018). Isolating Sources of
    Disentanglement in Variational Autoencoders. NeurIPS.
    Locatello, F. et al. (2019). Challenging Common Assumptions in the Unsupervised
    Learning of Disentangled Representations. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.metrics import mutual_information_gap
    >>> factors = np.indices((4, 5)).reshape(2, -1).T
    >>> round(mutual_information_gap(factors * [1.0, -0.1], factors), 6)
    1.0
    >>> mutual_information_gap(factors @ [[1, 1], [1, 1]], factors)
    0.0
    """
    owner = "mutual_information_gap"
    information, codes = _information(
        Z, factors, n_train, n_bins, random_state, owner, min_latents=2
    )
    second, best = np.sort(information, axis=0)[-2:]
    entropies = [entropy(np.bincount(column)) for column in codes.T]
    return float(np.mean((best - second) / entropies))


def modularity_score(Z, factors, *, n_train=10_000, n_bins=20, random_state=None):
    """Modularity: whether each latent is informative about a single factor.

    The mean over latents z_i of

        1 − Σ_{f ≠ f(i)} I(z_i; v_f)² / ((M − 1) I(z_i; v_f(i))²),

    where f(i) is the factor that z_i is most informative about, and M the number of
    factors (Ridgeway and Mozer 2018, section 3). Several latents may encode the same
    factor. The amount of information cancels out: a latent that is mostly noise gets
    some value between 0 and 1. A latent without any information, i.e. a constant one,
    counts as 0.

    The settings are those of Locatello et al. (2019) in their ``disentanglement_lib``:
    20 bins of equal width per latent, 10 000 points, and 0 for a constant latent.
    Points are drawn from the rows without replacement; the library draws them from the
    ground-truth generator.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows.
    factors : array-like of shape (n, n_factors)
        Integer codes of the factors, at least two columns.
    n_train : int, default=10_000
        Number of rows to draw; all rows if there are fewer.
    n_bins : int, default=20
        Bins per latent.
    random_state : int, RandomState or None, default=None
        Seed of the row sampling.

    Returns
    -------
    float
        Score in [0, 1].

    Raises
    ------
    ValueError
        As for :func:`mutual_information_gap`, but `factors` need at least two columns
        and `Z` only one.

    References
    ----------
    Ridgeway, K. and Mozer, M. C. (2018). Learning Deep Disentangled Embeddings with the
    F-Statistic Loss. NeurIPS.
    Locatello, F. et al. (2019). Challenging Common Assumptions in the Unsupervised
    Learning of Disentangled Representations. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.metrics import modularity_score
    >>> factors = np.indices((4, 5)).reshape(2, -1).T
    >>> round(modularity_score(factors @ [[1, 1, 0], [0, 0, 1]], factors), 6)
    1.0
    >>> dead = np.zeros((20, 1))
    >>> round(modularity_score(np.hstack([factors, dead]), factors), 6)
    0.666667
    """
    owner = "modularity_score"
    information, _ = _information(
        Z, factors, n_train, n_bins, random_state, owner, min_factors=2
    )
    squared = information**2  # (n_components, n_factors)
    best = squared.max(axis=1)
    informative = best > 0
    others = (squared.sum(axis=1) - best)[informative] / (squared.shape[1] - 1)
    return float(np.sum(1 - others / best[informative]) / len(squared))


def _information(Z, factors, n_train, n_bins, random_state, owner, **least):
    """Return I(z_i; v_j) in nats, (n_components, n_factors), and the codes used."""
    check_parameter("n_train", n_train, (POSITIVE_INT,), owner)
    check_parameter("n_bins", n_bins, (POSITIVE_INT,), owner)
    Z, codes = check_labelled(Z, factors, owner, **least)
    rows = draw_rows(len(Z), n_train, check_random_state(random_state))
    Z, codes = Z[rows], codes[rows]
    check_varying(codes, owner)
    binned = [_binned(z, n_bins) for z in Z.T]
    pairs = [[mutual_info_score(v, z) for v in codes.T] for z in binned]
    return np.array(pairs), codes


def _binned(z, n_bins):
    """Assign values to bins of equal width from the smallest to the largest value."""
    inner = np.linspace(z.min(), z.max(), n_bins + 1)[1:-1]
    return np.digitize(z, inner)
