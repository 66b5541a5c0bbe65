"""The types that skops must trust to load an estimator."""

import importlib
import inspect
import pkgutil

import torch

from skvae import (
    autoencoders,
    conditional,
    distributions,
    imputer,
    inputs,
    multimodal,
    nets,
    priors,
    training,
)

WITHIN = (autoencoders, conditional, distributions, imputer, inputs, multimodal)
WITHIN += (nets, priors, training)
OF_OTHERS = (
    "functools.partial",
    "numpy.dtype",
    "pandas.CategoricalDtype",
    "pandas.StringDtype",
    "skorch.dataset.Dataset",
    "skorch.history.History",
    "skorch.setter.optimizer_setter",
    "torch.device",
)


def trusted_types():
    """Return the names of the types of which fitted estimators consist, for skops.

    ``skops.io.load`` loads an object only if all of its types are trusted. MLflow takes
    them as ``skops_trusted_types``.

    skops does not look at the weights: within its file, they are a pickle that skorch
    wrote. Load only files whose origin you trust, as you would with a pickle.
    `skvae.load` reads the files of `save` without executing anything.

    Returns
    -------
    list of str
        Estimators, likelihoods, priors, nets, and what these hold. The types of custom
        callbacks and of other steps of a pipeline are not among them.

    See Also
    --------
    skvae.load : Load a file of skvae's own format, safely.

    Examples
    --------
    >>> import skvae
    >>> "skvae.autoencoders._vae.VAETransformer" in skvae.trusted_types()
    True
    """
    optimizers = (_name(cls) for cls in training.OPTIMIZERS.values())
    own = (_name(cls) for package in WITHIN for cls in _classes(package))
    return sorted({*OF_OTHERS, *optimizers, *own, "skvae._levels.Levels"})


def _name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def _classes(package):
    """Yield the classes that a package defines, except torch modules."""
    paths = getattr(package, "__path__", ())
    names = [module.name for module in pkgutil.iter_modules(paths)]
    for module in [package, *(_module(package, name) for name in names)]:
        for _, cls in inspect.getmembers(module, inspect.isclass):
            is_own = cls.__module__ == module.__name__
            if is_own and not issubclass(cls, torch.nn.Module):
                yield cls


def _module(package, name):
    return importlib.import_module(f"{package.__name__}.{name}")
