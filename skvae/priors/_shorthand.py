"""The names of the priors."""

from skvae.priors._density_ratio import DensityRatio
from skvae.priors._priors import Prior, StandardNormal, VampPrior

SHORTHAND = {
    "standard-normal": StandardNormal,
    "vamp": VampPrior,
    "density-ratio": DensityRatio,
}


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
        f"skvae.priors. Got {value!r} instead."
    )
