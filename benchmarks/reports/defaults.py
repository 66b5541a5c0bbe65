"""Page of the benchmark that changes one parameter at a time."""

from benchmarks._common import show
from benchmarks.reports import Dots, Report, split

COLUMNS = {
    "setting": "setting",
    "test ln p(x), nats": "test ln p(x)",
    "its error": "±",
    "median ESS": "ESS",
    "accuracy ±": "accuracy",
    "active latents": "active latents",
    "fit, s": "fit, s",
}


def tables(record):
    return split([with_error(row) for row in record["rows"]], "data", COLUMNS)


def with_error(row):
    """Return the row with the accuracy and its error in one cell."""
    error = row["its error "]
    cell = show(row["accuracy"]) + (f" ± {show(error)}" if error is not None else "")
    return row | {"accuracy ±": cell}


REPORT = Report(
    title="One setting at a time",
    asked="""\
What does each parameter change? Held-out ln p(x) in nats per row (64 importance
samples from refined posteriors), the median effective sample size (ESS) of its rows,
accuracy of logistic regression on the latents, and seconds, as means over seeds with
standard errors.""",
    tables=tables,
    dots=Dots("setting", {"test ln p(x)": "ln p(x)"}, "test ln p(x), nats per row"),
)
