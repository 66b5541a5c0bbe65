"""Page of the benchmark of estimates of ln p(x)."""

from benchmarks.reports import Dots, Report, split

COLUMNS = {
    "setting": "setting",
    "reference, nats": "ln p(x)",
    "encoder": "encoder −",
    "refined": "refined −",
    "its error": "± ",
    "ESS, refined": "ESS",
    "cost": "cost",
}


def tables(record):
    rows = [row for row in record["rows"] if row["setting"] != "chosen"]
    return split(rows, "data", COLUMNS)


REPORT = Report(
    title="Is the estimate of ln p(x) right?",
    asked="""\
How far do estimates of 64 draws lie from ln p(x), and what do they cost? "ln p(x)" is
a reference from 3 000 draws, in nats per row. The next columns are differences from
it: "encoder −" with the encoder's posterior (`refine=0`), "refined −" with refined
posteriors (the default), and the error that is reported with it. ESS is the median
effective sample size of the refined estimate, and the cost is its time over that of
`refine=0`.""",
    tables=tables,
    dots=Dots(
        "setting",
        {"encoder −": "encoder's posterior", "refined −": "refined (default)"},
        "estimate − reference, nats per row",
    ),
)
