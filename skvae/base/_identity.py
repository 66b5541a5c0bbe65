"""Whether a parameter is still what it was, in this process or another."""

import numpy as np
from sklearn.base import BaseEstimator
from torch import nn


def architecture(estimator):
    """Describe the parameters that another network would follow from."""
    names = estimator._architecture
    return {name: identity(getattr(estimator, name)) for name in names}


def check_same_architecture(estimator, reason):
    """Raise ValueError where such a parameter is no longer what it was in fit."""
    now = architecture(estimator)
    for name, fitted in estimator._fitted_architecture.items():
        if now[name] != fitted:
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} must stay what "
                f"it was in fit, as {reason} goes on with the fitted network. Got "
                f"{getattr(estimator, name)!r} instead. Use fit with warm_start=False "
                "to start afresh."
            )


def identity(value):
    """Describe a parameter by what it is made of, so that equal ones compare equal.

    A ``repr`` would not do: that of a function holds an address, and scikit-learn
    shortens long ones.

    Parameters
    ----------
    value : object
        A constructor parameter.

    Returns
    -------
    object
        Built of tuples and plain values; survives pickling.
    """
    if isinstance(value, BaseEstimator):
        return _name(type(value)), identity(value.get_params(deep=False))
    if isinstance(value, nn.Module):
        shapes = [(name, tuple(p.shape)) for name, p in value.state_dict().items()]
        return _name(type(value)), tuple(shapes), repr(value)
    if isinstance(value, dict):
        return tuple((key, identity(value[key])) for key in sorted(value))
    if isinstance(value, list | tuple):
        return type(value).__name__, *map(identity, value)
    return _callable(value) if callable(value) else _plain(value)


def _callable(value):
    """A function by its name; an object, such as a selector, by what it holds."""
    if hasattr(value, "__qualname__"):
        return _name(value)
    return _name(type(value)), identity(vars(value))


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"
