"""Training side by side until each member ends."""

import time
from collections import defaultdict
from threading import Event

import joblib
import torch

from skvae.handwritten import Unknown, adam_settings
from skvae.stacks._members import Member, can_be_stacked
from skvae.stacks._stack import Stack

CROWDED = 0.85  # share of members still training above which a stack is kept


def train_together(nets, rows, n_jobs=1):
    """Train nets that have not been trained yet, stacked where possible.

    Parameters
    ----------
    nets : list of VariationalNet
        Initialised nets.
    rows : list of Rows
        The training rows of each. Nets that share an object share its memory.
    n_jobs : int, default=1
        Number of threads, which share the members of each architecture.

    Returns
    -------
    list of float or None
        The seconds that each took, an equal share of its stack's. None if a net was not
        trained: it is unchanged, or was given up at a loss that is not finite, and must
        be fitted as usual.
    """
    taken, groups = [None] * len(nets), defaultdict(list)
    for position, (net, table) in enumerate(zip(nets, rows, strict=True)):
        if can_be_stacked(net, table):
            member = Member(net, table)
            groups[member.signature()].append((position, member))
    parts = [part for group in groups.values() for part in _shared(group, n_jobs)]
    for part, seconds in zip(parts, _all_trained(parts, n_jobs), strict=True):
        for position, member in part:
            taken[position] = None if member.failed else seconds
    return taken


def _shared(group, n_jobs):
    """Split a list into as many parts as there are jobs; none is empty."""
    return [part for part in (group[i::n_jobs] for i in range(n_jobs)) if part]


def _all_trained(parts, n_jobs):
    """Train lists of members in threads; return what `_trained` does for each."""
    stopped = Event()
    try:
        jobs = [joblib.delayed(_trained)(part, stopped) for part in parts]
        return joblib.Parallel(n_jobs, backend="threading")(jobs)
    except BaseException:  # Ctrl-C, which threads do not see
        stopped.set()
        raise


def _trained(part, stopped):
    """Train members of one architecture; return the seconds for each, or None."""
    start = time.perf_counter()
    try:
        Training([member for _, member in part]).run(stopped)
    except Unknown:
        return None
    return (time.perf_counter() - start) / len(part)


class Training:
    """Trains members of one architecture, and lets go of those that have finished.

    Parameters
    ----------
    members : list of Member
        At least one.
    """

    def __init__(self, members):
        # Neighbours with the same settings take their steps of Adam in one call.
        self.members = sorted(members, key=lambda member: adam_settings(member.group))
        self.stack = Stack(self.members)

    @torch.no_grad()
    def run(self, stopped):
        """Train all members to their ends, or until an event is set."""
        for member in self.members:
            member.net.notify("on_train_begin", X=member.rows, y=None)
            member.net.module_.begin(member.rows)
        active, epoch = list(self.members), 0
        while active and not stopped.is_set():
            active = self._epoch(active, epoch)
            epoch += 1
            if active and len(active) < CROWDED * len(self.stack.members):
                self.stack.store(active)
                self.stack = Stack(active)

    def _epoch(self, active, epoch):
        """Train for one epoch; return the members that go on."""
        for member in active:
            member.net.notify("on_epoch_begin", **_datasets(member))
        found = self.stack.epoch(epoch + 1)
        for member, numbers in zip(self.stack.members, found, strict=True):
            if member in active:
                self._record(member, numbers)
        return [member for member in active if not self._ends(member, epoch)]

    def _record(self, member, numbers):
        member.failed = not all(value - value == 0 for value in numbers.values())
        for name, value in numbers.items():
            if name != "weights":
                member.net.history.record(name, value)

    def _ends(self, member, epoch):
        if member.failed:
            return True
        stops = dict(member.net.callbacks_).get("skvae_early_stopping")
        if stops is not None and stops.improves(member.net):
            self.stack.store([member])
        stop = member.net._ask_callbacks(member.train, member.valid)
        if not stop and epoch + 1 < member.net.max_epochs:
            return False
        if stops is None or not stops.has_kept:
            self.stack.store([member])
        member.net.notify("on_train_end", X=member.rows, y=None)
        member.net.module_.eval()
        return True


def _datasets(member):
    return {"dataset_train": member.train, "dataset_valid": member.valid}
