"""What the page of each benchmark shows; `benchmarks.tables` writes the pages.

A module of this package has the name of a benchmark and defines `REPORT`. A benchmark
without one is shown with the first columns of its rows.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

MAX_COLUMNS = 7  # more do not fit beside the menu


class Dots(NamedTuple):
    """A dot plot of a table: a line for each row, a colour for each column.

    `columns` maps names of columns to entries of the legend. With `only`, the plot
    shows the tables with these captions.
    """

    label: str
    columns: dict
    axis: str
    only: tuple = ()


class Report(NamedTuple):
    """The page of one benchmark.

    `tables` turns a record into a dict from captions to rows. Records whose settings
    satisfy `folded` are variations, and are shown folded. `pictures` maps files to
    their descriptions; the first one is the page's main figure, unless `dots` is given.
    """

    title: str
    asked: str
    tables: Callable
    paper: str = ""
    dots: Dots | None = None
    pictures: dict = {}
    folded: Callable = lambda settings: False


def report_of(name):
    """Return the report of a benchmark, or one with the first columns of its rows."""
    if find_spec(f"benchmarks.reports.{name}"):
        return import_module(f"benchmarks.reports.{name}").REPORT
    text = import_module(f"benchmarks.{name}").__doc__
    title, _, rest = text.partition("\n")
    asked = rest.strip().split("\n\n")[-1]
    return Report(title.rstrip("."), asked, lambda record: {"": first(record["rows"])})


def first(rows):
    """Return the rows with their first columns only."""
    return [dict(list(row.items())[:MAX_COLUMNS]) for row in rows]


def pick(rows, columns):
    """Return some columns of the rows; `columns` maps their names to headings."""
    return [
        {heading: row.get(name) for name, heading in columns.items()} for row in rows
    ]


def split(rows, column, columns):
    """Return one table for each value of a column, with other columns of its rows."""
    values = dict.fromkeys(row[column] for row in rows)
    return {
        value: pick([row for row in rows if row[column] == value], columns)
        for value in values
    }
