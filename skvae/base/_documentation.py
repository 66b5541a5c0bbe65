"""The address of an estimator's documentation page."""

SITE = "https://skvae.readthedocs.io/en/latest/"


def page(name):
    """Return the page of a public name, e.g. ``"skvae.load"``, relative to `SITE`."""
    return f"api/{name}.html"


class DocumentationLinkMixin:
    """Let scikit-learn's HTML picture of an estimator link to its page.

    scikit-learn fills the template for estimators of this package only, so that
    subclasses written elsewhere get no link.
    """

    _doc_link_module = "skvae"
    _doc_link_template = SITE + page("skvae.{estimator_name}")
