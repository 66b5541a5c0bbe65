"""Cross-validation splitters for data with several tasks."""

from skvae.model_selection._few_shot import FewShotTransferSplit
from skvae.model_selection._tasks import task_of

__all__ = ["FewShotTransferSplit", "task_of"]
