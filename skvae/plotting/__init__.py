"""Plots of fitted models, following scikit-learn's Display convention.

``SomeDisplay.from_estimator(estimator, ...)`` computes and plots; ``display.plot(ax)``
plots again. matplotlib is imported only then: ``pip install "skvae[plot]"``. Create
your own figures with ``layout="constrained"``, so that the labels of several panels do
not overlap; figures created by a display are laid out automatically.
"""

from skvae.plotting._latent_map import LatentMapDisplay
from skvae.plotting._manifold import ManifoldDisplay
from skvae.plotting._reconstruction import ReconstructionDisplay
from skvae.plotting._sample import SampleDisplay
from skvae.plotting._training_curves import TrainingCurvesDisplay
from skvae.plotting._traversal import TraversalDisplay

__all__ = [
    "LatentMapDisplay",
    "ManifoldDisplay",
    "ReconstructionDisplay",
    "SampleDisplay",
    "TrainingCurvesDisplay",
    "TraversalDisplay",
]
