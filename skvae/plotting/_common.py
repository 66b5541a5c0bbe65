"""Helpers shared by all displays: axes, colours, names."""

from typing import Any, NamedTuple

import numpy as np

from skvae._kinds import cut
from skvae._validation import Instance, check_parameter

# Ten colours that colour-blind readers can tell apart: the ten-colour sequence of
# Petroff (2021), "Accessible Color Sequences for Data Visualization".
COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)

STYLE = Instance((dict, type(None)), "a dict or None")


class Display:
    """Base of the displays: a short text instead of an address in memory."""

    def __repr__(self):
        name, axes = type(self).__name__, getattr(self, "axes_", None)
        if axes is None:
            return f"<{name}, not plotted yet>"
        return f"<{name} of {len(axes)} panel{'s' * (len(axes) != 1)}>"


def require_matplotlib(owner):
    """Import matplotlib, or explain how to install it.

    Parameters
    ----------
    owner : str
        Name of the display, for the error message.

    Returns
    -------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{owner} needs matplotlib, which is not installed: "
            'pip install "skvae[plot]"'
        ) from error
    return plt


def one_axes(ax, owner, figsize, layout="constrained"):
    """Return `ax`, or the axes of a new figure if it is None."""
    if ax is None:
        plt = require_matplotlib(owner)
        _, ax = plt.subplots(figsize=figsize, layout=layout)
    return ax


class Panels(NamedTuple):
    """A grid of axes.

    Attributes
    ----------
    frame : Axes or None
        The axes behind the panels, switched off; None if the user passed the panels.
    axes : ndarray of shape (n_panels,)
        The panels.
    header : Axes or None
        Axes above the panels for a line of text, switched off; None if not requested.
    """

    frame: Any
    axes: np.ndarray
    header: Any = None


def panels(ax, n_panels, owner, size=(2.4, 2.2), n_columns=None, header=False):
    """Return `n_panels` axes in a grid.

    Parameters
    ----------
    ax : Axes, sequence of Axes or None
        None creates a figure. A single axes is switched off and its cell of the grid
        is divided into panels. Several axes are used directly.
    n_panels : int
        Number of panels.
    owner : str
        Name of the display, for error messages.
    size : tuple of float
        Width and height of one panel in a new figure, in inches.
    n_columns : int, optional
        Panels per row; by default the grid is slightly wider than high.
    header : bool, default=False
        Whether to add a line of text above the panels.

    Returns
    -------
    Panels

    Raises
    ------
    ValueError
        If the number of axes given is not `n_panels`, or if a single axes is not part
        of a subplot grid or has already been divided.
    """
    if ax is not None and not hasattr(ax, "get_subplotspec"):
        axes = np.asarray(ax, dtype=object).ravel()
        if len(axes) != n_panels:
            raise ValueError(
                f"{owner} draws {n_panels} panels, but ax holds {len(axes)} axes."
            )
        return Panels(None, axes)
    n_columns = n_columns or _columns_of(n_panels)
    n_rows = -(-n_panels // n_columns)
    frame = one_axes(ax, owner, (n_columns * size[0], n_rows * size[1] + 0.4))
    place = _free_place(frame, owner)
    frame.set_axis_off()
    # A layout engine sets the gaps itself; without one, labels need extra space.
    gap = None if frame.figure.get_layout_engine() else 0.8
    heights = [0.15] * header + [1.0] * n_rows
    grid = place.subgridspec(
        len(heights), n_columns, wspace=gap, hspace=gap, height_ratios=heights
    )
    cells = [grid[int(header) + i // n_columns, i % n_columns] for i in range(n_panels)]
    axes = np.array([frame.figure.add_subplot(cell) for cell in cells], dtype=object)
    if not header:
        return Panels(frame, axes)
    top = frame.figure.add_subplot(grid[0, :])
    top.set_axis_off()
    return Panels(frame, axes, top)


def _columns_of(n_panels):
    return n_panels if n_panels <= 3 else min(6, round((1.3 * n_panels) ** 0.5))


def _free_place(frame, owner):
    """Return the grid cell of an axes, to be divided into panels."""
    place = frame.get_subplotspec()
    if place is None or not frame.axison:
        what = "not part of a subplot grid" if place is None else "already in use"
        raise ValueError(
            f"{owner} divides `ax` into panels, but these axes are {what}. Pass axes "
            "from plt.subplots(), or one axes per panel (`axes_`)."
        )
    return place


def note(header, text):
    """Write a text above the panels, if there is a header."""
    if header is not None:
        header.text(0.5, 0.5, text, ha="center", va="center")


def styled(default, given, name, owner):
    """Return default artist properties, updated with the user's.

    Raises
    ------
    ValueError
        If `given` is neither a dict nor None.
    """
    check_parameter(name, given, (STYLE,), owner)
    return {**default, **(given or {})}


def shorten(name, width=22):
    """Shorten a long name in the middle, keeping both ends."""
    name = str(name)
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[len(name) - (width - 1 - head) :]}"


def _common_start(names):
    """Return the longest common prefix of the names."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((i for i, (a, b) in pairs if a != b), len(first))]


def shorten_all(names, width=22):
    """Shorten long names so that they stay distinct.

    Removes the common prefix and suffix first; then cuts the middle or the end of each
    name, whichever leaves more distinct names.
    """
    names = [str(name) for name in names]
    if max(map(len, names)) <= width or len(set(names)) < 2:
        return [shorten(name, width) for name in names]
    head = _common_start(names)
    tails = [name[len(head) :] for name in names]
    tail = _common_start([name[::-1] for name in tails])[::-1]
    # Do not cut inside a word for a few common letters, and keep the last word of a
    # prefix: "variable2" is clearer than "2".
    head, tail = (part if len(part) > 4 else "" for part in (head, tail))
    words = head[: head.rfind("_") + 1]
    head = words if len(words) > 4 else head
    middles = [name[len(head) : len(name) - len(tail)] for name in names]
    around = [f"{'…' * bool(head)}{name}{'…' * bool(tail)}" for name in middles]
    middle = [shorten(name, width) for name in around]
    end = [n if len(n) <= width else f"{n[: width - 1]}…" for n in around]
    return max(middle, end, key=lambda names: len(set(names)))


def some(n, at_most):
    """Return evenly spaced indices of ticks among `n` values, with both ends."""
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).round().astype(int))


def ticked(values, at_most):
    """Return indices of the ticks of a latent: up to 12 for categories."""
    return some(len(values), 12 if is_whole(values) else at_most)


def is_whole(values):
    """Whether all values are whole numbers, such as categories."""
    return np.array_equal(values, np.round(values))


def value_labels(values, which, form=".2f"):
    """Format the values of a latent at its ticks; categories as integers."""
    if is_whole(values):
        form = ".0f"
    return [f"{values[i]:{form}}".replace("-", "−") for i in which]


def check_latents(latents, n_latents, owner, exactly=None):
    """Check a selection of latents and return their indices.

    Parameters
    ----------
    latents : sequence of int or None
        Selected latents; negative indices count from the end. None selects all.
    n_latents : int
        Number of latents.
    owner : str
        Name of the display, for the error message.
    exactly : int, optional
        Required number of selected latents.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If the indices are invalid or repeated, or their number is not `exactly`.
    """
    if latents is None:
        return list(range(n_latents))
    chosen = np.atleast_1d(np.asarray(latents))
    whole = chosen.ndim == 1 and np.issubdtype(chosen.dtype, np.integer)
    if whole and ((chosen >= -n_latents) & (chosen < n_latents)).all():
        chosen = (chosen % n_latents).tolist()
        if chosen and len(set(chosen)) == len(chosen) == (exactly or len(chosen)):
            return chosen
    number = f"{exactly} " if exactly else ""
    raise ValueError(
        f"The 'latents' parameter of {owner} must be {number}different ints from "
        f"{-n_latents} to {n_latents - 1} for a model with {n_latents} latents. "
        f"Got {cut(latents)} instead."
    )


def equal_scales(ax):
    """Use the same scale on both axes; shared axes keep their limits."""
    shared = any(
        len(group.get_siblings(ax)) > 1
        for group in (ax.get_shared_x_axes(), ax.get_shared_y_axes())
    )
    ax.set_aspect("equal", adjustable="box" if shared else "datalim")
