"""Training side by side until each member ends."""

from collections import defaultdict

import torch

from skvae.handwritten import Unknown, adam_settings
from skvae.stacks._members import Member, can_be_stacked
from skvae.stacks._stack import Stack

CROWDED = 0.85  # share of members still training above which a stack is kept


def train_together(nets, rows):
    """Train nets that have not been trained yet, stacked where possible.

    Parameters
    ----------
    nets : list of VariationalNet
        Initialised nets.
    rows : list of Rows
        The training rows of each. Nets that share an object share its memory.

    Returns
    -------
    list of bool
        Whether each net was trained. The others are unchanged, or were given up at a
        loss that is not finite, and must be fitted as usual.
    """
    trained, groups = [False] * len(nets), defaultdict(list)
    for position, (net, table) in enumerate(zip(nets, rows, strict=True)):
        if can_be_stacked(net, table):
            member = Member(net, table)
            groups[member.signature()].append((position, member))
    for group in groups.values():
        try:
            Training([member for _, member in group]).run()
        except Unknown:
            continue
        for position, member in group:
            trained[position] = not member.failed
    return trained


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
    def run(self):
        """Train all members to their ends."""
        for member in self.members:
            member.net.notify("on_train_begin", X=member.rows, y=None)
            member.net.module_.begin(member.rows)
        active, epoch = list(self.members), 0
        while active:
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
