"""The state of a net's optimizers, to save it and to resume with it."""

import torch

from skvae.training import parameters_of, state_after_a_step


def restore_optimizer_states(net, states):
    """Restore what `optimizer_states` returned.

    Raises
    ------
    ValueError
        If it cannot be the state of these optimizers.
    """
    placed = placed_states(net, states)
    for name, optimizer in net.optimizers().items():
        parameters = parameters_of(optimizer)
        for number, state in placed[name].items():
            optimizer.state[parameters[int(number)]] = state


def placed_states(net, states):
    """Return the states of optimizers with their tensors on the devices of the net.

    Raises
    ------
    ValueError
        If they cannot be the states of its optimizers.
    """
    optimizers = net.optimizers()
    if states.keys() != optimizers.keys():
        raise ValueError("its training state belongs to other optimizers.")
    return {name: _placed(opt, states[name]) for name, opt in optimizers.items()}


def _placed(optimizer, states):
    parameters, placed = parameters_of(optimizer), {}
    for number, state in states.items():
        example = state_after_a_step(optimizer, parameters[int(number)])
        if not _alike(state, example):
            raise ValueError("its training state belongs to another optimizer.")
        placed[number] = {key: _beside(state[key], example[key]) for key in state}
    return placed


def _alike(state, example):
    return state.keys() == example.keys() and all(
        _kind(state[name]) == _kind(example[name]) for name in state
    )


def _kind(value):
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape
    return type(value)


def _beside(value, example):
    if isinstance(value, torch.Tensor):
        return value.to(example.device)
    return value
