"""Face images: Olivetti, UMist and Frey."""

import numpy as np
from sklearn.datasets import fetch_olivetti_faces

from skvae.datasets._files import frey_mat, npz, umist_mat
from skvae.datasets._sources import Source, load

BRIGHTEST = 242  # maximum of the original bytes, scaled to 1 by scikit-learn


def _download_olivetti(parts):
    faces = fetch_olivetti_faces()
    return [(np.rint(faces.images * BRIGHTEST) / 255, faces.target)]


OLIVETTI = Source(
    name="Olivetti faces",
    files="olivetti_faces.npz",
    readers=(npz("olivetti_faces.npz"),),
    page="https://cs.nyu.edu/~roweis/data.html",
    description="""Olivetti faces: 40 people, 10 images each.

Rows: 400, sorted by person. Images: 64x64, grey.
Source: AT&T Laboratories Cambridge (1992 to 1994); reduced by S. Roweis.
Terms: attribution to AT&T Laboratories Cambridge is requested.
""",
    download=_download_olivetti,
)
UMIST = Source(
    name="UMist faces",
    files="umist_faces.npz or umist_cropped.mat",
    readers=(npz("umist_faces.npz"), umist_mat),
    page="https://cs.nyu.edu/~roweis/data.html",
    description="""UMist faces: 20 people, each turning from profile to front.

Rows: 575, sorted by person, 19 to 48 images each. Images: 112x92, grey.
Source: D. B. Graham and N. M. Allinson (1998), Characterising Virtual Eigensignatures
for General Purpose Face Recognition; cropped by S. Roweis.
Terms: none stated.
""",
)
FREY = Source(
    name="Frey faces",
    files="frey_faces.npz or frey_rawface.mat",
    readers=(npz("frey_faces.npz"), frey_mat),
    page="https://cs.nyu.edu/~roweis/data.html",
    description="""Frey faces: one person's face in a video.

Rows: 1965, in video order. Images: 28x20, grey. No classes.
Source: B. Frey; published by S. Roweis.
Terms: none stated.
""",
)


def load_olivetti(
    folder=None, *, image_shape=(64, 64), return_X_y=False, download_if_missing=True
):
    """Load the Olivetti faces: 40 people, 10 images of 64x64 pixels each.

    If the folder has a file ``olivetti_faces.npz`` with the arrays ``X`` (n, 64, 64)
    and ``y`` (n,), it is used. Otherwise :func:`sklearn.datasets.fetch_olivetti_faces`
    downloads the images. Its grey values, which have a maximum of 1, are rescaled to
    those of the original bytes, which have a maximum of 242 out of 255.

    Takahashi et al. (2022) use them with 560 columns, like the Frey faces:
    ``image_shape=(28, 20)``. The faces become narrower, as nothing is cropped.

    Parameters
    ----------
    folder : path or None, default=None
        Folder of the file. None means the environment variable SKVAE_DATA, if it is
        set.
    image_shape : (int, int), default=(64, 64)
        Height and width. Other sizes are interpolated linearly, with antialiasing.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    download_if_missing : bool, default=True
        Whether to download what is not in the folder.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1].
        - ``target`` : ndarray of int of shape (n,), the person.
        - ``images`` : the same values as `data`, of shape (n, h, w).
        - ``image_shape`` : (h, w).
        - ``DESCR`` : str, source and terms.

    Raises
    ------
    FileNotFoundError
        If the files are not in the folder and cannot be downloaded.
    ValueError
        If a parameter is invalid, or a file has unexpected contents.

    References
    ----------
    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skvae.datasets import load_olivetti
    >>> black = np.zeros((3, 64, 64), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/olivetti_faces.npz", X=black, y=[0, 0, 1])
    ...     faces = load_olivetti(folder, image_shape=(28, 20))
    >>> faces.data.shape
    (3, 560)
    """
    return load(
        OLIVETTI, folder, ("all",), image_shape, return_X_y, download_if_missing
    )


def load_umist(folder=None, *, image_shape=(28, 23), return_X_y=False):
    """Load the UMist faces: 575 images of 20 people.

    The folder must have ``umist_cropped.mat`` as published by S. Roweis, with images of
    112x92 pixels, or ``umist_faces.npz`` with the arrays ``X`` (n, h, w) and ``y``
    (n,). There is no download.

    Takahashi et al. (2022) use them with 560 columns, like the Frey faces:
    ``image_shape=(28, 20)``. The faces become narrower, as nothing is cropped.

    Parameters
    ----------
    folder : path or None, default=None
        Folder of the file. None means the environment variable SKVAE_DATA.
    image_shape : (int, int), default=(28, 23)
        Height and width, by default a quarter of the published size. Images of another
        size are interpolated linearly, with antialiasing.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1].
        - ``target`` : ndarray of int of shape (n,), the person.
        - ``images`` : the same values as `data`, of shape (n, h, w).
        - ``image_shape`` : (h, w).
        - ``DESCR`` : str, source and terms.

    Raises
    ------
    FileNotFoundError
        If the files are not in the folder.
    ValueError
        If a parameter is invalid, or a file has unexpected contents.

    References
    ----------
    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skvae.datasets import load_umist
    >>> black = np.zeros((3, 28, 23), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/umist_faces.npz", X=black, y=[0, 0, 1])
    ...     faces = load_umist(folder)
    >>> faces.data.shape
    (3, 644)
    """
    return load(UMIST, folder, ("all",), image_shape, return_X_y, False)


def load_frey(folder=None, *, image_shape=(28, 20), return_X_y=False):
    """Load the Frey faces: 1965 images of one face, 28x20 pixels, in video order.

    The folder must have ``frey_rawface.mat`` as published by S. Roweis, or
    ``frey_faces.npz`` with the array ``X`` (n, 28, 20). There is no download, and there
    are no classes.

    Parameters
    ----------
    folder : path or None, default=None
        Folder of the file. None means the environment variable SKVAE_DATA.
    image_shape : (int, int), default=(28, 20)
        Height and width. Other sizes are interpolated linearly, with antialiasing.
    return_X_y : bool, default=False
        Whether to return ``(data, None)`` instead of a Bunch.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1].
        - ``target`` : None.
        - ``images`` : the same values as `data`, of shape (n, h, w).
        - ``image_shape`` : (h, w).
        - ``DESCR`` : str, source and terms.

    Raises
    ------
    FileNotFoundError
        If the files are not in the folder.
    ValueError
        If a parameter is invalid, or a file has unexpected contents.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skvae.datasets import load_frey
    >>> black = np.zeros((3, 28, 20), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/frey_faces.npz", X=black)
    ...     faces = load_frey(folder)
    >>> faces.data.shape
    (3, 560)
    """
    return load(FREY, folder, ("all",), image_shape, return_X_y, False)
