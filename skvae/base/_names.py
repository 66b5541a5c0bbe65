"""Names of what `transform` gives, and of the latents behind it."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin


class LatentNamesMixin(ClassNamePrefixFeaturesOutMixin):
    """Names begin with the class; a subclass says what follows."""

    def get_feature_names_out(self, input_features=None):
        """Name the columns of `transform`.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
            The class in small letters, and which latent it is.
        """
        super().get_feature_names_out(input_features)  # checks that it is fitted
        return self._prefixed(self._names_of_outputs())

    def latent_names(self):
        """Name the latents of the posterior, of which `transform` may show but some.

        Returns
        -------
        ndarray of str
            A categorical variable is one latent, however many columns it has.
        """
        return self._prefixed(self._names_of_latents())

    def _prefixed(self, names):
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{name}" for name in names], dtype=object)

    def _names_of_outputs(self):
        return [str(i) for i in range(self._n_features_out)]

    def _names_of_latents(self):
        return self._names_of_outputs()
