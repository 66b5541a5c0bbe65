"""Page of the benchmark of a table that is larger than memory."""

from benchmarks.reports import Report
from benchmarks.reports.speed import line


def tables(record):
    return {"A fit to files": [line(row) for row in record["rows"]]}


REPORT = Report(
    title="More rows than memory",
    asked="""\
Can a process with little memory fit a table on disk that is larger, and what does that
cost? A Parquet folder is fitted with the default network under a limit of the address
space, and the time of a row and epoch is compared with a fit to an array in memory.""",
    tables=tables,
)
