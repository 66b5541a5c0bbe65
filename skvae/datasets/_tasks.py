"""Image sets as tasks of one table."""

from collections.abc import Mapping
from inspect import signature
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, resample

from skvae._validation import (
    BOOLEAN,
    NONE,
    POSITIVE_INT,
    RANDOM_STATE,
    Instance,
    Options,
    Sequence,
    check_parameter,
)
from skvae.datasets._faces import load_frey, load_olivetti, load_umist
from skvae.datasets._numerals import load_mnist, load_svhn, load_usps
from skvae.datasets._sources import PARTS, ImageShape
from skvae.datasets._tables import stack_tasks

LOADERS = {
    "frey": load_frey,
    "mnist": load_mnist,
    "olivetti": load_olivetti,
    "svhn": load_svhn,
    "umist": load_umist,
    "usps": load_usps,
}
NO_CLASS = -1  # as scikit-learn marks rows without a label
OWNER = "load_image_tasks"


def load_image_tasks(
    names,
    *,
    folder=None,
    subset="all",
    image_shape=None,
    n_samples=None,
    as_frame=False,
    download_if_missing=True,
    random_state=None,
):
    """Load several image sets as the tasks of one table, all images of one size.

    The tables of Takahashi et al. (2022) are, with 100 rows of the target task,

    - ``load_image_tasks(["usps", "mnist"], subset="train", image_shape=(28, 28),
      n_samples={"mnist": 100})`` for USPS → MNIST, evaluated on ``["mnist"]`` with
      ``subset="test"``,
    - ``load_image_tasks(["frey", "olivetti", "umist"], image_shape=(28, 20))`` for the
      faces.

    Parameters
    ----------
    names : sequence of {"frey", "mnist", "olivetti", "svhn", "umist", "usps"}
        The sets, each loaded by its own function; their names are the tasks.
    folder : path or None, default=None
        Where the files are; None is the variable SKVAE_DATA, if it is set.
    subset : {"all", "train", "test"}, default="all"
        Which of the published parts. Faces have none, only "all".
    image_shape : (int, int) or None, default=None
        Height and width that all images are brought to. None leaves them as they are,
        if they have one size.
    n_samples : int, mapping from name to int, or None, default=None
        Rows of every set, or of those named, drawn without replacement, with shares of
        classes as in the set. None takes all, as does a number not below theirs.
    as_frame : bool, default=False
        Give data frames; needs pandas.
    download_if_missing : bool, default=True
        Whether to download what is not in the folder, where that can be done.
    random_state : int, RandomState or None, default=None
        Of the rows that are drawn.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1]. As a frame it
          has the columns ``pixel_0_0``, ``pixel_0_1``, ... and ``task``, ready for
          ``condition_columns=["task"]``.
        - ``target`` : ndarray of int of shape (n,), the class in its own set, −1 where
          there are none; a Series.
        - ``task`` : ndarray of str of shape (n,); a Series.
        - ``image_shape`` : (h, w).
        - ``feature_names`` : list of str, names of the pixels.
        - ``frame`` : DataFrame of data, task and target, or None.
        - ``DESCR`` : str, sources and terms.

    Raises
    ------
    FileNotFoundError
        If a set is neither in the folder nor to be downloaded.
    ImportError
        If `as_frame` is True and pandas is missing.
    ValueError
        If a parameter is not allowed, the images have several sizes, or a file holds
        something else.

    See Also
    --------
    make_digit_tasks : Tasks without any files.

    References
    ----------
    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skvae.datasets import load_image_tasks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/frey_faces.npz", X=np.zeros((5, 28, 20)))
    ...     np.savez(f"{folder}/umist_faces.npz", X=np.ones((9, 28, 23)), y=[2] * 9)
    ...     faces = load_image_tasks(
    ...         ["frey", "umist"],
    ...         folder=folder,
    ...         image_shape=(28, 20),
    ...         n_samples={"umist": 2},
    ...         random_state=0,
    ...     )
    >>> faces.data.shape, faces.task[[0, -1]]
    ((7, 560), array(['frey', 'umist'], dtype='<U5'))
    """
    sizes = _check(names, subset, image_shape, n_samples)
    check_parameter("as_frame", as_frame, (BOOLEAN,), OWNER)
    check_parameter("download_if_missing", download_if_missing, (BOOLEAN,), OWNER)
    check_parameter("random_state", random_state, RANDOM_STATE, OWNER)
    random = check_random_state(random_state)
    given = {"subset": subset, "download_if_missing": download_if_missing}
    given |= {} if image_shape is None else {"image_shape": image_shape}
    sets = {name: LOADERS[name](folder, **_known(name, given)) for name in names}
    shapes = {name: found.image_shape for name, found in sets.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            f"The images have several sizes: {shapes}. Give image_shape=(h, w) to "
            f"{OWNER}."
        )
    return stack_tasks(
        [(name, *_draw(sets[name], sizes.get(name), random)) for name in names],
        shapes[names[0]],
        as_frame,
        OWNER,
        DESCR="\n".join(found.DESCR for found in sets.values()),
    )


def _check(names, subset, image_shape, n_samples):
    """Check what is not checked elsewhere; give the numbers of rows by name."""
    words = f"a non-empty list of names among {list(LOADERS)}"
    allowed = (Sequence(Options(tuple(LOADERS)), words, empty=False),)
    check_parameter("names", names, allowed, OWNER)
    if len(set(names)) < len(names):
        raise ValueError(f"The 'names' parameter of {OWNER} has one twice: {names}.")
    check_parameter("subset", subset, (Options(tuple(PARTS)),), OWNER)
    whole = [name for name in names if not _known(name, {"subset": subset})]
    if subset != "all" and whole:
        raise ValueError(
            f"The 'subset' parameter of {OWNER} must be 'all' with {whole[0]!r}, which "
            f"was published in one part. Got {subset!r} instead."
        )
    check_parameter("image_shape", image_shape, (ImageShape(), NONE), OWNER)
    mapping = Instance((Mapping,), "a mapping from names to ints")
    check_parameter("n_samples", n_samples, (POSITIVE_INT, mapping, NONE), OWNER)
    if n_samples is None or isinstance(n_samples, Integral):
        return dict.fromkeys(names, n_samples)
    for name, size in n_samples.items():
        check_parameter("n_samples", name, (Options(tuple(names)),), OWNER)
        check_parameter("n_samples", size, (POSITIVE_INT, NONE), OWNER)
    return n_samples


def _known(name, given):
    """Give those of the arguments that the loader of a set has."""
    known = signature(LOADERS[name]).parameters
    return {key: value for key, value in given.items() if key in known}


def _draw(found, size, random):
    """Give rows and classes, of as many rows as wanted."""
    target = found.target
    if target is None:
        target = np.full(len(found.data), NO_CLASS)
    if size is None or size >= len(target):
        return found.data, target
    rows = resample(
        np.arange(len(target)),
        replace=False,
        n_samples=size,
        stratify=target,
        random_state=random,
    )
    return found.data[rows], target[rows]
