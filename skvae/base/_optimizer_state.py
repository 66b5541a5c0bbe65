"""What the optimizers of a net have gathered, to save it and to go on with it."""

import copy

import torch


def optimizer_states(net):
    """Give the state of every optimizer.

    Returns
    -------
    dict of str to dict
        Of each optimizer: the parameter's number, as a str, -> its moments and steps.
        A parameter that has not moved yet is left out.
    """
    return {
        name: {
            str(i): dict(optimizer.state[parameter])
            for i, parameter in enumerate(_parameters(optimizer))
            if parameter in optimizer.state
        }
        for name, optimizer in _optimizers(net).items()
    }


def _optimizers(net):
    return {name: getattr(net, name + "_") for name in net._optimizers}


def _parameters(optimizer):
    return [p for part in optimizer.param_groups for p in part["params"]]


def restore_optimizer_states(net, states):
    """Put back what `optimizer_states` gave.

    Raises
    ------
    ValueError
        If it is not a state that these optimizers can have.
    """
    optimizers = _optimizers(net)
    if states.keys() != optimizers.keys():
        raise ValueError("its training state is of other optimizers.")
    for name, optimizer in optimizers.items():
        parameters, examples = _parameters(optimizer), _states_after_a_step(optimizer)
        for number, state in states[name].items():
            example = examples[int(number)]
            if not _alike(state, example):
                raise ValueError("its training state is of another optimizer.")
            placed = {key: _beside(state[key], example[key]) for key in state}
            optimizer.state[parameters[int(number)]] = placed


def _states_after_a_step(optimizer):
    """Let a copy take a step of nothing, to see what this optimizer keeps."""
    twin = copy.deepcopy(optimizer)
    moved = _parameters(twin)
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
        return value.to(example.device)
    return value
