"""Page of the benchmark that changes one parameter at a time."""

from benchmarks.reports import Dots, Report, split

COLUMNS = {
    "setting": "setting",
    "test ln p(x), nats": "test ln p(x)",
    "its error": "± ",
    "accuracy": "accuracy",
    "its error ": "±",
    "active latents": "active latents",
    "fit, s": "fit, s",
}

REPORT = Report(
    title="One setting at a time",
    asked="""\
What does each parameter change? Held-out ln p(x) in nats per row (64 importance
samples), accuracy of logistic regression on the latents, and seconds, as means over
seeds with standard errors.""",
    tables=lambda record: split(record["rows"], "data", COLUMNS),
    dots=Dots("setting", {"test ln p(x)": "ln p(x)"}, "test ln p(x), nats per row"),
)
