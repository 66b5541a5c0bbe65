"""Load estimators from files."""

import re
import warnings

from skvae._version import __version__
from skvae.discovery import all_estimators
from skvae.exceptions import SkvaeLoadWarning
from skvae.persistence import FORMAT, read, refusing, restore

VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,50}")


def load(path, *, device=None, **own):
    """Load a fitted estimator from a file that its `save` wrote.

    Nothing in the file is executed: it contains only numbers, strings and names from a
    fixed list of classes. Loading takes memory and time in proportion to the file, as
    described in ``SECURITY.md``.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, torch.device or None, default=None
        Where to load to; becomes the estimator's ``device``. None keeps the saved
        parameter, or warns and uses the CPU if that device is not available.
    **own
        Parameters that could not be saved because they are not plain data: custom
        networks (``encoder``, ``decoder``), ``callbacks``, ``net_params``, an optimizer
        class or a prior. Without them the error names them.

    Returns
    -------
    estimator
        The fitted estimator, of the class that was saved.

    Raises
    ------
    ValueError
        If the file is damaged, was not written by skvae or has a newer format, or if
        `own` lacks parameters that the file does not contain.
    OSError
        If the file does not exist or cannot be read.

    Warns
    -----
    SkvaeLoadWarning
        If another version of skvae wrote the file, or the device is not available.

    See Also
    --------
    skvae.VAETransformer.save : Write the file.

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
        if "checkpoint" in header:
            raise ValueError("it is a checkpoint, from which fit goes on.")
        message = _version_message(path, header)
        cls = _find_class(header)
        estimator, changed = restore(cls, header, tensors, own, device)
    for text in filter(None, (message, changed)):
        warnings.warn(text, SkvaeLoadWarning, stacklevel=2)
    return estimator


def _version_message(path, header):
    version = header["versions"]["skvae"]
    if not VERSION.fullmatch(version):
        raise ValueError(f"its version of skvae is {version!r}.")
    if version == __version__ and header["format"] == FORMAT:
        return None
    return (
        f"{path} was written by skvae {version} (format {header['format']}), but this "
        f"is skvae {__version__} (format {FORMAT}): results may differ."
    )


def _find_class(header):
    classes = dict(all_estimators())
    name = header["class"]
    if not isinstance(name, str) or name not in classes:
        raise ValueError(f"it contains {name!r}, which is not an skvae estimator.")
    return classes[name]
