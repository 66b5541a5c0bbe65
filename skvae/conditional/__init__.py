"""Models of rows given conditions, such as tasks, classes or attributes."""

from skvae.conditional._base import BaseConditionalTransformer
from skvae.conditional._cmma import CMMA, CMMATransformer
from skvae.conditional._cvae import CVAETransformer
from skvae.conditional._cvae_module import CVAE
from skvae.conditional._task_invariant import TaskInvariantVAETransformer

__all__ = [
    "CMMA",
    "CVAE",
    "BaseConditionalTransformer",
    "CMMATransformer",
    "CVAETransformer",
    "TaskInvariantVAETransformer",
]
