"""Page of the fuzzer of model files."""

from benchmarks.reports import Report, pick

COLUMNS = {name: name for name in ("kind", "refused", "works", "failed")}

REPORT = Report(
    title="Damaged and forged model files",
    asked="""\
What does `skvae.load` do with files that were damaged or forged? Each must be refused
with a ValueError, or load as an estimator that works, within a second. The last row
has the time of the slowest file and how much the memory of the process grew.""",
    tables=lambda record: {"": pick(record["rows"], COLUMNS)},
)
