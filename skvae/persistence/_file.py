"""A safetensors file: tensors, and JSON text under one key of its metadata."""

import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from contextlib import contextmanager, suppress

import safetensors.torch
import torch

from skvae.nets import trainable

FORMAT = 1
KEY = "skvae"
HEADER_LIMIT = 100_000_000  # bytes, as in safetensors itself


@contextmanager
def refusing(path):
    """Convert any error to a ValueError that names the file, except OSErrors.

    A file can contain anything, so any error can occur: a wrong type, a missing name, a
    number out of range.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"{path} cannot be loaded: {kind}{error}") from error


# -- writing ---------------------------------------------------------------------------


def write(path, header, tensors):
    """Write a header and tensors to `path`, completely or not at all.

    Parameters
    ----------
    path : str or path-like
        Where to write; an existing file is replaced.
    header : dict
        JSON values; ``format`` and ``sha256`` are added.
    tensors : dict of str to Tensor
        On any device.

    Raises
    ------
    OSError
        If it cannot be written. An existing file is unchanged, and no other is left.
    ValueError
        If the header is too long for a safetensors file.
    """
    # Copies, because safetensors refuses tensors that share memory, as tied weights do.
    tensors = {
        name: tensor.detach().to("cpu", copy=True).contiguous()
        for name, tensor in tensors.items()
    }
    header = {"format": FORMAT, **header}
    header["sha256"] = _checksum(header, tensors)
    # A single key, because safetensors writes several in an arbitrary order.
    data = safetensors.torch.save(tensors, {KEY: _dump(header)})
    if int.from_bytes(data[:8], "little") > HEADER_LIMIT:
        raise ValueError(
            f"Everything but the tensors takes more than {HEADER_LIMIT} bytes, too "
            "many for a safetensors file: shorten the history."
        )
    _replace(os.path.realpath(os.fspath(path)), data)


def _replace(path, data):
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "No such folder", folder)
    temporary = os.path.join(folder, f".{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _dump(header):
    return json.dumps(header, allow_nan=False, separators=(",", ":"))


def _checksum(header, tensors):
    """Return the SHA-256 of the header and of all tensors with name, type and shape."""
    total = hashlib.sha256(_dump(header).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return total.hexdigest()


# -- reading ---------------------------------------------------------------------------


@trainable()  # tensors of inference mode could not be trained
def read(path):
    """Read a header and tensors, and check that the file is intact.

    The header is read first, so that other files, however large, are not read.

    Parameters
    ----------
    path : str or path-like
        A file that `write` wrote.

    Returns
    -------
    header : dict
        With ``format``.
    tensors : dict of str to Tensor
        On the CPU.

    Raises
    ------
    ValueError
        If skvae did not write the file, or it is damaged or has a newer format.
    OSError
        If the file does not exist or may not be read.
    """
    path = os.fspath(path)
    mode = os.stat(path).st_mode
    with refusing(path):
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise ValueError("it is not a file.")  # opening a pipe would block
        with open(path, "rb") as file:
            header = _parse(_header_text(file))
            file.seek(0)
            tensors = safetensors.torch.load(file.read())
        if header.pop("sha256", None) != _checksum(header, tensors):
            raise ValueError("it is damaged: its contents do not match its checksum.")
    return header, tensors


def _header_text(file):
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if not 0 < length <= min(size - 8, HEADER_LIMIT):
        raise ValueError("it is not a safetensors file, or is incomplete.")
    outer = json.loads(file.read(length).decode())
    metadata = outer.get("__metadata__") if isinstance(outer, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise ValueError("it was not written by skvae.")
    return metadata[KEY]


def _parse(text):
    header = json.loads(text)
    version = header.get("format") if isinstance(header, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError(f"its format is {version!r}, which skvae does not know.")
    if version > FORMAT:
        raise ValueError(
            f"its format is {version}, but this version of skvae reads at most "
            f"{FORMAT}. Install a newer skvae."
        )
    # Strict, to detect every changed byte, even if the JSON stays equivalent.
    if _dump(header) != text:
        raise ValueError("it is damaged: its header is not as skvae writes it.")
    return header
