"""Groups of parameters that several models share."""

import os
from collections.abc import Callable

import skorch.callbacks
import torch
from torch import nn

from skvae import _validation
from skvae._parameters import Declared, parameter
from skvae._validation import (
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE_INT,
    Duration,
    Instance,
    Options,
    Sequence,
)
from skvae.training import KLWarmup

SIZES = Sequence(POSITIVE_INT, "a tuple of positive ints")
BODY = (
    Instance((nn.Module,), "a torch module"),
    _validation.Callable("a function of the input's width that returns one"),
    NONE,
)


class SkorchCallback:
    """Accepts a skorch callback, its class, or a pair of a name and one of these."""

    def accepts(self, value):
        """Whether `value` is one."""
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            value = value[1]
        kind = value if isinstance(value, type) else type(value)
        return issubclass(kind, skorch.callbacks.Callback)


class Optimizer:
    """Accepts an optimizer class that takes one gradient per step."""

    def accepts(self, value):
        """Whether `value` is one; LBFGS evaluates the loss several times per step."""
        return callable(value) and value is not torch.optim.LBFGS

    def __str__(self):
        return "a class of torch optimizers that takes one gradient per step"


class Checkpoints(Declared):
    """Where and when fit writes its state, and whether it goes on from there."""

    checkpoint: str | os.PathLike | None = parameter(
        Instance((str, os.PathLike), "a path"), NONE, default=None
    )
    checkpoint_every: int | str = parameter(POSITIVE_INT, Duration(), default="1min")
    resume: str = parameter(Options(("auto", "never")), default="auto")


class Latents(Declared):
    """The number of latents."""

    n_components: int = parameter(
        POSITIVE_INT, default=8, kw_only=False, shapes_network=True
    )


class CustomNetworks(Declared):
    """Custom networks in place of the default ones."""

    encoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )
    decoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )


class Divergence(Declared):
    """The weight of the KL divergence, and its warm-up."""

    beta: float = parameter(NON_NEGATIVE, default=1.0, module=True)
    kl_warmup: int = parameter(NATURAL, default=0)

    @property
    def _n_warmup_epochs(self):
        return self.kl_warmup

    def _schedules(self):
        return [*super()._schedules(), KLWarmup(self.kl_warmup)]


class ImportanceWeighted(Declared):
    """The number of draws in the training bound."""

    n_importance_samples: int = parameter(POSITIVE_INT, default=1, module=True)
