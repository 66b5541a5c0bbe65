"""Training: batches, the training loop, seeds, optimizers and callbacks."""

from skvae.training._batches import Rows
from skvae.training._callbacks import (
    Anneal,
    EarlyStopping,
    KLWarmup,
    RecordEpoch,
    watching,
)
from skvae.training._copying import copied
from skvae.training._fast import CHUNK, is_known, written_model
from skvae.training._hold_out import HoldOut
from skvae.training._iterating import TensorBatches
from skvae.training._loss import Loss, mean_over_rows
from skvae.training._model import LatentModel
from skvae.training._net import VariationalNet, optimizer_name
from skvae.training._optimizers import OPTIMIZERS, FusedAdam, state_after_a_step
from skvae.training._seeds import derive_generator, derive_seed, seeded_weights
from skvae.training._snapshot import undone_without_an_epoch
from skvae.training._streams import Stream
from skvae.training._table import Batch, Table, condition_of, is_plain

__all__ = [
    "CHUNK",
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
    "condition_of",
    "copied",
    "derive_generator",
    "derive_seed",
    "is_known",
    "is_plain",
    "mean_over_rows",
    "optimizer_name",
    "seeded_weights",
    "state_after_a_step",
    "undone_without_an_epoch",
    "watching",
    "written_model",
]
