"""What a file may contain: classes, attributes, and arguments of skorch."""

import re
from numbers import Integral

import numpy as np
import sklearn
import skorch
import torch

import skvae.distributions
import skvae.nets
import skvae.priors
from skvae._validation import NATURAL, POSITIVE_INT, Instance, Interval
from skvae._version import __version__
from skvae.distributions import Likelihood
from skvae.nets import Recipe
from skvae.persistence._packing import is_plain
from skvae.priors import Prior

_OPTIMIZERS = (
    *("ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
    *("RMSprop", "Rprop", "SGD"),
)


def _subclasses(package, base):
    values = [getattr(package, name) for name in package.__all__]
    return [v for v in values if isinstance(v, type) and issubclass(v, base)]


# The classes that a file may name besides the estimators.
CLASSES = {
    cls.__name__: cls
    for cls in (
        *_subclasses(skvae.distributions, Likelihood),
        *_subclasses(skvae.priors, Prior),
        *_subclasses(skvae.nets, Recipe),
        *(getattr(torch.optim, name) for name in _OPTIMIZERS),
    )
}

VERSIONS = {
    "skvae": __version__,
    "scikit-learn": sklearn.__version__,
    "skorch": skorch.__version__,
    "torch": str(torch.__version__),
}

# Attributes of every estimator besides ``net_``, and the allowed values of each.
ALWAYS = {
    "_seed": Interval(Integral, 0, 2**32 - 1, closed="both"),
    "likelihood_": Instance((dict,), "what the likelihood has learned"),
    "n_features_in_": POSITIVE_INT,
    "n_iter_": NATURAL,
}
IF_PRESENT = {
    "feature_names_in_": Instance((np.ndarray,), "an array of str"),
    "table_": Instance((dict,), "what the columns hold"),
    "_sklearn_output_config": Instance((dict,), "what set_output sets"),
    "metadata_requests": Instance((dict,), "what set_..._request sets"),
}

# The keys of net_params that a file may contain. Others could make training or the
# compiler run any program, such as compile__options={"cpp.cxx": ...}.
HARMLESS = re.compile(
    r"lr|max_epochs|batch_size|binarize|verbose|use_caching|fast_path|shared_noise"
    r"|iterator_(train|valid)__batch_size|optimizer(_[a-z0-9]+)*(__\w+)?"
)


def saved_attributes(estimator):
    """Return the attributes that a file must have, and those that it may have."""
    return ALWAYS | estimator._columns_type.saved | estimator._saved, IF_PRESENT


def may_be_saved(name, value):
    """Return whether a file may contain a parameter of an estimator."""
    if name == "checkpoint":  # fit would write to any place
        return False
    if name == "net_params" and isinstance(value, dict) and refused_keys(value):
        return False
    return is_plain(value, CLASSES)


def refused_keys(net_params):
    """Return the keys of ``net_params`` that a file may not contain."""
    return [k for k in net_params if not HARMLESS.fullmatch(str(k))]
