"""Conversion of images to grey values in [0, 1], and resizing."""

import numpy as np
import torch
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601


def as_grey(images):
    """Convert images to grey values in [0, 1], float32 of shape (n, h, w).

    Bytes are divided by 255; other values must be in [0, 1]. Colours are converted to
    luma according to ITU-R BT.601.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, 3)
        Bytes, or numbers in [0, 1].

    Raises
    ------
    ValueError
        If the shape is not that of images, or values are outside of [0, 1].
    """
    if images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)):
        raise ValueError(
            f"its images have the shape {images.shape}, not (n, h, w) or (n, h, w, 3)."
        )
    unit = 255 if images.dtype == np.uint8 else 1
    if images.ndim == 4:
        colours = np.moveaxis(images, 3, 0)
        images = sum(
            share * colour.astype(np.float32)
            for share, colour in zip(LUMA, colours, strict=True)
        )
    grey = np.ascontiguousarray(images, dtype=np.float32) / unit
    if not ((grey >= 0) & (grey <= 1 + 1e-6)).all():  # False for NaN
        raise ValueError("its images have values outside of [0, 1].")
    return np.minimum(grey, 1)


def resize(images, image_shape):
    """Resize images, float32 of shape (n, h, w), to `image_shape`.

    Each axis is interpolated linearly between pixel centres. To shrink it, the
    interpolation covers proportionally more pixels (antialiasing), so that none is left
    out.
    """
    if images.shape[1:] == tuple(image_shape):
        return images
    resized = functional.interpolate(
        torch.from_numpy(images)[:, None],
        size=tuple(image_shape),
        mode="bilinear",
        antialias=True,
    )
    return resized[:, 0].numpy().clip(0, 1)
