"""Copies of skorch's callbacks, for clones of an estimator."""

import copy
import inspect

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def copied(callbacks):
    """Return callbacks as new as the given ones were before any fit.

    They are built from copies of their constructor parameters, as scikit-learn clones
    estimators. An object that several of them hold is copied once, so that a
    `LoadInitState` refers to the copied checkpoint.

    Parameters
    ----------
    callbacks : list of callbacks, classes, or pairs of a name and one of these

    Raises
    ------
    TypeError
        If one of them cannot be copied.
    """
    memo = {}
    return [_copied(item, memo) for item in callbacks]


def _copied(item, memo):
    if isinstance(item, tuple):
        name, callback = item
        return name, _copied(callback, memo)
    if isinstance(item, type):
        return item
    if id(item) not in memo:
        try:
            memo[id(item)] = _rebuilt(item, memo)
        except Exception as error:  # of whatever it holds: a writer, a lock, a trial
            raise TypeError(
                f"The callback {type(item).__name__} cannot be copied, as clone, "
                f"searches and cross-validation need: {error}. Without these, fit uses "
                "the callback itself. A class is not copied either: callbacks=[Class]."
            ) from error
    return memo[id(item)]


def _rebuilt(callback, memo):
    parameters = inspect.signature(type(callback)).parameters
    if any(p.kind in VARIABLE for p in parameters.values()):
        return copy.deepcopy(callback, memo)
    lost = [name for name in parameters if not hasattr(callback, name)]
    if lost:
        raise TypeError(f"it does not keep its parameter {lost[0]!r} under that name")
    values = {name: getattr(callback, name) for name in parameters}
    return type(callback)(**{k: copy.deepcopy(v, memo) for k, v in values.items()})
