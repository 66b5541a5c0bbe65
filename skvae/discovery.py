"""All estimators of the package, for the common tests and the documentation."""

import skvae.autoencoders
import skvae.conditional
import skvae.multimodal


def all_estimators():
    """List every public estimator.

    Returns
    -------
    list of (str, type)
        Sorted by name.

    Examples
    --------
    >>> from skvae.discovery import all_estimators
    >>> [name for name, _ in all_estimators()][:3]
    ['AETransformer', 'CMMATransformer', 'CVAETransformer']
    """
    return sorted(
        (name, getattr(family, name))
        for family in (skvae.autoencoders, skvae.conditional, skvae.multimodal)
        for name in family.__all__
        if name.endswith("Transformer") and not name.startswith("Base")
    )
