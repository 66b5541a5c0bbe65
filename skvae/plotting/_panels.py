"""Small panels for a table, one per column."""

import numpy as np
from scipy.stats import ks_2samp
from sklearn.metrics import r2_score

from skvae._validation import POSITIVE_INT, check_parameter
from skvae.plotting._common import equal_scales, shorten_all
from skvae.plotting._fitted import as_numbers, is_numeric

MAX_LEVELS = 50


def most(score, n, owner):
    """Return the positions of the `n` largest scores, in column order.

    Raises
    ------
    ValueError
        If `n`, the display's ``max_columns``, is not a positive int.
    """
    check_parameter("max_columns", n, (POSITIVE_INT,), owner)
    return np.sort(np.argsort(-np.asarray(score), kind="stable")[:n])


def varying(tables):
    """Return the positions of the columns that are not constant in all tables.

    Parameters
    ----------
    tables : list of ndarray of shape (n_i, d)

    Returns
    -------
    ndarray of int
        All positions if every column is constant.
    """
    together = np.concatenate([np.asarray(table, dtype=object) for table in tables])
    kept = [j for j, column in enumerate(together.T) if (column != column[0]).any()]
    return np.array(kept or range(together.shape[1]))


def left_out(n_shown, n_columns, which, n_varying=None):
    """Return a text that says which columns are shown; empty if all are."""
    if n_shown == n_columns:
        return ""
    if n_shown == n_varying:
        which = "the others are constant"
    return f"{n_shown} of {n_columns} columns, {which}"


def moved(rows, base, scale=None):
    """Return the change of each column from a base row, (..., d).

    Parameters
    ----------
    rows : ndarray of shape (..., d)
    base : ndarray of shape (d,)
    scale : array-like of shape (d,), optional
        Unit of change of each column, such as its standard deviation.

    Returns
    -------
    ndarray of shape (..., d)
        For strings, 0 where they are unchanged and 1 where they differ.
    """
    change = np.empty(rows.shape)
    for j in range(rows.shape[-1]):
        if is_numeric(rows[..., j]):
            change[..., j] = rows[..., j].astype(np.float64) - float(base[j])
        else:
            change[..., j] = rows[..., j] != base[j]
    return change if scale is None else change / np.asarray(scale)


def edges(axes):
    """Return for each panel whether it is leftmost and whether it is lowest.

    Both are True if any panel is not part of a subplot grid.
    """
    places = [panel.get_subplotspec() for panel in axes]
    if any(place is None for place in places):
        return [(True, True)] * len(axes)
    n = places[0].get_gridspec().ncols
    return [(i % n == 0, i + n >= len(axes)) for i in range(len(axes))]


def quiet(panel, which="xy"):
    """Use few ticks, and small labels without an offset."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    for axis in [getattr(panel, f"{name}axis") for name in which]:
        axis.set_major_locator(MaxNLocator(3))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.tick_params(labelsize="small")


def levels_of(*columns):
    """Return the levels of categorical columns, or None for continuous ones.

    Columns are categorical if they hold strings, or together at most 50 distinct whole
    numbers.

    Returns
    -------
    ndarray or None
    """
    values = [np.asarray(column) for column in columns]
    if not all(is_numeric(column) for column in values):
        return np.unique(np.concatenate([column.astype(str) for column in values]))
    levels = np.unique(np.concatenate(values).astype(np.float64))
    if len(levels) > MAX_LEVELS or (levels != np.floor(levels)).any():
        return None
    return levels


def positions(column, levels):
    """Return the index of each value among the levels, (n,)."""
    return np.searchsorted(levels, np.asarray(column).astype(levels.dtype))


def agreement(original, reconstruction):
    """Return R² for a continuous column, the share of equal values for others."""
    levels = levels_of(original, reconstruction)
    if levels is None and len(original) < 2:
        return np.nan
    if levels is None:
        return r2_score(*as_numbers(np.column_stack([original, reconstruction])).T)
    return np.mean(positions(original, levels) == positions(reconstruction, levels))


def draw_agreement(panel, original, reconstruction, *, cmap, style):
    """Draw a column against its reconstruction.

    Continuous values are points around the diagonal. Categories are a table of shares:
    each of its columns is one level of the original and sums to one.

    Returns
    -------
    PathCollection or AxesImage
    """
    levels = levels_of(original, reconstruction)
    if levels is not None:
        return _draw_confusion(panel, original, reconstruction, levels, cmap)
    x, y = as_numbers(np.column_stack([original, reconstruction])).T
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    panel.plot(ends, ends, color="0.6", lw=1, zorder=0)
    points = panel.scatter(x, y, **style)
    equal_scales(panel)
    quiet(panel)
    return points


def _draw_confusion(panel, original, reconstruction, levels, cmap):
    table = np.zeros((len(levels), len(levels)))
    cells = positions(reconstruction, levels), positions(original, levels)
    np.add.at(table, cells, 1.0)
    table /= np.maximum(table.sum(axis=0), 1.0)
    style = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}
    image = panel.imshow(table, cmap=cmap, vmin=0, vmax=1, **style)
    marked, names = level_ticks(levels)
    panel.set_yticks(marked, names)
    # Rotated labels, equal to those of the y-axis, would leave no room for the table.
    panel.set_xticks(marked, [""] * len(names) if are_words(levels) else names)
    panel.tick_params(labelsize="small")
    return image


def draw_distribution(panel, columns, labels, style):
    """Draw the distribution of one column in several tables, in shares of rows.

    Continuous values are drawn as steps, categories as bars side by side.

    Parameters
    ----------
    panel : Axes
    columns : list of ndarray of shape (n_i,)
        The column in each table.
    labels : list of str
        Names of the tables.
    style : list of dict
        Artist properties of the steps or bars of each table.
    """
    levels = levels_of(*columns)
    draw = _draw_steps if levels is None else _draw_bars
    draw(
        panel, columns, [{"label": n, **s} for n, s in zip(labels, style, strict=True)]
    )
    panel.set_ylim(bottom=0)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_bars(panel, columns, style):
    levels = levels_of(*columns)
    width = 0.8 / len(columns)
    for i, (column, look) in enumerate(zip(columns, style, strict=True)):
        counts = np.bincount(positions(column, levels), minlength=len(levels))
        middles = np.arange(len(levels)) + (i + 0.5) * width - 0.4
        panel.bar(middles, counts / len(column), width, **look)
    quiet(panel, "y")
    marked, names = level_ticks(levels)
    panel.set_xticks(marked, names)
    if are_words(levels):
        panel.tick_params(axis="x", labelrotation=90)


def _draw_steps(panel, columns, style):
    columns = [column.astype(np.float64) for column in columns]
    bins = _bins(columns)
    for i, (column, look) in enumerate(zip(columns, style, strict=True)):
        counts, _ = np.histogram(column, bins)
        filled = i < len(columns) - 1
        panel.stairs(counts / len(column), bins, **{"fill": filled, "lw": 1.5, **look})
    quiet(panel)


def _bins(columns):
    """Return the edges of 10 to 30 bins that span nearly all values."""
    parts = [np.quantile(column, [0.001, 0.999]) for column in columns]
    low, high = np.min(parts), np.max(parts)
    n_bins = int(np.clip(np.sqrt(min(map(len, columns))), 10, 30))
    return np.linspace(low, high if high > low else low + 1.0, n_bins + 1)


def distance(one, other):
    """Return the distance between the distributions of two columns, from 0 to 1.

    For numbers, this is the Kolmogorov-Smirnov statistic: the largest difference
    between the distribution functions. Strings have no order; for them it is the total
    variation distance: half the sum of the differences between the shares of levels.
    """
    levels = levels_of(one, other)
    if are_words(levels):
        shares = [
            np.bincount(positions(column, levels), minlength=len(levels)) / len(column)
            for column in (one, other)
        ]
        return float(np.abs(shares[0] - shares[1]).sum() / 2)
    x, y = (as_numbers(column[:, None])[:, 0] for column in (one, other))
    return ks_2samp(x, y, method="asymp").statistic


def draw_map(panel, column, style):
    """Draw the values of a column over a grid as a heat map with a colour bar."""
    style = {"origin": "lower", "aspect": "auto", **style}
    image = panel.imshow(as_numbers(column[..., None])[..., 0], **style)
    bar = panel.figure.colorbar(image, ax=panel)
    quiet(bar.ax, "y")
    levels = levels_of(column.ravel())
    if are_words(levels):
        marked, names = level_ticks(levels)
        bar.set_ticks(marked, labels=names)
    return image


def level_ticks(levels):
    """Return the positions and names of at most eight levels."""
    marked = np.arange(0, len(levels), -(-len(levels) // 8))
    if are_words(levels):
        return marked, shorten_all(levels[marked], 12)
    return marked, [f"{levels[i]:g}" for i in marked]


def are_words(levels):
    """Whether the levels returned by `levels_of` are strings."""
    return levels is not None and levels.dtype.kind == "U"
