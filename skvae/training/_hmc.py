"""Hamiltonian Monte Carlo over the latents of a batch of rows."""

import torch

RATE = 0.5  # adaptation of the step size per transition


def transition(log_prob, z, noise, step_size, n_leapfrog):
    """Take one step of Hamiltonian Monte Carlo from each row's position.

    A momentum is drawn from N(0, I), the leapfrog integrator takes `n_leapfrog` steps,
    and the new position is accepted with probability min(1, e^(H_begin − H_end)) (Neal
    2011, fig. 2).

    Parameters
    ----------
    log_prob : callable
        Log-density up to a constant, (B, K) -> (B,).
    z : Tensor of shape (B, K)
        Positions.
    noise : Noise
        Source of the momenta and of the acceptance.
    step_size : Tensor of shape ()
        Step size of the integrator.
    n_leapfrog : int
        Number of its steps.

    Returns
    -------
    z : Tensor of shape (B, K)
        New positions.
    acceptance : Tensor of shape (B,)
        Acceptance probability of each row.
    """
    momentum = noise.normal(z).expand_as(z)
    value, gradient = _value_and_gradient(log_prob, z)
    begin = value - 0.5 * momentum.square().sum(-1)  # −H
    moved = z
    for _ in range(n_leapfrog):
        momentum = momentum + 0.5 * step_size * gradient
        moved = moved + step_size * momentum
        value, gradient = _value_and_gradient(log_prob, moved)
        momentum = momentum + 0.5 * step_size * gradient
    end = value - 0.5 * momentum.square().sum(-1)
    # Where the integrator has diverged, the end is rejected.
    acceptance = (end - begin).exp().clamp(max=1).nan_to_num(0.0)
    accepted = noise.uniform(z[:, :1]) < acceptance[:, None]  # (B, 1)
    return torch.where(accepted, moved, z), acceptance


def adapted(step_size, acceptance, target):
    """Adapt the step size towards a target acceptance: ln ε += rate (mean − target)."""
    return step_size * (RATE * (acceptance.mean() - target)).exp()


def _value_and_gradient(log_prob, z):
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = log_prob(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), gradient
