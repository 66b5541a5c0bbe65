"""Bring latents down to the plane."""

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from skvae._validation import Options

NAMES = Options(("pca", "tsne"))


def check_reduction(reduction, owner):
    """Check a display's parameter ``reduction``.

    Raises
    ------
    ValueError
        If it is no name, no transformer and not None.
    """
    named = NAMES.accepts(reduction) or reduction is None
    if not (named or hasattr(reduction, "fit_transform")):
        raise ValueError(
            f"The 'reduction' parameter of {owner} must be {NAMES}, a transformer or "
            f"None. Got {reduction!r} instead."
        )


def plane(Z, names, reduction, random, owner):
    """Bring latents down to two.

    Parameters
    ----------
    Z : ndarray of shape (n, k)
        Latents.
    names : list of str
        Their names.
    reduction : {"pca", "tsne"}, transformer or None
        What does it where k is above 2.
    random : RandomState
        Of t-SNE.
    owner : str
        Who asks, for messages.

    Returns
    -------
    flat : ndarray of shape (n, 2)
    names : list of str
        Names of the two axes.

    Raises
    ------
    ValueError
        If there is one latent only, or the transformer gives fewer than two columns.
    """
    k = Z.shape[1]
    if k < 2:
        raise ValueError(f"{owner} needs two latents or more. Got 1.")
    if k == 2 or reduction is None:
        return Z[:, :2], names[:2]
    if reduction == "pca":
        return _principal(Z)
    if reduction == "tsne":
        perplexity = min(30.0, (len(Z) - 1) / 3)
        title, reducer = "t-SNE", TSNE(2, perplexity=perplexity, random_state=random)
    else:
        title, reducer = type(reduction).__name__, clone(reduction)
    flat = np.asarray(reducer.fit_transform(Z))
    if flat.ndim != 2 or flat.shape[1] < 2:
        raise ValueError(
            f"The 'reduction' parameter of {owner} must give two columns or more. "
            f"Got {reduction!r}, which gives an array of shape {flat.shape}."
        )
    return flat[:, :2], [f"{title} {i} of {k} latents" for i in (1, 2)]


def _principal(Z):
    """Project on the two principal components, and say how much they hold."""
    pca = PCA(2, svd_solver="full").fit(Z)
    names = [
        f"PC {i} of {Z.shape[1]} latents ({share:.0%} of variance)"
        for i, share in enumerate(pca.explained_variance_ratio_, 1)
    ]
    return pca.transform(Z), names
