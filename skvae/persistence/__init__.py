"""Read and write fitted models without executing code.

A model is one safetensors file: tensors, and a JSON text in its metadata. `Packer`
turns Python values into JSON and tensors, `Unpacker` turns them back, `write` and
`read` know the file. What stands in a file is data: the classes that it may name are
handed in by the caller.
"""

from skvae.persistence._file import FORMAT, read, refusing, write
from skvae.persistence._packing import NotPlainError, Packer, Unpacker, is_plain

__all__ = [
    "FORMAT",
    "NotPlainError",
    "Packer",
    "Unpacker",
    "is_plain",
    "read",
    "refusing",
    "write",
]
