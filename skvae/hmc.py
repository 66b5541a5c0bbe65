"""Hamiltonian Monte Carlo over latents, for several rows or chains at once."""

from typing import NamedTuple

import torch

RATE = 0.5  # adaptation of the step size per transition


class Point(NamedTuple):
    """Positions with the log-density and its gradient there.

    Attributes
    ----------
    z : Tensor of shape (..., B, K)
        Positions.
    value : Tensor of shape (..., B)
        Log-density up to a constant.
    gradient : Tensor of shape (..., B, K)
        Its gradient.
    """

    z: torch.Tensor
    value: torch.Tensor
    gradient: torch.Tensor


def transition(log_prob, z, noise, step_size, n_leapfrog):
    """Take one step of Hamiltonian Monte Carlo from each row's position.

    Parameters
    ----------
    log_prob : callable
        Log-density up to a constant, (..., B, K) -> (..., B).
    z : Tensor of shape (..., B, K)
        Positions.
    noise, step_size, n_leapfrog
        As in `move`.

    Returns
    -------
    z : Tensor of shape (..., B, K)
        New positions.
    acceptance : Tensor of shape (..., B)
        Acceptance probability of each row.
    """

    def at(z):
        return Point(z, *value_and_gradient(log_prob, z))

    point, acceptance = move(at, at(z), noise, step_size, n_leapfrog)
    return point.z, acceptance


def move(at, point, noise, step_size, n_leapfrog):
    """Take one step of Hamiltonian Monte Carlo from points that were evaluated before.

    A momentum is drawn from N(0, I), the leapfrog integrator takes `n_leapfrog` steps,
    and the new position is accepted with probability min(1, e^(H_begin − H_end)) (Neal
    2011, fig. 2).

    Parameters
    ----------
    at : callable
        Evaluates positions, (..., B, K) -> `Point`, or any named tuple of tensors that
        begins with `z` and has ``value`` and ``gradient``.
    point : Point
        Where to begin.
    noise : Noise
        Source of the momenta and of the acceptance.
    step_size : Tensor
        Step size of the integrator; its shape broadcasts to (..., B, K).
    n_leapfrog : int
        Number of its steps.

    Returns
    -------
    point : Point
        Where each row is now.
    acceptance : Tensor of shape (..., B)
        Acceptance probability of each row.
    """
    momentum = noise.normal(point.z).expand_as(point.z)
    begin = point.value - 0.5 * momentum.square().sum(-1)  # −H
    moved = point
    for _ in range(n_leapfrog):
        momentum = momentum + 0.5 * step_size * moved.gradient
        moved = at(moved.z + step_size * momentum)
        momentum = momentum + 0.5 * step_size * moved.gradient
    end = moved.value - 0.5 * momentum.square().sum(-1)
    # Where the integrator has diverged, the end is rejected.
    acceptance = (end - begin).exp().clamp(max=1).nan_to_num(0.0)
    accepted = noise.uniform(point.z[..., :1]) < acceptance.unsqueeze(-1)  # (..., B, 1)
    return _chosen(accepted, moved, point), acceptance


def _chosen(accepted, moved, point):
    """Return the new points where they were accepted, else the old ones."""
    parts = (
        torch.where(
            accepted if new.ndim == accepted.ndim else accepted[..., 0], new, old
        )
        for new, old in zip(moved, point, strict=True)
    )
    return type(point)(*parts)


def adapted(step_size, acceptance, target):
    """Adapt step sizes to a target: ln ε += rate (acceptance − target)."""
    return step_size * (RATE * (acceptance - target)).exp()


def value_and_gradient(log_prob, z):
    """Return a log-density, (..., B), and its gradient, (..., B, K)."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = log_prob(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), gradient
