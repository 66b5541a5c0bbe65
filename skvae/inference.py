"""Answers of a fitted model, slice by slice: latents, means, draws and likelihoods.

Rows go through a network in slices of a fixed size. A short last slice is padded:
matrix products in single precision depend on the number of rows, and the result of a
row must not depend on the rows beside it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from skvae.annealing import N_TEMPERATURES
from skvae.chunks import LIKELIHOOD_ROWS
from skvae.distributions import Noise
from skvae.estimates import annealed, elbo, importance, row_noise
from skvae.nets import deterministic_convolutions, own_precision
from skvae.refinement import MORE, SEARCH
from skvae.training import Rows, Table

ROWS = 4096  # per slice when encoding and decoding
MIN_ROWS = 32
# A row whose effective sample size is below the first rests on a single draw, or
# nearly, and its ln p(x) is too low. If more than this share of the rows do, so is the
# mean, by more than its error.
MIN_EFFECTIVE, MAX_SHARE = 2.0, 0.1
# Times the usual steps, for rows below the first or still rising, and for rows with
# another start.
MORE_STEPS, SEARCH_STEPS = 3, 2
FEW = 8  # draws asked for, up to which so small a sample is no surprise


class LogLikelihood(NamedTuple):
    """An estimate of ln p(x) with its Monte-Carlo error, in nats.

    Attributes
    ----------
    values : ndarray of shape (n,)
        The estimate of each row.
    std_error : ndarray of shape (n,)
        Standard error of each row's value due to the draws, by the delta method. It
        excludes the bias.
    mean_std_error : float
        Standard error of the mean over rows due to the draws. Each row has its own
        draws.
    """

    values: np.ndarray
    std_error: np.ndarray
    mean_std_error: float


class Diagnostics(NamedTuple):
    """An estimate of ln p(x) with its diagnostics.

    Attributes
    ----------
    values, std_error, mean_std_error
        As in `LogLikelihood`.
    effective_sample_size : ndarray of shape (n,)
        Effective number of draws, (Σ w)² / Σ w² over each row's importance weights.
    log_normaliser, log_normaliser_error : float
        Estimate of ln of the prior's normaliser, which was subtracted, and its standard
        error; 0 if the prior is normalised.
    """

    values: np.ndarray
    std_error: np.ndarray
    mean_std_error: float
    effective_sample_size: np.ndarray
    log_normaliser: float
    log_normaliser_error: float


def is_too_low(found, n_samples):
    """Whether too many rows of a `Diagnostics` rest on too few of their draws."""
    few = found.effective_sample_size < MIN_EFFECTIVE
    return n_samples > FEW and few.mean() > MAX_SHARE


class Evaluator:
    """Computes answers with a module, on its device and in its precision.

    A ``table`` may be a `Table`, an array, or some `Rows` of a table.

    Parameters
    ----------
    module : LatentModel
        A module in evaluation mode.
    origin : ndarray of shape (D,), optional
        What to subtract from the columns of tables, and to add to those of results.
    fill : ndarray of shape (D,), optional
        What stands for missing cells in tables, relative to the origin.
    """

    def __init__(self, module, origin=None, fill=None):
        self.module, self.origin, self.fill = module, origin, fill
        tensor = next(module.parameters())
        self.device, self.dtype = tensor.device, tensor.dtype

    def rows(self, table, index=None):
        """Return rows of a table, all by default, as `Rows` for this module."""
        if isinstance(table, Rows):
            return table
        return Rows(table, self.device, self.dtype, index, self.origin, self.fill)

    def batch(self, table):
        """Return all rows of a table as one batch."""
        rows = self.rows(table)
        return rows.take(torch.from_numpy(rows.index))

    def precision(self, dtype):
        """Return the precision of rows: `dtype`, or double if it cannot hold them."""
        return dtype if self.origin is None else np.dtype(np.float64)

    def in_units(self, x, dtype, columns=slice(None)):
        """Add the origin to computed columns; return them as `dtype` or in double."""
        x = x.astype(self.precision(dtype), copy=False)
        return x if self.origin is None else x + self.origin[columns]

    def encode(self, table):
        """Return the latents of each row, (n, K)."""
        return self.in_slices(table, self.module.encode)

    def decode(self, Z, condition=None):
        """Return the mean of p(x | z) for each row of `Z`, (n, D), in its precision."""
        latents = Rows(Table(Z, condition), self.device, self.dtype)
        decode = self.module.decode
        x = self.in_slices(latents, lambda batch: decode(batch.x, batch))
        return self.in_units(x, Z.dtype)

    def reconstruct(self, table):
        """Return the mean of p(x | z) at the latents of each row, as `decode` does."""
        rows = self.rows(table)

        def through(batch):
            return self.module.decode(self.module.encode(batch), batch)

        return self.in_units(self.in_slices(rows, through), rows.X.dtype)

    def reconstruction_log_likelihood(self, table):
        """Return ln p(x | z) at the latents z of each row, in nats, (n,)."""

        def through(batch):
            z = self.module.encode(batch)
            return self.module.log_likelihood(z, batch)

        return self.in_slices(table, through)

    @own_precision()
    @torch.inference_mode()
    def distributions(self, table):
        """Return q(z | x) and p(z) for all rows at once."""
        batch = self.batch(table)
        return self.module.posterior(batch), self.module.prior(batch)

    @own_precision()
    @deterministic_convolutions()
    @torch.inference_mode()
    def sample(self, n_samples, n_features, seed, mean=False, condition=None):
        """Draw z ~ p(z), then return x ~ p(x | z) or its mean, (n_samples, D)."""
        noise = Noise.from_seed(seed, self.device)
        table = Table(np.empty((n_samples, 0)), condition)
        rows, x = Rows(table, self.device, self.dtype), None
        for start in range(0, n_samples, ROWS):
            batch = rows.take(torch.arange(start, min(start + ROWS, n_samples)))
            batch = batch._replace(x=batch.x.new_empty((len(batch.x), n_features)))
            z = self.module.prior(batch).sample(noise)
            p = self.module.likelihood(z, batch)
            part = (p.mean if mean else p.sample(noise)).cpu().numpy()
            part = self.in_units(finite(part, self.dtype, start), part.dtype)
            if x is None:  # the only memory that grows with the number of rows
                x = np.empty((n_samples, *part.shape[1:]), part.dtype)
            x[start : start + len(part)] = part
        return x

    @own_precision()
    @deterministic_convolutions()
    @torch.inference_mode()
    def log_likelihood(
        self,
        table,
        n_samples,
        seed,
        method="importance",
        refine=None,
        n_temperatures=N_TEMPERATURES,
    ):
        """Estimate ln p(x), or the ELBO, of each row from `n_samples` draws.

        The proposals of importance sampling are refined by `refine` steps, by default
        by as many as suit the model. With "ais", a draw is a chain through
        `n_temperatures`. Each row has its own draws.

        Each slice of rows is encoded once, and its latents are decoded chunk by chunk.
        The memory needed thus depends neither on the number of rows nor, except for one
        number per draw and row of a slice, on the number of draws.

        Returns
        -------
        Diagnostics
        """
        estimate = {
            "importance": partial(importance, refine=refine),
            "ais": partial(annealed, n_temperatures=n_temperatures),
            "elbo": elbo,
        }[method]
        rows = self.rows(table)
        found, keys = self._estimated(rows, estimate, n_samples, seed)
        improves = method == "importance" and refine is None
        return self.completed(rows, found, keys, n_samples, seed, improves)

    def completed(self, rows, found, keys, n_samples, seed, improves):
        """Return the `Diagnostics` of estimates, (4, n), for rows with these keys.

        With `improves`, rows that need it are refined by more steps first.
        """
        if improves and n_samples > FEW:
            self._improve(found, rows, n_samples, seed)
        values, errors, sizes, _ = found
        finite(values, self.dtype)
        mean_error = error_of_mean(errors, keys)
        return Diagnostics(
            values, errors, mean_error, sizes, *self.module.log_normaliser()
        )

    def _estimated(self, rows, estimate, n_samples, seed):
        """Return the parts of an `Estimate` of all rows, (4, n), and their keys."""
        found, keys = np.empty((4, len(rows))), np.empty(len(rows), dtype=np.int64)
        for batch, n_rows, where in slices(rows, LIKELIHOOD_ROWS):
            noise = row_noise(batch, seed)
            parts = estimate(self.module, batch, noise, n_samples)
            for into, part in zip(found, parts, strict=True):
                into[where] = part[:n_rows].cpu().numpy()
            keys[where] = noise.keys[:n_rows].cpu().numpy()
        return found, keys

    def _improve(self, found, rows, n_samples, seed):
        """Refine rows again that need it: by more steps, or from another start.

        Their new draws do not depend on those that showed the need.
        """
        n_steps, (_, _, sizes, need) = self.module.n_refinements, found
        search = need == SEARCH
        more = ~search & ((need == MORE) | (sizes < MIN_EFFECTIVE))
        longer = partial(importance, refine=MORE_STEPS * n_steps)
        searching = partial(importance, refine=SEARCH_STEPS * n_steps, search=True)
        for which, estimate in ((more, longer), (search, searching)):
            poor = np.flatnonzero(which)
            if n_steps and len(poor):
                again = self._estimated(
                    rows.subset(poor), estimate, n_samples, seed + 1
                )
                found[:, poor] = again[0]

    @own_precision()
    @deterministic_convolutions()
    @torch.inference_mode()
    def in_slices(self, table, function, size=ROWS):
        """Apply a function of a batch to all rows, `size` of them at a time."""
        rows, out = self.rows(table), None
        for batch, n_rows, where in slices(rows, size):
            part = function(batch)[:n_rows].cpu().numpy()
            finite(part, self.dtype, where.start)
            if out is None:
                out = np.empty((len(rows), *part.shape[1:]), dtype=part.dtype)
            out[where] = part
        return out


def finite(values, dtype, start=0):
    """Return values computed in `dtype`, one entry per row, if all are finite.

    `start` is the number of the first row.

    Raises
    ------
    FloatingPointError
        If one is. The message names its row.
    """
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return values
    wrong = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    advice = ", or fit with dtype='float64'" if dtype != torch.float64 else ""
    raise FloatingPointError(
        f"A value computed for row {start + int(np.argmax(wrong))} is not finite in "
        f"{str(dtype).removeprefix('torch.')}: the input or the fitted weights are too "
        f"large. Scale the data{advice}."
    )


def slices(rows, size):
    """Yield batches of at least `MIN_ROWS` rows, how many count, and where they go."""
    for start in range(0, len(rows), size):
        where = slice(start, min(start + size, len(rows)))
        n_rows = where.stop - start
        if n_rows >= MIN_ROWS and rows.whole:
            yield rows.neighbours(where), n_rows, where
            continue
        index = rows.index[where]
        if n_rows < MIN_ROWS:  # repeat the first row
            index = np.append(index, np.repeat(index[:1], MIN_ROWS - n_rows))
        yield rows.take(torch.from_numpy(index)), n_rows, where


def error_of_mean(errors, keys):
    """Return the standard error of the mean over rows.

    Rows are independent, except that equal rows, which have equal keys, share their
    draws, and hence their error.
    """
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[0]] - 1))
    shared = np.add.reduceat(errors[order], starts)
    return float(np.sqrt(np.square(shared).sum()) / len(errors))
