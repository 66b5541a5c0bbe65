"""A short signature and a table of methods, for the top of an estimator's page."""

import inspect

GROUPS = {
    "Training": ("fit", "partial_fit", "fit_transform"),
    "Latents": ("transform", "inverse_transform", "reconstruct"),
    "New rows": ("sample", "generate", "impute", "edit", "translate"),
    "Density": ("score", "score_samples", "log_likelihood"),
    "Files": ("save",),
}
ATTRIBUTES, OWN, INHERITED = "After fit", "Others", "From scikit-learn"


def short_signature(cls):
    """Return the parameters that may be passed by position, and dots for the rest."""
    shown = []
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            return f"({', '.join([*shown, '*', '...'])})"
        shown.append(f"{parameter.name}={parameter.default!r}")
    return f"({', '.join(shown)})"


def grouped(own, inherited):
    """Return the names of members by group; what no group names is in the last two."""
    found = {title: [n for n in names if n in own] for title, names in GROUPS.items()}
    listed = {name for names in GROUPS.values() for name in names}
    found[ATTRIBUTES] = [n for n in own if n.endswith("_")]
    found[OWN] = [n for n in own if n not in listed and not n.endswith("_")]
    found[INHERITED] = list(inherited)
    return {title: names for title, names in found.items() if names}


def members_table(name, own, inherited):
    """Return the lines of a table with one row per group; own members are links."""
    lines = ["", ".. list-table::", "   :widths: 22 78", ""]
    for title, names in grouped(own, inherited).items():
        shown = ", ".join(
            f":py:obj:`{n} <{name}.{n}>`" if n in own else f"``{n}``" for n in names
        )
        lines += [f"   * - {title}", f"     - {shown}"]
    return [*lines, ""]
