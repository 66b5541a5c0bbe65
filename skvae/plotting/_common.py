"""What all displays share: axes, colours, names."""

from typing import Any, NamedTuple

import numpy as np

from skvae._validation import Instance, check_parameter

# Ten colours that stay apart for colour-blind eyes (Petroff 2021, "Accessible color
# sequences for data visualization", the sequence of ten).
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


def require_matplotlib(owner):
    """Import matplotlib, or say how to get it.

    Parameters
    ----------
    owner : str
        Who needs it, for the message.

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
    """Give the axes to draw on: `ax`, or that of a new figure."""
    if ax is None:
        plt = require_matplotlib(owner)
        _, ax = plt.subplots(figsize=figsize, layout=layout)
    return ax


class Panels(NamedTuple):
    """Axes in a grid.

    Attributes
    ----------
    frame : Axes or None
        The axes behind the panels, switched off; None where several were given.
    axes : ndarray of shape (n_panels,)
        The panels.
    header : Axes or None
        A line above them for words, switched off; None where none was asked for.
    """

    frame: Any
    axes: np.ndarray
    header: Any = None


def panels(ax, n_panels, owner, size=(2.4, 2.2), n_columns=None, header=False):
    """Give `n_panels` axes in a grid.

    Parameters
    ----------
    ax : Axes, sequence of Axes or None
        None makes a figure; one axes of a grid is switched off, and its place divided;
        several are taken as they are.
    n_panels : int
        How many are needed.
    owner : str
        Who asks, for messages.
    size : tuple of float
        Inches of one panel in a new figure.
    n_columns : int, optional
        Panels side by side; by default a little more than below one another.
    header : bool, default=False
        Whether there shall be a line above the panels.

    Returns
    -------
    Panels

    Raises
    ------
    ValueError
        If several axes are given and not `n_panels`, or the one given has no place in
        a grid or was divided before.
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
    # A layout engine finds the gaps by itself; without one labels need room.
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
    """Give the place of an axes that panels may take."""
    place = frame.get_subplotspec()
    if place is None or not frame.axison:
        what = "lies in no grid of subplots" if place is None else "is in use already"
        raise ValueError(
            f"{owner} divides `ax` into panels, but the one given {what}. Give one of "
            "plt.subplots(), or as many axes as there are panels (`axes_`)."
        )
    return place


def note(header, text):
    """Write in the line above the panels, where there is one."""
    if header is not None:
        header.text(0.5, 0.5, text, ha="center", va="center")


def styled(default, given, name, owner):
    """Merge a user's dict of artist properties over the default ones.

    Raises
    ------
    ValueError
        If what the user gave is no dict.
    """
    check_parameter(name, given, (STYLE,), owner)
    return {**default, **(given or {})}


def shorten(name, width=22):
    """Cut a long name in its middle, so that its ends can be told from others."""
    name = str(name)
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[len(name) - (width - 1 - head) :]}"


def _common_start(names):
    """Give the letters with which all names begin."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((i for i, (a, b) in pairs if a != b), len(first))]


def shorten_all(names, width=22):
    """Cut long names so that they can be told apart.

    First what all begin and end with; then the middle, or the end where that leaves
    more of them different.
    """
    names = [str(name) for name in names]
    if max(map(len, names)) <= width or len(set(names)) < 2:
        return [shorten(name, width) for name in names]
    head = _common_start(names)
    tails = [name[len(head) :] for name in names]
    tail = _common_start([name[::-1] for name in tails])[::-1]
    # A few letters in common are no reason to cut in the middle of a word, and the
    # last word of many is worth its letters: "variable2" says more than "2".
    head, tail = (part if len(part) > 4 else "" for part in (head, tail))
    words = head[: head.rfind("_") + 1]
    head = words if len(words) > 4 else head
    middles = [name[len(head) : len(name) - len(tail)] for name in names]
    around = [f"{'…' * bool(head)}{name}{'…' * bool(tail)}" for name in middles]
    middle = [shorten(name, width) for name in around]
    end = [n if len(n) <= width else f"{n[: width - 1]}…" for n in around]
    return max(middle, end, key=lambda names: len(set(names)))


def some(n, at_most):
    """Give which of `n` values have a tick, the ends among them."""
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).round().astype(int))


def ticked(values, at_most):
    """Give which values of a latent have a tick: of a few categories each."""
    return some(len(values), 12 if is_whole(values) else at_most)


def is_whole(values):
    """Say whether values are of categories, and not of a line."""
    return np.array_equal(values, np.round(values))


def value_labels(values, which, form=".2f"):
    """Write values of a latent at ticks; whole ones as such."""
    if is_whole(values):
        form = ".0f"
    return [f"{values[i]:{form}}".replace("-", "−") for i in which]


def check_latents(latents, n_latents, owner, exactly=None):
    """Give the positions of chosen latents.

    Parameters
    ----------
    latents : sequence of int or None
        Chosen latents, negative ones counting from the end; None takes all.
    n_latents : int
        How many there are.
    owner : str
        Whose parameter it is.
    exactly : int, optional
        How many must be chosen.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If they are not different latents, or not so many.
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
        f"{-n_latents} to {n_latents - 1}, as there are {n_latents} latents. "
        f"Got {latents!r} instead."
    )


def equal_scales(ax):
    """Let a unit be as long on both axes; shared ones keep their limits."""
    shared = any(
        len(group.get_siblings(ax)) > 1
        for group in (ax.get_shared_x_axes(), ax.get_shared_y_axes())
    )
    ax.set_aspect("equal", adjustable="box" if shared else "datalim")
