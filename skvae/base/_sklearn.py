"""What scikit-learn asks of an estimator besides fit and transform."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin

try:  # scikit-learn 1.9 and newer
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Replaces the mixin of a newer scikit-learn; adds nothing."""

    def with_callbacks(method):
        """Replace the decorator of a newer scikit-learn; changes nothing."""
        return method


__all__ = [
    "SITE",
    "CallbackSupportMixin",
    "DocumentationLinkMixin",
    "LatentNamesMixin",
    "page",
    "with_callbacks",
]

SITE = "https://skvae.readthedocs.io/en/latest/"


def page(name):
    """Return the page of a public name, e.g. ``"skvae.load"``, relative to `SITE`."""
    return f"api/{name}.html"


class DocumentationLinkMixin:
    """Let scikit-learn's HTML picture of an estimator link to its page.

    scikit-learn fills the template for estimators of this package only, so that
    subclasses written elsewhere get no link.
    """

    _doc_link_module = "skvae"
    _doc_link_template = SITE + page("skvae.{estimator_name}")


class LatentNamesMixin(ClassNamePrefixFeaturesOutMixin):
    """Adds names that begin with the class; a subclass may say what follows."""

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name the columns of `transform`.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
            The class in lower case, followed by the latent.
        """
        super().get_feature_names_out(input_features)  # checks that it is fitted
        return self._prefixed(self._names_of_outputs())

    def latent_names(self) -> np.ndarray:
        """Name the latents of the posterior, of which `transform` may return only some.

        Returns
        -------
        ndarray of str
            One name per latent; a categorical variable is one latent, however many
            columns it has.
        """
        return self._prefixed(self._names_of_latents())

    def _prefixed(self, names):
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{name}" for name in names], dtype=object)

    def _names_of_outputs(self):
        return [str(i) for i in range(self._n_features_out)]

    def _names_of_latents(self):
        return self._names_of_outputs()
