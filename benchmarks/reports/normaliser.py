"""Page of the benchmark of ln Z."""

from benchmarks.reports import Dots, Report, pick

COLUMNS = {
    "prior": "prior",
    "KL, nats": "KL, nats",
    "bias, nats": "bias, nats",
    "spread": "spread",
    "stated error": "stated error",
    "within 1 error": "within 1 error",
    "in 95 %": "in the 95 % interval",
}

REPORT = Report(
    title="Is the error of ln Z right?",
    asked="""\
The density-ratio prior is N(0, I) e^T / Z. How often does the stated error of ln Z
cover the truth? Here the truth is known. The last two columns are shares of the
estimates: one error should cover 67 %, and the interval 95 %.""",
    tables=lambda record: {"": pick(record["rows"], COLUMNS)},
    dots=Dots(
        "prior",
        {"in the 95 % interval": "95 % interval", "within 1 error": "1 error"},
        "share of estimates that cover the truth",
    ),
)
