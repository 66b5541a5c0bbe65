"""How rows of several tasks are split into training and test rows."""

from skvae.model_selection._few_shot import FewShotTransferSplit
from skvae.model_selection._tasks import task_of

__all__ = ["FewShotTransferSplit", "task_of"]
