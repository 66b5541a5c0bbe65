"""What a user gets from an estimator without changing a setting.

    python -m benchmarks.usefulness --data FOLDER --write
    python -m benchmarks.usefulness --work density --sets wine,usps --seeds 0
    python -m benchmarks.usefulness --params '{"es": {"early_stopping": true}}'
    python -m benchmarks.usefulness --quick     # two tables, few epochs, no data

Four kinds of work, on at most --max-rows training rows of each table:

- features: a linear predictor on 2, 8 and 16 latents, with all labels and with 100, and
  10 nearest neighbours. AUC for two classes, accuracy for more, R² for numbers.
  Numbers are standardised, categories one-hot, pixels in [0, 1].
- density: mean, median and worst ln p(x) of the test rows, on standardised numbers.
  The summary has a second part for the tables whose columns have no frequent value.
- anomalies: AUC under the two protocols of ADBench, beside the published numbers.
- synthetic: AUC on real rows of a classifier trained on rows drawn from a CVAE given
  the class.

The method "VAE" is the estimator with its defaults, "VAE NAME" the same with the
settings NAME of --params. The likelihood "by-type" stands for the one that fits the
columns: Gaussian numbers and categorical blocks, or Bernoulli pixels. A dict, such as
{"transform": "quantile"}, stands for a Gaussian with these parameters. With "auto" the
table is a data frame of raw numbers and categories. Choose settings on one half of the
tables (--half choose), and confirm them on the other.

Each cell (work, table, method, latents, seed) is added to the log (--log) as soon as it
is measured, and a rerun measures only what is missing. Changed defaults are noticed,
changed code is not: then use another log. The result file has means over the seeds of
all cells of the command line.

FOLDER contains adult.npz, adbench/pima.npz and so on; without --data it is the variable
SKVAE_DATA. Tables whose file is missing are left out.
"""

import json
import sys
from pathlib import Path

from benchmarks import _common as common
from benchmarks import _useful_anomalies as anomalies
from benchmarks import _useful_cells as cells
from benchmarks import _useful_data as data
from benchmarks import _useful_density as density
from benchmarks import _useful_features as features
from benchmarks import _useful_summary as summaries
from benchmarks import _useful_synthetic as synthetic
from skvae import VAETransformer

WORKS = {
    "features": features,
    "density": density,
    "anomalies": anomalies,
    "synthetic": synthetic,
}
SETS = {
    "features": tuple(data.FEATURES),
    "density": tuple(data.FEATURES),
    "anomalies": tuple(data.ANOMALIES),
    "synthetic": ("adult", "credit_default"),
}
NO_LATENTS = ("raw", "GaussianMixture", "IsolationForest", "real", "TVAE")
QUICK = {
    "features": ("wine", "breast_cancer"),
    "density": ("wine", "breast_cancer"),
    "anomalies": ("breast_cancer",),
    "synthetic": ("breast_cancer",),
}
summary = summaries.summary  # for benchmarks.tables


# --- command line ---------------------------------------------------------------------


def options(argv):
    """The command line."""
    parser = common.parser("usefulness", __doc__)
    add = parser.add_argument
    add("--work", type=common.words, default=tuple(WORKS), help=", ".join(WORKS))
    add("--sets", type=common.words, help="default: all")
    add("--half", choices=("choose", "confirm"), help="half of the tables")
    add("--methods", type=common.words, help="default: all, and those of --params")
    add("--params", type=json.loads, default={}, help='{"name": {parameter: value}}')
    add("--k", type=common.numbers, default=(2, 8, 16), help="latents of the features")
    add("--max-rows", type=int, default=1000, help="training rows")
    add("--jobs", type=int, default=1, help="cells measured in parallel")
    add("--log", type=Path, help="default: beside the result file")
    chosen = parser.parse_args(argv)
    if chosen.quick:
        chosen.k = (2,)
    elif chosen.log is None:
        chosen.log = (chosen.write or common.RESULTS / "usefulness").with_suffix(
            ".jsonl"
        )
    check(parser, chosen)
    return chosen


def check(parser, chosen):
    """Exit with a message if a name is not known."""
    sets = dict.fromkeys(name for part in SETS.values() for name in part)
    allowed = {
        "work": tuple(WORKS),
        "sets": tuple(sets),
        "methods": tuple(
            dict.fromkeys(m for w in WORKS for m in methods_of(w, chosen))
        ),
    }
    for option, names in allowed.items():
        for name in getattr(chosen, option) or ():
            if name not in names:
                parser.error(f"--{option}: no {name!r}; choose from {', '.join(names)}")


def methods_of(work, chosen):
    """Return the methods of a kind of work: VAE, its settings, baselines."""
    named = [f"{cells.OURS} {name}" for name in chosen.params]
    return (cells.OURS, *named, *WORKS[work].BASELINES)


def plan_of(chosen):
    """Return what all cells share."""
    common_params = {} if chosen.device == "auto" else {"device": chosen.device}
    return cells.Plan(
        folder=common.data_folder(chosen.data),
        max_rows=chosen.max_rows,
        settings=chosen.params,
        common=common_params | ({"max_epochs": 5} if chosen.quick else {}),
    )


def all_cells(chosen, plan):
    """Return the cells of the command line, table by table."""
    found = []
    for work in chosen.work:
        for name in (QUICK if chosen.quick else SETS)[work]:
            is_chosen = chosen.sets is None or name in chosen.sets
            if not is_chosen or not data.in_half(name, chosen.half):
                continue
            if file := data.missing(work, name, plan.folder):
                print(f"{work}: {name} is left out: no {file}", file=sys.stderr)
            else:
                found += cells_of(work, name, chosen)
    return found


def cells_of(work, name, chosen):
    """Return the cells of one table; only features vary the number of latents."""
    k = chosen.k if work == "features" else (VAETransformer().n_components,)
    return [
        cells.Cell(work, name, method, latents, seed)
        for seed in chosen.seeds
        for method in methods_of(work, chosen)
        if chosen.methods is None or method in chosen.methods
        for latents in ((None,) if method in NO_LATENTS else k)
    ]


def settings(chosen):
    """Settings needed to run it again."""
    names = ("work", "sets", "half", "methods", "seeds", "max_rows", "device")
    found = {name: getattr(chosen, name) for name in names}
    return found | {"params": json.dumps(chosen.params), "test rows": data.TEST_ROWS}


# --- running --------------------------------------------------------------------------


def measured(todo, chosen, plan):
    """Yield each cell with its values: first those of the log, then new ones."""
    known = cells.read_log(chosen.log)
    texts = {cell: cells.text_of(cells.key(cell, plan)) for cell in todo}
    rest = [cell for cell in todo if texts[cell] not in known]
    print(f"{len(todo) - len(rest)} of {len(todo)} cells are known", flush=True)
    yield from ((cell, known[texts[cell]]) for cell in todo if texts[cell] in known)
    measures = {work: module.measure for work, module in WORKS.items()}
    found = cells.run(rest, plan, measures, chosen.jobs)
    for number, (cell, values) in enumerate(found, start=1):
        cells.append(chosen.log, cells.key(cell, plan), values)
        shown = ", ".join(f"{name} {common.show(v)}" for name, v in values.items())
        print(f"[{number}/{len(rest)}] {cell}: {shown}", flush=True)
        yield cell, values


def main(argv=None):
    """Measure what is missing, print the summary, and write it with --write."""
    chosen = options(argv)
    plan = plan_of(chosen)
    todo = all_cells(chosen, plan)
    if not todo:
        print("Nothing to measure: pass --data or SKVAE_DATA.", file=sys.stderr)
        return 2
    if "synthetic" in chosen.work and synthetic.TVAE is None:
        print("TVAE is left out: the package ctgan is not installed", file=sys.stderr)
    found = dict(measured(todo, chosen, plan))
    rows = summaries.per_set({cell: found[cell] for cell in todo}, plan)
    if lines := summary(rows):
        common.print_table(lines)
    for row in rows:
        if "failed" in row:
            print(f"failed for {row['failed']} seeds: {row['what']}", file=sys.stderr)
    if chosen.write:
        record = common.record(settings(chosen), rows)
        common.write_records(chosen.write, [record])
    return 0


if __name__ == "__main__":
    sys.exit(main())
