"""Many fits at once: nets of one architecture, trained side by side.

Every member of a stack has its own rows, order, noise, step size, weight decay, β,
warm-up and early stopping, and ends where its own fit would, up to rounding. What
cannot be stacked is left to an ordinary fit.
"""

from collections import defaultdict
from itertools import accumulate

import torch

from skvae.handwritten import Unknown, adam_settings
from skvae.training._callbacks import EarlyStopping, KLWarmup, RecordEpoch
from skvae.training._fast import CHUNK, is_known, written_model
from skvae.training._hold_out import HoldOut
from skvae.training._iterating import TensorBatches
from skvae.training._seeds import derive_generator

OURS = {EarlyStopping, KLWarmup, RecordEpoch}
OWN = {"beta", "kl_weight", "training"}  # what members may differ in
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


def can_be_stacked(net, rows):
    """Return whether a net is one that the hand-written step knows, and is new."""
    return (
        net.fast_path
        and not len(net.history)
        and net.binarize is None
        and rows.odds is None
        and (net.train_split is None or isinstance(net.train_split, HoldOut))
        and net.batch_size > 0
        and not net.get_params_for("iterator_train")
        and {type(callback) for _, callback in net.callbacks_} <= OURS
        and is_known(net, rows)
        and net.module_.written() is not None
    )


class Member:
    """A net, its rows, and its place in the stack.

    Parameters
    ----------
    net : VariationalNet
        The net.
    rows : Rows
        Its training rows, of which some may be held out.
    """

    def __init__(self, net, rows):
        self.net, self.rows, self.failed = net, rows, False
        self.train, self.valid = net.get_split_datasets(rows)
        self.batches, self.valid_batches = (
            [] if part is None else TensorBatches(part, net.batch_size).sizes()
            for part in (self.train, self.valid)
        )

    @property
    def group(self):
        """Settings of its optimizer."""
        return self.net.optimizer_.param_groups[0]

    @property
    def beta(self):
        """Current weight of the divergence."""
        module = self.net.module_
        return float(getattr(module, "beta", 1.0) * module.kl_weight)

    def signature(self):
        """Return what members of one stack have in common."""
        module, net = self.net.module_, self.net
        parts = [
            (path, type(part), _settings(part)) for path, part in module.named_modules()
        ]
        tensors = [*module.named_parameters(), *module.named_buffers()]
        shapes = [(name, value.shape, value.dtype) for name, value in tensors]
        of_batches = net.batch_size, len(self.batches), len(self.valid_batches)
        table = self.rows.table
        widths = table.x.shape[1], *sorted(table.beside())
        return repr((parts, shapes, of_batches, widths, str(self.rows.device)))

    def positions(self, n_before, epoch=None):
        """Return the places of its rows in the joint table, shuffled in an epoch."""
        part = self.valid if epoch is None else self.train
        order = torch.from_numpy(part.index)
        if epoch is not None:
            generator = derive_generator(self.net.seed, "shuffle", epoch)
            order = order[torch.randperm(len(order), generator=generator)]
        return order + n_before


def _settings(part):
    public = {name for name in vars(part) if not name.startswith("_")} - OWN
    return [(name, repr(getattr(part, name))) for name in sorted(public)]


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


class Stack:
    """Members whose parameters are side by side.

    Parameters
    ----------
    members : list of Member
        Of one signature.
    """

    def __init__(self, members):
        self.members = members
        self.model = written_model([member.net.module_ for member in members])
        self.vector = self.model.members
        self.vector.load()
        for place, member in enumerate(members):
            self.vector.load_moments(member.net.optimizer_, place)
        self.move = self.vector.adam([member.group for member in members])
        self.device, self.dtype = members[0].rows.device, members[0].rows.dtype
        self._join_tables()
        self._plans = {}

    def _join_tables(self):
        """Put all tables below one another, and remember where each begins."""
        tables = {id(member.rows): member.rows for member in self.members}
        batches = [rows.take(torch.arange(len(rows.table))) for rows in tables.values()]
        self.x = torch.cat([batch.x for batch in batches])
        self.condition = None
        if batches[0].condition is not None and batches[0].condition.shape[-1]:
            self.condition = torch.cat([batch.condition for batch in batches])
        starts = accumulate((len(batch.x) for batch in batches), initial=0)
        self.starts = dict(zip(tables, starts, strict=False))

    def store(self, members):
        """Copy the parameters and moments of members to their nets."""
        for place, member in enumerate(self.members):
            if member in members:
                self.vector.store(place)
                self.vector.store_moments(member.net.optimizer_, place)

    @torch.no_grad()
    def epoch(self, epoch):
        """Train for an epoch; return the numbers of each member, a list of dicts."""
        plan, beta = self._plan(), self._betas()
        order = self._positions(epoch)
        sums = self._sums()
        for step, normals in enumerate(self._normals("batches", "noise", epoch)):
            where, weight, mask = plan[step]
            terms = self.model.forward(*self._rows(order[:, where]), normals)
            self.model.backward(weight, beta.to(self.dtype))
            self.move()
            _add(sums, terms, mask)
        found = self._losses(sums, "batches", beta, "train_loss")
        found["weights"] = self.vector.totals()
        if self.members[0].valid is not None:
            found |= {"valid_loss": self._held_out(beta)}
        table = torch.stack([value.double() for value in found.values()], 1).tolist()
        return [dict(zip(found, row, strict=True)) for row in table]

    def _held_out(self, beta):
        """Return minus the mean bound of each member's held-out rows, (M,)."""
        sums = self._sums()
        order, normals = self._evaluation()
        n_rows = max(1, CHUNK // (self.model.width * len(self.members)))
        counts = [sum(member.valid_batches) for member in self.members]
        for start in range(0, order.shape[1], n_rows):
            where = slice(start, start + n_rows)
            e = None if normals is None else normals[:, where]
            terms = self.model.forward(*self._rows(order[:, where]), e)
            sizes = [n - start for n in counts]
            _add(sums, terms, self._mask(sizes, terms[0].shape[1]))
        return self._losses(sums, "valid_batches", beta, "loss")["loss"]

    def _evaluation(self):
        """Return positions, (M, n), and variates, (M, n, K), of the held-out rows."""
        if "evaluation" not in self._plans:
            parts = list(self._normals("valid_batches", "evaluation"))
            normals = None if parts[0] is None else torch.cat(parts, 1)
            self._plans["evaluation"] = self._positions(), normals
        return self._plans["evaluation"]

    def _sums(self):
        n_terms, n_members = len(self.model.terms), len(self.members)
        shape = n_terms, n_members
        return torch.zeros(shape, dtype=torch.float64, device=self.device)

    def _losses(self, sums, kind, beta, name):
        """Return the loss and the means of the terms, each (M,), by name."""
        counts = [sum(getattr(member, kind)) for member in self.members]
        means = sums / torch.tensor(counts, device=self.device)
        reconstruction, *kl = means
        loss = -reconstruction
        for divergence in kl:
            loss += beta.flatten() * divergence
        return {name: loss} | dict(zip(self.model.terms, means, strict=True))

    def _betas(self):
        beta = [member.beta for member in self.members]
        beta = torch.tensor(beta, dtype=torch.float64, device=self.device)
        return beta[:, None, None]

    # -- rows -------------------------------------------------------------------------

    def _rows(self, order):
        """Return the rows at positions (M, B), and their conditions, or None."""
        flat, shape = order.flatten(), order.shape
        x = self.x.index_select(0, flat).unflatten(0, shape)  # (M, B, D)
        if self.condition is None:
            return x, None
        return x, self.condition.index_select(0, flat).unflatten(0, shape)

    def _positions(self, epoch=None):
        """Return each member's positions in the joint table, padded to (M, n)."""
        found = [m.positions(self.starts[id(m.rows)], epoch) for m in self.members]
        padded = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
        return padded.to(self.device)

    def _plan(self):
        """Return the columns, the weights and the mask of each batch.

        All have as many batches, of which only the last ones differ in size.
        """
        if "batches" not in self._plans:
            plan, start = [], 0
            for sizes in zip(*(member.batches for member in self.members), strict=True):
                stop = start + max(sizes)
                plan.append((slice(start, stop), *self._weights(sizes)))
                start = stop
            self._plans["batches"] = plan
        return self._plans["batches"]

    def _weights(self, sizes):
        """Return the weight of each row in a loss, and a mask; 1 / B and None if equal.

        Members with fewer rows are padded by rows that count nothing.
        """
        if len({*sizes}) == 1:
            return 1 / sizes[0], None
        mask = self._mask(sizes, max(sizes))  # (M, B)
        weights = mask / mask.sum(1, keepdim=True)
        return weights.unsqueeze(-1).to(self.dtype), mask

    def _mask(self, sizes, width):
        """Return which of the rows are not padding, float64 (M, B)."""
        sizes = torch.tensor(sizes, device=self.device)
        places = torch.arange(width, device=self.device)
        return (places < sizes[:, None]).double()

    # -- noise ------------------------------------------------------------------------

    def _normals(self, kind, stream, epoch=0):
        """Yield the variates of each batch, (M, B, K), or None.

        Members of one seed and as many rows share their variates, which are drawn once.
        """
        drawers, which = {}, []
        for member in self.members:
            seed, sizes = member.net.seed, tuple(getattr(member, kind))
            if (seed, sizes) not in drawers:
                drawer = derive_generator(seed, stream, epoch, self.device)
                drawers[seed, sizes] = drawer
            which.append(list(drawers).index((seed, sizes)))
        which = torch.tensor(which, device=self.device)
        for step in range(len(sizes)):
            yield self._drawn(drawers, step, which)

    def _drawn(self, drawers, step, which):
        n_latents = self.model.n_normals
        if not n_latents:
            return None
        sizes = [key[1][step] for key in drawers]
        found = [
            torch.randn(
                (size, n_latents),
                generator=generator,
                dtype=self.dtype,
                device=self.device,
            )
            for size, generator in zip(sizes, drawers.values(), strict=True)
        ]
        if len(found) == 1:
            return found[0].expand(len(self.members), -1, -1)
        padded = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
        return padded.index_select(0, which)  # (M, B, K)


def _add(sums, terms, mask):
    """Add the terms of rows, (M, B) each, to sums, (T, M)."""
    for total, term in zip(sums, terms, strict=True):
        if mask is None:
            total.add_(term.sum(1, dtype=torch.float64))
        else:
            total.add_((term.double() * mask).sum(1))
