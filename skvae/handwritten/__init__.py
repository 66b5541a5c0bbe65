"""Training steps without autograd, for the networks that the package builds itself."""

from skvae.handwritten._adam import adam_step

__all__ = ["adam_step"]
