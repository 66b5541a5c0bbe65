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
    found = split(imputation.summary(record["rows"]), "mechanism", COLUMNS)
    rows = record["settings"]["rows"]
    n_tables = len({row["table"] for row in record["rows"]})
    return {
        f"{NAMES[mechanism]}, {n_tables} tables of at most {rows} rows": lines
        for mechanism, lines in found.items()
    }


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
chosen on other tables.""",
    tables=tables,
)
