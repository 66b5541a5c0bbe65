"""Optimizers by name, and a fused Adam that does not load torch's compiler."""

import copy
import inspect
from collections import defaultdict

import torch
from torch.optim.adam import adam


class FusedAdam(torch.optim.Adam):
    """torch's fused Adam, without importing torch's compiler.

    Its results are bit for bit those of ``torch.optim.Adam(fused=True)``, which torch
    does not choose by default on a CPU: both call `torch.optim.adam.adam`. But creating
    a ``torch.optim.Adam`` imports torch's compiler, which takes a second and 70 MB in
    every process, hence in every worker of a grid search.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
        )

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

    def _moments(self, parameter):
        state = self.state[parameter]
        if not state:
            # The fused kernels need single precision, whatever torch's default is.
            step = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["step"] = step
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state

    @torch.no_grad()
    def step(self, closure=None):
        """Update the parameters once from their gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            states = [self._moments(p) for p in moved]
            adam(
                moved,
                [p.grad for p in moved],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )
        return loss


OPTIMIZERS = {
    "adagrad": torch.optim.Adagrad,
    "adam": FusedAdam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


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
        if kind not in OPTIMIZERS.values():
            moved = [p for group in built.param_groups for p in group["params"]]
            smallest = min(moved, key=torch.Tensor.numel)
            state_after_a_step(built, smallest)
    except Exception as error:
        raise ValueError(f"The optimizer {kind!r} cannot be used: {error}") from error
    return built


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
