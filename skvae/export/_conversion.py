"""Conversion of modules to ONNX by torch's exporter."""

import math
import warnings
from contextlib import contextmanager

import torch

from skvae.export._program import traced

OPSET = 18  # of the nodes; runtimes read all later versions too
SHIFT = 8  # Stirling's series is exact in double precision from here on
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


@contextmanager
def needing_extra(owner):
    """Name the extra in place of a missing optional dependency.

    Raises
    ------
    ImportError
        If a package cannot be imported in this context.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f'{owner} needs onnx, onnxscript and skl2onnx: pip install "skvae[onnx]".'
        ) from error


def onnx_of(answer, outputs):
    """Convert a module whose inputs are rows to ONNX.

    Parameters
    ----------
    answer : torch.nn.Module
        A module with the method `inputs` of `Answer`.
    outputs : list of str
        Names of what it returns.

    Returns
    -------
    onnx.ModelProto
    """
    _refuse_transformations(answer)
    with needing_extra("to_onnx"):
        translations = _translations()
    program, inputs = traced(answer), answer.inputs()
    with warnings.catch_warnings():  # about torch's own use of itself
        for category in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        found = torch.onnx.export(
            program,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=outputs,
            opset_version=OPSET,
            custom_translation_table=translations,
            dynamo=True,
            verbose=False,
        )
    return found.model_proto


def _refuse_transformations(answer):
    """Raise ValueError if columns are transformed, which needs more exact functions."""
    if any(hasattr(part, "log_slope") for part in answer.modules()):
        raise ValueError(
            "A likelihood with a 'transform' cannot be converted to ONNX: its "
            "functions there are not exact enough. Use to_exported_program."
        )


def _translations():
    """Return translations of functions that onnxscript lacks, or that overflow."""
    import onnx
    from onnxscript import opset18 as op

    def number(value):  # Python's floats would become single precision
        kind = onnx.TensorProto.DOUBLE
        return op.Constant(value=onnx.helper.make_tensor("value", kind, [], [value]))

    def lgamma(x):
        # ln Γ(x) = ln Γ(y) − Σ_k ln(x + k) with y = x + 8, by Stirling's series in 1/y.
        y = op.Add(x, number(SHIFT))
        inverse = op.Reciprocal(y)
        square, series = op.Mul(inverse, inverse), number(0.0)
        for coefficient in reversed(STIRLING):
            series = op.Add(op.Mul(series, square), number(coefficient))
        series = op.Add(op.Mul(series, inverse), number(HALF_LOG_2PI))
        value = op.Sub(op.Mul(op.Sub(y, number(0.5)), op.Log(y)), y)
        for k in range(SHIFT):
            value = op.Sub(value, op.Log(op.Add(x, number(k))))
        return op.Add(value, series)

    def logaddexp(a, b):
        distance = op.Abs(op.Sub(a, b))
        rest = op.Log(op.Add(op.Exp(op.Neg(distance)), op.CastLike(1.0, a)))
        return op.Add(op.Max(a, b), rest)

    aten = torch.ops.aten
    return {aten.lgamma.default: lgamma, aten.logaddexp.default: logaddexp}
