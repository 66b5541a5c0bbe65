"""List the estimators of the package, for tests and documentation."""

import skvae.autoencoders
import skvae.conditional
import skvae.multimodal


def all_estimators():
    """Return all public estimators.

    Returns
    -------
    list of (str, type)
        Names and classes, sorted by name.

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
