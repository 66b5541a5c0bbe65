"""Reduce latents to two dimensions."""

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from skvae._kinds import cut
from skvae._validation import Options

NAMES = Options(("pca", "tsne"))


def check_reduction(reduction, owner):
    """Check the ``reduction`` parameter of a display.

    Raises
    ------
    ValueError
        If it is neither a known name, a transformer nor None.
    """
    named = NAMES.accepts(reduction) or reduction is None
    if not (named or hasattr(reduction, "fit_transform")):
        raise ValueError(
            f"The 'reduction' parameter of {owner} must be {NAMES}, a transformer or "
            f"None. Got {cut(reduction)} instead."
        )


def plane(Z, names, reduction, random, owner):
    """Reduce latents to two dimensions.

    Parameters
    ----------
    Z : ndarray of shape (n, k)
        Latents.
    names : list of str
        Their names.
    reduction : {"pca", "tsne"}, transformer or None
        The reduction used if k > 2; None keeps the first two latents.
    random : RandomState
        Source of randomness for t-SNE.
    owner : str
        Name of the display, for error messages.

    Returns
    -------
    flat : ndarray of shape (n, 2)
    names : list of str
        Names of the two axes.

    Raises
    ------
    ValueError
        If there is only one latent, or the transformer returns fewer than two columns.
    """
    k = Z.shape[1]
    if k < 2:
        raise ValueError(f"{owner} needs at least two latents. Got 1.")
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
            f"The 'reduction' parameter of {owner} must return at least two "
            f"columns. Got {cut(reduction)}, which returns an array of shape "
            f"{flat.shape}."
        )
    return flat[:, :2], [f"{title} {i} of {k} latents" for i in (1, 2)]


def _principal(Z):
    """Project onto two principal components; name the axes by explained variance."""
    pca = PCA(2, svd_solver="full").fit(Z)
    names = [
        f"PC {i} of {Z.shape[1]} latents ({share:.0%} of variance)"
        for i, share in enumerate(pca.explained_variance_ratio_, 1)
    ]
    return pca.transform(Z), names
