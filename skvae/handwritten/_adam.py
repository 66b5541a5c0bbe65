"""One step of Adam on many tensors at once, by torch's fused kernel.

``torch.optim.adam.adam`` sorts tensors by device and type, checks them and counts the
steps one by one before it calls the kernel, which takes longer than the kernel itself
on a small network. The kernel is private to torch, so the public function stands in if
a release changes it. Both give the same bits.
"""

import torch
from torch.optim.adam import adam

KERNEL = getattr(torch, "_fused_adam_", None)


def adam_step(tensors, gradients, firsts, seconds, steps, count, group):
    """Take one step.

    Parameters
    ----------
    tensors, gradients, firsts, seconds : list of Tensor
        What moves, its gradients, and their running means and mean squares.
    steps : list of Tensor of shape ()
        Number of steps taken so far, float32, for each tensor: views of `count`.
    count : Tensor
        All of `steps` together.
    group : dict
        Settings, as in ``optimizer.param_groups``.
    """
    beta1, beta2 = group["betas"]
    settings = {"lr": group["lr"], "beta1": beta1, "beta2": beta2, "eps": group["eps"]}
    settings |= {"weight_decay": group["weight_decay"], "amsgrad": False}
    if KERNEL is None:
        many = tensors, gradients, firsts, seconds, [], steps
        adam(*many, fused=True, maximize=False, **settings)
        return
    count.add_(1)
    KERNEL(tensors, gradients, firsts, seconds, [], steps, maximize=False, **settings)
