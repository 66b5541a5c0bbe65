"""Distributions, their noise sources and the likelihoods that users choose."""

from skvae.distributions._auto import Auto
from skvae.distributions._base import Distribution, kl, marginal_kl, register_kl
from skvae.distributions._categories import Categories, UniformCategories
from skvae.distributions._chain import Chain
from skvae.distributions._codes import Codes
from skvae.distributions._counts import NegativeBinomial, NegativeBinomialVector
from skvae.distributions._defensive import Defensive
from skvae.distributions._discrete import (
    BernoulliVector,
    CodeVector,
    OneHot,
    PoissonVector,
    Product,
)
from skvae.distributions._gaussian import Gaussian
from skvae.distributions._heads import (
    NoLinearModel,
    Working,
    inputs,
    n_inputs,
    working_of,
)
from skvae.distributions._likelihoods import (
    Bernoulli,
    Categorical,
    Likelihood,
    Poisson,
)
from skvae.distributions._mixed import Mixed
from skvae.distributions._noise import Noise, RowNoise, SharedNoise, row_keys
from skvae.distributions._normal import Normal, NormalMixture, Point, StandardNormal
from skvae.distributions._shorthand import SHORTHAND, as_likelihood
from skvae.distributions._tilted import Tilted

__all__ = [
    "SHORTHAND",
    "Auto",
    "Bernoulli",
    "BernoulliVector",
    "Categorical",
    "Categories",
    "Chain",
    "CodeVector",
    "Codes",
    "Defensive",
    "Distribution",
    "Gaussian",
    "Likelihood",
    "Mixed",
    "NegativeBinomial",
    "NegativeBinomialVector",
    "NoLinearModel",
    "Noise",
    "Normal",
    "NormalMixture",
    "OneHot",
    "Point",
    "Poisson",
    "PoissonVector",
    "Product",
    "RowNoise",
    "SharedNoise",
    "StandardNormal",
    "Tilted",
    "UniformCategories",
    "Working",
    "as_likelihood",
    "inputs",
    "kl",
    "marginal_kl",
    "n_inputs",
    "register_kl",
    "row_keys",
    "working_of",
]
