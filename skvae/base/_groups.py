"""Groups of parameters that several models share, with what follows from them."""

from collections.abc import Callable

import skorch.callbacks
from torch import nn

from skvae import _validation
from skvae._parameters import Declared, parameter
from skvae._validation import (
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE_INT,
    Instance,
    Options,
)
from skvae.priors import SHORTHAND, Prior, as_prior
from skvae.training import KLWarmup

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


class Latents(Declared):
    """The number of latents."""

    n_components: int = parameter(
        POSITIVE_INT, default=8, kw_only=False, shapes_network=True
    )


class CustomNetworks(Declared):
    """Networks of the user's own."""

    encoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )
    decoder: nn.Module | Callable | None = parameter(
        *BODY, default=None, shapes_network=True
    )


class ChosenPrior(Declared):
    """The prior p(z)."""

    prior: str | Prior = parameter(
        Options(tuple(SHORTHAND)),
        Instance((Prior,), "an instance of a class of skvae.priors"),
        default="standard-normal",
        shapes_network=True,
    )

    def _choose_prior(self):
        return as_prior(self.prior, type(self).__name__)


class Divergence(Declared):
    """The weight of the KL divergence, and its warm-up."""

    beta: float = parameter(NON_NEGATIVE, default=1.0, module=True)
    kl_warmup: int = parameter(NATURAL, default=0)

    @property
    def _n_warmup_epochs(self):
        return self.kl_warmup

    def _schedules(self):
        return [KLWarmup(self.kl_warmup), *super()._schedules()]


class ImportanceWeighted(Declared):
    """The number of draws in the training bound."""

    n_importance_samples: int = parameter(POSITIVE_INT, default=1, module=True)
