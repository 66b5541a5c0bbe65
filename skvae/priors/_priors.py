"""Priors p(z): the objects that users choose, and the modules they build.

A prior may need the model's posterior or training rows. It gets them as a callable and
a tensor, and does not depend on the model.
"""

from torch import nn

from skvae._kinds import cut
from skvae._parameters import Declared, parameter
from skvae._validation import POSITIVE_INT, check_parameters
from skvae.distributions import NormalMixture
from skvae.distributions import StandardNormal as StandardNormalDistribution


class PriorModule(nn.Module):
    """A distribution over latents, with losses of its own if the bound cannot train it.

    Attributes
    ----------
    phases : tuple of str
        Passes over the data in each epoch, after the model's own.
    """

    phases = ()
    keeps_rows = False

    def forward(self, like, posterior):
        """Return the prior over z for each row of `like`, which is (B, K).

        `posterior` maps the encoder's input to a distribution over z.
        """
        raise NotImplementedError

    def groups(self):
        """Return the named groups of parameters that the prior's own losses update."""
        return {}

    def learning_rates(self):
        """Return the learning rates of these groups."""
        return {}

    def begin(self, n_rows):
        """Prepare for training on `n_rows` rows, as in `LatentModel.begin`."""

    def losses(self, phase, index, posterior, noise):
        """Yield ``(group, values, terms)`` for the rows at positions `index`, (B,).

        The values are the losses of the rows, (B,), see `skvae.training.Loss`.
        ``posterior()`` returns q(z | x) of these rows.
        """
        raise NotImplementedError

    def normaliser(self):
        """Return ln Z and its standard error, as in `LatentModel.log_normaliser`."""
        return 0.0, 0.0

    def normalise(self, rows, posterior, noise):
        """Normalise the bound of held-out rows, as in `LatentModel.normalise`.

        ``posterior(batch)`` returns q(z | x).
        """

    def settle(self, rows, posterior, noise):
        """Finish after training, as in `LatentModel.settle`.

        ``posterior(batch)`` returns q(z | x).
        """


class Prior(Declared):
    """Base class of the families of p(z)."""

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

    n_pseudo_inputs: int = parameter(POSITIVE_INT, default=128, kw_only=False)

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
        return NormalMixture(q.loc, q.scale, n_rows=like.shape[0])


SHORTHAND = {"standard-normal": StandardNormal, "vamp": VampPrior}  # and others


def as_prior(value, owner="prior"):
    """Convert the user's ``prior``, a name or an instance, to a `Prior`.

    Raises
    ------
    ValueError
        If `value` is neither a known name nor a `Prior`.
    """
    if isinstance(value, Prior):
        return value
    if isinstance(value, str) and value in SHORTHAND:
        return SHORTHAND[value]()
    raise ValueError(
        f"The 'prior' parameter of {owner} must be a str among "
        f"{{{', '.join(map(repr, SHORTHAND))}}} or an instance of a class of "
        f"skvae.priors. Got {cut(value)} instead."
    )
