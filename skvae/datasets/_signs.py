"""Pictures of printed digits, as on house numbers."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.utils import Bunch, check_random_state

from skvae._validation import (
    NONE,
    POSITIVE_INT,
    RANDOM_STATE,
    Sequence,
    check_parameter,
)
from skvae.datasets._images import LUMA
from skvae.datasets._sources import PATH, ImageShape

OWNER = "make_digits_as_signs"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono")
FONTS += ("DejaVuSansMono-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "STIXGeneral")
FONTS += ("DejaVuSerif-Italic", "STIXGeneralBol", "STIXGeneralItalic", "cmr10")
FONTS += ("cmb10", "cmss10", "cmtt10")
SIZE = 40  # height of the glyphs in pixels, before they are transformed
MIN_CONTRAST = 0.2  # of digits and background, in grey
DESCRIPTION = """Printed digits by the recipe of SynthDigits (Ganin & Lempitsky 2015).

Images: one to three digits of one font in a random position, angle, size, colours and
blur, converted to grey; the class is that of the central digit. This is not their file.
"""


def make_digits_as_signs(
    n_samples=1000, *, image_shape=(32, 32), fonts=None, random_state=None
):
    """Make grey pictures of printed digits, as on house numbers.

    They replace SynthDigits, the source that Takahashi et al. (2022) combine with SVHN
    and whose file is not available. The recipe is that of Ganin and Lempitsky (2015):
    one to three digits of a font, in a random position, rotation, size, colours of
    strokes and background, and blur. The pictures are others than theirs.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of pictures.
    image_shape : (int, int), default=(32, 32)
        Height and width.
    fonts : list of paths or None, default=None
        TrueType fonts that have digits. None means fifteen that come with matplotlib,
        so that a seed gives the same pictures on every machine.
    random_state : int, RandomState or None, default=None
        Seed.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n_samples, h * w), in [0, 1].
        - ``target`` : ndarray of int of shape (n_samples,), the central digit.
        - ``images`` : the same values as `data`, of shape (n_samples, h, w).
        - ``image_shape`` : (h, w).
        - ``DESCR`` : str, the recipe.

    Raises
    ------
    ImportError
        If matplotlib, which draws the fonts, is missing.
    ValueError
        If a parameter is invalid.

    References
    ----------
    Ganin, Y. and Lempitsky, V. (2015). Unsupervised Domain Adaptation by
    Backpropagation. ICML.

    Examples
    --------
    >>> from skvae.datasets import make_digits_as_signs
    >>> signs = make_digits_as_signs(5, random_state=0)
    >>> signs.data.shape, signs.target.shape
    ((5, 1024), (5,))
    """
    check_parameter("n_samples", n_samples, (POSITIVE_INT,), OWNER)
    check_parameter("image_shape", image_shape, (ImageShape(),), OWNER)
    words = "a non-empty list of paths"
    check_parameter(
        "fonts", fonts, (Sequence(PATH[0], words, empty=False), NONE), OWNER
    )
    check_parameter("random_state", random_state, RANDOM_STATE, OWNER)
    random = check_random_state(random_state)
    glyphs = [_glyphs(str(path)) for path in fonts or _default_fonts()]
    target = random.randint(10, size=n_samples)
    images = np.stack(
        [
            _sign(digit, glyphs[random.randint(len(glyphs))], image_shape, random)
            for digit in target
        ]
    )
    return Bunch(
        data=images.reshape(n_samples, -1),
        target=target,
        images=images,
        image_shape=tuple(image_shape),
        DESCR=DESCRIPTION,
    )


# --- fonts ----------------------------------------------------------------------------


def _default_fonts():
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            f'{OWNER} needs matplotlib: pip install "skvae[plot]".'
        ) from error
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [folder / f"{name}.ttf" for name in FONTS]


@lru_cache(maxsize=64)
def _glyphs(path):
    """Draw the ten digits of a font, each (SIZE, w), in [0, 1]."""
    from matplotlib.ft2font import FT2Font

    font = FT2Font(path)
    font.set_size(SIZE, 72)
    found = []
    for digit in range(10):
        font.set_text(str(digit))
        font.draw_glyphs_to_bitmap(antialiased=True)
        glyph = np.asarray(font.get_image(), dtype=np.float32) / 255
        missing = SIZE - len(glyph)
        found.append(np.pad(glyph, ((max(missing, 0), 0), (1, 1)))[-SIZE:])
    return found


# --- pictures -------------------------------------------------------------------------


def _sign(digit, glyphs, image_shape, random):
    """Draw one picture, (h, w)."""
    strip, centre = _strip(digit, glyphs, random)
    mask = _placed(strip, centre, image_shape, random)
    background, strokes = _two_greys(random)
    image = background + (strokes - background) * mask
    # Light that changes across the picture.
    slope = random.uniform(-0.1, 0.1, size=2)
    h, w = image_shape
    light = slope @ np.stack(np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]).reshape(2, -1)
    blurred = ndimage.gaussian_filter(image, random.uniform(0, 1) * h / 32)
    return np.clip(blurred + light.reshape(h, w), 0, 1).astype(np.float32)


def _strip(digit, glyphs, random):
    """Put up to two neighbours beside a digit; return the row of its centre, too."""
    beside = random.randint(3, size=2)  # a neighbour in two cases of three
    left, right = [[glyphs[random.randint(10)]] if some else [] for some in beside > 0]
    own = glyphs[digit]
    centre = sum(glyph.shape[1] for glyph in left) + own.shape[1] / 2
    return np.hstack([*left, own, *right]), centre


def _placed(strip, centre, image_shape, random):
    """Rotate, scale and shift a strip so that its digit is near the centre."""
    h, w = image_shape
    angle = np.deg2rad(random.uniform(-20, 20))
    scale = SIZE / (random.uniform(0.6, 1.0) * h)  # pixels of the strip per pixel
    turn = scale * np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    )
    middle = np.array([(h - 1) / 2, (w - 1) / 2]) + random.uniform(-0.1, 0.1, 2) * h
    glyph = np.array([SIZE * 0.62, centre - 0.5])
    smooth = ndimage.gaussian_filter(strip, max(scale - 1, 0) / 2)
    return ndimage.affine_transform(
        smooth, turn, offset=glyph - turn @ middle, output_shape=(h, w), order=1
    )


def _two_greys(random):
    """Draw two colours that differ enough in grey."""
    while True:
        greys = random.uniform(size=(2, 3)) @ LUMA
        if abs(greys[0] - greys[1]) >= MIN_CONTRAST:
            return greys
