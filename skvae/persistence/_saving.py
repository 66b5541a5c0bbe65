"""Save a fitted estimator to a file, as plain values and tensors."""

import json

import torch
from sklearn.utils.validation import check_is_fitted

from skvae._kinds import cut
from skvae.persistence._architecture import changed_parameter
from skvae.persistence._contents import (
    CLASSES,
    VERSIONS,
    may_be_saved,
    saved_attributes,
)
from skvae.persistence._file import FORMAT, snapshot, write
from skvae.persistence._learned import learned
from skvae.persistence._packing import Packer, is_plain
from skvae.persistence._requests import metadata_requests
from skvae.persistence._restoring import restore
from skvae.training import optimizer_states


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
        Values that callbacks recorded in ``history_`` are kept if they are plain data;
        values of single batches and scikit-learn's callbacks are not. ``checkpoint`` is
        None after loading, as a file must not say where to write.

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
            If a parameter was changed after `fit` so that `skvae.load` would refuse the
            file, or if the estimator's class is not part of skvae. An existing file is
            left as it was.
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
        header, tensors = describe(self, training_state)
        _check_loadable(self, header, tensors)
        write(path, header, tensors)


def describe(estimator, training_state):
    """Return a JSON header and the tensors that describe a fitted estimator."""
    module, columns = estimator.module_, estimator._columns
    parameters = columns.plain_parameters(estimator)
    parameters.pop("checkpoint")  # a file must not choose where fit writes
    attributes = _attributes(estimator, columns.learned())
    history, training = plain_rows(estimator.history_), None
    if training_state:
        states = optimizer_states(estimator.net_)
        training = {"optimizers": states, "module": module.training_state()}
    weights = {f"module.{name}": t for name, t in module.state_dict().items()}
    saved = {k: v for k, v in parameters.items() if may_be_saved(k, v)}
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
    return header, snapshot(packer.tensors | weights)


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
            f"{cut(getattr(estimator, parameter))}, which does not describe the fitted "
            "network. Set it back, or fit again, before saving."
        )


def _check_loadable(estimator, header, tensors):
    """Raise ValueError if `skvae.load` would refuse the file.

    What is passed again to `skvae.load` is as now, but without callbacks, as a net
    would initialise these objects of the user.
    """
    own = {name: getattr(estimator, name) for name in header["omitted"]}
    if "callbacks" in own:
        own["callbacks"] = None
    if isinstance(own.get("net_params"), dict):
        given = own["net_params"].items()
        own["net_params"] = {k: v for k, v in given if not k.startswith("callbacks")}
    header = json.loads(json.dumps({"format": FORMAT, **header}))
    try:
        restore(type(estimator), header, tensors, own, device="cpu")
        if estimator.device != "auto":
            torch.device(estimator.device)
    except Exception as error:
        raise ValueError(
            f"{type(estimator).__name__} cannot be saved, because skvae.load would "
            f"refuse the file. Set back what was changed after fit: {error}"
        ) from error


def _attributes(estimator, learned_of_columns):
    required, optional = saved_attributes(estimator)
    computed = {"likelihood_": learned(estimator.likelihood_), **learned_of_columns}
    requests = metadata_requests(estimator)
    if requests:
        computed["metadata_requests"] = requests
    present = [name for name in optional if hasattr(estimator, name)]
    names = [*(required.keys() - computed.keys()), *present]
    return {name: getattr(estimator, name) for name in sorted(names)} | computed


def plain_rows(history):
    """Return the history without values of batches or that are not plain data."""
    return [
        {
            name: [] if name == "batches" else value
            for name, value in row.items()
            if name == "batches" or is_plain(value)
        }
        for row in history
    ]
