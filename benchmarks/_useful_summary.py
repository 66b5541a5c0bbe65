"""Rows and summary of the usefulness benchmark."""

import numpy as np

from benchmarks import _useful_anomalies as anomalies
from benchmarks import _useful_density as density
from benchmarks import _useful_features as features
from benchmarks import _useful_synthetic as synthetic
from benchmarks._useful_cells import OURS

MARGIN = 0.01  # a set is lost if the difference is more than this
CONTINUOUS = "density, continuous"  # tables without a repeated column
SHOWN = {
    "features": (*features.MEASURES, "in use", "fit, s"),
    "density": (*density.MEASURES, "median ESS", "fit, s"),
    CONTINUOUS: density.MEASURES,
    "anomalies": anomalies.MEASURES,
    "synthetic": (*synthetic.MEASURES, "fit, s"),
}
COMPARED = {*features.MEASURES, *density.MEASURES, *anomalies.MEASURES, "AUC"}
ALONE = dict.fromkeys(
    ("against", "mean difference", "median difference", "above", "lost")
)
REFERENCES = {  # baselines are compared with the first, the VAE with all
    "features": ("PCA", "AE", "raw"),
    "density": ("PCA", "FactorAnalysis", "GaussianMixture"),
    CONTINUOUS: ("PCA", "FactorAnalysis", "GaussianMixture"),
    "anomalies": ("IsolationForest", "published IForest", "published VAE"),
    "synthetic": ("GaussianMixture", "real"),
}


def per_set(results, plan):
    """Return one row per table, method and number of latents: means over the seeds.

    The published detectors of the same tables are added.
    """
    groups = {}
    for cell, values in results.items():
        groups.setdefault(cell[:4], []).append(values)
    rows = [row_of(*name, found) for name, found in groups.items()]
    names = dict.fromkeys(name[1] for name in groups if name[0] == "anomalies")
    for name, method, values in anomalies.published(plan, names):
        rows.append(row_of("anomalies", name, method, None, [values]))
    return rows


def row_of(work, name, method, k, found):
    """Return the row of some seeds; seeds that failed are only counted."""
    good = [values for values in found if "failed" not in values]
    latents = "" if k is None else f", k={k}"
    row = {
        "what": f"{work}: {name}, {method}{latents}",
        "work": work,
        "set": name,
        "method": method,
        "k": k,
        "seeds": len(good),
    }
    for column in dict.fromkeys(column for values in good for column in values):
        if column != "warned":
            values = [values[column] for values in good if column in values]
            row[column] = float(f"{np.mean(values):.6g}")
    warned = sum("warned" in values for values in good)
    kinds = {"failed": len(found) - len(good), "warned": warned}
    return row | {kind: count for kind, count in kinds.items() if count}


def summary(rows):
    """Return means over the tables, and differences from the baselines.

    Methods are compared on the tables that both have. R² below 0 counts as 0. Densities
    have no mean over tables, because a few wide tables would decide it.
    """
    lines = []
    continuous = [row for row in rows if row.get("repeated") == 0]
    rows = rows + [row | {"work": CONTINUOUS} for row in continuous]
    for work, shown in SHOWN.items():
        of_work = [row for row in rows if row["work"] == work]
        for k, method in dict.fromkeys((row["k"], row["method"]) for row in of_work):
            for measure in shown:
                lines += lines_of(of_work, work, measure, k, method)
    return sorted(lines, key=order)


def order(line):
    """Return the key to sort lines by kind of work, measure and latents."""
    work, measure = line["work"], line["measure"]
    return list(SHOWN).index(work), SHOWN[work].index(measure), line["k"] or 0


def lines_of(rows, work, measure, k, method):
    """Return the lines of a method: one per baseline, or one without."""
    found = values_of(rows, measure, k, method)
    if not found:
        return []
    line = {
        "work": work,
        "measure": measure,
        "k": k,
        "method": method,
        "sets": len(found),
        "mean": average(found.values()),
    }
    if is_density(work) and measure in COMPARED:
        line["mean"] = None
    compared = []
    for reference in references(work, measure, method):
        if values := differences(rows, measure, k, found, reference):
            compared.append(line | versus(reference, values, work))
    if line["mean"] is None:
        return compared
    return compared or [line | ALONE]


def values_of(rows, measure, k, method):
    """Return the values of a method by table."""
    return {
        row["set"]: max(row[measure], 0) if row["work"] == "features" else row[measure]
        for row in rows
        if row["method"] == method and row["k"] == k and measure in row
    }


def references(work, measure, method):
    """Return the methods with which a method is compared."""
    if measure not in COMPARED or method.startswith("published"):
        return ()
    found = REFERENCES[work]
    if method.split()[0] != OURS:
        found = found[:1]
    found = (*found, OURS) if method.startswith(f"{OURS} ") else found
    return tuple(name for name in found if name != method)


def differences(rows, measure, k, found, reference):
    """Return the differences on the tables that the reference has too.

    Other detectors of anomalies than the VAE have one score per protocol.
    """
    plain = f"{measure.partition(', ')[0]}, {anomalies.OURS[0]}"
    for name in (measure, plain):
        for latents in (k, None):
            theirs = values_of(rows, name, latents, reference)
            if theirs:
                return [found[s] - theirs[s] for s in found if s in theirs]
    return []


def versus(reference, values, work):
    """Return the columns of a comparison, from the differences by table."""
    values = np.array(values)
    return {
        "against": reference,
        "mean difference": None if is_density(work) else average(values),
        "median difference": float(f"{np.median(values):.3g}"),
        "above": int((values > 0).sum()),
        "lost": int((values < -MARGIN).sum()),
    }


def is_density(work):
    """Return whether the measures are densities, except times and so on."""
    return work.startswith("density")


def average(values):
    """Return the mean, with four digits."""
    return float(f"{np.mean([*values]):.4g}")
