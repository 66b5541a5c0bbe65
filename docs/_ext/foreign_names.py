"""Link names from scikit-learn, torch and skorch to their documentation.

URLs are built from the names, so the build needs no network access. A name that cannot
be imported gets no link, and Sphinx reports it as unknown.
"""

from importlib import import_module

from docutils import nodes

PAGES = {
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{name}.html",
    "torch": "https://docs.pytorch.org/docs/stable/generated/{name}.html",
    "skorch": "https://skorch.readthedocs.io/en/stable/search.html?q={name}",
}


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def resolve(app, env, node, content):
    """Return a link to a name from another package, or None."""
    name = node.get("reftarget", "")
    pattern = PAGES.get(name.split(".")[0])
    if node.get("refdomain") != "py" or pattern is None or not exists(name):
        return None
    uri = pattern.format(name=name)
    return nodes.reference("", "", content, internal=False, refuri=uri)


def exists(name):
    """Return whether a dotted name can be imported."""
    module, _, last = name.rpartition(".")
    try:
        return not module or hasattr(import_module(module), last)
    except ImportError:
        return False
