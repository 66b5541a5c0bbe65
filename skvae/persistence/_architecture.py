"""Check whether the parameters that shape the network have changed since fit."""

from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback
from torch import nn
from torch.nn.parameter import is_lazy

from skvae._kinds import cut


def architecture(estimator):
    """Return descriptions of the parameters that shape the network."""
    names = estimator._architecture
    return {name: identity(getattr(estimator, name)) for name in names}


def changed_parameter(estimator):
    """Return the first such parameter that has changed since fit, or None."""
    current, fitted = architecture(estimator), estimator._fitted_architecture
    return next((name for name in fitted if current[name] != fitted[name]), None)


def check_same_architecture(estimator):
    """Raise ValueError if such a parameter has changed since fit."""
    name = changed_parameter(estimator)
    if name is not None:
        raise ValueError(
            f"The {name!r} parameter of {type(estimator).__name__} must stay what it "
            "was in fit, as training resumes with the fitted network. Got "
            f"{cut(getattr(estimator, name))} instead. Use fit with warm_start=False "
            "to start from scratch."
        )


def identity(value):
    """Describe a parameter by its contents, so that equal values compare equal.

    A ``repr`` does not suffice: that of a function contains an address, and
    scikit-learn shortens long ones.

    Parameters
    ----------
    value : object
        A constructor parameter.

    Returns
    -------
    object
        Tuples of plain values, which can be pickled.
    """
    if isinstance(value, BaseEstimator | Callback):
        return _name(type(value)), identity(value.get_params(deep=False))
    if isinstance(value, nn.Module):
        shapes = [(name, _shape(p)) for name, p in value.state_dict().items()]
        return _name(type(value)), tuple(shapes), repr(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (type(key).__name__, key))
        return tuple((key, identity(value[key])) for key in keys)
    if isinstance(value, list | tuple):
        return type(value).__name__, *map(identity, value)
    if isinstance(value, set | frozenset):
        return type(value).__name__, *sorted(map(repr, value))
    return _callable(value) if callable(value) else _plain(value)


def _callable(value):
    """Describe a function by its name and code, another object by its attributes."""
    if isinstance(value, partial):
        return identity([value.func, value.args, value.keywords])
    if hasattr(value, "__qualname__"):
        code = getattr(value, "__code__", None)  # two lambdas share a name
        return _name(value), code and (code.co_code, code.co_names, code.co_firstlineno)
    return _name(type(value)), identity(vars(value))


def _shape(tensor):
    """Return the shape of a tensor, None for one of a lazy module."""
    return None if is_lazy(tensor) else tuple(tensor.shape)


def _plain(value):
    """Return arrays, and an Index or a Series of columns, as lists."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if type(value).__repr__ is object.__repr__:  # which is an address
        return _name(type(value)), identity(vars(value))
    return list(value) if hasattr(value, "to_numpy") else value


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"
