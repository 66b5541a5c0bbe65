"""The strings that stand for likelihoods, and their conversion to objects."""

from sklearn.base import clone

from skvae._kinds import cut
from skvae.distributions._auto import Auto
from skvae.distributions._codes import Codes
from skvae.distributions._counts import NegativeBinomial
from skvae.distributions._gaussian import Gaussian
from skvae.distributions._likelihoods import (
    Bernoulli,
    Likelihood,
    Poisson,
)
from skvae.distributions._mixed import Mixed
from skvae.distributions._one_hot import Categorical

SHORTHAND = {
    "auto": Auto(),
    "bernoulli": Bernoulli(),
    "categorical": Categorical(),
    "codes": Codes(),
    "gaussian": Gaussian(),
    "gaussian-relative": Gaussian(scale="relative"),
    "gaussian-shared": Gaussian(scale="shared"),
    "gaussian-unit": Gaussian(scale=1.0),
    "negative-binomial": NegativeBinomial(),
    "poisson": Poisson(),
}


def as_likelihood(value, owner="likelihood"):
    """Convert the user's ``likelihood`` to an unfitted `Likelihood`.

    Parameters
    ----------
    value : str, Likelihood or list of (likelihood, columns)
        A shorthand, an object (which is cloned) or the parts of a mixed table.
    owner : str
        Class that has the parameter, for the error message.

    Raises
    ------
    ValueError
        If `value` is none of these.
    """
    if type(value) is Mixed:
        value = value.parts
    if isinstance(value, Auto):
        return value.with_objects(lambda part: as_likelihood(part, owner))
    if isinstance(value, Likelihood):
        return clone(value)
    if isinstance(value, str) and value in SHORTHAND:
        return as_likelihood(SHORTHAND[value])
    if isinstance(value, list) and value and all(_is_part(part) for part in value):
        return Mixed([(as_likelihood(part, owner), cols) for part, cols in value])
    raise ValueError(
        f"The 'likelihood' parameter of {owner} must be a str among "
        f"{{{', '.join(map(repr, SHORTHAND))}}}, an instance of a class of "
        "skvae.distributions or a list of (likelihood, columns). "
        f"Got {cut(value)} instead."
    )


def _is_part(part):
    return isinstance(part, tuple | list) and len(part) == 2
