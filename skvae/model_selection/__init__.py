"""Searches that train many fits at once, and splitters for data with several tasks."""

from skvae.model_selection._few_shot import FewShotTransferSplit
from skvae.model_selection._stacked import (
    StackedGridSearchCV,
    StackedRandomizedSearchCV,
)
from skvae.model_selection._tasks import task_of

__all__ = [
    "FewShotTransferSplit",
    "StackedGridSearchCV",
    "StackedRandomizedSearchCV",
    "task_of",
]
