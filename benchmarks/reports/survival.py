"""Page of the benchmark of checkpoints."""

from benchmarks.reports import Report

REPORT = Report(
    title="Fits that are killed",
    asked="""\
Does a fit that is killed at a random moment, and started again, end with the bits of a
fit that was left alone? "epochs saved" counts the epochs that were in the file after
each kill, and "differ" the fits whose weights, moments of the optimizers, or history
differ.""",
    tables=lambda record: {"": record["rows"]},
)
