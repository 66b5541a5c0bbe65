"""Arrays of other libraries: tensors of torch, and the array API standard.

All of them are computed with as arrays of numpy, whose results go back to the library
and the device of X.
"""

import numpy as np
import torch
from sklearn import get_config


def namespace_of(X):
    """Return the array API namespace of X, None for arrays of numpy and for others."""
    if isinstance(X, np.ndarray | np.generic):
        return None
    found = getattr(X, "__array_namespace__", None)
    return None if found is None else found()


def to_numpy(X):
    """Return an array of a library with the array API as one of numpy."""
    namespace = namespace_of(X)
    if namespace is None:
        return X
    if hasattr(X, "get"):  # CuPy
        return X.get()
    if hasattr(namespace, "Device"):  # array-api-strict pretends to have devices
        X = namespace.asarray(X, device=namespace.Device("CPU_DEVICE"))
    return np.asarray(X)


def library_of(X):
    """Return the names of the library and the device of X."""
    if isinstance(X, torch.Tensor):
        return "torch", str(X.device)
    namespace = namespace_of(X)
    if namespace is None:
        return "numpy", "cpu"
    return namespace.__name__, str(X.device)


def check_library(known, X, method):
    """Raise ValueError if X is of another library or device than in fit.

    As in scikit-learn, this holds only while it dispatches on arrays.

    Parameters
    ----------
    known : tuple of str or None
        What `library_of` returned in fit; None if that is not known.
    X : array-like
        Rows or latents.
    method : str
        Name of the caller, with its class.
    """
    if known is None or not get_config()["array_api_dispatch"]:
        return
    given = library_of(X)
    if given != known:
        raise ValueError(
            f"Inputs passed to {method}() must use the same namespace and the same "
            "device as those passed to fit(), while array_api_dispatch=True. Got "
            f"{' on '.join(given)}, and {' on '.join(known)} in fit."
        )


def like(X, result):
    """Return computed numbers as arrays of the library and the device of X.

    Tensors give tensors. Other libraries than numpy do so only while scikit-learn
    dispatches on arrays. What holds no numbers, such as a data frame, stays as it is.
    """
    if isinstance(result, tuple):  # a named one
        return type(result)(*(like(X, value) for value in result))
    if isinstance(result, list):
        return [like(X, value) for value in result]
    if not isinstance(result, np.ndarray) or result.dtype.kind not in "fiub":
        return result
    if isinstance(X, torch.Tensor):
        return torch.from_numpy(np.ascontiguousarray(result)).to(X.device)
    namespace = namespace_of(X)
    if namespace is None or not get_config()["array_api_dispatch"]:
        return result
    return namespace.asarray(result, device=X.device)
