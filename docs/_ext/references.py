"""Collect the references of all docstrings on one page."""

import inspect
import re

# The lines below the heading "References", up to the next heading.
SECTION = re.compile(r"^References\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", re.S | re.M)
BEGIN = re.compile(r"^\S+, .*\(\d{4}\)")  # the first line of an entry


def references_page(listing):
    """Return the page of all references, each with the names that cite it."""
    found = {}
    for _, names in listing:
        for name, value in names.items():
            for entry in entries(inspect.getdoc(value) or ""):
                found.setdefault(entry, []).append(name)
    lines = ["References", "==========", ""]
    lines += ["Publications named in the API reference, and where.", ""]
    for entry in sorted(found):
        links = ", ".join(f":py:obj:`~{name}`" for name in found[entry])
        lines += [f"\\{entry}", f"    {links}", ""]  # "A. B." would begin a list
    return "\n".join(lines)


def entries(text):
    """Return the references of a docstring, each in one line."""
    found = []
    for block in SECTION.findall(text):
        for line in block.replace(".. [1]", "").splitlines():
            if BEGIN.match(line) or not found or not found[-1]:
                found.append(line.strip())
            elif line.strip():
                found[-1] += " " + line.strip()
    return [entry for entry in found if entry]
