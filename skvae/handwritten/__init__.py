"""Training steps without autograd, for the networks that the package builds itself."""

from skvae.handwritten._adam import adam_step
from skvae.handwritten._models import WrittenAE, WrittenCVAE, WrittenModel, WrittenVAE
from skvae.handwritten._vector import Frozen, Unknown, Vector, adam_settings

__all__ = [
    "Frozen",
    "Unknown",
    "Vector",
    "WrittenAE",
    "WrittenCVAE",
    "WrittenModel",
    "WrittenVAE",
    "adam_settings",
    "adam_step",
]
