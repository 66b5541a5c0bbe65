"""Fits to rows of a source that are never in memory as a whole."""

import warnings

import numpy as np
from sklearn.utils import check_random_state

from skvae._columns import resolve_columns
from skvae._validation import check_parameters
from skvae.base._holding_out import split_rows
from skvae.distributions import Auto, Codes, Mixed, as_likelihood
from skvae.exceptions import SkvaeDataWarning
from skvae.inputs import Given, Survey
from skvae.sources import (
    Source,
    as_array,
    is_for_all,
    join_tables,
    source_of,
    take_rows,
)
from skvae.training import NOT_KEPT, HoldOut, Rows, Stream, derive_seed

N_ROWS = 2**16  # most rows of the sample, and most that are held out
LEAST = 20  # as many rows show what a column holds, see `skvae.distributions.Auto`
SHARE = 4  # of the buffer, one part in so many is the size of these at most


def joined_if_small(X, given):
    """Return a table as it is, a small source as a table, a larger one as a `Source`.

    A source is small if it fits into its buffer.

    Raises
    ------
    ValueError
        If weights are given to the rows of a larger one.
    """
    source = source_of(X)
    if source is None:
        return X
    if len(source) > source.buffer_size:
        if given.sample_weight is not None:
            raise ValueError(
                "sample_weight must be None for a source of rows that does not fit "
                "into its buffer."
            )
        return source
    return join_tables([block for _, block in source.blocks()])


def prepared_rows(estimator, X, given, resumes, splits_by=None, kept=NOT_KEPT):
    """Prepare an estimator for a table or a `Source`, and return rows of it.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        The estimator.
    X : array-like or Source
        The table.
    given : Given
        What was passed beside it.
    resumes : bool
        Whether a net that exists is kept.
    splits_by : tuple of array-like, optional
        What the split of the rows depends on besides them. Without, none are held out.
    kept : NotKept, default=NOT_KEPT
        The checkpoint of the fit.

    Returns
    -------
    rows : Rows
        All rows, or a sample of those of a source.
    parts : tuple of (Rows or Stream, Rows or None), or None
        The rows to train on and those that are held out; None for all and none.
    """
    if isinstance(X, Source):
        holds_out = splits_by is not None and estimator.early_stopping
        return rows_of_source(estimator, X, given, resumes, holds_out)
    rows = estimator._prepare(X, given, resumes, kept)
    return rows, splits_by and split_rows(estimator, rows, *splits_by)


def rows_of_source(estimator, source, given, resumes, holds_out=False):
    """Prepare an estimator for a source, and return the rows that it trains on.

    One pass over the source chooses the rows that are held out and a sample of the
    others, and computes the statistics of all columns. The estimator is built for the
    sample, which has every level of every column.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        The estimator.
    source : Source
        The source.
    given : Given
        What was passed beside it, one entry per row.
    resumes : bool
        Whether a net that exists is kept.
    holds_out : bool, default=False
        Whether rows are held out.

    Returns
    -------
    sample : Rows
        The sample.
    parts : tuple of (Stream, Rows or None)
        The rows to train on and those that are held out.
    """
    check_parameters(estimator)
    _check_one_process(estimator)
    resumes = bool(resumes) and hasattr(estimator, "net_")
    rows = RowsOfSource(estimator, source, given)
    survey = rows.survey(resumes, holds_out)
    beside = rows.given_to(survey.rows)
    moments = None if resumes else survey.moments
    sample = estimator._prepare(survey.sample, beside, resumes, moments=moments)
    sample.n_numbers = len(source)
    _check_streams(estimator, sample, holds_out)
    return sample, (rows.stream(survey, sample), rows.held_out(survey, sample))


class RowsOfSource:
    """The rows of a source, as an estimator reads them.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        The estimator.
    source : Source
        The source.
    given : Given
        What was passed beside it.
    """

    def __init__(self, estimator, source, given):
        self.estimator, self.source, self.given = estimator, source, given

    def survey(self, resumes, holds_out):
        """Return the `Survey` of the source."""
        estimator, n_rows = self.estimator, len(self.source)
        most = max(LEAST, min(N_ROWS, self.source.buffer_size // SHARE))
        n_held_out = 0
        if holds_out:
            n_held_out = round(estimator.validation_fraction * n_rows)
            n_held_out = min(max(1, n_held_out), most)
        if resumes:
            seed = estimator._seed
        else:
            random = check_random_state(estimator.random_state)
            seed = int(random.randint(np.iinfo(np.int32).max))
        seed, leveled = derive_seed(seed, "split"), leveled_columns(estimator)
        return Survey(self.source, most, n_held_out, seed, leveled)

    def given_to(self, rows):
        """Return what was passed beside some rows."""
        condition = self.given.condition
        if is_for_all(condition, len(self.source)):
            return self.given
        return Given(take_rows(condition, rows))

    def table(self, X, given):
        """Return rows as a `Table`, checked as in `fit`."""
        columns, likelihood = self.estimator._columns, self.estimator.likelihood_
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkvaeDataWarning)  # the sample has warned
            # The names were checked with the sample.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            table = columns.table(self.estimator, as_array(X), given)
            likelihood.check(table.x, columns.names)
        return table

    def held_out(self, survey, sample):
        """Return the rows that are held out, in memory, or None."""
        if survey.held_out is None:
            return None
        table = self.table(survey.held_out, self.given_to(survey.held_out_rows))
        return Rows(table, sample.device, sample.dtype, **self.estimator._units())

    def stream(self, survey, sample):
        """Return all other rows as a `Stream`."""
        source, held_out = self.source, survey.held_out_rows
        starts = source.starts
        sizes = source.sizes - np.diff(np.searchsorted(held_out, starts))

        def read(block):
            rows = np.arange(starts[block], starts[block + 1])
            try:
                table = self.table(source.read(block), self.given_to(rows))
            except ValueError as error:
                where = f"Rows {rows[0]} to {rows[-1]} of the source"
                raise ValueError(f"{where}: {error}") from error
            used = np.setdiff1d(rows, held_out, assume_unique=True)
            return (table if len(used) == len(rows) else table[used - rows[0]]), used

        in_order, units = source.sequential, self.estimator._units()
        return Stream(read, sizes, source.buffer_size, sample, in_order, **units)


def _check_one_process(estimator):
    """Raise ValueError if the fit is to be kept in a file or shared by processes."""
    owner, where = type(estimator).__name__, "a source of rows larger than its buffer"
    if estimator.checkpoint is not None:
        raise ValueError(
            f"The 'checkpoint' parameter of {owner} must be None for {where}. Got "
            f"{estimator.checkpoint!r} instead."
        )
    if "accelerator" in (estimator.net_params or {}):
        raise ValueError(f"net_params must not set accelerator for {where}.")


def _check_streams(estimator, rows, holds_out):
    """Raise ValueError if a parameter needs all rows in memory."""
    owner = type(estimator).__name__
    if rows.odds is not None:
        raise ValueError(
            f"The 'condition_weights' parameter of {owner} must be 'frequency' for a "
            "source of rows that does not fit into its buffer. Got "
            f"{estimator.condition_weights!r} instead."
        )
    split = estimator.net_.train_split
    if holds_out and split and not isinstance(split, HoldOut):
        raise ValueError(
            "net_params must not set train_split for a source of rows that does not "
            "fit into its buffer: early_stopping holds rows out."
        )


def leveled_columns(estimator):
    """Return a function from a table to its columns of numbers that may have levels.

    None if the likelihood has none, and no columns are conditions.
    """
    owner, likelihood = type(estimator).__name__, estimator.likelihood
    own = likelihood.values() if isinstance(likelihood, dict) else [likelihood]
    conditions = getattr(estimator, "condition_columns", None)
    everywhere = any(_may_have_levels(as_likelihood(one, owner)) for one in own)
    if not everywhere and conditions is None:
        return None

    def columns(block):
        names = getattr(block, "column_names", getattr(block, "columns", None))
        n_columns = block.shape[1]
        if everywhere:
            return np.arange(n_columns)
        names = None if names is None else list(names)
        return resolve_columns(conditions, n_columns, names, block)

    return columns


def _may_have_levels(likelihood):
    if isinstance(likelihood, Auto):
        return True
    if isinstance(likelihood, Mixed):
        return any(_may_have_levels(part) for part, _ in likelihood.parts)
    return isinstance(likelihood, Codes)
