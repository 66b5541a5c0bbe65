"""Page of the benchmark of the defaults on many tables."""

from benchmarks._useful_summary import summary
from benchmarks.reports import Dots, Report

METHODS = {
    "VAE": "VAE",
    "PCA": "PCA",
    "AE": "AE",
    "FactorAnalysis": "factor analysis",
    "KernelPCA": "kernel PCA",
    "raw": "columns",
}
FEATURES = "Features: mean score of a linear predictor over the tables"
GAIN = "Features: score of VAE minus score of PCA"
DENSITY = "Density: ln p(x) of VAE minus ln p(x) of another model, nats per row"
ANOMALIES = "Anomalies: mean AUC over the tables"
SYNTHETIC = "Training on drawn rows: mean AUC on real rows"
AGAINST = {
    "features": ("PCA",),
    "density": ("PCA", "FactorAnalysis", "GaussianMixture"),
}


def tables(record):
    lines = summary(record["rows"])
    return {
        FEATURES: features(lines),
        GAIN: compared(lines, "features"),
        DENSITY: compared(lines, "density"),
        ANOMALIES: anomalies(lines),
        SYNTHETIC: synthetic(lines),
    }


def features(lines):
    """One row per number of latents, one column per method."""
    lines = [line for line in lines if line["work"] == "features"]
    lines = [line for line in lines if line["measure"] == "all labels"]
    means = {(line["k"], line["method"]): line["mean"] for line in lines}
    return [
        {"latents": k}
        | {
            shown: means.get((k, name), means.get((None, name)))
            for name, shown in METHODS.items()
        }
        for k in sorted({k for k, _ in means if k})
    ]


def compared(lines, work):
    """Differences of the VAE from each baseline."""
    return [
        {
            "measure": line["measure"],
            "latents": line["k"],
            "against": METHODS.get(line["against"], line["against"]),
            "mean difference": line["mean difference"],
            "median difference": line["median difference"],
            "VAE ahead": f"{line['above']} of {line['sets']}",
            "behind by over .01": line["lost"],
        }
        for line in lines
        if line["work"] == work and line["method"] == "VAE"
        if line["against"] in AGAINST[work]
    ]


def anomalies(lines):
    """One row per detector, one column per protocol."""
    means = {}
    for line in lines:
        protocol, _, score = line["measure"].partition(", ")
        if line["work"] == "anomalies" and score == "ln p(x)":
            means.setdefault(line["method"], {})[protocol] = line["mean"]
    rows = [
        {
            "detector": name,
            "trained on normal rows": found.get("semi"),
            "anomalies among the training rows": found.get("unsup"),
        }
        for name, found in means.items()
    ]
    return sorted(rows, key=lambda row: -(row["trained on normal rows"] or 0))


def synthetic(lines):
    """One row per source of the training rows."""
    return [
        {"rows from": line["method"], "AUC": line["mean"]}
        for line in lines
        if (line["work"], line["measure"]) == ("synthetic", "AUC")
        if line["against"] in (None, "GaussianMixture")
    ]


REPORT = Report(
    title="The defaults on many tables",
    asked="""\
What does a user get without changing a setting: as features for a predictor, as a
density, for finding anomalies, and as a source of rows? Scores are AUC for two
classes, accuracy for more and R² for numbers. The tables are scikit-learn's, adult
and those of ADBench, with at most 1 000 training rows each. "VAE" is the estimator
with its defaults.""",
    tables=tables,
    dots=Dots(
        label="detector",
        columns={
            "trained on normal rows": "normal rows only",
            "anomalies among the training rows": "with anomalies",
        },
        axis="mean AUC",
        only=(ANOMALIES,),
    ),
)
