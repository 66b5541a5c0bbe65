"""What a fit does to survive the end of its process: nothing, by default."""

from contextlib import nullcontext


class NotKept:
    """A fit without a checkpoint; `skvae.persistence.Checkpoint` writes one."""

    def find(self, table, n_before):
        """Look for the state of an interrupted fit of a table."""

    def n_epochs(self, parts, n_epochs):
        """Return how many epochs are left."""
        return n_epochs

    def running(self, net):
        """Return a context for all epochs, in which the state is restored and kept."""
        return nullcontext()

    def interruptible(self):
        """Return a context for an epoch, which is undone if an error occurs."""
        return nullcontext()

    def end_epoch(self, net):
        """Keep the state after an epoch, if it is time."""


NOT_KEPT = NotKept()
