"""What can be read in blocks of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class RowSource(Protocol):
    """A table in blocks of rows. Blocks, and the rows in them, have a fixed order.

    Attributes
    ----------
    sizes : sequence of int
        Number of rows of each block.
    sequential : bool, optional
        Whether `read` is slow unless the blocks are read in their order. The order of
        the blocks is then the same in every epoch.
    """

    sizes: Sequence[int]

    def read(self, block: int) -> Any:
        """Return a block as an array or a data frame.

        The names and dtypes of a data frame say what the columns are, as in `fit`.
        """


@dataclass(frozen=True)
class Source:
    """A source of rows, and how many of them may be in memory.

    Attributes
    ----------
    rows : RowSource
        The source.
    buffer_size : int
        Number of rows that are shuffled together. A source that has no more is read
        once, and is an ordinary table from then on.
    sizes : ndarray of int
        Number of rows of each block.
    """

    rows: RowSource
    buffer_size: int
    sizes: np.ndarray

    def __len__(self):
        return int(self.sizes.sum())

    @property
    def sequential(self):
        """Whether the blocks must be read in their order."""
        return bool(getattr(self.rows, "sequential", False))

    @property
    def starts(self):
        """Number of the first row of each block, and of all rows, (n_blocks + 1,)."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    def read(self, block):
        """Return a block.

        Raises
        ------
        ValueError
            If it does not have as many rows as expected.
        """
        table = self.rows.read(int(block))
        if len(table) != self.sizes[block]:
            raise ValueError(
                f"Block {block} of the source has {len(table)} rows, but "
                f"{self.sizes[block]} were expected: its length has changed."
            )
        return table

    def blocks(self) -> Iterator:
        """Yield the number of the first row of each block that has rows, and the block.

        Blocks are in their order.
        """
        for block in np.flatnonzero(self.sizes):
            yield int(self.starts[block]), self.read(block)
