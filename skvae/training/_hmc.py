"""Hamiltonian Monte Carlo over the latents of a batch of rows."""

import torch

RATE = 0.5  # of the step size's adaptation, a transition


def transition(log_prob, z, noise, step_size, n_leapfrog):
    """Take one step of Hamiltonian Monte Carlo from each row's position.

    A momentum is drawn from N(0, I), the leapfrog integrator takes `n_leapfrog` steps,
    and the end is accepted with probability min(1, e^(H_begin − H_end)) (Neal 2011,
    fig. 2).

    Parameters
    ----------
    log_prob : callable
        (B, K) -> (B,), up to a constant.
    z : Tensor of shape (B, K)
        Positions.
    noise : Noise
        Of momenta and acceptance.
    step_size : Tensor of shape ()
        Of the integrator.
    n_leapfrog : int
        Its steps.

    Returns
    -------
    z : Tensor of shape (B, K)
        New positions.
    acceptance : Tensor of shape (B,)
        Probability with which each end was accepted.
    """
    momentum = noise.normal(z).expand_as(z)
    begin, gradient = _value_and_gradient(log_prob, z)
    energy = begin - 0.5 * momentum.square().sum(-1)
    there = z
    for _ in range(n_leapfrog):
        momentum = momentum + 0.5 * step_size * gradient
        there = there + step_size * momentum
        value, gradient = _value_and_gradient(log_prob, there)
        momentum = momentum + 0.5 * step_size * gradient
    end = value - 0.5 * momentum.square().sum(-1)
    # Where the integrator has left all bounds, the end is not accepted.
    acceptance = (end - energy).exp().clamp(max=1).nan_to_num(0.0)
    accepted = noise.uniform(z[:, :1]) < acceptance[:, None]  # (B, 1)
    return torch.where(accepted, there, z), acceptance


def adapted(step_size, acceptance, target):
    """Move the step size towards an acceptance: ln ε += rate (mean − target)."""
    return step_size * (RATE * (acceptance.mean() - target)).exp()


def _value_and_gradient(log_prob, z):
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = log_prob(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), gradient
