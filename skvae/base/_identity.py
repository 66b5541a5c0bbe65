"""Whether a parameter is still what it was, in this process or another."""

from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from torch import nn


def architecture(estimator):
    """Describe the parameters that another network would follow from."""
    names = estimator._architecture
    return {name: identity(getattr(estimator, name)) for name in names}


def changed_parameter(estimator):
    """Name the first such parameter that is no longer what it was in fit, or None."""
    now, fitted = architecture(estimator), estimator._fitted_architecture
    return next((name for name in fitted if now[name] != fitted[name]), None)


def check_same_architecture(estimator, reason):
    """Raise ValueError where such a parameter is no longer what it was in fit."""
    name = changed_parameter(estimator)
    if name is not None:
        raise ValueError(
            f"The {name!r} parameter of {type(estimator).__name__} must stay what it "
            f"was in fit, as {reason} goes on with the fitted network. Got "
            f"{getattr(estimator, name)!r} instead. Use fit with warm_start=False to "
            "start afresh."
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
    """A function by name and code; an object, such as a selector, by what it holds."""
    if isinstance(value, partial):
        return identity([value.func, value.args, value.keywords])
    if hasattr(value, "__qualname__"):
        code = getattr(value, "__code__", None)  # two lambdas share a name
        return _name(value), code and (code.co_code, code.co_names, code.co_firstlineno)
    return _name(type(value)), identity(vars(value))


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"
