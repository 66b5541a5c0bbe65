"""The safetensors format: the length of a JSON table, the table, and the tensors.

skvae reads and writes it itself, so that the same estimator gives the same bytes with
every version of the library, and a file is checked before it is read. `head` returns
the only table that `read_head` accepts for given contents.
"""

import json
import math
from typing import NamedTuple

import torch

KEY = "skvae"  # of the text in the table's metadata
LIMIT = 100_000_000  # bytes of the table, as in the safetensors library
ALIGNMENT = 8

# In the order in which the safetensors library stores tensors.
DTYPES = {
    "U64": torch.uint64,
    "I64": torch.int64,
    "F64": torch.float64,
    "F32": torch.float32,
    "U32": torch.uint32,
    "I32": torch.int32,
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "U16": torch.uint16,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
RANKS = {dtype: rank for rank, dtype in enumerate(NAMES)}

# Bytes that a Python object of the parsed table takes, at most.
CONTAINER, ITEM = 240, 60
ALLOWANCE = 12_000_000  # bytes for the objects of any table
PER_BYTE = 6  # and for each byte of the table; usual histories take 4


class Entry(NamedTuple):
    """Type and shape of a tensor, before it is read."""

    dtype: torch.dtype
    shape: tuple

    @property
    def size(self):
        """Number of bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def stored(tensors):
    """Return the names of tensors or entries, in the order of the file."""
    return sorted(tensors, key=lambda name: (RANKS[tensors[name].dtype], name))


def head(text, tensors):
    """Return the bytes before the tensors.

    Parameters
    ----------
    text : str
        The text that the file holds beside the tensors.
    tensors : dict of str to Tensor or Entry
        What is stored, in any order.

    Raises
    ------
    ValueError
        If a tensor has another type, or if the text is too long.
    """
    unknown = {t.dtype for t in tensors.values()} - RANKS.keys()
    if unknown:
        raise ValueError(f"tensors of type {unknown.pop()} cannot be stored.")
    table, end = {"__metadata__": {KEY: text}}, 0
    for name in stored(tensors):
        entry = Entry(tensors[name].dtype, tuple(tensors[name].shape))
        begin, end = end, end + entry.size
        table[name] = {
            "dtype": NAMES[entry.dtype],
            "shape": list(entry.shape),
            "data_offsets": [begin, end],
        }
    data = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    data += b" " * (-len(data) % ALIGNMENT)
    check_table(data, end)
    return len(data).to_bytes(8, "little") + data


def check_table(data, n_bytes):
    """Raise ValueError for a table whose objects would take too much memory.

    `n_bytes` is the size of the tensors: the more there are, the more may be said.
    """
    containers = data.count(b"[") + data.count(b"{")
    items = data.count(b",") + containers
    estimate = CONTAINER * containers + ITEM * items
    allowed = ALLOWANCE + PER_BYTE * len(data) + n_bytes // 2
    if len(data) > LIMIT or estimate > allowed:
        raise ValueError(
            "everything but the tensors is too long: shorten the history, say."
        )


def read_head(file, size):
    """Read the bytes before the tensors from a file of `size` bytes.

    Nothing is allocated for the tensors, and the file must have exactly their size.

    Returns
    -------
    text : str
    entries : dict of str to Entry

    Raises
    ------
    Exception
        A ValueError in most cases; if these are not bytes that `head` returns for
        anything, or if the tensors do not end where the file does.
    """
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if not 0 < length <= min(size - 8, LIMIT):
        raise ValueError("it is not a safetensors file, or is incomplete.")
    data = file.read(length)
    check_table(data, size - 8 - length)
    table = json.loads(data.decode())
    metadata = table.pop("__metadata__", None) if isinstance(table, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise ValueError("it was not written by skvae.")
    entries = {name: _entry(described) for name, described in table.items()}
    if head(metadata[KEY], entries) != start + data:
        raise ValueError("it is damaged: its table is not as skvae writes it.")
    if 8 + length + sum(entry.size for entry in entries.values()) != size:
        raise ValueError("it is damaged: its tensors do not end where it does.")
    return metadata[KEY], entries


def _entry(described):
    shape = described["shape"]
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError("it is damaged: a shape in its table is not valid.")
    return Entry(DTYPES[described["dtype"]], tuple(shape))


def read_tensors(file, entries):
    """Read the tensors that follow the table, each into its own memory."""
    tensors = {}
    for name in stored(entries):
        tensor = torch.empty(entries[name].shape, dtype=entries[name].dtype)
        into = as_bytes(tensor)
        if file.readinto(into) != into.size:
            raise ValueError("it is incomplete.")
        if tensor.dtype == torch.bool and into.size and into.max() > 1:
            raise ValueError("it is damaged: a flag is neither true nor false.")
        tensors[name] = tensor
    return tensors


def as_bytes(tensor):
    """Return the memory of a contiguous tensor as an array of bytes."""
    return tensor.reshape(-1).view(torch.uint8).numpy()
