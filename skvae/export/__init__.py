"""Fitted models for other runtimes: ONNX, skl2onnx's pipelines and `torch.export`."""

from skvae.export._onnx import to_onnx
from skvae.export._pipelines import register_converters
from skvae.export._program import to_exported_program

__all__ = ["register_converters", "to_exported_program", "to_onnx"]
