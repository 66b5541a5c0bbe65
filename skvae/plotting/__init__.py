"""Pictures of fitted models, in scikit-learn's Display convention.

``SomeDisplay.from_estimator(estimator, ...)`` computes and plots; ``display.plot(ax)``
plots again. matplotlib is imported only then: ``pip install "skvae[plot]"``. Labels of
several panels keep apart in figures made with ``layout="constrained"``, as those are
that a display makes by itself.
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
