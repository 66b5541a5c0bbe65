"""Digit images: MNIST, USPS and SVHN."""

from skvae._validation import NATURAL, Options, check_parameter
from skvae.datasets._files import mnist_idx, npz, svhn_mat
from skvae.datasets._sources import Source, load, openml, parts_of

MNIST = Source(
    name="MNIST",
    files="mnist.npz or the four published IDX files (train-images-idx3-ubyte ..., "
    "optionally .gz)",
    readers=(npz("mnist.npz"), mnist_idx),
    page="http://yann.lecun.com/exdb/mnist/",
    description="""MNIST: handwritten digits.

Rows: 60000 for training, 10000 for testing, in the published order.
Images: 28x28, grey. Classes: 10.
Source: Y. LeCun, C. Cortes and C. J. C. Burges (1998), from forms that NIST collected.
Terms: CC BY-SA 3.0, as commonly stated.
""",
    download=openml(
        554,
        (28, 28),
        (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    ),
)
USPS = Source(
    name="USPS",
    files="usps.npz",
    readers=(npz("usps.npz"),),
    page="https://hastie.su.domains/ElemStatLearn/data.html",
    description="""USPS: digits of handwritten zip codes.

Rows: 7291 for training, 2007 for testing.
Images: 16x16, grey. Classes: 10, of unequal size.
Source: J. J. Hull (1994), A Database for Handwritten Text Recognition Research, IEEE
PAMI 16(5); split into training and test rows by LeCun et al.
Terms: none stated.
""",
    download=openml(
        41082,
        (16, 16),
        (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
    ),
)
SVHN = Source(
    name="SVHN",
    files="svhn.npz or train_32x32.mat and test_32x32.mat",
    readers=(npz("svhn.npz"), svhn_mat),
    page="http://ufldl.stanford.edu/housenumbers/",
    description="""SVHN: digits of house numbers in street views, cropped.

Rows: 73257 for training, 26032 for testing.
Images: 32x32, in colour, converted to grey. Classes: 10, of unequal size.
Source: Y. Netzer et al. (2011), Reading Digits in Natural Images with Unsupervised
Feature Learning, NIPS workshop.
Terms: for non-commercial use only, according to its page.
""",
)


def load_mnist(
    folder=None,
    *,
    subset="all",
    image_shape=(28, 28),
    return_X_y=False,
    download_if_missing=True,
):
    """Load MNIST: 70000 handwritten digits of 28x28 pixels.

    Files in the folder are used first: ``mnist.npz`` with the arrays ``X_train`` (n,
    28, 28), ``y_train`` (n,), ``X_test`` and ``y_test``, or the four published IDX
    files, optionally compressed by gzip. Otherwise
    :func:`sklearn.datasets.fetch_openml` downloads OpenML's "mnist_784" and caches it.

    Parameters
    ----------
    folder : path or None, default=None
        Folder of the files. None means the environment variable SKVAE_DATA, if it is
        set.
    subset : {"all", "train", "test"}, default="all"
        Published part to load; "all" has the training rows first.
    image_shape : (int, int), default=(28, 28)
        Height and width. Other sizes are interpolated linearly, with antialiasing.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    download_if_missing : bool, default=True
        Whether to download what is not in the folder.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1].
        - ``target`` : ndarray of int of shape (n,), the digit.
        - ``images`` : the same values as `data`, of shape (n, h, w).
        - ``image_shape`` : (h, w).
        - ``DESCR`` : str, source and terms.

    Raises
    ------
    FileNotFoundError
        If the files are not in the folder and cannot be downloaded.
    ValueError
        If a parameter is invalid, or a file has unexpected contents.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skvae.datasets import load_mnist
    >>> black = np.zeros((3, 28, 28), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/mnist.npz", X_train=black, y_train=[5, 0, 4])
    ...     X, y = load_mnist(folder, subset="train", return_X_y=True)
    >>> X.shape, y.shape
    ((3, 784), (3,))
    """
    parts = parts_of(subset, "load_mnist")
    return load(MNIST, folder, parts, image_shape, return_X_y, download_if_missing)


def load_usps(
    folder=None,
    *,
    subset="all",
    image_shape=(16, 16),
    padding="auto",
    return_X_y=False,
    download_if_missing=True,
):
    """Load USPS: 9298 digits of handwritten zip codes, 16x16 pixels.

    If the folder has a file ``usps.npz`` with the arrays ``X_train`` (n, 16, 16), bytes
    or numbers in [0, 1], ``y_train`` (n,), ``X_test`` and ``y_test``, it is used.
    Otherwise :func:`sklearn.datasets.fetch_openml` downloads OpenML's "USPS" (number
    41082) and caches it.

    Takahashi et al. (2022) use it together with MNIST, with 784 columns:
    ``image_shape=(28, 28)``. By its counts, their file is the one that the literature
    on domain adaptation shares (Liu and Tuzel 2016), in which all images are pooled,
    and 80 % are for training. That its images have a border before they are enlarged is
    inferred: without one, the published likelihoods and accuracies are out of reach,
    and a border of one pixel comes closest to both.

    Parameters
    ----------
    folder : path or None, default=None
        Folder of the file. None means the environment variable SKVAE_DATA, if it is
        set.
    subset : {"all", "train", "test"}, default="all"
        Published part to load; "all" has the training rows first.
    image_shape : (int, int), default=(16, 16)
        Height and width. Other sizes are interpolated linearly, with antialiasing.
    padding : "auto" or int, default="auto"
        Black pixels to add on every side before the images are resized. "auto" is 1 for
        images of 28x28 pixels, else 0.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    download_if_missing : bool, default=True
        Whether to download what is not in the folder.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1].
        - ``target`` : ndarray of int of shape (n,), the digit.
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
    Liu, M.-Y. and Tuzel, O. (2016). Coupled Generative Adversarial Networks. NeurIPS.

    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skvae.datasets import load_usps
    >>> black = np.zeros((3, 16, 16), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/usps.npz", X_test=black, y_test=[9, 6, 3])
    ...     usps = load_usps(folder, subset="test", image_shape=(28, 28))
    >>> usps.data.shape
    (3, 784)
    """
    parts = parts_of(subset, "load_usps")
    check_parameter("padding", padding, (Options(("auto",)), NATURAL), "load_usps")
    if padding == "auto":
        padding = int(image_shape in ((28, 28), [28, 28]))
    return load(
        USPS, folder, parts, image_shape, return_X_y, download_if_missing, padding
    )


def load_svhn(folder=None, *, subset="all", image_shape=(32, 32), return_X_y=False):
    """Load SVHN: 99289 digits of house numbers, 32x32 pixels, in grey.

    The folder must have the published files ``train_32x32.mat`` and ``test_32x32.mat``,
    or ``svhn.npz`` with the arrays ``X_train`` (n, 32, 32) or (n, 32, 32, 3),
    ``y_train`` (n,), ``X_test`` and ``y_test``. There is no download. Grey is 0.299 red
    + 0.587 green + 0.114 blue (ITU-R BT.601).

    Parameters
    ----------
    folder : path or None, default=None
        Folder of the files. None means the environment variable SKVAE_DATA.
    subset : {"all", "train", "test"}, default="all"
        Published part to load; "all" has the training rows first.
    image_shape : (int, int), default=(32, 32)
        Height and width. Other sizes are interpolated linearly, with antialiasing.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, h * w), in [0, 1].
        - ``target`` : ndarray of int of shape (n,), the digit.
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
    >>> from skvae.datasets import load_svhn
    >>> red = np.full((3, 32, 32, 3), (255, 0, 0), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/svhn.npz", X_test=red, y_test=[5, 2, 1])
    ...     svhn = load_svhn(folder, subset="test")
    >>> svhn.data.shape, round(float(svhn.data[0, 0]), 3)
    ((3, 1024), 0.299)
    """
    parts = parts_of(subset, "load_svhn")
    return load(SVHN, folder, parts, image_shape, return_X_y, False)
