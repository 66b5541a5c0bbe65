"""Networks whose parameters are side by side, trained by batched products."""

import torch

from skvae.stacks._plan import Plan
from skvae.training import CHUNK, written_model


class Stack:
    """Members whose parameters are side by side.

    Parameters
    ----------
    members : list of Member
        Of one signature.
    """

    def __init__(self, members):
        self.members, self.plan = members, Plan(members)
        self.model = written_model([member.net.module_ for member in members])
        self.vector = self.model.members
        self.vector.load()
        for place, member in enumerate(members):
            self.vector.load_moments(member.net.optimizer_, place)
        self.move = self.vector.adam([member.group for member in members])
        self._evaluation = None

    def store(self, members):
        """Copy the parameters and moments of members to their nets."""
        for place, member in enumerate(self.members):
            if member in members:
                self.vector.store(place)
                self.vector.store_moments(member.net.optimizer_, place)

    @torch.no_grad()
    def epoch(self, epoch):
        """Train for an epoch; return the numbers of each member, a list of dicts."""
        plan, beta, sums = self.plan, self._betas(), self._sums()
        order = plan.positions(epoch)
        normals = plan.normals(self.model.n_normals, "batches", "noise", epoch)
        for (where, weight, mask), e in zip(plan.batches(), normals, strict=True):
            terms = self._terms(order[:, where], e)
            self.model.backward(weight, beta.to(plan.dtype))
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
        order, normals = self._held_out_rows()
        n_rows = max(1, CHUNK // (self.model.width * len(self.members)))
        counts = [sum(member.valid_batches) for member in self.members]
        for start in range(0, order.shape[1], n_rows):
            where = slice(start, start + n_rows)
            e = None if normals is None else normals[:, where]
            terms = self._terms(order[:, where], e)
            sizes = [n - start for n in counts]
            _add(sums, terms, self.plan.mask(sizes, terms[0].shape[1]))
        return self._losses(sums, "valid_batches", beta, "loss")["loss"]

    def _terms(self, order, normals):
        """Return the terms of the rows at positions (M, B), (M, B) each."""
        x, condition, seen = self.plan.rows(order)
        return self.model.forward(x, condition, normals, seen)

    def _held_out_rows(self):
        """Return positions, (M, n), and variates, (M, n, K), of the held-out rows."""
        if self._evaluation is None:
            n_normals = self.model.n_normals
            parts = list(self.plan.normals(n_normals, "valid_batches", "evaluation"))
            normals = None if parts[0] is None else torch.cat(parts, 1)
            self._evaluation = self.plan.positions(), normals
        return self._evaluation

    def _sums(self):
        shape = len(self.model.terms), len(self.members)
        return torch.zeros(shape, dtype=torch.float64, device=self.plan.device)

    def _losses(self, sums, kind, beta, name):
        """Return the loss and the means of the terms, each (M,), by name."""
        counts = [sum(getattr(member, kind)) for member in self.members]
        means = sums / torch.tensor(counts, device=sums.device)
        reconstruction, *kl = means
        loss = -reconstruction
        for divergence in kl:
            loss += beta.flatten() * divergence
        return {name: loss} | dict(zip(self.model.terms, means, strict=True))

    def _betas(self):
        beta = [member.beta for member in self.members]
        beta = torch.tensor(beta, dtype=torch.float64, device=self.plan.device)
        return beta[:, None, None]


def _add(sums, terms, mask):
    """Add the terms of rows, (M, B) each, to sums, (T, M)."""
    for total, term in zip(sums, terms, strict=True):
        if mask is None:
            total.add_(term.sum(1, dtype=torch.float64))
        else:
            total.add_((term.double() * mask).sum(1))
