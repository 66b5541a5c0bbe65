"""All estimators of the package, for the common tests and the documentation."""

import skvae.autoencoders
import skvae.conditional
import skvae.multimodal
from skvae.base import BaseAutoencoderTransformer


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
    found = {}
    for family in (skvae.autoencoders, skvae.conditional, skvae.multimodal):
        for name in family.__all__:
            value = getattr(family, name)
            if issubclass(value, BaseAutoencoderTransformer):
                found[name] = value
    return sorted(found.items())
