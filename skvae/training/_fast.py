"""Epochs by the hand-written step, for nets that it knows; see `skvae.handwritten`.

Between epochs everything is as without it: parameters and moments are in the module
and the optimizer, whose random numbers come from the same generators in the same order.
"""

import torch

from skvae.handwritten import Unknown, Vector
from skvae.training._hooks import BatchHooks
from skvae.training._iterating import TensorBatches
from skvae.training._optimizers import FusedAdam
from skvae.training._table import PLAIN, condition_of

CHUNK = 2**22  # numbers in the widest layer of held-out rows at once
USED = PLAIN | {"seen"}  # fields of a `Batch` that it knows
OF_ROWS = {"table", "device", "dtype", "index", "n_numbers", "whole", "odds"}
SETTINGS = {"params", "lr", "betas", "eps", "weight_decay"}
OFF = {
    "amsgrad": False,
    "capturable": False,
    "decoupled_weight_decay": False,
    "differentiable": False,
    "foreach": None,
    "fused": True,
    "maximize": False,
}


def fast_training(net, rows):
    """Return the `FastTraining` of a net on some rows, or None if autograd must do it.

    Parameters
    ----------
    net : VariationalNet
        An initialised net.
    rows : Rows
        The training rows.
    """
    if not net.fast_path or not is_known(net, rows):
        return None
    try:
        return FastTraining(net, written_model([net.module_]))
    except Unknown:
        return None


def written_model(modules):
    """Write the models of equal modules; raise `Unknown` if that is not possible."""
    kinds = {module.written() for module in modules}
    if len(kinds) > 1 or None in kinds:
        raise Unknown("the models")
    parameters = [p for module in modules for p in module.parameters()]
    if not all(p.requires_grad for p in parameters):
        raise Unknown("parameters that are fixed")
    if len({(p.dtype, p.device) for p in parameters}) > 1:
        raise Unknown("several precisions or devices")
    (kind,) = kinds
    return kind(Vector(modules))


def is_known(net, rows):
    """Return whether the loop, its callbacks, the optimizer and the rows are ours."""
    module, hooks = net.module_, BatchHooks(net)
    iterators = net.iterator_train, net.iterator_valid
    return (
        hasattr(module, "written")
        and module.phases == ("model",)
        and module.dtype in (torch.float32, torch.float64)
        and not (hooks.batchwise or hooks.gradientwise)
        and all(iterator is TensorBatches for iterator in iterators)
        and list(net.optimizers()) == ["optimizer"]
        and _is_plain_adam(net.optimizer_, module)
        and len(rows) > 0
        and _fields(rows) <= USED
    )


def _fields(rows):
    """Return the names of the fields that rows and their batches have."""
    own = {name for name in vars(rows) if not name.startswith("_")}
    batch = rows.take(torch.from_numpy(rows.index[:1]))
    found = {name for name, value in batch._asdict().items() if value is not None}
    return found | own - OF_ROWS


def _is_plain_adam(optimizer, module):
    """Return whether it is Adam as we use it, for all parameters, at the same step."""
    if type(optimizer) is not FusedAdam or len(optimizer.param_groups) > 1:
        return False
    (group,) = optimizer.param_groups
    if group.keys() - SETTINGS - OFF.keys() or not isinstance(group["lr"], float | int):
        return False
    if any(group[name] != value for name, value in OFF.items() if name in group):
        return False
    moved, states = group["params"], list(optimizer.state.values())
    if {*map(id, moved)} != {*map(id, module.parameters())}:
        return False
    if any(p._backward_hooks for p in moved) or "step" in vars(optimizer):
        return False
    steps = {float(state["step"]) for state in states}
    return len(steps) <= 1 and len(states) in (0, len(moved))


class FastTraining:
    """Trains a net, and evaluates its bound, without autograd.

    Parameters
    ----------
    net : VariationalNet
        The net.
    model : WrittenModel
        Its module, hand-written.
    """

    def __init__(self, net, model):
        self.net, self.model, self.vector = net, model, model.members
        self._like = {}  # number of rows -> tensor of the shape of their variates

    def applies(self):
        """Return whether it still trains what a callback has left of the net."""
        module = self.net.module_
        movable = all(p.requires_grad for p in module.parameters())
        return movable and _is_plain_adam(self.net.optimizer_, module)

    @torch.no_grad()
    def epoch(self, batches, noise, log):
        """Train for an epoch, and store the terms of every row in the log."""
        net, beta = self.net, self._beta()
        self.vector.load()
        self.vector.load_moments(net.optimizer_)
        move = self.vector.adam(net.optimizer_.param_groups)
        for batch in batches:
            terms = self._terms(batch, self._normals(batch, noise))
            self.model.backward(_weights(batch), beta)
            move()
            terms = [term[0] for term in terms]
            log.add_terms(self.model.terms, terms, batch.sample_weight)
        log.add_losses(beta)
        self.vector.store()
        self.vector.store_moments(net.optimizer_)

    @torch.no_grad()
    def bound(self, batches, noise):
        """Return the bound of each row of the batches, (n,)."""
        self.vector.load()
        beta, bounds = self._beta(), []
        for batch, normals in self._merged(batches, noise):
            reconstruction, *kl = self._terms(batch, normals)
            bounds.append(
                reconstruction[0] - beta * kl[0][0] if kl else reconstruction[0]
            )
        return torch.cat(bounds)

    def _beta(self):
        module = self.net.module_
        return float(getattr(module, "beta", 1.0) * module.kl_weight)

    def _normals(self, batch, noise):
        """Draw the standard normal variates of a batch, (1, B, K), or None."""
        if not self.model.n_normals:
            return None
        n_rows = len(batch.x)
        if n_rows not in self._like:
            shape = 1, n_rows, self.model.n_normals
            self._like[n_rows] = batch.x.new_empty(shape)
        like = self._like[n_rows]
        return noise.normal(like).expand_as(like)

    def _terms(self, batch, normals):
        """Return the terms of each row, (1, B) each."""
        condition = condition_of(batch)
        if condition is not None:
            condition = condition.unsqueeze(0)
        seen = None if batch.seen is None else batch.seen.unsqueeze(0)
        return self.model.forward(batch.x.unsqueeze(0), condition, normals, seen)

    def _merged(self, batches, noise):
        """Yield large batches with the variates of the small ones that they join."""
        pairs, size = [], 0
        for batch in batches:
            pairs.append((batch, self._normals(batch, noise)))
            size += batch.x.shape[0] * self.model.width
            if size > CHUNK:
                yield _joined(pairs)
                pairs, size = [], 0
        if pairs:
            yield _joined(pairs)


def _weights(batch):
    """Return what each row adds to the mean over a batch, a number or (1, B, 1)."""
    n_rows = len(batch.x)
    if batch.sample_weight is None:
        return 1 / n_rows
    return (batch.sample_weight / n_rows)[None, :, None]


def _joined(pairs):
    batches, normals = zip(*pairs, strict=True)
    fields = {
        name: torch.cat([getattr(batch, name) for batch in batches])
        for name in ("x", "condition", "seen")
        if getattr(batches[0], name) is not None
    }
    return batches[0]._replace(**fields), (
        None if normals[0] is None else torch.cat(normals, 1)
    )
