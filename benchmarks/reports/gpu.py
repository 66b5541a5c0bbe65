"""Page of the benchmark on a GPU."""

from benchmarks.reports import Dots, Report, pick

EPOCHS = "Training time over that of a bare torch loop on the same GPU"
CHECKS = {
    "what": "model",
    "CPU": "from the CPU",
    "refit": "refit",
    "refit weights": "refit weights",
    "resumed": "resumed",
    "failed": "failed",
}


def tables(record):
    rows = record["rows"]
    if "CPU" not in rows[0]:
        columns = {n: n for n in ("what", "median", "lower", "upper")}
        return {EPOCHS: pick(rows, columns)}
    passed = [row | {"failed": (row["failed"] or "").partition(":")[0]} for row in rows]
    return {"Largest differences": pick(passed, CHECKS)}


REPORT = Report(
    title="On a GPU",
    asked="""\
Does every estimator work on a CUDA device, with the answers of the CPU? Differences
are relative to 1 + the size of a value: from the CPU with the same noise, between two
fits with one seed, and between training in one go and training resumed from a file.""",
    tables=tables,
    dots=Dots("what", {"median": ""}, "time over the bare loop's", only=(EPOCHS,)),
)
