"""Replace a file as a whole or not at all, whatever happens meanwhile."""

import errno
import os
import time
import uuid
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PREFIX, SUFFIX = ".skvae-", ".tmp"  # of temporary files
DAY = 86_400  # seconds after which they are stale, where files cannot be locked


@contextmanager
def replacing(path):
    """Open a temporary file that replaces `path` if no error occurs.

    It has the permissions of the file that it replaces from the beginning, and is
    locked as long as it is written. Temporary files without a lock were left by a
    process that was killed, and are removed.

    Parameters
    ----------
    path : str
        An existing file, or a new one in an existing folder.

    Yields
    ------
    file object
        Open for writing bytes.

    Raises
    ------
    OSError
        If it cannot be written; `path` is then as before, and no other file is left.
    """
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "No such folder", folder)
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "The path of a folder", path)
    _remove_stale(folder)
    permissions = _permissions(path)
    temporary, handle = _create(folder, permissions)
    try:
        with open(handle, "wb") as file:
            if permissions is not None:
                os.chmod(temporary, permissions)  # `open` applied the umask
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows does not rename open files
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync(folder)


def _permissions(path):
    """Return the permissions of a file, None if it does not exist."""
    with suppress(FileNotFoundError):
        return os.stat(path).st_mode & 0o777
    return None


def _create(folder, permissions):
    """Create and lock a temporary file; return its path and its handle."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    while True:
        path = os.path.join(folder, f"{PREFIX}{uuid.uuid4().hex}{SUFFIX}")
        handle = os.open(path, flags, 0o666 if permissions is None else permissions)
        if fcntl is not None:
            with suppress(OSError):  # not every file system has locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(path):  # else another save removed it before it was locked
            return path, handle
        os.close(handle)


def _remove_stale(folder):
    """Remove the temporary files of processes that were killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if not name.startswith(PREFIX) or not name.endswith(SUFFIX):
                continue
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    _remove_if_stale(entry.path)


def _remove_if_stale(path):
    if fcntl is None:
        if time.time() - os.stat(path).st_mtime > DAY:
            os.unlink(path)
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(handle)


def _sync(folder):
    """Make the new name of the file last, where folders can be synchronised."""
    with suppress(OSError):  # the file is in its place already
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
