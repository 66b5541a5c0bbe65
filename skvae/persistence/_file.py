"""A model file: a header in JSON and tensors, with a checksum over both."""

import hashlib
import json
import os
import stat
from contextlib import contextmanager

from skvae.nets import trainable
from skvae.persistence._layout import (
    as_bytes,
    head,
    read_head,
    read_tensors,
    stored,
)
from skvae.persistence._replacing import replacing

FORMAT = 1
SHOWN = 400  # characters of a message, which may contain anything from the file


@contextmanager
def refusing(path):
    """Convert any error to a ValueError that names the file, except OSErrors.

    A file can contain anything, so any error can occur: a wrong type, a missing name, a
    number out of range. Its message may contain anything too, so it is cut and escaped,
    and the original error, which a traceback would show, is left out.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        message = f"{path} cannot be loaded: {kind}{_printable(str(error))}"
        raise ValueError(message) from None


def _printable(message):
    """Return the start and the end of a message, without control characters."""
    if len(message) > SHOWN:
        message = f"{message[: SHOWN - 100]} ... {message[-100:]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)


# -- writing ---------------------------------------------------------------------------


def snapshot(tensors):
    """Return copies of tensors on the CPU, as training may go on in another thread."""
    return {
        name: tensor.detach().to("cpu", copy=True).contiguous()
        for name, tensor in tensors.items()
    }


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
        If the header is too long, or a tensor has a type that cannot be stored.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    header = {"format": FORMAT, **header}
    header["sha256"] = _checksum(header, tensors)
    beginning = head(_dump(header), tensors)
    with replacing(os.path.realpath(os.fsdecode(path))) as file:
        file.write(beginning)
        for name in stored(tensors):
            file.write(as_bytes(tensors[name]))


def _dump(header):
    return json.dumps(header, allow_nan=False, separators=(",", ":"))


def _checksum(header, tensors):
    """Return the SHA-256 of the header and of all tensors with name, type and shape."""
    total = hashlib.sha256(_dump(header).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        total.update(as_bytes(tensor))
    return total.hexdigest()


# -- reading ---------------------------------------------------------------------------


@trainable()  # tensors of inference mode could not be trained
def read(path):
    """Read a header and tensors, and check that the file is intact.

    What precedes the tensors is read and checked first, so that other files, however
    large, are not read.

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
    path = os.fsdecode(path)
    mode = os.stat(path).st_mode
    with refusing(path):
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise ValueError("it is not a file.")  # opening a pipe would block
        with open(path, "rb") as file:
            text, entries = read_head(file, os.fstat(file.fileno()).st_size)
            header = _parse(text)
            tensors = read_tensors(file, entries)
        if header.pop("sha256", None) != _checksum(header, tensors):
            raise ValueError("it is damaged: its contents do not match its checksum.")
    return header, tensors


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
