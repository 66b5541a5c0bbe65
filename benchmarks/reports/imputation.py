"""Page of the benchmark of imputation."""

from benchmarks import imputation
from benchmarks.reports import Report, split

COLUMNS = {
    "method": "method",
    "rank": "mean rank",
    "rmse": "error",
    "accuracy": "accuracy",
    "coverage": "in 90 %",
    "predictor": "predictor",
    "seconds": "seconds",
}
NAMES = {
    "mcar": "missing completely at random",
    "mar": "missing at random",
    "mnar": "not missing at random",
}


def tables(record):
    rows, most = record["rows"], record["settings"]["rows"]
    usual = [row for row in rows if row["method"] not in imputation.SLOW]
    found = captioned(usual, most)
    if len(usual) < len(rows):
        found |= captioned(rows, most, ", beside MissForest and HyperImpute")
    return found


def captioned(rows, most, more=""):
    rows, found = imputation.complete(rows), {}
    by_mechanism = split(imputation.summary(rows), "mechanism", COLUMNS)
    for mechanism, lines in by_mechanism.items():
        some = [row for row in rows if row["mechanism"] == mechanism]
        n_tables = len({row["table"] for row in some})
        n_splits = len({(row["table"], row["seed"]) for row in some})
        text = f"{NAMES[mechanism]}{more}: {n_tables} tables of at most {most} rows"
        found[f"{text}, {n_splits} splits"] = lines
    return found


REPORT = Report(
    title="Missing cells filled in",
    asked="""\
30 % of the cells of a table are hidden. How well are they filled by `VAEImputer`, and
by scikit-learn's imputers: means, five neighbours, and `IterativeImputer` with
`BayesianRidge` ("ridge") or `ExtraTreesRegressor` of ten trees ("trees")? The error is
the root mean squared one in standard deviations of the column; the accuracy is that of
discrete columns; "in 90 %" is the share of hidden numbers in the central 90 % of 40
draws; "predictor" is the accuracy or R² of a linear model of the last column. Ranks
are means over tables and both errors; 1 is the best. The settings of `VAEImputer` were
chosen on half of the tables, with the first of the seeds. `--methods
missforest,hyperimpute` adds those of the package hyperimpute.""",
    tables=tables,
)
