"""Tables that are read in blocks of rows, because they need not fit into memory.

`fit`, `partial_fit` and the answers of every estimator take such tables as `X`. The
formats are those of other libraries, which read them; a type of one's own only needs
the two members of `RowSource`.
"""

from skvae.sources._known import as_source, source_of
from skvae.sources._mapping import by_blocks, map_blocks
from skvae.sources._rows import as_array, is_for_all, join_tables, take_rows
from skvae.sources._source import RowSource, Source

__all__ = [
    "RowSource",
    "Source",
    "as_array",
    "as_source",
    "by_blocks",
    "is_for_all",
    "join_tables",
    "map_blocks",
    "source_of",
    "take_rows",
]
