"""Priors p(z): the objects that users choose, and the modules they build.

A prior may need the model's posterior or training rows. It gets them as a callable and
a tensor, and does not depend on the model.
"""

from sklearn.base import BaseEstimator
from torch import nn

from skvae._validation import POSITIVE_INT, check_parameters
from skvae.distributions import NormalMixture
from skvae.distributions import StandardNormal as StandardNormalDistribution
from skvae.priors._modules import PriorModule


class Prior(BaseEstimator):
    """Base class of the families of p(z)."""

    _allowed = {}

    def build(self, n_components, rows):
        """Build the prior's module.

        Parameters
        ----------
        n_components : int
            Number of latents.
        rows : callable
            ``rows(n)`` returns n training rows as the encoder sees them,
            (n, n_features); rows repeat if the table has fewer.

        Returns
        -------
        PriorModule
        """
        raise NotImplementedError


class StandardNormal(Prior):
    """p(z) = N(0, I).

    Examples
    --------
    >>> from skvae.priors import StandardNormal
    >>> StandardNormal()
    StandardNormal()
    """

    def build(self, n_components, rows):
        return StandardNormalModule()


class StandardNormalModule(PriorModule):
    """The standard normal, without parameters."""

    def forward(self, like, posterior):
        return StandardNormalDistribution(like)


class VampPrior(Prior):
    """A mixture of posteriors at learned pseudo-inputs, p(z) = 1/M Σ_m q(z | u_m).

    Tomczak & Welling (2018), eq. 9. The mixture adapts to the aggregated posterior, so
    the latents are not pulled towards a single normal. The pseudo-inputs are in the
    encoder's input space (one-hot for codes, standardised under a Gaussian) and start
    at training rows. The divergence from a mixture has no closed form and is estimated
    at the drawn z.

    Parameters
    ----------
    n_pseudo_inputs : int, default=128
        M, the number of components.

    Examples
    --------
    >>> from skvae.priors import VampPrior
    >>> VampPrior(n_pseudo_inputs=64)
    VampPrior(n_pseudo_inputs=64)
    """

    _allowed = {"n_pseudo_inputs": (POSITIVE_INT,)}

    def __init__(self, n_pseudo_inputs=128):
        self.n_pseudo_inputs = n_pseudo_inputs

    def build(self, n_components, rows):
        check_parameters(self)
        return VampModule(rows(self.n_pseudo_inputs))


class VampModule(PriorModule):
    """The learned pseudo-inputs, (M, n_features)."""

    def __init__(self, pseudo_inputs):
        super().__init__()
        self.pseudo_inputs = nn.Parameter(pseudo_inputs.clone())

    def forward(self, like, posterior):
        q = posterior(self.pseudo_inputs)  # M rows of (K,)
        return NormalMixture(q.loc, q.scale, n_rows=len(like))
