"""Describe a fit by hashes of its parameters and data, and compare two of them."""

import hashlib
import json

import numpy as np

from skvae._kinds import cut
from skvae.persistence._architecture import identity
from skvae.persistence._contents import CLASSES
from skvae.persistence._packing import Packer

# Parameters that do not change what a fit learns, and the one that the seed replaces.
FREE = (
    *("checkpoint", "checkpoint_every", "resume", "warm_start"),
    *("verbose", "device", "random_state"),
)
BLOCK = 2**14  # rows that are hashed at once
FIELDS = {
    "x": "the values of X",
    "condition": "the conditions",
    "y": "y",
    "sample_weight": "sample_weight",
}
SHOWN = 5  # differences that a message names


def describe_fit(estimator, table, n_before):
    """Return what two fits must have in common for one to go on with the other.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        With its columns and its seed.
    table : Table
        All rows of the fit.
    n_before : int
        Epochs of earlier fits, with ``warm_start``.

    Returns
    -------
    dict of str to (str, str or None)
        For each parameter and each part of the data, a hash, and the value for messages
        if it is short.
    """
    name = type(estimator).__name__
    fit = {"the class": (name, name)}
    for name, value in _parameters(estimator).items():
        if name not in FREE:
            fit[name] = _hash_of_text(repr(identity(value))), cut(value, 60)
    fit["random_state"] = str(estimator._seed), cut(estimator.random_state, 60)
    fit["the number of rows"] = str(len(table)), str(len(table))
    fit["the columns"] = _hash_of_columns(estimator), None
    for name, words in FIELDS.items():
        values = getattr(table, name)
        if values is not None:
            fit[words] = hash_of_arrays(values), None
    fit["the number of epochs before"] = str(n_before), str(n_before)
    return fit


def _parameters(estimator):
    """Return the parameters; a split is compared itself, see `describe_parts`."""
    found = estimator.get_params(deep=False)
    given = (found["net_params"] or {}).items()
    given = {k: v for k, v in given if k not in ("train_split", "accelerator")}
    return found | {"net_params": given or None}


def describe_parts(train, valid):
    """Return, like `describe_fit`, which rows are trained on and which are held out."""
    arrays = [part.index for part in (train, valid) if part is not None]
    if valid is not None and valid.table is not train.table:
        arrays.append(valid.X)
    return {
        "the split into training and held-out rows": (hash_of_arrays(*arrays), None)
    }


def file_name(fit, free):
    """Return the name of the file of a fit in a folder of many."""
    compared = [[k, found] for k, (found, _) in sorted(fit.items()) if k not in free]
    (name, _), text = fit["the class"], json.dumps(compared)
    return f"{name}-{_hash_of_text(text)[:24]}.safetensors"


def check_same_fit(path, found, fit, free=()):
    """Raise ValueError if a checkpoint belongs to another fit.

    Parameters
    ----------
    path : str
        The checkpoint, for the message.
    found, fit : dict of str to (str, str or None)
        The fit of the checkpoint, and the present one.
    free : set of str
        What may differ.
    """
    names = [*fit, *(found.keys() - fit.keys())]
    nothing = None, "not given"
    differences = [
        _in_words(name, found.get(name, nothing), fit.get(name, nothing))
        for name in names
        if name not in free and found.get(name, nothing)[0] != fit.get(name, nothing)[0]
    ]
    if differences:
        more = ["..."] if len(differences) > SHOWN else []
        raise ValueError(
            f"{path} is the checkpoint of another fit, which differs in "
            f"{', '.join(differences[:SHOWN] + more)}. Set the 'checkpoint' parameter "
            "to another path, or to a folder, where each fit has its own file. To "
            "start afresh and replace the file, set resume='never'."
        )


def _in_words(name, found, here):
    values = found[1], here[1]
    if None in values or values[0] == values[1]:
        return name
    return f"{name} ({values[0]} there, {values[1]} here)"


def hash_of_arrays(*arrays):
    """Return a hash of the types, the shapes and the values of arrays."""
    total = hashlib.sha256()
    for values in arrays:
        total.update(f"{values.dtype.str} {values.shape}".encode())
        for start in range(0, len(values), BLOCK):
            total.update(np.ascontiguousarray(values[start : start + BLOCK]).data)
    return total.hexdigest()


def _hash_of_columns(estimator):
    """Return a hash of what the columns are called and hold."""
    packer, columns = Packer(CLASSES), estimator._columns
    names = [] if columns.all_names is None else [*map(str, columns.all_names)]
    packed = packer.pack([names, columns.learned()], "columns")
    arrays = [tensor.numpy() for tensor in packer.tensors.values()]
    return _hash_of_text(json.dumps(packed) + hash_of_arrays(*arrays))


def _hash_of_text(text):
    return hashlib.sha256(text.encode()).hexdigest()
