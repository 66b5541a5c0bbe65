"""Training: batches, the training loop, seeds, optimizers and callbacks."""

from skvae.training._batches import Batch, Rows, Table
from skvae.training._callbacks import (
    Anneal,
    EarlyStopping,
    KLWarmup,
    RecordEpoch,
    watching,
)
from skvae.training._copying import copied
from skvae.training._hold_out import HoldOut
from skvae.training._iterating import TensorBatches
from skvae.training._model import LatentModel
from skvae.training._net import Loss, VariationalNet, optimizer_name
from skvae.training._optimizers import OPTIMIZERS, FusedAdam, state_after_a_step
from skvae.training._seeds import derive_generator, derive_seed, seeded_weights
from skvae.training._snapshot import undone_without_an_epoch
from skvae.training._stack import train_together
from skvae.training._streams import Stream

__all__ = [
    "OPTIMIZERS",
    "Anneal",
    "Batch",
    "EarlyStopping",
    "FusedAdam",
    "HoldOut",
    "KLWarmup",
    "LatentModel",
    "Loss",
    "RecordEpoch",
    "Rows",
    "Stream",
    "Table",
    "TensorBatches",
    "VariationalNet",
    "copied",
    "derive_generator",
    "derive_seed",
    "optimizer_name",
    "seeded_weights",
    "state_after_a_step",
    "train_together",
    "undone_without_an_epoch",
    "watching",
]
