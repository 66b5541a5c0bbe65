"""What the optimizers of a net have gathered, to save it and to go on with it."""

import copy

import torch


def optimizer_states(net):
    """Give the state of every optimizer.

    Returns
    -------
    dict of str to dict
        Of each group of parameters: the parameter's number, as a str, -> its moments
        and steps. A parameter that has not moved yet is left out.
    """
    return {
        group: {
            str(i): dict(optimizer.state[parameter])
            for i, parameter in enumerate(parameters)
            if parameter in optimizer.state
        }
        for group, (optimizer, parameters) in net._groups().items()
    }


def restore_optimizer_states(net, states):
    """Put back what `optimizer_states` gave.

    Raises
    ------
    ValueError
        If it is not a state that these optimizers can have.
    """
    groups = net._groups()
    if states.keys() != groups.keys():
        raise ValueError("its training state is of other groups of parameters.")
    for group, (optimizer, parameters) in groups.items():
        examples = _states_after_a_step(optimizer)
        for number, state in states[group].items():
            example = examples[int(number)]
            if not _alike(state, example):
                raise ValueError("its training state is of another optimizer.")
            placed = {name: _beside(state[name], example[name]) for name in state}
            optimizer.state[parameters[int(number)]] = placed


def _states_after_a_step(optimizer):
    """Let a copy take a step of nothing, to see what this optimizer keeps."""
    twin = copy.deepcopy(optimizer)
    moved = [p for part in twin.param_groups for p in part["params"]]
    for parameter in moved:
        parameter.grad = torch.zeros_like(parameter)
    twin.step()
    return [twin.state[parameter] for parameter in moved]


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
        return value.to(example.device, copy=True)
    return value
