"""Dot plots as SVG, written without a plotting library so that files do not vary."""

import math
import re
from html import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # Okabe and Ito
ROW, TOP, WIDTH, PLOT = 18, 22, 560, 315
LEFT = WIDTH - PLOT - 20
MARKS = ("circle", "diamond", "square", "triangle")


def dot_plot(tables, dots):
    """Return the SVG text of a plot with one panel for each table that has numbers."""
    panels = {
        caption: rows
        for caption, rows in tables.items()
        if (not dots.only or caption in dots.only) and values_of(rows, dots)
    }
    y = 12 + 18 * (len(dots.columns) > 1)
    parts = legend(dots) if len(dots.columns) > 1 else []
    for caption, rows in panels.items():
        drawn, y = panel(caption, rows, dots, y)
        parts += drawn
    parts.append(text(LEFT + PLOT / 2, y + 8, dots.axis, "middle"))
    height = y + 18
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12" '
        f'fill="#222">\n<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def values_of(rows, dots):
    """Return all numbers that a panel shows."""
    cells = (number(row.get(column)) for row in rows for column in dots.columns)
    return [value for value in cells if value is not None]


def number(cell):
    """Return a cell's number; "1.5 ± 0.2" counts as 1.5, and other text as None."""
    if isinstance(cell, int | float):
        return float(cell)
    found = re.match(r"[-−]?\d+(\.\d+)?", cell or "")
    return float(found[0].replace("−", "-")) if found else None


def panel(caption, rows, dots, y):
    """Return the parts of one panel that begins at a height, and where it ends."""
    found = values_of(rows, dots)
    low, high = min(found), max(found)
    margin = (high - low or abs(high) or 1) * 0.05
    low, high = low - margin, high + margin
    parts, bottom = [], y + TOP + ROW * len(rows)
    if caption:
        parts.append(text(LEFT, y + 12, caption, "start", ' font-weight="bold"'))
    for tick in ticks(low, high):
        x = place(tick, low, high)
        parts.append(
            f'<path d="M{x} {y + TOP - 4}V{bottom}" stroke="#ddd" fill="none"/>'
        )
        parts.append(text(x, bottom + 13, f"{tick:g}", "middle"))
    for i, row in enumerate(rows):
        middle = y + TOP + ROW * i + 8
        parts.append(text(LEFT - 8, middle + 4, str(row[dots.label]), "end"))
        for k, column in enumerate(dots.columns):
            value = number(row.get(column))
            if value is not None:
                parts.append(mark(k, place(value, low, high), middle))
    return parts, bottom + 24


def legend(dots):
    """Return the parts of the legend, in one line at the top."""
    parts, x = [], LEFT
    for k, name in enumerate(dots.columns.values()):
        parts += [mark(k, x, 12), text(x + 10, 16, name, "start")]
        x += 30 + 7 * len(name)
    return parts


def ticks(low, high):
    """Return about four round numbers between two others."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(k * step, 10) for k in range(first, last + 1)]


def place(value, low, high):
    """Return the horizontal position of a value."""
    return round(LEFT + PLOT * (value - low) / (high - low), 1)


def mark(k, x, y):
    """Return the mark of the k-th column: another shape besides another colour."""
    colour = COLOURS[k % len(COLOURS)]
    shape = MARKS[k % len(MARKS)]
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>'
    path = {
        "diamond": "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
        "square": "m-4 -4h8v8h-8z",
        "triangle": "m0 -5l5 9h-10z",
    }[shape]
    return f'<path transform="translate({x} {y})" d="M0 0{path}" fill="{colour}"/>'


def text(x, y, words, anchor, more=""):
    """Return a line of text."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{escape(words)}</text>'
