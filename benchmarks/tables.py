"""Write docs/results/README.md from the result files in its folder.

    python -m benchmarks.tables            # write the page
    python -m benchmarks.tables --check    # exit code 1 if the page is out of date

Each section is a JSON file of results, followed by the Markdown file of the same name,
if there is one. No number in a table is edited by hand: to change it, measure it again.
"""

import argparse
import importlib
import sys

from benchmarks import _common as common
from benchmarks._common import show
from skvae.discovery import all_estimators

PAGE = common.RESULTS / "README.md"
HEAD = """# Results

`python -m benchmarks.tables` writes this page from the JSON files in this folder, which
the benchmarks write with `--write`. The numbers in a table hold for the versions and
the machine named above it.
"""


def page(folder=common.RESULTS):
    """The whole page: the defaults, then one section per file, one table per record."""
    sections = [HEAD, "## The defaults\n", *table(defaults()), ""]
    for path in sorted(folder.glob("*.json")):
        name = f"benchmarks.{path.stem}"
        sections.append(f"## {name}\n\n`python -m {name}`\n")
        shown = summaries(path.stem)
        for record in common.read_records(path):
            sections.append(section(record | {"rows": shown(record["rows"])}))
        sections += [*findings(path), *pictures(folder, path.stem)]
    return "\n".join(sections)


def summaries(name):
    """Function from rows to the rows shown: the benchmark's `summary`, if any."""
    module = importlib.import_module(f"benchmarks.{name}")
    return getattr(module, "summary", lambda rows: rows)


def findings(path):
    """Findings about a result file: the Markdown file of the same name, if any."""
    text = path.with_suffix(".md")
    return [text.read_text()] if text.exists() else []


def pictures(folder, name):
    """Figures of a benchmark, from the folder of its result file."""
    found = sorted(folder.glob(f"{name}_*.png"))
    return [f"![{p.stem.replace('_', ' ')}]({p.name})\n" for p in found]


def defaults():
    """One row per parameter: its default in each estimator that has it."""
    found = {}
    for name, estimator in all_estimators():
        for parameter, value in estimator().get_params(deep=False).items():
            found.setdefault(parameter, {"parameter": f"`{parameter}`"})[name] = (
                f"`{value!r}`"
            )
    names = [name for name, _ in all_estimators()]
    return [dict.fromkeys(["parameter", *names]) | row for row in found.values()]


def section(record):
    """Context and table of one record."""
    lines = [f"- {part}: {listed(record[part])}" for part in common.CONTEXT]
    return "\n".join([*lines, "", *table(record["rows"]), ""])


def listed(entries):
    """Format a dict in one line, without the entries that are None."""
    given = {name: value for name, value in entries.items() if value is not None}
    return ", ".join(f"{name} {show(value)}" for name, value in given.items())


def table(rows):
    """Rows as lines of a Markdown table: text to the left, numbers to the right."""
    if not rows:
        return ["Nothing was measured."]
    columns = list(rows[0])
    marks = ["---" if _is_text(rows, column) else "---:" for column in columns]
    cells = [[show(row.get(column)) for column in columns] for row in rows]
    return [f"| {' | '.join(line)} |" for line in (columns, marks, *cells)]


def _is_text(rows, column):
    return any(isinstance(row.get(column), str) for row in rows)


def main(argv=None):
    """Write the page, or with --check compare it with the file."""
    parser = argparse.ArgumentParser(prog="benchmarks.tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    text = page()
    if parser.parse_args(argv).check:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit(f"{PAGE.name} is out of date: run python -m benchmarks.tables")
        return
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
