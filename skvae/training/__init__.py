"""Training: batches, the training loop, seeds, optimizers and callbacks."""

from skvae.training._batches import Rows
from skvae.training._callbacks import (
    Anneal,
    KLWarmup,
    RecordEpoch,
    watching,
)
from skvae.training._copying import copied
from skvae.training._data_parallel import DataParallelNet, agreed_seed
from skvae.training._early_stopping import EarlyStopping
from skvae.training._fast import CHUNK, is_known, written_model
from skvae.training._hold_out import HoldOut
from skvae.training._iterating import TensorBatches
from skvae.training._keeping import NOT_KEPT, NotKept
from skvae.training._loss import Loss, mean_over_rows
from skvae.training._model import LatentModel
from skvae.training._net import VariationalNet
from skvae.training._optimizers import (
    OPTIMIZERS,
    FusedAdam,
    optimizer_name,
    parameters_of,
    state_after_a_step,
)
from skvae.training._seeds import derive_generator, derive_seed, seeded_weights
from skvae.training._snapshot import (
    Snapshot,
    optimizer_states,
    undone_without_an_epoch,
)
from skvae.training._streams import Stream
from skvae.training._table import Batch, Table, condition_of, is_plain
from skvae.training._termination import Terminated, Termination

__all__ = [
    "CHUNK",
    "NOT_KEPT",
    "OPTIMIZERS",
    "Anneal",
    "Batch",
    "DataParallelNet",
    "EarlyStopping",
    "FusedAdam",
    "HoldOut",
    "KLWarmup",
    "LatentModel",
    "Loss",
    "NotKept",
    "RecordEpoch",
    "Rows",
    "Snapshot",
    "Stream",
    "Table",
    "TensorBatches",
    "Terminated",
    "Termination",
    "VariationalNet",
    "agreed_seed",
    "condition_of",
    "copied",
    "derive_generator",
    "derive_seed",
    "is_known",
    "is_plain",
    "mean_over_rows",
    "optimizer_name",
    "optimizer_states",
    "parameters_of",
    "seeded_weights",
    "state_after_a_step",
    "undone_without_an_epoch",
    "watching",
    "written_model",
]
