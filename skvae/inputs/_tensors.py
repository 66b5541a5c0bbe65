"""Plain arrays in place of tensors and of subclasses of arrays."""

import numpy as np
import torch

from skvae.inputs._arrays import to_numpy

_LACKING = (  # what a tensor may lack, and what to do
    ("is_complex", "is complex: pass its real and imaginary parts as columns"),
    ("is_nested", "is nested: pass rows of one length"),
    ("is_quantized", "is quantized: pass dequantize() of it"),
    ("is_meta", "is on the meta device, and has no values"),
)
_OF_NUMPY = {  # types of tensors that numpy has
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float32, torch.float64),
}


def as_numpy(X, name="X"):
    """Convert a tensor, or an array of another library, to an array of numpy.

    Anything else is returned unchanged.

    Floats of less than single precision become single precision.

    Raises
    ------
    ValueError
        If the tensor is complex, quantized, nested, sparse or has no values.
    """
    if not isinstance(X, torch.Tensor):
        return to_numpy(X)
    for attribute, words in _LACKING:
        found = getattr(X, attribute)
        if found() if callable(found) else found:
            raise ValueError(f"The tensor {name} {words}.")
    if X.layout != torch.strided:
        raise ValueError(f"The tensor {name} is sparse: pass to_dense() of it.")
    X = X.detach().cpu()
    return (X if X.dtype in _OF_NUMPY else X.float()).numpy()


def without_tensors(rows, name="X"):
    """Convert the tensors among the rows of a list, or among their cells.

    Raises
    ------
    ValueError
        As `as_numpy`.
    """
    return [_without_tensors(row, name) for row in rows]


def _without_tensors(row, name):
    if isinstance(row, list | tuple):
        if any(isinstance(value, torch.Tensor) for value in row):
            return [_without_tensors(value, name) for value in row]
        return row
    row = as_numpy(row, name)
    return row[()] if isinstance(row, np.ndarray) and row.ndim == 0 else row


def without_subclass(X):
    """Return an array of numpy that is not a subclass, whose columns may be matrices.

    Masked arrays stay as they are if a value is masked.
    """
    if not isinstance(X, np.ndarray) or X.dtype.kind == "V":  # records are refused
        return X
    return X if np.ma.is_masked(X) else np.asarray(X)
