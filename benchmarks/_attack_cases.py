"""The cases of `benchmarks.attack`: an estimator, a method and one hostile value."""

import inspect
import re
from dataclasses import dataclass
from functools import partial

from benchmarks import _attack_inputs as inputs
from benchmarks import _attack_values as values
from benchmarks._attack_conditions import condition as hostile_condition
from skvae.discovery import all_estimators

IMPORTS = """
import array, functools, tempfile
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
import numpy as np
import scipy.sparse as sp
import skorch
import torch
from sklearn.compose import make_column_selector
from skvae.distributions import Bernoulli, Categorical, Codes, Gaussian, Poisson
from skvae.nets import ConvDecoder, ConvEncoder, Dense
from skvae.priors import DensityRatio, StandardNormal, VampPrior
""".strip()
OPTIONAL = {
    "pd": "import pandas as pd",
    "pl": "import polars as pl",
    "pa": "import pyarrow as pa",
    "dd": "import dask.dataframe as dd",
    "da": "import dask.array as da",
}
DATA = """
X = np.random.default_rng(0).random((12, 4))
L = np.random.default_rng(1).normal(size=(12, 2))
C = ['a', 'b'] * 6
T = np.column_stack([np.random.default_rng(0).random((12, 3)), [0, 1] * 6])
""".strip()
# As few draws and layers as possible: a fit takes milliseconds.
SMALL = {
    "max_epochs": 1,
    "hidden_layer_sizes": (4,),
    "random_state": 0,
    "early_stopping": False,
    "init": "random",
    "n_components": 2,
    "n_variables": 1,
    "n_categories": 2,
    "critic_hidden_layer_sizes": (4,),
    "n_critic_passes": 1,
    "n_kept": 5,
    "n_burn_in": 1,
    "n_draws": 2,
    "n_leapfrog": 1,
    "n_updates": 1,
    "n_iterations": 2,
}
FIT = ("fit", "partial_fit", "fit_transform")
ASK = ("transform", "reconstruct", "score_samples", "score", "log_likelihood", "impute")
BLOCKS = "{'left': slice(0, 2), 'right': slice(2, 4)}"
NOT_ARGUMENTS = {"self", "X", "y", "condition", "path"}


@dataclass(frozen=True)
class Case:
    """One attack.

    Attributes
    ----------
    estimator, variant : str
        The fitted model: a class, and "plain", "beside", "column" or "blocks".
    kind, method : str
        What is hostile, and the method that gets it.
    value : str
        The hostile expression.
    lines : tuple of str
        What is done with `value`; the last assigns `result`.
    """

    estimator: str
    variant: str
    kind: str
    method: str
    value: str
    lines: tuple

    @property
    def source(self):
        """The lines that reproduce the case."""
        made = f"model = {self.estimator}({arguments(self.estimator, self.variant)})"
        lines = [made, fitting(self.variant), f"value = {self.value}", *self.lines]
        text = "\n".join(lines)
        data = [line for line in DATA.splitlines() if _uses(text, line.split()[0])]
        text = "\n".join([*data, text])
        known = [*IMPORTS.splitlines(), *OPTIONAL.values()]
        needed = [line for line in known if any(map(partial(_uses, text), _made(line)))]
        return "\n".join([*needed, f"from skvae import {self.estimator}", text])


def _made(line):
    """The names that an import line defines."""
    names = line.partition("import ")[2].split(", ")
    return [name.split(" as ")[-1] for name in names]


def _uses(text, name):
    return re.search(rf"\b{name}\b", text) is not None


CLASSES = dict(all_estimators())
# Where an int would give other than two columns in `transform`.
WIDTHS = {"MPVAETransformer": "(1, 1)", "HierarchicalJMVAETransformer": "(2, 2)"}
# Those that take ten times as long as others are drawn less often.
WEIGHTS = {"MCEMTransformer": 0.5, "TaskInvariantVAETransformer": 0.4}


def arguments(name, variant):
    """The constructor's arguments of the model that is attacked, as source."""
    known = CLASSES[name]().get_params()
    given = {key: repr(v) for key, v in SMALL.items() if key in known}
    if name in WIDTHS:
        given["n_components"] = WIDTHS[name]
    if "discriminator" in known:
        given["discriminator"] = "Dense((4,))"
    if variant == "column":
        given["condition_columns"] = "[3]"
    if variant == "blocks":
        given["modalities"] = BLOCKS
    return ", ".join(f"{key}={v}" for key, v in given.items())


def variants(name):
    """The variants of an estimator."""
    known = CLASSES[name]().get_params()
    if "condition_columns" in known:
        return ["plain", "beside", "column"]
    return ["plain", "blocks"] if "modalities" in known else ["plain"]


def fitting(variant):
    """The line that fits a model."""
    return f"model.fit({given(variant)})"


def given(variant, table=None):
    """The arguments of a method that takes rows."""
    table = table or ("T" if variant == "column" else "X")
    return f"{table}, condition=C" if variant == "beside" else table


def draw(random):
    """Draw a case."""
    names = [*CLASSES]
    weights = [WEIGHTS.get(name, 1.0) for name in names]
    name = str(random.choice(names, p=[w / sum(weights) for w in weights]))
    variant = str(random.choice(variants(name)))
    kinds = [rows, rows, rows, latents, parameters, parameters, own_arguments, others]
    if variant in ("beside", "column"):
        kinds += [conditions, conditions]
    return kinds[random.integers(len(kinds))](random, name, variant)


def _methods(name, wanted):
    return [method for method in wanted if hasattr(CLASSES[name], method)]


def rows(random, name, variant):
    """Draw a case with hostile X."""
    value, kind = inputs.table(random)
    wanted = FIT if random.random() < 0.4 else (*ASK, "generate", "edit")
    method = str(random.choice(_methods(name, wanted)))
    extra = {
        "generate": ", 'left'" if variant == "blocks" else ", 'all'",
        "edit": ", {3: 0.5}, 'left'",
        "log_likelihood": ", n_samples=2",
    }.get(method, "")
    lines = (f"result = model.{method}({given(variant, 'value')}{extra})",)
    return Case(name, variant, kind, method, value, lines)


def latents(random, name, variant):
    """Draw a case with hostile latents."""
    value = inputs.table(random)[0].replace("X", "L").replace("12, 4", "12, 2")
    extra = ", condition='a'" if variant == "beside" else ""
    if variant == "column":
        extra = ", condition=0"
    lines = (f"result = model.inverse_transform(value{extra})",)
    return Case(name, variant, "latents", "inverse_transform", value, lines)


def parameters(random, name, variant):
    """Draw a case with a hostile parameter, in a new model or in the fitted one."""
    parameter = str(random.choice([*CLASSES[name]().get_params(deep=False)]))
    value = values.value(random, parameter)
    setting = f"model.set_params({parameter}=value)"
    way = random.integers(4)
    if way == 0:
        made = f"{name}(**model.get_params(deep=False) | {{{parameter!r}: value}})"
        lines = (f"model = {made}", f"result = model.fit({given(variant)})")
        return Case(name, variant, parameter, "fit", value, lines)
    method = str(random.choice([FIT[0], FIT[1], *_methods(name, ASK)]))
    method = FIT[0] if way == 1 else method
    lines = (setting, f"result = model.{method}({given(variant)})")
    return Case(name, variant, parameter, method, value, lines)


def own_arguments(random, name, variant):
    """Draw a case with a hostile argument beside X."""
    wanted = ("sample", "log_likelihood", "impute", "generate", "edit")
    found = _methods(name, wanted)
    if not found:
        return others(random, name, variant)
    method = str(random.choice(found))
    known = inspect.signature(getattr(CLASSES[name], method)).parameters
    names = [key for key in known if key not in NOT_ARGUMENTS]
    if not names:
        return others(random, name, variant)
    argument = str(random.choice(names))
    value = values.value(random, argument)
    passed = {argument: "value"}
    if method in ("generate", "edit"):
        passed.setdefault("modality", "'left'" if variant == "blocks" else "'all'")
    if method == "edit":
        passed.setdefault("changes", "{3: 0.5}")
    if method == "log_likelihood":
        passed.setdefault("n_samples", "2")
        passed.setdefault("n_temperatures", "2")
    words = ", ".join(f"{key}={v}" for key, v in passed.items())
    first = "" if method == "sample" else given(variant) + ", "
    lines = (f"result = model.{method}({first}{words})",)
    return Case(name, variant, argument, method, value, lines)


def conditions(random, name, variant):
    """Draw a case with hostile conditions."""
    value = hostile_condition(random)
    wanted = (*FIT, *ASK, "inverse_transform", "sample", "translate", "target")
    method = str(random.choice(_methods(name, wanted)))
    call = f"model.{method}({given('plain')}, condition=value)"
    if method == "inverse_transform":
        call = "model.inverse_transform(L, condition=value)"
    if method == "sample":
        call = "model.sample(12, condition=value)"
    if method == "translate":
        call = f"model.translate({given(variant)}, value)"
        if variant == "beside":
            call = "model.translate(X, value, own=C)"
    return Case(name, variant, "condition", method, value, (f"result = {call}",))


def others(random, name, variant):
    """Draw a case with a hostile argument of another method."""
    method, call = OTHERS[random.integers(len(OTHERS))]
    value = values.value(random, method)
    call = f"result = {call.format(given(variant))}"
    return Case(name, variant, "others", method, value, (call,))


OTHERS = [
    ("get_feature_names_out", "model.get_feature_names_out(value)"),
    ("set_output", "model.set_output(transform=value)"),
    ("set_params", "model.set_params(**value)"),
    ("set_params", "model.set_params(value=value)"),
    ("fit", "model.fit({}, y=value)"),
    ("score", "model.score({}, y=value)"),
]
