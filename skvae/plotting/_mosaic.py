"""Mosaics of pictures."""

from numbers import Integral

import numpy as np

from skvae._kinds import cut
from skvae.plotting._common import one_axes, styled

CHANNELS = (1, 3, 4)
TRIM = 0.01  # share of extreme values ignored on each side in generated pictures


def as_pictures(rows, image_shape, owner):
    """Reshape flat rows into pictures.

    Parameters
    ----------
    rows : array-like of shape (..., d)
        Flat pictures.
    image_shape : tuple of int
        (height, width), (height, width, channels) or (channels, height, width), with 1,
        3 or 4 channels.
    owner : str
        Name of the display, for error messages.

    Returns
    -------
    ndarray of shape (..., height, width) or (..., height, width, channels)
        Channels come last; a single channel has no axis.

    Raises
    ------
    ValueError
        If the shape is invalid, or does not match the number of values in a row.
    """
    rows = np.asarray(rows, dtype=np.float64)
    shape = _checked(image_shape, owner)
    if np.prod(shape) != rows.shape[-1]:
        raise ValueError(
            f"The 'image_shape' parameter of {owner} is {image_shape!r}, which has "
            f"{np.prod(shape)} values, but the rows shown have {rows.shape[-1]} "
            "columns. Select the columns of the picture with `columns`."
        )
    pictures = rows.reshape(*rows.shape[:-1], *shape)
    if len(shape) == 3 and shape[-1] not in CHANNELS:
        pictures = np.moveaxis(pictures, -3, -1)
    if len(shape) == 3 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    return pictures


def _checked(shape, owner):
    whole = isinstance(shape, tuple | list) and all(
        isinstance(side, Integral) and side > 0 for side in shape
    )
    if whole and len(shape) == 2:
        return tuple(shape)
    if whole and len(shape) == 3 and {shape[0], shape[-1]} & set(CHANNELS):
        return tuple(shape)
    raise ValueError(
        f"The 'image_shape' parameter of {owner} must be a tuple (height, width), "
        "(height, width, channels) or (channels, height, width) of positive ints, with "
        f"1, 3 or 4 channels. Got {cut(shape)} instead."
    )


def value_range(pictures, colour, trim=0.0):
    """Return the values to draw darkest and brightest.

    These are the smallest and largest values. For colours, they are 0 and 1, or 0 and
    255, unless a value exceeds that range by more than a quarter.

    Parameters
    ----------
    pictures : ndarray
        Values of any shape.
    colour : bool
        Whether they are colours.
    trim : float, default=0.0
        Share of values ignored on each side, so that a few outliers do not reduce the
        contrast of the rest.
    """
    low, high = map(float, np.quantile(pictures, [trim, 1 - trim]))
    for top in (1.0, 255.0) if colour else ():
        if low >= -top / 4 and high <= 1.25 * top:
            return 0.0, top
    return (low, high) if high > low else (low, low + 1.0)


def tile(pictures, gap=1, group=None):
    """Arrange a grid of pictures as one picture, with transparent gaps.

    Parameters
    ----------
    pictures : ndarray of shape (n_rows, n_columns, height, width[, channels])
        Pictures; those with channels have values in [0, 1].
    gap : int, default=1
        Pixels between neighbours.
    group : int, optional
        Number of rows per group; groups are separated by a wider gap.

    Returns
    -------
    ndarray of shape (h, w) or (h, w, 4)
        Grey values with NaN in the gaps, or RGBA colours with transparent gaps.
    """
    colour = pictures.ndim == 5
    if colour and pictures.shape[-1] == 3:
        opaque = np.ones((*pictures.shape[:-1], 1))
        pictures = np.concatenate([pictures, opaque], axis=-1)
    edges = [(0, 0), (0, 0), (0, gap), (0, gap)] + [(0, 0)] * colour
    blank = 0.0 if colour else np.nan
    padded = np.pad(pictures, edges, constant_values=blank)
    n_rows, n_columns, height, width = padded.shape[:4]
    whole = np.moveaxis(padded, 2, 1)  # (n_rows, height, n_columns, width, ...)
    whole = whole.reshape(n_rows * height, n_columns * width, *padded.shape[4:])
    whole = whole[: n_rows * height - gap, : n_columns * width - gap]
    if group is None:
        return whole
    ends = np.arange(group, n_rows, group) * height
    return np.insert(whole, np.repeat(ends, pictures.shape[2] // 4), blank, axis=0)


def gap_of(pictures):
    """Return the gap between pictures in pixels: one, or more for large pictures."""
    return max(1, pictures.shape[3] // 20)


def in_lines(pictures, n_columns):
    """Arrange a list of pictures in lines; fill up the last one with NaN.

    Parameters
    ----------
    pictures : ndarray of shape (n, height, width[, channels])
    n_columns : int
        Pictures per line.

    Returns
    -------
    ndarray of shape (n_lines, n_columns, height, width[, channels])
    """
    n_columns = min(n_columns, len(pictures))
    missing = -len(pictures) % n_columns
    blank = np.full((missing, *pictures.shape[1:]), np.nan)
    filled = np.concatenate([pictures, blank])
    return filled.reshape(-1, n_columns, *pictures.shape[1:])


def draw(pictures, ax, owner, *, limits, cmap, im_kw, group=None, margin=(0.1, 0.1)):
    """Draw a grid of pictures.

    Parameters
    ----------
    pictures : ndarray of shape (n_rows, n_columns, height, width[, channels])
    ax : Axes or None
        Axes to draw on; None creates a figure.
    owner : str
        Name of the display, for error messages.
    limits : tuple of float
        Values drawn darkest and brightest; ``vmin`` and ``vmax`` in `im_kw` take
        precedence.
    cmap : str or Colormap
        Colormap for grey values.
    im_kw : dict or None
        Passed to ``imshow``.
    group : int, optional
        Number of rows per group, as in :func:`tile`.
    margin : tuple of float, default=(0.1, 0.1)
        Space for labels on the left and below, in inches.

    Returns
    -------
    ax : Axes
    image : AxesImage
    """
    limits = dict(zip(("vmin", "vmax"), limits, strict=True))
    defaults = {"cmap": cmap, "interpolation": "nearest", **limits}
    style = styled(defaults, im_kw, "im_kw", owner)
    if pictures.ndim == 5:
        low, high = style.pop("vmin"), style.pop("vmax")
        style.pop("cmap")
        pictures = _as_colours(pictures, low, high)
    whole = tile(pictures, gap_of(pictures), group)
    size = _size(whole, max(pictures.shape[2:4]), margin)
    # "compressed" allows for the fixed aspect of pictures; else labels are clipped.
    ax = one_axes(ax, owner, size, "compressed")
    image = ax.imshow(whole, **style)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax, image


def _as_colours(pictures, low, high):
    """Scale and clip colours to [0, 1]; missing pictures become transparent."""
    missing = np.isnan(pictures).any(axis=-1)
    scaled = np.clip((pictures - low) / (high - low), 0.0, 1.0)
    if scaled.shape[-1] == 3:
        scaled = np.concatenate([scaled, np.ones((*scaled.shape[:-1], 1))], axis=-1)
    scaled[missing] = 0.0
    return scaled


def _size(whole, side, margin):
    """Return the figure size: 0.8 inches per picture, at most 8 x 8, plus labels."""
    high, wide = 0.8 / side * whole.shape[0], 0.8 / side * whole.shape[1]
    shrink = min(1.0, 8 / wide, 8 / high)
    return max(2.0, wide * shrink + margin[0]), max(1.0, high * shrink + margin[1])


def centres(n, side, gap, group=None):
    """Return the positions of the centres of `n` pictures in a mosaic, in pixels."""
    set_off = np.arange(n) // (group or n) * (side // 4)
    return np.arange(n) * (side + gap) + (side - 1) / 2 + set_off
