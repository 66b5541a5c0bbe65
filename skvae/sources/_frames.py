"""Files and lazy data frames as sources of rows."""

from pathlib import Path

ROWS = 2**14  # per block of a lazy frame


class DatasetSource:
    """A dataset of pyarrow, or a Parquet file or folder. A block is a row group.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        The dataset.
    """

    def __init__(self, dataset):
        self.dataset, self.parts = dataset, []
        for fragment in dataset.get_fragments():
            if hasattr(fragment, "split_by_row_group"):
                self.parts += fragment.split_by_row_group()
            else:
                self.parts.append(fragment)
        self.sizes = [_n_rows(part) for part in self.parts]

    @classmethod
    def of_path(cls, path):
        """Open a Parquet file, or a folder of them.

        Raises
        ------
        ImportError
            If pyarrow is not installed.
        """
        try:
            import pyarrow.dataset
        except ImportError as error:
            raise ImportError(
                "Parquet files are read by pyarrow: pip install 'skvae[parquet]'."
            ) from error
        if not Path(path).exists():
            raise FileNotFoundError(f"{str(path)!r} is not a file or a folder.")
        return cls(pyarrow.dataset.dataset(path, format="parquet"))

    def read(self, block):
        table = self.parts[block].to_table(schema=self.dataset.schema)
        return table.combine_chunks()


def _n_rows(part):
    """Return the number of rows of a row group, or of another part of a dataset."""
    groups = getattr(part, "row_groups", None)  # count_rows is that of the file
    return sum(g.num_rows for g in groups) if groups else part.count_rows()


class LazyFrameSource:
    """A LazyFrame of polars, which must return its rows in a fixed order.

    Parameters
    ----------
    frame : polars.LazyFrame
        The frame.
    block_size : int, optional
        Rows per block.
    """

    def __init__(self, frame, block_size=None):
        import polars as pl

        self.frame, self.block_size = frame, block_size or ROWS
        n_rows = frame.select(pl.len()).collect().item()
        whole, rest = divmod(n_rows, self.block_size)
        self.sizes = [self.block_size] * whole + [rest] * bool(rest)

    def read(self, block):
        start = block * self.block_size
        return self.frame.slice(start, self.sizes[block]).collect()


class DaskFrameSource:
    """A data frame of Dask. A block is a partition.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        The frame.
    """

    def __init__(self, frame):
        self.frame = frame
        self.sizes = [int(n) for n in frame.map_partitions(len).compute()]

    def read(self, block):
        return self.frame.partitions[block].compute()
