"""Answers of a fitted model, slice by slice: latents, means, draws and likelihoods.

Rows go through a network in slices of a fixed size. A short last slice is padded:
matrix products in single precision depend on the number of rows, and the result of a
row must not depend on the rows beside it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from skvae.distributions import Noise, Normal, RowNoise, SharedNoise, kl, row_keys
from skvae.refinement import Widened, refined
from skvae.training import Rows, Table

ROWS = 4096  # per slice when encoding and decoding
LIKELIHOOD_ROWS = 128  # per slice of importance sampling
MIN_ROWS = 32
CHUNK_ELEMENTS = 2**21  # values in the widest layer for one chunk of latents


class LogLikelihood(NamedTuple):
    """An estimate of ln p(x) with its Monte-Carlo error, in nats.

    Attributes
    ----------
    values : ndarray of shape (n,)
        The estimate of each row.
    std_error : ndarray of shape (n,)
        Standard error of each row's value, by the delta method.
    mean_std_error : float
        Standard error of the mean over rows. As rows share their draws, it is computed
        from the draws, not from `std_error`.
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


class Evaluator:
    """Computes answers with a module, on its device and in its precision.

    A ``table`` may be a `Table`, an array, or some `Rows` of a table.

    Parameters
    ----------
    module : LatentModel
        A module in evaluation mode.
    origin : ndarray of shape (D,), optional
        What to subtract from the columns of tables, and to add to those of results.
    """

    def __init__(self, module, origin=None):
        self.module, self.origin = module, origin
        tensor = next(module.parameters())
        self.device, self.dtype = tensor.device, tensor.dtype

    def rows(self, table, index=None):
        """Return rows of a table, all by default, as `Rows` for this module."""
        if isinstance(table, Rows):
            return table
        return Rows(table, self.device, self.dtype, index, self.origin)

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
            return self.module.likelihood(z, batch).log_prob(batch.x)

        return self.in_slices(table, through)

    @torch.inference_mode()
    def distributions(self, table):
        """Return q(z | x) and p(z) for all rows at once."""
        batch = self.batch(table)
        return self.module.posterior(batch), self.module.prior(batch)

    @torch.inference_mode()
    def sample(self, n_samples, n_features, seed, mean=False, condition=None):
        """Draw z ~ p(z), then return x ~ p(x | z) or its mean, (n_samples, D)."""
        noise = Noise.from_seed(seed, self.device)
        table = Table(np.empty((n_samples, 0)), condition)
        rows = Rows(table, self.device, self.dtype)
        parts = []
        for start in range(0, n_samples, ROWS):
            batch = rows.take(torch.arange(start, min(start + ROWS, n_samples)))
            batch = batch._replace(x=batch.x.new_empty((len(batch.x), n_features)))
            z = self.module.prior(batch).sample(noise)
            p = self.module.likelihood(z, batch)
            parts.append((p.mean if mean else p.sample(noise)).cpu().numpy())
        x = np.concatenate(parts)
        return self.in_units(x, x.dtype)

    @torch.inference_mode()
    def log_likelihood(self, table, n_samples, seed, method="importance", refine=0):
        """Estimate ln p(x), or the ELBO, of each row from `n_samples` draws.

        With `refine` steps the proposals of importance sampling are refined, and each
        row has its own draws; without, all rows share theirs.

        Each slice of rows is encoded once, and its latents are decoded chunk by chunk.
        The memory needed thus depends neither on the number of rows nor, except for one
        number per draw and row of a slice, on the number of draws.

        Returns
        -------
        Diagnostics
        """
        draw = {"importance": _log_weights, "elbo": _elbo}[method]
        if refine:
            draw = partial(_refined_log_weights, n_steps=refine)
        reduce = {"importance": _log_mean_exp, "elbo": _mean}[method]
        rows = self.rows(table)
        values, errors, sizes = np.empty((3, len(rows)))
        shared = torch.zeros(n_samples, dtype=torch.float64, device=self.device)
        for batch, n_rows, where in _slices(rows, LIKELIHOOD_ROWS):
            if refine:
                noise = RowNoise(
                    row_keys(seed, batch.x, batch.condition, batch.observed)
                )
            else:  # the same for every slice
                noise = SharedNoise.from_seed(seed, self.device)
            draws = draw(self.module, batch, noise, n_samples)[:, :n_rows]
            value, influence, size = reduce(draws.double())
            values[where] = value.cpu().numpy()
            errors[where] = _std_error(influence).cpu().numpy()
            sizes[where] = size.cpu().numpy()
            shared += influence.sum(1)
        mean_error = float(_std_error(shared / len(rows)))
        if refine:
            mean_error = float(np.sqrt(np.square(errors).sum()) / len(rows))
        return Diagnostics(
            values, errors, mean_error, sizes, *self.module.log_normaliser()
        )

    @torch.inference_mode()
    def in_slices(self, table, function, size=ROWS):
        """Apply a function of a batch to all rows, `size` of them at a time."""
        rows, out = self.rows(table), None
        for batch, n_rows, where in _slices(rows, size):
            part = function(batch)[:n_rows].cpu().numpy()
            if out is None:
                out = np.empty((len(rows), *part.shape[1:]), dtype=part.dtype)
            out[where] = part
        return out


def _slices(rows, size):
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


def _chunks(widest, n_samples):
    """Split the draws so that no layer has many more than `CHUNK_ELEMENTS` values."""
    size = max(1, CHUNK_ELEMENTS // (LIKELIHOOD_ROWS * widest))
    starts = range(0, n_samples, size)
    return [slice(start, min(start + size, n_samples)) for start in starts]


class _Largest(TorchFunctionMode):
    """Notes the largest result of torch functions in this thread, in values."""

    n_values = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.n_values = max(self.n_values, out.numel())
        return out


def _widest(module, q, batch):
    """Return the number of values per row in the widest layer, by decoding once.

    Hooks on the module would not do: other threads may be using it.
    """
    with _Largest() as largest:
        module.likelihood(q.mean, batch)
    return max(batch.x.shape[-1], largest.n_values // len(batch.x))


def _over_chunks(function, q, module, batch, n_samples):
    """Fill a tensor (S, B) with the values of `function` at q, the prior and n draws.

    It is allocated at once: small tensors between the large activations of the decoder
    would keep that memory from being reused.
    """
    p = module.prior(batch)
    values = batch.x.new_empty((n_samples, len(batch.x)))
    for where in _chunks(_widest(module, q, batch), n_samples):
        values[where] = function(q, p, where.stop - where.start)
    return values


def _log_weights(module, batch, noise, n_samples):
    """Return ln w of every draw, (S, B)."""

    def draw(q, p, n):
        return module.log_weights(q, p, batch, noise, n)

    return _over_chunks(draw, module.proposal(batch), module, batch, n_samples)


def _refined_log_weights(module, batch, noise, n_samples, n_steps):
    """Return ln w of every draw from refined posteriors, (S, B)."""
    q = module.posterior(batch)
    if not isinstance(q, Normal):
        raise ValueError(
            f"The 'refine' parameter must be 0 for {type(module).__name__}, which has "
            "no Gaussian posterior."
        )
    q = Widened(refined(module, batch, q, n_steps, noise))

    def draw(q, p, n):
        return module.log_weights(q, p, batch, noise, n)

    return _over_chunks(draw, module.proposal(batch, q), module, batch, n_samples)


def _elbo(module, batch, noise, n_samples):
    """Return ln p(x | z) − KL(q || p) at every draw, (S, B)."""

    def draw(q, p, n):
        z = q.sample(noise, n)  # (n, B, K)
        return module.likelihood(z, batch).log_prob(batch.x) - kl(q, p, z)

    return _over_chunks(draw, module.posterior(batch), module, batch, n_samples)


def _log_mean_exp(log_w):
    """Return ln mean w over draws, the influences w / mean w − 1, and (Σw)²/Σw²."""
    value = torch.logsumexp(log_w, 0) - np.log(len(log_w))
    weights = (log_w - value).exp()
    return value, weights - 1, weights.sum(0).square() / weights.square().sum(0)


def _mean(values):
    value = values.mean(0)
    return value, values - value, torch.full_like(value, len(values))


def _std_error(influence):
    """Return the standard error of a mean of S draws, (S, ...) -> (...)."""
    n_draws = len(influence)
    if n_draws == 1:
        return torch.full_like(influence[0], torch.nan)
    return (influence.square().sum(0) / (n_draws * (n_draws - 1))).sqrt()
