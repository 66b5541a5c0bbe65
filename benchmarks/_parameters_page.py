"""The page of all constructor parameters and their defaults, by group."""

from skvae.discovery import all_estimators

HEAD = """\
# Parameters and defaults

Each estimator's parameters are explained on its page of the
[API reference](../api/index.rst). This page lists their defaults, by group. "all"
stands for all {n} estimators, and their names are shown without "Transformer".
"""
GROUPS = {
    "Latents and bound": (
        "n_components",
        "likelihood",
        "prior",
        "beta",
        "kl_warmup",
        "n_importance_samples",
        "binarize",
    ),
    "Networks": (
        "hidden_layer_sizes",
        "activation",
        "dropout",
        "encoder",
        "decoder",
        "net_params",
        "init",
    ),
    "Training": (
        "lr",
        "batch_size",
        "max_epochs",
        "early_stopping",
        "validation_fraction",
        "n_iter_no_change",
        "tol",
        "optimizer",
        "weight_decay",
        "warm_start",
        "callbacks",
    ),
    "Computation": ("random_state", "device", "dtype", "verbose"),
    "Checkpoints": ("checkpoint", "checkpoint_every", "resume"),
}
CONDITIONS = {"CVAETransformer", "CMMATransformer", "TaskInvariantVAETransformer"}
MODALITIES = {
    "JMVAETransformer",
    "HierarchicalJMVAETransformer",
    "JMVAEGANTransformer",
}


def parameters_page(table):
    """Return the text of the page; `table` formats rows."""
    found = defaults()
    lines = [HEAD.format(n=len(all_estimators()))]
    for title, names in groups(found).items():
        rows = [row for name in names for row in rows_of(name, found[name])]
        lines += [f"## {title}\n", *table(rows), ""]
    return "\n".join(lines)


def defaults():
    """Return the default of each parameter in each estimator that has it."""
    found = {}
    for name, estimator in all_estimators():
        for parameter, value in estimator().get_params(deep=False).items():
            found.setdefault(parameter, {})[name] = f"`{value!r}`"
    return found


def groups(found):
    """Return the parameters of each group; those of few estimators come last."""
    listed = {name for names in GROUPS.values() for name in names}
    shown = {k: [n for n in names if n in found] for k, names in GROUPS.items()}
    shown |= {"Conditions": [], "Modalities": []}
    for name, values in found.items():
        if name not in listed:
            shown.setdefault(owner(set(values)), []).append(name)
    return shown


def owner(estimators):
    """Return the title of the group of parameters of some estimators."""
    if estimators == CONDITIONS:
        return "Conditions"
    if estimators == MODALITIES:
        return "Modalities"
    return f"Only {names_of(estimators)}"


def rows_of(name, values):
    """Return one row per distinct default of a parameter."""
    rows = []
    for value in dict.fromkeys(values.values()):
        having = [estimator for estimator, v in values.items() if v == value]
        rows.append(
            {"parameter": f"`{name}`", "default": value, "in": names_of(having)}
        )
    return rows


def names_of(estimators):
    """Return the estimators in words, without the ending that all share."""
    every = [name for name, _ in all_estimators()]
    missing = [name for name in every if name not in estimators]
    if not missing:
        return "all"
    if len(missing) <= 3:
        return "all but " + ", ".join(
            name.removesuffix("Transformer") for name in missing
        )
    return ", ".join(name.removesuffix("Transformer") for name in sorted(estimators))
