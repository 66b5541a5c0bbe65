"""scikit-learn's callbacks, links to documentation, and names of outputs."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_is_fitted

from skvae._kinds import cut
from skvae._validation import Listed

try:  # scikit-learn 1.9 and newer
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Stands in for the mixin of scikit-learn 1.9; adds nothing."""

    def with_callbacks(method):
        """Stand in for the decorator of scikit-learn 1.9; change nothing."""
        return method


__all__ = [
    "REPOSITORY",
    "SITE",
    "CallbackSupportMixin",
    "DocumentationLinkMixin",
    "LatentNamesMixin",
    "page",
    "with_callbacks",
]

SITE = "https://skvae.readthedocs.io/en/latest/"
# The address of the repository, or None until it has a public one. README.md,
# setup.cfg, CITATION.cff and the site follow it; tests/test_packaging.py compares them.
REPOSITORY = None


def page(name):
    """Return the page of a public name such as "skvae.load", relative to `SITE`."""
    return f"api/{name}.html"


class DocumentationLinkMixin:
    """Links scikit-learn's HTML representation of an estimator to its documentation.

    scikit-learn fills in the template only for classes of this package, so subclasses
    defined elsewhere get no link.
    """

    _doc_link_module = "skvae"
    _doc_link_template = SITE + page("skvae.{estimator_name}")


class LatentNamesMixin(ClassNamePrefixFeaturesOutMixin):
    """Adds names of outputs, prefixed with the class; a subclass may override them."""

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns of `transform`.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
            The class name in lower case, followed by the latent.
        """
        if input_features is not None and not _is_list(input_features):
            raise ValueError(
                "input_features must be a list of names, one per column of X. "
                f"Got {cut(input_features)} instead."
            )
        super().get_feature_names_out(input_features)  # checks that it is fitted
        return self._prefixed(self._names_of_outputs())

    def latent_names(self) -> np.ndarray:
        """Return the names of all latents, of which `transform` may return only some.

        Returns
        -------
        ndarray of str
            One name per latent; a categorical variable is one latent, however many
            columns it has.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return self._prefixed(self._names_of_latents())

    def _prefixed(self, names):
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{name}" for name in names], dtype=object)

    def _names_of_outputs(self):
        return [str(i) for i in range(self._n_features_out)]

    def _names_of_latents(self):
        return self._names_of_outputs()


def _is_list(names):
    """Return whether these are a list or an array; a range may be endless."""
    if isinstance(names, list | tuple):
        return np.ndim(names) == 1
    return Listed("").accepts(names)
