"""Several image sets as the tasks of one table."""

from collections.abc import Mapping
from inspect import signature
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, resample

from skvae._kinds import cut
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
NO_CLASS = -1  # scikit-learn's code for unlabelled rows
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
    """Load several image sets as the tasks of one table, with images of one size.

    The tables of Takahashi et al. (2022), with 100 rows of the target task, are

    - ``load_image_tasks(["usps", "mnist"], subset="train", image_shape=(28, 28),
      n_samples={"mnist": 100})`` for USPS → MNIST, evaluated on ``["mnist"]`` with
      ``subset="test"``,
    - ``load_image_tasks(["frey", "olivetti", "umist"], image_shape=(28, 20))`` for the
      faces.

    Parameters
    ----------
    names : sequence of {"frey", "mnist", "olivetti", "svhn", "umist", "usps"}
        The sets, each loaded by its own function. Their names are the tasks.
    folder : path or None, default=None
        Folder of the files. None means the environment variable SKVAE_DATA, if it is
        set.
    subset : {"all", "train", "test"}, default="all"
        Published part to load. Faces only have "all".
    image_shape : (int, int) or None, default=None
        Height and width to resize all images to. None keeps their size, which must be
        the same in all sets.
    n_samples : int, mapping from name to int, or None, default=None
        Number of rows of each set, or of the sets named, drawn without replacement and
        stratified by class. None means all rows, as does a number that is not below the
        size of the set.
    as_frame : bool, default=False
        Whether to return data frames; needs pandas.
    download_if_missing : bool, default=True
        Whether to download sets that are not in the folder, if they have a download.
    random_state : int, RandomState or None, default=None
        Seed of the drawn rows.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1]. As a frame, it
          has the columns ``pixel_0_0``, ``pixel_0_1``, ... and ``task``, ready for
          ``condition_columns=["task"]``.
        - ``target`` : ndarray of int of shape (n,), the class within its set, −1 if the
          set has no classes; a Series if `as_frame` is True.
        - ``task`` : ndarray of str of shape (n,); a Series if `as_frame` is True.
        - ``image_shape`` : (h, w).
        - ``feature_names`` : list of str, names of the pixels.
        - ``frame`` : DataFrame of data, task and target, or None.
        - ``DESCR`` : str, sources and terms.

    Raises
    ------
    FileNotFoundError
        If a set is not in the folder and cannot be downloaded.
    ImportError
        If `as_frame` is True and pandas is missing.
    ValueError
        If a parameter is invalid, the images differ in size, or a file has unexpected
        contents.

    See Also
    --------
    make_digit_tasks : Tasks that need no files.

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
            f"The images differ in size: {shapes}. Pass image_shape=(h, w) to {OWNER}."
        )
    return stack_tasks(
        [(name, *_draw(sets[name], sizes.get(name), random)) for name in names],
        shapes[names[0]],
        as_frame,
        OWNER,
        DESCR="\n".join(found.DESCR for found in sets.values()),
    )


def _check(names, subset, image_shape, n_samples):
    """Check `names` and what depends on them; return the number of rows by name."""
    words = f"a non-empty list of names among {list(LOADERS)}"
    allowed = (Sequence(Options(tuple(LOADERS)), words, empty=False),)
    check_parameter("names", names, allowed, OWNER)
    if len(set(names)) < len(names):
        raise ValueError(f"The 'names' parameter of {OWNER} has duplicates: {names}.")
    check_parameter("subset", subset, (Options(tuple(PARTS)),), OWNER)
    whole = [name for name in names if not _known(name, {"subset": subset})]
    if subset != "all" and whole:
        raise ValueError(
            f"The 'subset' parameter of {OWNER} must be 'all' with {whole[0]!r}, which "
            f"has only one part. Got {cut(subset)} instead."
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
    """Return the arguments that the loader of a set accepts."""
    known = signature(LOADERS[name]).parameters
    return {key: value for key, value in given.items() if key in known}


def _draw(found, size, random):
    """Return data and classes of `size` rows, or of all rows."""
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
