"""Page of the benchmark of several processes that share a fit."""

from benchmarks.reports import Report

REPORT = Report(
    title="One fit in several processes",
    asked="""\
How many rows per second does a fit train that several processes share? The rows
"computed" are not measured: they follow from the time of a step of one process at an
eighth of the batch, and from the bandwidths that vendors state, on the device of the
run.""",
    tables=lambda record: {"": record["rows"]},
)
