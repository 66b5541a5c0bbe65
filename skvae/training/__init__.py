"""Training: batches, the training loop, seeds, optimizers and callbacks."""

from skvae.training._batches import Batch, Rows, Table, TensorBatches
from skvae.training._callbacks import (
    Anneal,
    KLWarmup,
    RecordEpoch,
    watching,
)
from skvae.training._copying import copied
from skvae.training._early_stopping import EarlyStopping
from skvae.training._hold_out import HoldOut
from skvae.training._keeping import NOT_KEPT, NotKept
from skvae.training._model import LatentModel
from skvae.training._net import Loss, VariationalNet
from skvae.training._optimizers import (
    OPTIMIZERS,
    FusedAdam,
    optimizer_name,
    state_after_a_step,
)
from skvae.training._seeds import derive_generator, derive_seed, seeded_weights
from skvae.training._snapshot import (
    Snapshot,
    optimizer_states,
    parameters_of,
    undone_without_an_epoch,
)
from skvae.training._stack import train_together
from skvae.training._termination import Terminated, Termination

__all__ = [
    "NOT_KEPT",
    "OPTIMIZERS",
    "Anneal",
    "Batch",
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
    "Table",
    "TensorBatches",
    "Terminated",
    "Termination",
    "VariationalNet",
    "copied",
    "derive_generator",
    "derive_seed",
    "optimizer_name",
    "optimizer_states",
    "parameters_of",
    "seeded_weights",
    "state_after_a_step",
    "train_together",
    "undone_without_an_epoch",
    "watching",
]
