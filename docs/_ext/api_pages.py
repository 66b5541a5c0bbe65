"""Generate the API reference: one page for every public name of the package.

A name is public if a public module lists it in ``__all__`` or, without ``__all__``, if
the module defines it. New estimators, metrics and displays get their pages
automatically. A new subpackage is added at the end of the listing under its own name.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from members import members_table, short_signature
from references import references_page

import skvae
from skvae.base import page
from skvae.discovery import all_estimators
from skvae.distributions import Likelihood

FOLDER = Path(page("x")).parent  # where estimators' links point to


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", lambda app, config: write(Path(app.srcdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# -- groups of names -------------------------------------------------------------------

ESTIMATORS = dict(all_estimators())
FAMILIES = {value.__module__.rpartition(".")[0] for value in ESTIMATORS.values()}


class Group(NamedTuple):
    """A section of the listing: names from some modules that satisfy a test."""

    title: str
    text: str
    modules: tuple[str, ...]
    test: Callable = lambda value: True


GROUPS = (
    Group(
        "Estimators",
        "Transformers that follow scikit-learn's conventions.",
        ("skvae",),
        lambda value: value in ESTIMATORS.values(),
    ),
    Group("Files", "`save` is a method of the estimators.", ("skvae",)),
    Group("Export", "Fitted models for other runtimes.", ("skvae.export",)),
    Group(
        "Likelihoods",
        "Objects for the parameter `likelihood`, if a short name is not enough.",
        ("skvae.distributions",),
        lambda value: inspect.isclass(value) and issubclass(value, Likelihood),
    ),
    Group("Priors", "Objects for the parameter `prior`.", ("skvae.priors",)),
    Group(
        "Metrics",
        "Evaluation of models and latents: functions, and scorers made from them.",
        ("skvae.metrics",),
    ),
    Group(
        "Model selection",
        "Searches that train many fits at once, and splitters for several tasks.",
        ("skvae.model_selection",),
    ),
    Group(
        "Datasets",
        "Tables of several tasks: image sets, digits, Gaussians of known information.",
        ("skvae.datasets",),
    ),
    Group(
        "Plotting",
        "Plots of fitted models, following scikit-learn's Display convention.",
        ("skvae.plotting",),
    ),
    Group(
        "Torch modules",
        "The models that the estimators train, as defined in the papers.",
        tuple(sorted(FAMILIES)),
    ),
    Group(
        "Distributions",
        "Conditional distributions of the torch modules, and their noise.",
        ("skvae.distributions",),
    ),
    Group("Objectives", "Bounds as functions of distributions.", ("skvae.objectives",)),
    Group("Networks", "Bodies, heads, critics and dropout.", ("skvae.nets",)),
    Group("Training", "Batches, the loop, seeds and callbacks.", ("skvae.training",)),
    Group("Inference", "Evaluating a fitted module.", ("skvae.inference",)),
    Group(
        "Base classes",
        "Base classes for new estimators.",
        ("skvae.base", "skvae.discovery"),
    ),
    Group("Warnings", "Warnings that skvae issues.", ("skvae.exceptions",)),
)


def listing():
    """Return every public name once, as a list of (group, {name: value})."""
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
    """Return the public modules of the package by full name."""
    names = [module.name for module in pkgutil.iter_modules(skvae.__path__, "skvae.")]
    return {
        name: importlib.import_module(name)
        for name in names
        if not name.startswith("skvae._")
    }


def public_names(module):
    """Return the public (name, value) pairs of a module, sorted."""
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
    """Write the index, the group pages and all name pages below the source folder."""
    folder = source / FOLDER
    folder.mkdir(exist_ok=True)
    pages = {"index": index(listing()), "references": references_page(listing())}
    described = set()
    for group, names in listing():
        pages[slug(group)] = group_page(group, names, described)
        pages |= {name: page_of(name, value) for name, value in names.items()}
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text() != text:  # else Sphinx rebuilds it
            path.write_text(text)


def index(groups):
    """Return the page that lists all names."""
    lines = heading("API reference", "=")
    for group, names in groups:
        lines += [*heading(group.title, "-"), group.text, "", *tables(names)]
    pages = [*(slug(group) for group, _ in groups), "references"]
    return "\n".join([*lines, *toctree(pages)])


def group_page(group, names, described):
    """Return the page of a group. A module is declared in its first group."""
    lines = [*heading(group.title, "="), group.text, ""]
    for module in dict.fromkeys(name.rpartition(".")[0] for name in names):
        if module not in described:
            lines += [f".. py:module:: {module}", ""]
            described.add(module)
    return "\n".join([*lines, *tables(names), *toctree(names)])


def title(module):
    """Return a title for a module that belongs to no group."""
    return module.removeprefix("skvae.").replace("_", " ").capitalize()


def slug(group):
    """Return the file name of a group's page."""
    return group.title.lower().replace(" ", "-")


def tables(names):
    """Return one table per module, of names and the first lines of their docstrings."""
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
    """Return the first line of a docstring, or a description of a constant."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return summary(value)
    return "A table of values by name." if isinstance(value, dict) else f"``{value!r}``"


def summary(value):
    """Return the first line of a docstring."""
    return (inspect.getdoc(value) or "").partition("\n")[0]


def toctree(pages):
    """Return a hidden toctree."""
    return [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in pages), ""]


def page_of(name, value):
    """Return the page of one name."""
    module, _, last = name.rpartition(".")
    lines = [*heading(last, "="), f".. currentmodule:: {module}", ""]
    if inspect.isclass(value):
        lines += class_lines(name, value)
    elif inspect.isroutine(value):
        lines += [f".. autofunction:: {last}"]
    else:
        lines += constant(last, value)
    lines += ["", f".. minigallery:: {name}", "   :add-heading: In the gallery", ""]
    return "\n".join(lines)


def class_lines(name, cls):
    """Return the lines of a class. Estimators begin with a table of their members."""
    kind = "exception" if issubclass(cls, BaseException) else "class"
    lines, signature, members = [], "", own(cls)
    if cls in ESTIMATORS.values():
        lines += members_table(name, members, inherited(cls))
        signature = short_signature(cls)
    lines += [f".. auto{kind}:: {name.rpartition('.')[2]}{signature}"]
    if members:  # without names, Sphinx would include all members
        lines += [f"   :members: {', '.join(members)}", "   :member-order: bysource"]
    if cls not in ESTIMATORS.values() and (names := inherited(cls)):
        listed = ", ".join(f"``{n}``" for n in names)
        lines += ["", f"From scikit-learn: {listed}."]
    return lines


def heading(text, mark):
    """Return a reStructuredText heading."""
    return [text, mark * len(text), ""]


def constant(name, value):
    """Describe a constant by its value, or a dict by its keys."""
    if not isinstance(value, dict):
        return [f".. py:data:: {name}", f"   :value: {value!r}"]
    keys = ", ".join(f"``{key!r}``" for key in value)
    return [f".. py:data:: {name}", "   :type: dict", "", f"   Keys: {keys}."]


def own(cls):
    """Return the public methods and properties that skvae defines and documents.

    They are in source order, starting with the first base class; mixins come last.
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
    """Return the module that defines a method or property; "" for anything else."""
    member = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return member.__module__ if inspect.isfunction(member) else ""


def inherited(cls):
    """Return the names of the public methods inherited from scikit-learn."""
    return [
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
