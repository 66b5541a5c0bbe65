"""Write the pages of docs/results from the result files in that folder.

    python -m benchmarks.tables            # write the pages and their figures
    python -m benchmarks.tables --check    # exit code 1 if one is out of date

Each JSON file has a page: what was asked, tables, a figure, the findings (the Markdown
file of the same name in findings/), and settings, versions and machine in a fold. What
a page shows is defined in `benchmarks.reports`. No number is edited by hand: to change
one, measure it again.
"""

import argparse
import sys

from benchmarks import _common as common
from benchmarks._common import show
from benchmarks._parameters_page import parameters_page
from benchmarks.reports import MAX_COLUMNS, report_of
from benchmarks.reports._svg import dot_plot

# The order on the overview page; benchmarks that are not listed come last.
ASKED_FIRST = (
    "usefulness",
    "mnist",
    "defaults",
    "likelihood",
    "normaliser",
    "fairness",
    "speed",
    "gpu",
    "scaling",
    "survival",
    "attack",
    "fuzz_persistence",
)
PAPERS = (
    "learners",
    "manifolds",
    "task_invariant",
    "jmvae",
    "categorical",
    "mpvae",
    "disentanglement",
)
OVERVIEW = """\
# Results

Each page holds what one program of `benchmarks/` has measured: a table, a figure, what
to make of them, and the settings, versions and machine in a fold at the end.
`python -m benchmarks.tables` writes these pages from the result files.

[Parameters and defaults](parameters.md) lists the defaults of all estimators.
"""


def main(argv=None):
    """Write the files, or with --check compare them with those in the folder."""
    parser = argparse.ArgumentParser(prog="benchmarks.tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(argv).check
    for path, text in files().items():
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.name} is out of date: run python -m benchmarks.tables")


def files(folder=common.RESULTS):
    """Return the text of each generated file by its path."""
    names = ordered(path.stem for path in folder.glob("*.json"))
    reports = {name: report_of(name) for name in names}
    found = {
        folder / "index.md": overview(reports),
        folder / "parameters.md": parameters_page(table),
    }
    for name, report in reports.items():
        records = common.read_records(folder / f"{name}.json")
        found[folder / f"{name}.md"] = page(folder, name, report, records)
        if report.dots:
            shown = tables_of(report, [r for r in records if not folded(report, r)])
            found[folder / f"{name}_dots.svg"] = dot_plot(shown, report.dots)
    return found


def ordered(names):
    """Return the names in the order of the overview."""
    known = [*ASKED_FIRST, *PAPERS]
    return sorted(
        names, key=lambda n: (known.index(n) if n in known else len(known), n)
    )


# --- pages ----------------------------------------------------------------------------


def overview(reports):
    """Return the page that lists the benchmarks, in the order of what users ask."""
    papers = [name for name in reports if name in PAPERS]
    asked = [name for name in reports if name not in PAPERS]
    lines = [OVERVIEW, "## What users ask\n"]
    lines += table(
        [
            {"page": f"[{reports[n].title}]({n}.md)"}
            | {"question": question(reports[n])}
            for n in asked
        ]
    )
    lines += ["", "## Published results, measured again\n"]
    lines += table(
        [
            {"page": f"[{reports[n].title}]({n}.md)"} | {"paper": reports[n].paper}
            for n in papers
        ]
    )
    tree = "\n".join(["parameters", *reports])
    return "\n".join([*lines, "", f"```{{toctree}}\n:hidden:\n\n{tree}\n```\n"])


def question(report):
    """Return the first question of what was asked, in one line."""
    text = " ".join(report.asked.split())
    return text.partition("?")[0] + "?" if "?" in text else text.partition(". ")[0]


def page(folder, name, report, records):
    """Return the page of one benchmark."""
    main = [record for record in records if not folded(report, record)]
    others = [record for record in records if folded(report, record)]
    first, *more = sections(report, main)
    pictures = pictures_of(name, report)
    lines = [f"# {report.title}\n", report.asked + "\n", *first, *pictures[:1]]
    lines += [line for section in more for line in section]
    findings = folder / "findings" / f"{name}.md"
    if findings.exists():
        lines += ["## What to make of it\n", findings.read_text()]
    if pictures[1:]:
        lines += ["## More pictures\n", *pictures[1:]]
    if others:
        varied = [line for section in sections(report, others) for line in section]
        lines += fold("Other settings", varied)
    settings = fold("Settings, versions, machine, command", context(name, records))
    return "\n".join([*lines, *settings])


def pictures_of(name, report):
    """Return the lines of the figures; the main one comes first."""
    found = [f"![{alt}]({file})\n" for file, alt in report.pictures.items()]
    if report.dots:
        alt = f"Dot plot: {report.dots.axis}, by {report.dots.label}, as in the table"
        found.insert(0, f"![{alt}]({name}_dots.svg)\n")
    return found


def folded(report, record):
    """Return whether a record is shown folded."""
    return report.folded(record["settings"])


def sections(report, records):
    """Return for each table of some records its lines, with the caption."""
    return [
        [*([f"**{escaped(caption)}**\n"] if caption else []), *table(rows), ""]
        for caption, rows in tables_of(report, records).items()
    ]


def tables_of(report, records):
    """Return the tables of records by caption; equal captions get their settings."""
    found = {}
    for record in joined(records):
        more = f" ({listed(differing(record, records[0]))})"
        for caption, rows in report.tables(record).items():
            found[caption + more if caption in found else caption] = rows
    return found


def joined(records):
    """Join rows of equal settings that were measured on several machines.

    A setting that some models do not have may be missing.
    """
    found = []
    for record in records:
        same = [other for other in found if _agree(other, record)]
        if same:
            same[0]["rows"] = same[0]["rows"] + record["rows"]
        else:
            found.append(dict(record))
    return found


def _agree(record, other):
    ours, theirs = record["settings"], other["settings"]
    return all(ours[k] == theirs[k] for k in ours.keys() & theirs.keys())


def differing(record, first):
    """Return the settings of a record that differ from those of the first."""
    settings, others = record["settings"], first["settings"]
    return {k: v for k, v in settings.items() if others.get(k) != v}


def fold(title, lines):
    """Return lines that a reader has to open."""
    head = f"<details>\n<summary>{title}</summary>\n"
    return [head, *lines, "</details>\n"]


def context(name, records):
    """Return the lines on how each record was measured."""
    lines = [
        f"`python -m benchmarks.{name} --help` explains the command. "
        f"All measured values: [{name}.json]({name}.json).\n"
    ]
    for record in records:
        lines += [f"- {part}: {listed(record[part])}" for part in common.CONTEXT]
        lines += [f"- rows: {len(record['rows'])}\n"]
    return lines


def listed(entries):
    """Format a dict in one line, without the entries that are None."""
    given = {name: value for name, value in entries.items() if value is not None}
    return ", ".join(f"{name} {show(value)}" for name, value in given.items())


# --- tables ---------------------------------------------------------------------------


def table(rows):
    """Return rows as lines of a Markdown table: text to the left, numbers right.

    Columns in which nothing was measured are left out.
    """
    if not rows:
        return ["Nothing was measured."]
    columns = dict.fromkeys(column for row in rows for column in row)
    columns = [c for c in columns if any(show(row.get(c)) for row in rows)]
    if len(columns) > MAX_COLUMNS:
        raise ValueError(f"A table has more than {MAX_COLUMNS} columns: {columns}.")
    marks = ["---" if _is_text(rows, column) else "---:" for column in columns]
    cells = [[escaped(show(row.get(column))) for column in columns] for row in rows]
    heads = [escaped(column) for column in columns]
    return [f"| {' | '.join(line)} |" for line in (heads, marks, *cells)]


def escaped(text):
    """Escape the pipes of a cell, which would begin another cell."""
    return text.replace("|", "\\|")


def _is_text(rows, column):
    cells = (row.get(column) for row in rows)
    return any(isinstance(cell, str) and cell for cell in cells)


if __name__ == "__main__":
    main()
