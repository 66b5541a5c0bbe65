"""Page of the benchmark of training time and memory."""

from benchmarks.reports import Dots, Report

EPOCHS = "Training time over that of a bare torch loop"
OTHERS = "Evaluation, memory and imports"


def tables(record):
    found = {EPOCHS: [], OTHERS: []}
    for row in record["rows"]:
        caption = EPOCHS if row["what"].endswith(", epoch") else OTHERS
        if not row["what"].endswith(", whole fit"):
            found[caption].append(line(row))
    return found


def line(row):
    """Return the row with its quartiles in one column."""
    return {
        "what": row["what"].removesuffix(", epoch"),
        "median": row["median"],
        "quartiles": f"{row['lower']:.4g} to {row['upper']:.4g}",
        "goal, at most": row["goal"],
        "unit": row["unit"],
    }


REPORT = Report(
    title="Speed and memory",
    asked="""\
What does the estimator cost over a bare torch loop that trains the same network? Both
are measured in turn on one thread. Other packages train the same network beside it.""",
    tables=tables,
    dots=Dots("what", {"median": ""}, "time over the bare loop's", only=(EPOCHS,)),
)
