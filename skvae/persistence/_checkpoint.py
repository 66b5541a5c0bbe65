"""The file in which a fit keeps its state, so that another process can go on."""

import errno
import os
import time
import warnings
from contextlib import contextmanager

from skvae._validation import seconds
from skvae.exceptions import SkvaeLoadWarning
from skvae.persistence._contents import VERSIONS
from skvae.persistence._file import read, refusing, write
from skvae.persistence._packing import Packer, Unpacker
from skvae.persistence._same_fit import (
    check_same_fit,
    describe_fit,
    describe_parts,
    file_name,
)
from skvae.persistence._training_state import (
    restore_state,
    state_beside_weights,
    whole_state,
)
from skvae.training import NotKept, Termination


class Checkpoint(NotKept):
    """Writes the state of a fit from time to time, and goes on from such a state.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        The estimator to be fitted. Its ``checkpoint`` is not None.
    """

    def __init__(self, estimator):
        self._owner = estimator
        self._found = None  # header and tensors of an existing file
        self._termination = Termination()

    # -- before training -----------------------------------------------------------

    def find(self, table, n_before):
        """Read the file, if there is one, and check that it belongs to this fit.

        If the estimator has no ``random_state``, it gets the seed of the file.

        Parameters
        ----------
        table : Table
            All rows.
        n_before : int
            Epochs of earlier fits.

        Raises
        ------
        ValueError
            If the file is damaged, or belongs to another fit.
        OSError
            If it cannot be read, or its folder cannot be written to.
        """
        estimator = self._owner
        self.path = os.fspath(estimator.checkpoint)
        self.fit = describe_fit(estimator, table, n_before)
        # Without a random_state, the seed of the file is as good as any other.
        seed_is_free = estimator.random_state is None and n_before == 0
        self._free = {"random_state"} if seed_is_free else set()
        self._choose_file()
        if estimator.resume == "never" or not os.path.exists(self.path):
            return
        header, tensors = read(self.path)
        if not isinstance(header.get("checkpoint"), dict):
            raise ValueError(f"{self.path} is not a checkpoint of a fit.")
        found = header["checkpoint"]
        check_same_fit(self.path, found["fit"], self.fit, self._free)
        self._warn_of_versions(header["versions"])
        estimator._seed = found["seed"]
        self._found = found, tensors

    def _choose_file(self):
        """In a folder, each fit has a file of its own."""
        if os.path.isdir(self.path) or self.path.endswith((os.sep, "/")):
            os.makedirs(self.path, exist_ok=True)
            self.path = os.path.join(self.path, file_name(self.fit, self._free))
        folder = os.path.dirname(os.path.realpath(self.path))
        if not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, "No such folder", folder)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "The folder is read-only", folder)

    def _warn_of_versions(self, found):
        changed = [name for name, version in VERSIONS.items() if found[name] != version]
        if changed:
            words = ", ".join(f"{name} {found[name]}" for name in changed)
            warnings.warn(
                f"{self.path} was written with {words}: the result may differ slightly "
                "from that of an undisturbed fit.",
                SkvaeLoadWarning,
                stacklevel=2,
            )

    def n_epochs(self, parts, n_epochs):
        """Return how many of the epochs of a fit are left.

        Parameters
        ----------
        parts : (Rows, Rows or None)
            Rows to train on and rows to hold out.
        n_epochs : int
            Number of epochs of the whole fit.
        """
        self.parts = describe_parts(*parts)
        if self._found is None:
            return n_epochs
        found, _ = self._found
        check_same_fit(self.path, found["parts"], self.parts)
        return 0 if found["finished"] else n_epochs - found["n_epochs"]

    # -- in training ---------------------------------------------------------------

    @contextmanager
    def running(self, net):
        with self._termination:
            self._begin(net)
            try:
                yield
            except Exception:
                raise  # it would occur again
            except BaseException:  # Ctrl-C, SIGTERM, sys.exit
                if self._n_begun < self._n_seen == len(net.history):
                    self.write(net)
                raise
            if not self._finished:
                self.write(net, finished=True)

    def interruptible(self):
        return self._termination.allowed()

    def end_epoch(self, net):
        self._n_seen = len(net.history)
        # Kept for a signal in the next epoch, which may change it.
        self._beside = state_beside_weights(net)
        if self._is_time():
            self.write(net)

    def _begin(self, net):
        self._n_begun = self._n_seen = len(net.history)
        self._finished = False
        if self._found is not None:
            self._restore(net)
        self._beside = state_beside_weights(net)
        self._wrote()

    def _restore(self, net):
        found, tensors = self._found
        self._found = None
        with refusing(self.path):
            restore_state(net, Unpacker({}, tensors).unpack(found["state"]))
        self._n_seen = len(net.history)
        self._finished = found["finished"]

    def _is_time(self):
        every = self._owner.checkpoint_every
        if isinstance(every, str):
            return time.monotonic() - self._last >= seconds(every)
        return self._n_seen - self._n_written >= every

    def _wrote(self):
        self._last, self._n_written = time.monotonic(), self._n_seen

    def write(self, net, finished=False):
        """Write the state after the last epoch, completely or not at all.

        Of several processes that train one model, only the main one does.
        """
        self._wrote()
        if not net.is_main:
            return
        packer = Packer()
        state = packer.pack(whole_state(net, self._beside), "state")
        found = {
            "fit": self.fit,
            "parts": self.parts,
            "seed": net.seed,
            "n_epochs": self._n_seen - self._n_begun,
            "finished": finished,
            "state": state,
        }
        header = {"checkpoint": found, "versions": VERSIONS}
        write(self.path, header, packer.tensors)
