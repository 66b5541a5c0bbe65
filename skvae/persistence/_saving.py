"""Save a fitted estimator to a file, as plain values and tensors."""

from numbers import Integral

import numpy as np
import sklearn
import skorch
import torch
from sklearn.utils.validation import check_is_fitted

import skvae.distributions
import skvae.nets
import skvae.priors
from skvae._validation import NATURAL, POSITIVE_INT, Instance, Interval
from skvae._version import __version__
from skvae.distributions import Likelihood
from skvae.nets import Recipe
from skvae.persistence._architecture import changed_parameter
from skvae.persistence._file import write
from skvae.persistence._learned import learned
from skvae.persistence._optimizer_state import optimizer_states
from skvae.persistence._packing import Packer, is_plain
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
}


class SavingMixin:
    """Adds `save`.

    If an estimator learns attributes in fit other than its columns, its likelihood and
    its module, it lists them in ``_saved``; they must be plain data.
    """

    _saved = {}  # attribute -> allowed values

    def save(self, path, *, training_state=False) -> None:
        """Write the fitted estimator to one file, for `skvae.load`.

        The file is in the safetensors format: the weights as tensors, everything else
        as JSON. Loading it executes no code. Custom networks, custom callbacks and
        ``net_params`` that are not plain data cannot be saved; pass them again to
        `skvae.load`, by name. A column selector is saved as the columns it selected.
        Values that callbacks recorded in ``history_`` are kept if they are plain data.

        Parameters
        ----------
        path : str or path-like
            Where to write. An existing file is replaced as a whole or not at all.
        training_state : bool, default=False
            Whether to save the state of the optimizers too, about twice the size of the
            weights. After loading, `partial_fit`, or `fit` with ``warm_start``, then
            resumes as if it had not been interrupted; otherwise with new optimizers.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If a parameter that shapes the network was changed after `fit`, or if the
            estimator's class is not part of skvae.
        OSError
            If the file cannot be written; an existing one is left as it was.

        See Also
        --------
        skvae.load : Read the file.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> from sklearn.datasets import load_iris
        >>> import skvae
        >>> X = load_iris().data
        >>> vae = skvae.VAETransformer(n_components=2, max_epochs=2, random_state=0)
        >>> with TemporaryDirectory() as folder:
        ...     vae.fit(X).save(f"{folder}/iris.safetensors")
        ...     loaded = skvae.load(f"{folder}/iris.safetensors")
        >>> bool((loaded.transform(X) == vae.transform(X)).all())
        True
        """
        check_is_fitted(self)
        _check_savable(self)
        write(path, *describe(self, training_state))


def saved_attributes(estimator):
    """Return the attributes that a file must have, and those that it may have."""
    return ALWAYS | estimator._columns_type.saved | estimator._saved, IF_PRESENT


def describe(estimator, training_state):
    """Return a JSON header and the tensors that describe a fitted estimator."""
    module, columns = estimator.module_, estimator._columns
    parameters = columns.plain_parameters(estimator)
    attributes = _attributes(estimator, columns.learned())
    history, training = _plain_rows(estimator.history_), None
    if training_state:
        states = optimizer_states(estimator.net_)
        training = {"optimizers": states, "module": module.training_state()}
    weights = {f"module.{name}": t for name, t in module.state_dict().items()}
    saved = {k: v for k, v in parameters.items() if is_plain(v, CLASSES)}
    packer = Packer(CLASSES)
    header = {
        "class": type(estimator).__name__,
        "versions": VERSIONS,
        "parameters": packer.pack(saved, "parameters"),
        "omitted": sorted(parameters.keys() - saved.keys()),
        "attributes": packer.pack(attributes, "attributes"),
        "module": {
            "dtype": str(module.dtype).removeprefix("torch."),
            "kl_weight": float(module.kl_weight),
        },
        "history": packer.pack(history, "history"),
        "training": packer.pack(training, "training"),
    }
    return header, packer.tensors | weights


def _check_savable(estimator):
    name = type(estimator).__name__
    if type(estimator).__module__.partition(".")[0] != "skvae":
        raise ValueError(
            f"{name} is not part of skvae, so skvae.load would not find it: use pickle."
        )
    parameter = changed_parameter(estimator)
    if parameter is not None:
        raise ValueError(
            f"The {parameter!r} parameter of {name} was changed after fit to "
            f"{getattr(estimator, parameter)!r}, which does not describe the fitted "
            "network. Set it back, or fit again, before saving."
        )


def _attributes(estimator, learned_of_columns):
    required, optional = saved_attributes(estimator)
    computed = {"likelihood_": learned(estimator.likelihood_), **learned_of_columns}
    present = [name for name in optional if hasattr(estimator, name)]
    names = [*(required.keys() - computed.keys()), *present]
    return {name: getattr(estimator, name) for name in sorted(names)} | computed


def _plain_rows(history):
    """Return the history without values that are not plain data."""
    return [
        {
            name: _plain_rows(value) if name == "batches" else value
            for name, value in row.items()
            if name == "batches" or is_plain(value)
        }
        for row in history
    ]
