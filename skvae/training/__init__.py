"""Training: batches, the loop, seeds and what happens between epochs."""

from skvae.training._batches import Batch, HoldOut, Rows, Table, TensorBatches
from skvae.training._callbacks import (
    Anneal,
    EarlyStopping,
    KLWarmup,
    Progress,
    RecordEpoch,
)
from skvae.training._hmc import adapted, transition
from skvae.training._model import LatentModel
from skvae.training._net import Loss, VariationalNet, optimizer_name
from skvae.training._optimizers import OPTIMIZERS, FusedAdam, as_optimizer
from skvae.training._seeds import derive_generator, derive_seed, seeded_weights

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
    "Progress",
    "RecordEpoch",
    "Rows",
    "Table",
    "TensorBatches",
    "VariationalNet",
    "adapted",
    "as_optimizer",
    "derive_generator",
    "derive_seed",
    "optimizer_name",
    "seeded_weights",
    "transition",
]
