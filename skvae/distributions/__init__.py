"""Distributions, their noise sources and the likelihoods that users choose."""

from skvae.distributions._auto import Auto
from skvae.distributions._base import Distribution, kl, marginal_kl, register_kl
from skvae.distributions._categories import Categories, UniformCategories
from skvae.distributions._chain import Chain
from skvae.distributions._codes import Codes, CodesHead
from skvae.distributions._counts import NegativeBinomial, NegativeBinomialVector
from skvae.distributions._defensive import Defensive
from skvae.distributions._discrete import (
    BernoulliVector,
    CodeVector,
    OneHot,
    PoissonVector,
    Product,
)
from skvae.distributions._gaussian import Gaussian, GaussianHead, TransformedHead
from skvae.distributions._heads import (
    NoLinearModel,
    Working,
    inputs,
    n_inputs,
    working_of,
)
from skvae.distributions._joined import OneHotsHead
from skvae.distributions._likelihoods import (
    Bernoulli,
    BernoulliHead,
    Likelihood,
    Poisson,
    PoissonHead,
)
from skvae.distributions._mixed import Mixed, MixedHead
from skvae.distributions._noise import Noise, RowNoise, SharedNoise, row_keys
from skvae.distributions._normal import Normal, NormalMixture, Point, StandardNormal
from skvae.distributions._one_hot import Categorical, OneHotHead
from skvae.distributions._scales import FixedScale, LearnedScale, RowScale
from skvae.distributions._shorthand import SHORTHAND, as_likelihood
from skvae.distributions._tilted import Tilted
from skvae.distributions._transformed import Transformed

__all__ = [
    "SHORTHAND",
    "Auto",
    "Bernoulli",
    "BernoulliHead",
    "BernoulliVector",
    "Categorical",
    "Categories",
    "Chain",
    "CodeVector",
    "Codes",
    "CodesHead",
    "Defensive",
    "Distribution",
    "FixedScale",
    "Gaussian",
    "GaussianHead",
    "LearnedScale",
    "Likelihood",
    "Mixed",
    "MixedHead",
    "NegativeBinomial",
    "NegativeBinomialVector",
    "NoLinearModel",
    "Noise",
    "Normal",
    "NormalMixture",
    "OneHot",
    "OneHotHead",
    "OneHotsHead",
    "Point",
    "Poisson",
    "PoissonHead",
    "PoissonVector",
    "Product",
    "RowNoise",
    "RowScale",
    "SharedNoise",
    "StandardNormal",
    "Tilted",
    "Transformed",
    "TransformedHead",
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
