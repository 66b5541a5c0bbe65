"""A fitted estimator as plain values and tensors, for a file."""

from numbers import Integral

import numpy as np
import sklearn
import skorch
import torch
from sklearn.utils.validation import check_is_fitted

import skvae.distributions
import skvae.nets
import skvae.priors
from skvae import persistence
from skvae._validation import NATURAL, POSITIVE_INT, Instance, Interval
from skvae._version import __version__
from skvae.base._identity import changed_parameter
from skvae.base._optimizer_state import optimizer_states
from skvae.distributions import (
    Likelihood,
    Mixed,
    as_likelihood,
    learned,
    put_back,
)
from skvae.nets import Recipe
from skvae.priors import Prior

_OPTIMIZERS = (
    *("ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
    *("RMSprop", "Rprop", "SGD"),
)


def _subclasses(package, base):
    values = [getattr(package, name) for name in package.__all__]
    return [v for v in values if isinstance(v, type) and issubclass(v, base)]


# All that a file may name besides the estimators, by their own names.
CLASSES = {
    cls.__name__: cls
    for cls in (
        *_subclasses(skvae.distributions, Likelihood),
        *_subclasses(skvae.priors, Prior),
        *_subclasses(skvae.nets, Recipe),
        *(getattr(torch.optim, name) for name in _OPTIMIZERS),
    )
}


class SavingMixin:
    """Adds `save`.

    A family whose `fit` learns more extends ``_saved``, `_learned` and `_put_back`,
    and, where its likelihood does not see all columns, `_likelihood_width`.
    """

    # Attributes besides ``net_``, and what they may be.
    _saved = {
        "_seed": Interval(Integral, 0, 2**32 - 1, closed="both"),
        "likelihood_": Instance((dict,), "what the likelihood has learned"),
        "n_features_in_": POSITIVE_INT,
        "n_iter_": NATURAL,
    }
    _saved_where_present = {
        "feature_names_in_": Instance((np.ndarray,), "an array of str"),
        "_sklearn_output_config": Instance((dict,), "what set_output sets"),
    }

    def _likelihood_width(self):
        """How many columns the likelihood is of."""
        return self.n_features_in_

    def _learned(self):
        """Give what parts of the estimator have learned, as plain data."""
        return {"likelihood_": learned(self.likelihood_)}

    def _put_back(self, values):
        """Take what `_learned` gave, checked."""
        self.likelihood_ = put_back(
            self._saved_likelihood(), values["likelihood_"], self._likelihood_width()
        )

    def _saved_likelihood(self):
        """Give the likelihood before it has learned, as `_put_back` needs it."""
        return as_likelihood(self.likelihood)

    def _plain_parameters(self):
        """Give the parameters, with selections of columns as what they selected."""
        values = self.get_params(deep=False)
        return values | {"likelihood": self._resolved_likelihood()}

    def _resolved_likelihood(self):
        return resolved(self.likelihood, self.likelihood_, self._place_in_table)

    def _place_in_table(self, positions):
        """Turn positions among the likelihood's columns into those in ``X``."""
        return positions

    def save(self, path, *, training_state=False):
        """Write the fitted estimator to one file, for `skvae.load`.

        The file is in the safetensors format: the network's weights as tensors, all
        else as JSON. Loading it executes no code. Own networks, own callbacks and
        ``net_params`` that are no plain data cannot be written; `skvae.load` takes them
        again, by name. A column selector is written as the columns that it selected.
        What own callbacks wrote into ``history_`` is kept where it is plain data.

        Parameters
        ----------
        path : str or path-like
            Where to. A file there is replaced at once, by a whole one or not at all.
        training_state : bool, default=False
            Also write the optimizers' state, about twice as much as the weights.
            `partial_fit`, or `fit` under ``warm_start``, then goes on after loading as
            if it had not been interrupted; else with a fresh optimizer.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If a parameter that shapes the network was changed after `fit`, or the
            estimator is of a class that is not skvae's own.
        OSError
            If the file cannot be written; the one before is still there.

        See Also
        --------
        skvae.load : Read it.

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
        persistence.write(path, *describe(self, training_state))


def describe(estimator, training_state):
    """Turn a fitted estimator into a header for JSON, and tensors."""
    packer = persistence.Packer(CLASSES)
    module = estimator.module_
    parameters, omitted = _parameters(estimator)
    header = {
        "class": type(estimator).__name__,
        "versions": _versions(),
        "parameters": packer.pack(parameters, "parameters"),
        "omitted": omitted,
        "attributes": packer.pack(_attributes(estimator), "attributes"),
        "module": {
            "dtype": str(module.dtype).removeprefix("torch."),
            "kl_weight": float(module.kl_weight),
        },
        "history": packer.pack(_plain_rows(estimator.history_), "history"),
        "training": None,
    }
    if training_state:
        states = {
            "optimizers": optimizer_states(estimator.net_),
            "module": module.training_state(),
        }
        header["training"] = packer.pack(states, "training")
    weights = {f"module.{name}": t for name, t in module.state_dict().items()}
    return header, packer.tensors | weights


def _check_savable(estimator):
    name = type(estimator).__name__
    if type(estimator).__module__.partition(".")[0] != "skvae":
        raise ValueError(
            f"{name} is no class of skvae, so skvae.load would not find it: use pickle."
        )
    parameter = changed_parameter(estimator)
    if parameter is not None:
        raise ValueError(
            f"The {parameter!r} parameter of {name} was changed after fit to "
            f"{getattr(estimator, parameter)!r}, which does not describe the fitted "
            "network. Set it back, or fit again, before saving."
        )


def _versions():
    return {
        "skvae": __version__,
        "scikit-learn": sklearn.__version__,
        "skorch": skorch.__version__,
        "torch": str(torch.__version__),
    }


def _parameters(estimator):
    """Give the parameters that are plain data, and the names of the others."""
    values = estimator._plain_parameters()
    plain = {k: v for k, v in values.items() if persistence.is_plain(v, CLASSES)}
    return plain, [name for name in values if name not in plain]


def _attributes(estimator):
    values = {name: getattr(estimator, name) for name in estimator._saved}
    for name in estimator._saved_where_present:
        if hasattr(estimator, name):
            values[name] = getattr(estimator, name)
    return values | estimator._learned()


def resolved(likelihood, fitted, place):
    """Replace selections of columns that are no plain data by what they selected.

    Parameters
    ----------
    likelihood : str, Likelihood or list of (likelihood, columns)
        What a user chose.
    fitted : Likelihood
        What `fit` made of it.
    place : callable
        From positions among its columns to those in ``X``.
    """
    if isinstance(likelihood, Mixed):
        return Mixed(resolved(likelihood.parts, fitted, place))
    if not isinstance(likelihood, list):
        return likelihood
    return [
        type(pair)((resolved(pair[0], part, place), plain_columns(pair[1], place(at))))
        for pair, part, at in zip(
            likelihood, fitted.parts_, fitted.columns_, strict=True
        )
    ]


def plain_columns(columns, positions):
    return columns if persistence.is_plain(columns) else positions.tolist()


def _plain_rows(history):
    """Leave out what callbacks may have written that is no plain data."""
    return [
        {
            name: _plain_rows(value) if name == "batches" else value
            for name, value in row.items()
            if name == "batches" or persistence.is_plain(value)
        }
        for row in history
    ]
