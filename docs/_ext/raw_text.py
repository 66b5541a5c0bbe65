"""Warn about text that was meant to be a table, a formula, or a picture with a text."""

import re

from docutils import nodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
RAW = {
    "a table that was not recognised": re.compile(r"^\|.*\|", re.MULTILINE),
    "a formula that was not recognised": re.compile(r"\$\$|\\(frac|mathcal|ln)\b"),
    "a directive that was not recognised": re.compile(
        r"^:::|^\.\. \w+::", re.MULTILINE
    ),
}


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def check(app, doctree, name):
    """Warn about each raw text and each picture without a text in a page."""
    for node in doctree.findall(nodes.paragraph):
        text = "".join(part.astext() for part in node.children if is_plain(part))
        for what, pattern in RAW.items():
            if pattern.search(text):
                LOGGER.warning("%s: %r", what, text[:80], location=node)
    for image in doctree.findall(nodes.image):
        if (
            not image.get("alt") and "/thumb/" not in image["uri"]
        ):  # titles follow these
            LOGGER.warning("a picture without a text: %s", image["uri"], location=image)


def is_plain(node):
    """Return whether a part of a paragraph is neither code nor a formula."""
    return not isinstance(node, nodes.literal | nodes.math)
