"""The state of a net's optimizers, to save it and to resume with it."""

import torch

from skvae.training import state_after_a_step


def optimizer_states(net):
    """Return the state of each optimizer.

    Returns
    -------
    dict of str to dict
        For each optimizer, a dict from the parameter's number, as a str, to its moments
        and steps. Parameters without a step yet are left out.
    """
    return {
        name: {
            str(i): dict(optimizer.state[parameter])
            for i, parameter in enumerate(_parameters(optimizer))
            if parameter in optimizer.state
        }
        for name, optimizer in net.optimizers().items()
    }


def _parameters(optimizer):
    return [p for part in optimizer.param_groups for p in part["params"]]


def restore_optimizer_states(net, states):
    """Restore what `optimizer_states` returned.

    Raises
    ------
    ValueError
        If it cannot be the state of these optimizers.
    """
    optimizers = net.optimizers()
    if states.keys() != optimizers.keys():
        raise ValueError("its training state belongs to other optimizers.")
    for name, optimizer in optimizers.items():
        parameters = _parameters(optimizer)
        for number, state in states[name].items():
            parameter = parameters[int(number)]
            example = state_after_a_step(optimizer, parameter)
            if not _alike(state, example):
                raise ValueError("its training state belongs to another optimizer.")
            placed = {key: _beside(state[key], example[key]) for key in state}
            optimizer.state[parameter] = placed


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
