"""Pictures laid out as one."""

from numbers import Integral

import numpy as np

from skvae.plotting._common import one_axes, styled

CHANNELS = (1, 3, 4)
TRIM = 0.01  # of the values of pictures that a model made by itself


def as_pictures(rows, image_shape, owner):
    """Turn flat rows into pictures.

    Parameters
    ----------
    rows : array-like of shape (..., d)
        Flat pictures.
    image_shape : tuple of int
        (height, width), (height, width, channels) or (channels, height, width), with 1,
        3 or 4 channels.
    owner : str
        Whose parameter it is.

    Returns
    -------
    ndarray of shape (..., height, width) or (..., height, width, channels)
        The channels come last, and only where there are several.

    Raises
    ------
    ValueError
        If the shape is no picture's, or has another number of values than a row.
    """
    rows = np.asarray(rows, dtype=np.float64)
    shape = _checked(image_shape, owner)
    if np.prod(shape) != rows.shape[-1]:
        raise ValueError(
            f"The 'image_shape' parameter of {owner} is {image_shape!r}, which makes "
            f"{np.prod(shape)} values, but the rows shown have {rows.shape[-1]} "
            "columns. Choose those of the picture with `columns`."
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
        f"1, 3 or 4 channels. Got {shape!r} instead."
    )


def value_range(pictures, colour, trim=0.0):
    """Give the values that are drawn darkest and brightest.

    The least and the largest; for colours 0 and 1, or 0 and 255, where no value
    overshoots that by more than a quarter.

    Parameters
    ----------
    pictures : ndarray
        Values of any shape.
    colour : bool
        Whether they are colours.
    trim : float, default=0.0
        The share of values left out on each side, so that a few that overshoot do not
        take the contrast from all others.
    """
    low, high = map(float, np.quantile(pictures, [trim, 1 - trim]))
    for top in (1.0, 255.0) if colour else ():
        if low >= -top / 4 and high <= 1.25 * top:
            return 0.0, top
    return (low, high) if high > low else (low, low + 1.0)


def tile(pictures, gap=1, group=None):
    """Lay a table of pictures out as one picture, with transparent gaps.

    Parameters
    ----------
    pictures : ndarray of shape (n_rows, n_columns, height, width[, channels])
        The channels, where there are any, with values in [0, 1].
    gap : int, default=1
        Pixels between neighbours.
    group : int, optional
        Rows that belong together; a wider gap sets them off.

    Returns
    -------
    ndarray of shape (h, w) or (h, w, 4)
        Grey values, NaN in the gaps; or colours, with no opacity in the gaps.
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
    """Pixels between pictures: one, and more for large ones."""
    return max(1, pictures.shape[3] // 20)


def in_lines(pictures, n_columns):
    """Break a list of pictures into lines, the last one filled up with gaps.

    Parameters
    ----------
    pictures : ndarray of shape (n, height, width[, channels])
    n_columns : int
        Pictures a line.

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
    """Draw a table of pictures.

    Parameters
    ----------
    pictures : ndarray of shape (n_rows, n_columns, height, width[, channels])
    ax : Axes or None
        None makes a figure.
    owner : str
        Which display draws.
    limits : tuple of float
        Values drawn darkest and brightest; ``vmin`` and ``vmax`` in `im_kw` take
        precedence.
    cmap : str or Colormap
        Of grey values.
    im_kw : dict or None
        Passed to ``imshow``.
    group : int, optional
        Rows that belong together.
    margin : tuple of float, default=(0.1, 0.1)
        Inches that labels need on the left and below.

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
    # "compressed" also minds that pictures keep their aspect: else labels get clipped.
    ax = one_axes(ax, owner, size, "compressed")
    image = ax.imshow(whole, **style)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax, image


def _as_colours(pictures, low, high):
    """Clip colours to [0, 1]; what is no picture becomes transparent."""
    missing = np.isnan(pictures).any(axis=-1)
    scaled = np.clip((pictures - low) / (high - low), 0.0, 1.0)
    if scaled.shape[-1] == 3:
        scaled = np.concatenate([scaled, np.ones((*scaled.shape[:-1], 1))], axis=-1)
    scaled[missing] = 0.0
    return scaled


def _size(whole, side, margin):
    """Inches of a figure: 0.8 a picture's side, 8 by 8 at most, and labels."""
    high, wide = 0.8 / side * whole.shape[0], 0.8 / side * whole.shape[1]
    shrink = min(1.0, 8 / wide, 8 / high)
    return max(2.0, wide * shrink + margin[0]), max(1.0, high * shrink + margin[1])


def centres(n, side, gap, group=None):
    """Positions of the middles of `n` pictures in the mosaic, in pixels."""
    set_off = np.arange(n) // (group or n) * (side // 4)
    return np.arange(n) * (side + gap) + (side - 1) / 2 + set_off
