"""What each constructor parameter may be."""

import skorch.callbacks
import torch
from torch import nn

from skvae._validation import (
    BOOLEAN,
    FRACTION,
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE,
    POSITIVE_INT,
    PROBABILITY,
    RANDOM_STATE,
    Callable,
    Instance,
    Options,
    Sequence,
)
from skvae.distributions import SHORTHAND as LIKELIHOODS
from skvae.distributions import Likelihood
from skvae.nets import ACTIVATIONS
from skvae.priors import SHORTHAND as PRIORS
from skvae.priors import Prior
from skvae.training import OPTIMIZERS

BODY = (
    Instance((nn.Module,), "a torch module"),
    Callable("a function of the input's width that returns one"),
    NONE,
)


class SkorchCallback:
    """A callback, or its class, or a pair of a name and one of these."""

    def accepts(self, value):
        """Whether `value` is one."""
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            value = value[1]
        kind = value if isinstance(value, type) else type(value)
        return issubclass(kind, skorch.callbacks.Callback)


AUTOENCODER_PARAMETERS = {
    "n_components": (POSITIVE_INT,),
    "hidden_layer_sizes": (Sequence(POSITIVE_INT, "a tuple of positive ints"),),
    "activation": (Options(tuple(ACTIVATIONS)),),
    "dropout": (PROBABILITY,),
    "likelihood": (
        Options(tuple(LIKELIHOODS)),
        Instance((Likelihood,), "an instance of a class of skvae.distributions"),
        Instance((list,), "a list of (likelihood, columns)"),
    ),
    "encoder": BODY,
    "decoder": BODY,
    "binarize": (Options(("fixed", "dynamic")), NONE),
    "max_epochs": (POSITIVE_INT,),
    "batch_size": (POSITIVE_INT,),
    "lr": (POSITIVE,),
    "optimizer": (
        Options(tuple(OPTIMIZERS)),
        Callable("a class of torch optimizers"),
    ),
    "weight_decay": (NON_NEGATIVE,),
    "early_stopping": (BOOLEAN,),
    "validation_fraction": (FRACTION,),
    "n_iter_no_change": (POSITIVE_INT,),
    "tol": (NON_NEGATIVE,),
    "dtype": (Options(("float32", "float64", "auto")),),
    "device": (Instance((str, torch.device), "a str such as 'auto', 'cpu' or 'cuda'"),),
    "warm_start": (BOOLEAN,),
    "random_state": RANDOM_STATE,
    "verbose": (NATURAL, BOOLEAN),
    "callbacks": (
        Sequence(SkorchCallback(), "a list of skorch callbacks"),
        NONE,
    ),
    "net_params": (Instance((dict,), "a dict of skorch arguments"), NONE),
}

VAE_PARAMETERS = AUTOENCODER_PARAMETERS | {
    "prior": (
        Options(tuple(PRIORS)),
        Instance((Prior,), "an instance of a class of skvae.priors"),
    ),
    "beta": (NON_NEGATIVE,),
    "kl_warmup": (NATURAL,),
    "n_importance_samples": (POSITIVE_INT,),
}
