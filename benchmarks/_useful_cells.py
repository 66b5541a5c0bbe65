"""Cells of the usefulness benchmark: what one is, its log, and how it is measured."""

import json
import os
import time
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from skvae import AETransformer, CVAETransformer, VAETransformer
from skvae.distributions import Gaussian
from skvae.exceptions import SkvaeWarning

OURS = "VAE"  # methods: "VAE", and "VAE NAME" for the settings NAME
BY_TYPE = "by-type"  # as likelihood: one part for numbers, one for each category


class Cell(NamedTuple):
    """One measurement; k is the number of latents, or None."""

    work: str
    set: str
    method: str
    k: int | None
    seed: int

    @property
    def estimator(self):
        """Class of skvae that is measured, or None for other methods."""
        if self.method.split()[0] == OURS:
            return CVAETransformer if self.work == "synthetic" else VAETransformer
        return AETransformer if self.method == "AE" else None

    def __str__(self):
        latents = "" if self.k is None else f", k={self.k}"
        return f"{self.work}: {self.set}, {self.method}{latents}, seed {self.seed}"


class Plan(NamedTuple):
    """What all cells share.

    `settings` maps names to settings of the VAE, and `common` are settings of every
    estimator of skvae.
    """

    folder: Path | None
    max_rows: int
    settings: dict
    common: dict

    def params(self, cell):
        """Return the settings of the estimator of a cell."""
        named = self.settings.get(cell.method.partition(" ")[2], {})
        return {} if cell.estimator is None else named | self.common


def build(cell, plan, split):
    """Return the estimator of a cell, with its settings."""
    model = cell.estimator(n_components=cell.k, random_state=cell.seed)
    model.set_params(**plan.params(cell))
    if model.likelihood == BY_TYPE:
        model.set_params(likelihood=by_type(split))
    elif isinstance(model.likelihood, dict):
        model.set_params(likelihood=Gaussian(**model.likelihood))
    return model


def tables_of(model, split):
    """Return training and test rows as a user would pass them to the estimator.

    They are encoded, unless the likelihood is found from the columns: then they are
    frames with categories, and a category without training rows is the most frequent.
    """
    if getattr(model, "likelihood", None) != "auto" or split.table.form == "pictures":
        return split.X
    frames = [pd.DataFrame(part).rename(columns="x{}".format) for part in split.raw]
    for j in split.table.categories:
        counts = frames[0][f"x{j}"].value_counts()
        for frame in frames:
            seen = frame[f"x{j}"].isin(counts.index)
            known = frame[f"x{j}"].where(seen, counts.index[0])
            frame[f"x{j}"] = known.astype("category")
    return frames


def by_type(split):
    """Return the likelihood that suits the columns, as a user would write it."""
    if split.table.form == "pictures":
        return "bernoulli"
    start = split.n_numbers
    parts = [("gaussian", slice(0, start))] if start else []
    for width in split.blocks:
        parts.append(("categorical", slice(start, start + width)))
        start += width
    return parts


# --- the log --------------------------------------------------------------------------


def key(cell, plan):
    """Return what must be the same for a cell not to be measured again.

    The checksum of all parameters changes with the defaults of the estimator.
    """
    found = {**cell._asdict(), "max_rows": plan.max_rows, "checksum": None}
    if cell.estimator is not None:
        model = cell.estimator().set_params(**plan.params(cell))
        text = repr(sorted(model.get_params(deep=False).items()))
        found["checksum"] = f"{zlib.crc32(text.encode()):08x}"
    return found


def read_log(path):
    """Return the entries of a log by their keys; a line that was cut off is left out.

    Cells that failed are left out too, so that they are tried again.
    """
    entries = {}
    if path is None or not path.exists():
        return entries
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if "failed" not in entry["values"]:
            entries[text_of(entry["key"])] = entry["values"]
    return entries


def text_of(found):
    """Return a key as text, to look it up."""
    return json.dumps(found, sort_keys=True)


def append(path, found, values):
    """Add one line to a log, unless the path is None."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a") as file:
        file.write("\n" * cut + json.dumps({"key": found, "values": values}) + "\n")
        file.flush()
        os.fsync(file.fileno())


# --- measuring ------------------------------------------------------------------------


def measured(cell, plan, measure):
    """Return a cell with its values, its seconds, and the warnings that a user sees.

    A method that fails has only the value "failed".
    """
    torch.set_num_threads(1)
    start = time.perf_counter()
    with threadpool_limits(1), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            values = measure(cell, plan)
        except Exception as error:  # the other cells go on
            return cell, {"failed": f"{type(error).__name__}: {error}"[:200]}
    values = {name: float(value) for name, value in values.items()}
    values["cell, s"] = round(time.perf_counter() - start, 2)
    told = {w.category.__name__ for w in seen if issubclass(w.category, SkvaeWarning)}
    return cell, values | ({"warned": ", ".join(sorted(told))} if told else {})


def run(todo, plan, measures, jobs):
    """Yield each cell with its values as soon as it is measured."""
    if jobs == 1:  # in this process: Ctrl-C and errors are immediate
        for cell in todo:
            yield measured(cell, plan, measures[cell.work])
        return
    workers = Parallel(jobs, return_as="generator_unordered", batch_size=1)
    yield from workers(
        delayed(measured)(cell, plan, measures[cell.work]) for cell in todo
    )
