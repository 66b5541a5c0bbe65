"""The parameters of equal modules in one vector, with their gradients and moments.

Every quantity of the hand-written step has a first axis over M modules that train side
by side, the *members* of a stack; M is 1 for a single fit. Each parameter is a block of
the vector, (M, ...), so that one call of Adam moves all of them.
"""

import math
from typing import NamedTuple

import torch

from skvae.handwritten._adam import adam_step


class Unknown(Exception):
    """A network has something that the hand-written step does not know."""


class Block(NamedTuple):
    """A parameter of all members, (M, ...), and what belongs to it.

    Attributes
    ----------
    value, gradient, first, second : Tensor of shape (M, ...)
        The parameter, its gradient, and Adam's running mean and mean square of it.
    """

    value: torch.Tensor
    gradient: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor


class Vector:
    """The parameters of M modules of one architecture.

    Parameters
    ----------
    modules : list of torch.nn.Module
        The members.
    """

    def __init__(self, modules):
        self.modules = modules
        shapes = {name: p.shape for name, p in modules[0].named_parameters()}
        if any(
            {name: p.shape for name, p in module.named_parameters()} != shapes
            for module in modules
        ):
            raise Unknown("the members have other parameters")
        like, size = next(modules[0].parameters()), sum(map(math.prod, shapes.values()))
        self._shapes, self._n_taken = shapes, 0
        self._all = Block(*(like.new_zeros(len(modules) * size) for _ in Block._fields))
        self.blocks, self._joined = {}, []  # name -> Block, and what was cut at once
        self.count = torch.zeros(1, dtype=torch.float32, device=like.device)

    def part(self, path):
        """Return the submodules of all members at a path."""
        return [module.get_submodule(path) for module in self.modules]

    def cut(self, *names):
        """Take the parameters of these names, joined along their first axis.

        Returns
        -------
        value, gradient : Tensor of shape (M, n, ...)
            Views of the vector.
        """
        if any(name not in self._shapes or name in self.blocks for name in names):
            raise Unknown(f"{names} are shared or missing")
        heights = [self._shapes[name][0] for name in names]
        shape = len(self.modules), sum(heights), *self._shapes[names[0]][1:]
        start, self._n_taken = self._n_taken, self._n_taken + math.prod(shape)
        taken = Block(*(t[start : self._n_taken].view(shape) for t in self._all))
        self._joined.append(taken)
        rows = [tensor.split(heights, 1) for tensor in taken]
        for name, *views in zip(names, *rows, strict=True):
            self.blocks[name] = Block(*views)
        return taken.value, taken.gradient

    def buffer(self, path):
        """Return a buffer or a tensor (D,) of all members, (M, 1, D)."""
        owner, _, name = path.rpartition(".")
        values = [getattr(part, name) for part in self.part(owner)]
        if len({value.shape for value in values}) > 1:
            raise Unknown(f"{path} differs in shape")
        return torch.stack(values).unsqueeze(1)

    def shared(self, path):
        """Return a buffer that must be the same in all members."""
        owner, _, name = path.rpartition(".")
        first, *others = [getattr(part, name) for part in self.part(owner)]
        if not all(torch.equal(first, other) for other in others):
            raise Unknown(f"{path} differs between members")
        return first

    def check_complete(self):
        """Raise `Unknown` if the step does not use every parameter."""
        if self.blocks.keys() != self._shapes.keys():
            raise Unknown(f"{self._shapes.keys() - self.blocks.keys()} are not used")

    # -- to and from the modules ------------------------------------------------------

    @torch.no_grad()
    def load(self):
        """Copy the members' parameters into the vector."""
        for member, module in enumerate(self.modules):
            for name, parameter in module.named_parameters():
                self.blocks[name].value[member].copy_(parameter)

    @torch.no_grad()
    def load_moments(self, optimizer, member=0):
        """Copy the moments of a member from its optimizer."""
        for name, parameter in self.modules[member].named_parameters():
            block, state = self.blocks[name], optimizer.state.get(parameter)
            if not state:  # before the first step
                block.first[member].zero_()
                block.second[member].zero_()
                self.count.zero_()
                continue
            block.first[member].copy_(state["exp_avg"])
            block.second[member].copy_(state["exp_avg_sq"])
            self.count.copy_(state["step"])

    @torch.no_grad()
    def store(self, member=0):
        """Copy a member's parameters to its module."""
        for name, parameter in self.modules[member].named_parameters():
            parameter.copy_(self.blocks[name].value[member])

    @torch.no_grad()
    def store_moments(self, optimizer, member=0):
        """Copy a member's moments to its optimizer."""
        for name, parameter in self.modules[member].named_parameters():
            state, block = optimizer.moments(parameter), self.blocks[name]
            state["exp_avg"].copy_(block.first[member])
            state["exp_avg_sq"].copy_(block.second[member])
            state["step"].copy_(self.count[0])

    def totals(self):
        """Return the sum of the parameters of each member, (M,)."""
        parts = [block.value.flatten(1).sum(1) for block in self._joined]
        return torch.stack(parts).sum(0)

    # -- Adam -------------------------------------------------------------------------

    def adam(self, groups):
        """Return a function that takes one step of Adam.

        Parameters
        ----------
        groups : list of dict
            Each member's settings, as in ``optimizer.param_groups``. Neighbours with
            the same settings move together.
        """
        runs = _runs([adam_settings(group) for group in groups])
        if len(runs) == 1:  # the whole vector is one tensor
            lists = [[tensor] for tensor in self._all]
            return lambda: adam_step(*lists, [self.count[0]], self.count, groups[0])
        moves = []
        for start, stop in runs:
            parts = zip(*self._joined, strict=True)
            lists = [[tensor[start:stop] for tensor in part] for part in parts]
            count = self.count.clone()
            moves.append((*lists, [count[0]] * len(lists[0]), count, groups[start]))

        def move():
            self.count.add_(1)
            for one in moves:
                adam_step(*one)

        return move


class Frozen(Vector):
    """The parameters of one module as they are, without gradients.

    Parameters
    ----------
    module : torch.nn.Module
        The only member.
    """

    def __init__(self, module):
        self.modules, self.blocks = [module], {}
        self._shapes = dict(module.named_parameters())

    def cut(self, *names):
        """Return the parameters of these names, joined, (1, n, ...), and None."""
        if any(name not in self._shapes or name in self.blocks for name in names):
            raise Unknown(f"{names} are shared or missing")
        values = [self._shapes[name].detach() for name in names]
        self.blocks |= dict(zip(names, values, strict=True))
        joined = values[0] if len(values) == 1 else torch.cat(values)
        return joined.unsqueeze(0), None


def adam_settings(group):
    """Return what neighbours must share for one call of Adam to move them."""
    names = "lr", "betas", "eps", "weight_decay"
    return tuple(group[name] for name in names)


def _runs(keys):
    """Return the (start, stop) of neighbours with equal keys."""
    starts = [i for i in range(len(keys)) if i == 0 or keys[i] != keys[i - 1]]
    return list(zip(starts, [*starts[1:], len(keys)], strict=True))
