"""Load what an estimator's `save` has written."""

import warnings

from skvae._version import __version__
from skvae.base import restore
from skvae.discovery import all_estimators
from skvae.exceptions import SkvaeLoadWarning
from skvae.persistence import FORMAT, read, refusing


def load(path, *, device=None, **own):
    """Load a fitted estimator that its `save` wrote.

    Nothing in the file is executed: it holds numbers, strings and names out of a fixed
    list of classes, and asks for no more memory than it takes itself.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, torch.device or None, default=None
        Where to, and the estimator's new ``device``. None leaves the parameter as it
        is; where there is no such device, the CPU is taken, with a warning.
    **own
        Parameters that could not be saved as they are no plain data: own networks
        (``encoder``, ``decoder``), ``callbacks``, ``net_params``, a class of optimizers
        or a prior. The error without them names them.

    Returns
    -------
    estimator
        Of the class that was saved, and as fitted.

    Raises
    ------
    ValueError
        If the file is damaged, was not written by skvae or has a newer format, or if
        `own` does not hold what the file lacks.
    OSError
        If there is no such file, or it cannot be read.

    Warns
    -----
    SkvaeLoadWarning
        If another version of skvae wrote the file, or the device is not there.

    See Also
    --------
    skvae.VAETransformer.save : Write it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> import skvae
    >>> X = load_iris().data
    >>> vae = skvae.VAETransformer(n_components=2, max_epochs=2, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "iris.safetensors"
    ...     vae.fit(X).save(path)
    ...     skvae.load(path, device="cpu").sample(3, random_state=0).shape
    (3, 4)
    """
    header, tensors = read(path)
    with refusing(path):
        message = _version_message(path, header)
    if message:
        warnings.warn(message, SkvaeLoadWarning, stacklevel=2)
    with refusing(path):
        cls = _find_class(header)
        estimator, changed = restore(cls, header, tensors, own, device)
    if changed:
        warnings.warn(changed, SkvaeLoadWarning, stacklevel=2)
    return estimator


def _version_message(path, header):
    theirs = header["versions"]["skvae"]
    if theirs == __version__ and header["format"] == FORMAT:
        return None
    return (
        f"{path} was written by skvae {theirs} (format {header['format']}), and this "
        f"is skvae {__version__} (format {FORMAT}): results may differ."
    )


def _find_class(header):
    classes = dict(all_estimators())
    name = header["class"]
    if not isinstance(name, str) or name not in classes:
        raise ValueError(f"it holds a {name!r}, which is no estimator of skvae.")
    return classes[name]
