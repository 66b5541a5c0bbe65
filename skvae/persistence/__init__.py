"""Save fitted estimators and load them without executing code.

A file is in the safetensors format: tensors, and JSON text in its metadata. `describe`
converts a fitted estimator to plain values, and `restore` converts them back; `Packer`
and `Unpacker` convert plain values to JSON and tensors and back; `write` and `read`
handle the file. `Checkpoint` writes the state of a fit that is running.
"""

from skvae.persistence._architecture import architecture, check_same_architecture
from skvae.persistence._checkpoint import Checkpoint
from skvae.persistence._contents import saved_attributes
from skvae.persistence._file import FORMAT, read, refusing, write
from skvae.persistence._learned import learned, put_back
from skvae.persistence._packing import NotPlainError, Packer, Unpacker, is_plain
from skvae.persistence._restoring import restore
from skvae.persistence._saving import SavingMixin

__all__ = [
    "FORMAT",
    "Checkpoint",
    "NotPlainError",
    "Packer",
    "SavingMixin",
    "Unpacker",
    "architecture",
    "check_same_architecture",
    "is_plain",
    "learned",
    "put_back",
    "read",
    "refusing",
    "restore",
    "saved_attributes",
    "write",
]
