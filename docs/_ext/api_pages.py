"""Write the API reference from the package: a page for every public name.

A public name is one that a public module lists in ``__all__``, or, where there is no
such list, one that it defines. A new estimator, metric or picture gets its page without
a change here; a new subpackage comes at the end of the listing, under its own name.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import skvae
from skvae.base._documentation import page
from skvae.discovery import all_estimators
from skvae.distributions import Likelihood

FOLDER = Path(page("x")).parent  # where an estimator's link expects the pages


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", lambda app, config: write(Path(app.srcdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# -- what there is ---------------------------------------------------------------------

ESTIMATORS = dict(all_estimators())
FAMILIES = {value.__module__.rpartition(".")[0] for value in ESTIMATORS.values()}


class Group(NamedTuple):
    """A part of the listing: the names of some modules that pass a test."""

    title: str
    text: str
    modules: tuple[str, ...]
    test: Callable = lambda value: True


GROUPS = (
    Group(
        "Estimators",
        "Transformers in the sense of scikit-learn.",
        ("skvae",),
        lambda value: value in ESTIMATORS.values(),
    ),
    Group("Files", "`save` is a method of the estimators.", ("skvae",)),
    Group(
        "Likelihoods",
        "Values of the parameter `likelihood`, where its short name does not do.",
        ("skvae.distributions",),
        lambda value: inspect.isclass(value) and issubclass(value, Likelihood),
    ),
    Group("Priors", "Values of the parameter `prior`.", ("skvae.priors",)),
    Group(
        "Metrics",
        "What a model or its latents are worth: functions, and scorers made of them.",
        ("skvae.metrics",),
    ),
    Group(
        "Model selection",
        "Splits of rows that come from several tasks.",
        ("skvae.model_selection",),
    ),
    Group(
        "Datasets",
        "Rows of several tasks: image sets, digits, Gaussians of known information.",
        ("skvae.datasets",),
    ),
    Group(
        "Plotting",
        "Pictures of fitted models, in scikit-learn's Display convention.",
        ("skvae.plotting",),
    ),
    Group(
        "Torch modules",
        "What the estimators train: models as they stand in the papers.",
        tuple(sorted(FAMILIES)),
    ),
    Group(
        "Distributions",
        "Conditional distributions of the torch modules, and the noise they draw from.",
        ("skvae.distributions",),
    ),
    Group("Objectives", "Bounds as functions of distributions.", ("skvae.objectives",)),
    Group("Networks", "Bodies, heads, critics and dropout.", ("skvae.nets",)),
    Group("Training", "Batches, the loop, seeds and callbacks.", ("skvae.training",)),
    Group("Inference", "Asking a fitted module.", ("skvae.inference",)),
    Group(
        "Base classes",
        "What a new estimator starts from.",
        ("skvae.base", "skvae.discovery"),
    ),
    Group("Warnings", "Warnings of the package's own.", ("skvae.exceptions",)),
)


def listing():
    """Give every public name once, as a list of (group, {name: value})."""
    known = {module for group in GROUPS for module in group.modules}
    others = [
        Group(title(name), summary(module), (name,))
        for name, module in public_modules().items()
        if name not in known
    ]
    placed, found = [], []
    for group in (*GROUPS, *others):
        names = {
            f"{module}.{name}": value
            for module in group.modules
            for name, value in public_names(importlib.import_module(module))
            if group.test(value) and not any(value is other for other in placed)
        }
        placed += names.values()
        found += [(group, names)] if names else []
    return found


def public_modules():
    """Give the package's modules without an underscore, by their full names."""
    names = [module.name for module in pkgutil.iter_modules(skvae.__path__, "skvae.")]
    return {
        name: importlib.import_module(name)
        for name in names
        if not name.startswith("skvae._")
    }


def public_names(module):
    """Give the (name, value) pairs that a module offers, sorted."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and getattr(value, "__module__", None) == module.__name__
        ]
    return [(n, getattr(module, n)) for n in sorted(names) if not n.startswith("__")]


# -- pages -----------------------------------------------------------------------------


def write(source):
    """Write the listing, its groups and all pages below the source folder."""
    folder = source / FOLDER
    folder.mkdir(exist_ok=True)
    pages = {"index": index(listing())}
    described = set()
    for group, names in listing():
        pages[slug(group)] = group_page(group, names, described)
        pages |= {name: page_of(name, value) for name, value in names.items()}
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text() != text:  # else Sphinx reads it anew
            path.write_text(text)


def index(groups):
    """Give the page of all names."""
    lines = heading("API reference", "=")
    for group, names in groups:
        lines += [*heading(group.title, "-"), group.text, "", *tables(names)]
    return "\n".join([*lines, *toctree(slug(group) for group, _ in groups)])


def group_page(group, names, described):
    """Give the page of a group; a module's first group also describes the module."""
    lines = [*heading(group.title, "="), group.text, ""]
    for module in dict.fromkeys(name.rpartition(".")[0] for name in names):
        if module not in described:
            lines += [f".. py:module:: {module}", ""]
            described.add(module)
    return "\n".join([*lines, *tables(names), *toctree(names)])


def title(module):
    """Give a title for a module that no group names."""
    return module.removeprefix("skvae.").replace("_", " ").capitalize()


def slug(group):
    """Give the name of a group's page."""
    return group.title.lower().replace(" ", "-")


def tables(names):
    """Give a table a module: names with their first sentences."""
    lines, last = [], None
    for name, value in names.items():
        module, _, short = name.rpartition(".")
        if module != last:
            lines += ["", f"In ``{module}``:", "", ".. list-table::"]
            lines += ["   :widths: 35 65", ""]
        lines += [f"   * - :py:obj:`{short} <{name}>`", f"     - {sentence(value)}"]
        last = module
    return [*lines, ""]


def sentence(value):
    """Give the first line of a docstring, or what a constant is."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return summary(value)
    return "A table of values by name." if isinstance(value, dict) else f"``{value!r}``"


def summary(value):
    """Give the first line of a docstring."""
    return (inspect.getdoc(value) or "").partition("\n")[0]


def toctree(pages):
    """Give a hidden toctree."""
    return [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in pages), ""]


def page_of(name, value):
    """Give the page of one name."""
    module, _, last = name.rpartition(".")
    lines = [*heading(last, "="), f".. currentmodule:: {module}", ""]
    if inspect.isclass(value):
        kind = "exception" if issubclass(value, BaseException) else "class"
        lines += [f".. auto{kind}:: {last}"]
        if members := own(value):  # without names Sphinx would take all
            lines += [f"   :members: {', '.join(members)}"]
            lines += ["   :member-order: bysource"]
        lines += inherited(value)
    elif inspect.isroutine(value):
        lines += [f".. autofunction:: {last}"]
    else:
        lines += constant(last, value)
    lines += ["", f".. minigallery:: {name}", "   :add-heading: In the gallery", ""]
    return "\n".join(lines)


def heading(text, mark):
    """Give a heading in reStructuredText."""
    return [text, mark * len(text), ""]


def constant(name, value):
    """Describe a constant: its value, or the keys of a table."""
    if not isinstance(value, dict):
        return [f".. py:data:: {name}", f"   :value: {value!r}"]
    keys = ", ".join(f"``{key!r}``" for key in value)
    return [f".. py:data:: {name}", "   :type: dict", "", f"   Keys: {keys}."]


def own(cls):
    """Name the public methods and properties that this package writes and explains.

    In the order of the sources, from the first base class on, mixins last.
    """
    bases = [
        base for base in reversed(cls.__mro__) if base.__module__.startswith("skvae.")
    ]
    members = [
        (name, member)
        for base in sorted(bases, key=lambda base: base.__name__.endswith("Mixin"))
        for name, member in vars(base).items()
    ]
    return [
        name
        for name, member in dict(members).items()
        if not name.startswith("_")
        and source(member).startswith("skvae.")
        and any(other.__doc__ for same, other in members if same == name)
    ]


def source(member):
    """Name the module in which a method or property is written; "" for all else."""
    member = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return member.__module__ if inspect.isfunction(member) else ""


def inherited(cls):
    """List the public methods of an estimator that scikit-learn brings."""
    names = [
        name
        for name in dir(cls)
        if not name.startswith("_")
        and callable(getattr(cls, name))
        and name not in own(cls)
        and any(
            name in vars(base)
            for base in cls.__mro__
            if base.__module__.startswith("sklearn")
        )
    ]
    if not names:
        return []
    listed = ", ".join(f"``{name}``" for name in names)
    return ["", f"From scikit-learn: {listed}."]
