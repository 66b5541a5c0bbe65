"""Optimizers by name, and a fused Adam that does not load torch's compiler."""

import copy
import inspect
from collections import defaultdict
from types import MethodType

import torch

from skvae.handwritten import adam_step


class FusedAdam(torch.optim.Adam):
    """torch's fused Adam, without importing torch's compiler.

    Its results are bit for bit those of ``torch.optim.Adam(fused=True)``, which torch
    does not choose by default on a CPU: both call the same kernel. But creating
    a ``torch.optim.Adam`` imports torch's compiler, which takes a second and 70 MB in
    every process, hence in every worker of a grid search.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
        )

        self._kept = {}

    def __setstate__(self, state):
        super().__setstate__(state)
        self._kept = {}

    # torch's method without the decorator, which imports the compiler.
    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)

    def zero_grad(self, set_to_none=True):
        """Remove the gradients, or set them to zero."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.zero_()

    def moments(self, parameter):
        """Return the state of a parameter, which is zero at first."""
        state = self.state[parameter]
        if not state:
            # The fused kernels need single precision, whatever torch's default is.
            step = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["step"] = step
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state

    def step(self, closure=None):
        """Update the parameters once from their gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for number, group in enumerate(self.param_groups):
                self._move(number, group)
        return loss

    # torch would wrap `step` for its profiler, which takes as long as a small step.
    step.hooked = True

    def register_step_pre_hook(self, hook):
        """Call a function before each step; see :class:`torch.optim.Optimizer`."""
        self._wrap_step()
        return super().register_step_pre_hook(hook)

    def register_step_post_hook(self, hook):
        """Call a function after each step; see :class:`torch.optim.Optimizer`."""
        self._wrap_step()
        return super().register_step_post_hook(hook)

    def _wrap_step(self):
        """Let `step` of this optimizer call hooks."""
        self.step = MethodType(self.profile_hook_step(type(self).step), self)

    def _move(self, number, group):
        moved = [p for p in group["params"] if p.grad is not None]
        if moved:
            gradients = [p.grad for p in moved]
            adam_step(moved, gradients, *self._lists(number, moved), group)

    def _lists(self, number, moved):
        """Return the moments and steps of parameters, as `adam_step` takes them.

        A group's lists are kept from one step to the next, unless other parameters move
        or a state was replaced.
        """
        states = [self.moments(p) for p in moved]
        kept = self._kept.get(number)
        if kept is None or [*map(id, kept[0])] != [*map(id, states)]:
            kept = self._kept[number] = states, _listed(states)
        return kept[1]


def _listed(states):
    """Return means, mean squares, steps and their count; steps become views of it."""
    count = torch.stack([state["step"] for state in states])
    for state, step in zip(states, count.unbind(), strict=True):
        state["step"] = step
    names = "exp_avg", "exp_avg_sq", "step"
    return *([state[name] for state in states] for name in names), count


OPTIMIZERS = {
    "adagrad": torch.optim.Adagrad,
    "adam": FusedAdam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


def parameters_of(optimizer):
    """Return the parameters that an optimizer moves."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def optimizer_name(group):
    """Return skorch's name of a group's optimizer: "optimizer" for group "model"."""
    return "optimizer" if group == "model" else f"optimizer_{group}"


def build_optimizer(kind, args, kwargs):
    """Build an optimizer, and check that it can take a step.

    Parameters
    ----------
    kind : callable
        A class of torch optimizers, or a function that builds one.
    args, kwargs
        Its arguments.

    Raises
    ------
    ValueError
        If it cannot be built, or takes other steps than one per gradient.
    """
    try:
        built = kind(*args, **kwargs)
        if not isinstance(built, torch.optim.Optimizer):
            raise TypeError(f"it returns {built!r}, which is not an optimizer")
        if kind not in OPTIMIZERS.values() or not all(map(_is_plain, kwargs.values())):
            moved = [p for group in built.param_groups for p in group["params"]]
            smallest = min(moved, key=torch.Tensor.numel)
            state_after_a_step(built, smallest)
    except Exception as error:
        raise ValueError(f"The optimizer {kind!r} cannot be used: {error}") from error
    return built


def _is_plain(value):
    return value is None or isinstance(value, bool | int | float | tuple)


def state_after_a_step(optimizer, parameter):
    """Return the state of a copy of the optimizer after a step with zero gradients.

    It has this parameter only: copies of all would take several times the memory.
    """
    twin, moved = copy.copy(optimizer), torch.nn.Parameter(torch.zeros_like(parameter))
    moved.grad = torch.zeros_like(parameter)
    twin.state = defaultdict(dict)
    twin.param_groups = [
        {**group, "params": [moved]}
        for group in optimizer.param_groups
        if any(other is parameter for other in group["params"])
    ]
    twin.step()
    return twin.state[moved]
