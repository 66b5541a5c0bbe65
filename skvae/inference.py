"""What a fitted model is asked: latents, means, draws and likelihoods, in slices.

Rows go through a network in slices of a fixed size. A short last slice is padded, as
matrix products in single precision depend on the number of rows, and a row's result
must not depend on the rows beside it.
"""

from typing import NamedTuple

import numpy as np
import torch

from skvae.distributions import Noise, SharedNoise, kl
from skvae.training import Batch, Table

ROWS = 4096  # a slice for encoding and decoding
LIKELIHOOD_ROWS = 128  # a slice for importance sampling
MIN_ROWS = 32
CHUNK_ELEMENTS = 2**21  # values of the widest layer for a chunk of latents


class LogLikelihood(NamedTuple):
    """An estimate of ln p(x) with its Monte-Carlo error, in nats.

    Attributes
    ----------
    values : ndarray of shape (n,)
        The estimate of each row.
    std_error : ndarray of shape (n,)
        Standard error of each row's value, by the delta method.
    mean_std_error : float
        Standard error of the mean over rows. Rows share their draws, so it is found
        from the draws and not by dividing `std_error` by a root of n.
    """

    values: np.ndarray
    std_error: np.ndarray
    mean_std_error: float


class Diagnostics(NamedTuple):
    """An estimate of ln p(x) with all that says how far to trust it.

    Attributes
    ----------
    values, std_error, mean_std_error
        As in `LogLikelihood`.
    effective_sample_size : ndarray of shape (n,)
        (Σ w)² / Σ w² of each row's weights: how many draws carry its value.
    log_normaliser, log_normaliser_error : float
        What was subtracted as ln of the prior's normaliser, which is itself an
        estimate, and its standard error; 0 where the prior is normalised.
    """

    values: np.ndarray
    std_error: np.ndarray
    mean_std_error: float
    effective_sample_size: np.ndarray
    log_normaliser: float
    log_normaliser_error: float


class Evaluator:
    """A module with the device and precision in which it computes.

    Parameters
    ----------
    module : LatentModel
        In evaluation mode.
    """

    def __init__(self, module):
        self.module = module
        tensor = next(module.parameters())
        self.device, self.dtype = tensor.device, tensor.dtype

    def encode(self, X):
        """Latents of the rows of `X`, (n, K)."""
        return self.in_slices(X, self.module.encode)

    def decode(self, Z, condition=None):
        """Mean of p(x | z) for each row of `Z`, (n, D)."""
        latents = Table(Z, condition)
        return self.in_slices(latents, lambda batch: self.module.decode(batch.x, batch))

    def reconstruct(self, X):
        """Mean of p(x | z) at the latents of the rows of `X`, (n, D)."""

        def through(batch):
            return self.module.decode(self.module.encode(batch), batch)

        return self.in_slices(X, through)

    def reconstruction_log_likelihood(self, X):
        """ln p(x | z) at z = the latents of x, in nats: (n,)."""

        def through(batch):
            z = self.module.encode(batch)
            return self.module.likelihood(z, batch).log_prob(batch.x)

        return self.in_slices(X, through)

    @torch.inference_mode()
    def distributions(self, X):
        """q(z | x) and p(z) for all rows of `X` at once."""
        batch = self._batch(Table.of(X))
        return self.module.posterior(batch), self.module.prior(batch)

    @torch.inference_mode()
    def sample(self, n_samples, n_features, seed, mean=False, condition=None):
        """Draw z ~ p(z), then x ~ p(x | z) or its mean: (n_samples, D)."""
        noise = Noise.from_seed(seed, self.device)
        parts = []
        for start in range(0, n_samples, ROWS):
            n_rows = min(ROWS, n_samples - start)
            x = torch.empty(n_rows, n_features).to(self._like())
            if condition is not None:
                given = self._tensor(condition[start : start + n_rows])
            batch = Batch(x=x, condition=None if condition is None else given)
            z = self.module.prior(batch).sample(noise)
            p = self.module.likelihood(z, batch)
            parts.append((p.mean if mean else p.sample(noise)).cpu().numpy())
        return np.concatenate(parts)

    @torch.inference_mode()
    def log_likelihood(self, X, n_samples, seed, method="importance"):
        """Estimate ln p(x) of each row, or the ELBO, from `n_samples` draws.

        Memory depends neither on the number of rows nor (but for one number a draw and
        row of a slice) on the number of draws: the rows of a slice are encoded once and
        their latents decoded chunk by chunk.

        Returns
        -------
        Diagnostics
        """
        draw = {"importance": _log_weights, "elbo": _elbo}[method]
        reduce = {"importance": _log_mean_exp, "elbo": _mean}[method]
        values, errors, sizes = np.empty((3, len(X)))
        shared = torch.zeros(n_samples, dtype=torch.float64, device=self.device)
        for batch, n_rows, where in self._slices(X, LIKELIHOOD_ROWS):
            noise = SharedNoise.from_seed(seed, self.device)  # the same for every slice
            draws = draw(self.module, batch, noise, n_samples)[:, :n_rows]
            value, influence, size = reduce(draws.double())
            values[where] = value.cpu().numpy()
            errors[where] = _std_error(influence).cpu().numpy()
            sizes[where] = size.cpu().numpy()
            shared += influence.sum(1)
        mean_error = float(_std_error(shared / len(X)))
        return Diagnostics(
            values, errors, mean_error, sizes, *self.module.log_normaliser()
        )

    def _like(self):
        return torch.empty(0, device=self.device, dtype=self.dtype)

    @torch.inference_mode()
    def in_slices(self, X, function, size=ROWS):
        """Give what `function` makes of the rows of `X`, `size` of them at a time."""
        out = None
        for batch, n_rows, where in self._slices(X, size):
            part = function(batch)[:n_rows].cpu().numpy()
            if out is None:
                out = np.empty((len(X), *part.shape[1:]), dtype=part.dtype)
            out[where] = part
        return out

    def _slices(self, X, size):
        """Yield batches of at least `MIN_ROWS` rows, how many count, and where."""
        table = Table.of(X)
        for start in range(0, len(table), size):
            where = slice(start, min(start + size, len(table)))
            index = np.arange(where.start, where.stop)
            n_rows = len(index)
            block = table[where]
            if n_rows < MIN_ROWS:  # repeat the first row
                positions = np.arange(MIN_ROWS)
                positions = np.where(positions < n_rows, positions, 0)
                block, index = block[positions], index[positions]
            batch = self._batch(block)._replace(index=torch.from_numpy(index))
            yield batch, n_rows, where

    def _batch(self, table):
        x, condition, observed = self._tensor(table.x), table.condition, table.observed
        if condition is not None:
            condition = self._tensor(condition)
        if observed is not None:
            x = x.nan_to_num(0.0)
            observed = torch.as_tensor(observed, device=self.device)
        return Batch(x=x, condition=condition, observed=observed)

    def _tensor(self, block):
        # torch warns of an array that it must not write to: such a one is copied.
        if not block.flags.writeable or any(stride < 0 for stride in block.strides):
            block = block.copy()
        # Sums come out otherwise where columns, not rows, are neighbours in memory.
        return torch.from_numpy(block).to(self._like()).contiguous()


def _chunks(widest, n_samples):
    """Split the draws so that no layer makes many more than `CHUNK_ELEMENTS` values."""
    size = max(1, CHUNK_ELEMENTS // (LIKELIHOOD_ROWS * widest))
    starts = range(0, n_samples, size)
    return [slice(start, min(start + size, n_samples)) for start in starts]


def _widest(module, q, batch):
    """Find how many values a row has where it has most, by decoding it once."""
    widths = [batch.x.shape[-1], *(len(p) for p in module.parameters() if p.ndim)]

    def look(_, __, out):
        if isinstance(out, torch.Tensor):
            widths.append(out.numel() // len(batch.x))

    handles = [part.register_forward_hook(look) for part in module.modules()]
    try:
        module.likelihood(q.mean, batch)
    finally:
        for handle in handles:
            handle.remove()
    return max(widths)


def _over_chunks(function, q, module, batch, n_samples):
    """Fill (S, B) with what `function` gives for q, the prior and n draws.

    One tensor from the start: small ones, kept between the large activations of the
    decoder, would keep the memory of these from being used again.
    """
    p = module.prior(batch)
    values = batch.x.new_empty((n_samples, len(batch.x)))
    for where in _chunks(_widest(module, q, batch), n_samples):
        values[where] = function(q, p, where.stop - where.start)
    return values


def _log_weights(module, batch, noise, n_samples):
    """ln w of every draw, (S, B)."""

    def draw(q, p, n):
        return module.log_weights(q, p, batch, noise, n)

    return _over_chunks(draw, module.proposal(batch), module, batch, n_samples)


def _elbo(module, batch, noise, n_samples):
    """ln p(x | z) − KL(q || p) at every draw, (S, B)."""

    def draw(q, p, n):
        z = q.sample(noise, n)  # (n, B, K)
        return module.likelihood(z, batch).log_prob(batch.x) - kl(q, p, z)

    return _over_chunks(draw, module.posterior(batch), module, batch, n_samples)


def _log_mean_exp(log_w):
    """ln mean w over the draws, each draw's influence w / mean w − 1, and (Σw)²/Σw²."""
    value = torch.logsumexp(log_w, 0) - np.log(len(log_w))
    weights = (log_w - value).exp()
    return value, weights - 1, weights.sum(0).square() / weights.square().sum(0)


def _mean(values):
    value = values.mean(0)
    return value, values - value, torch.full_like(value, len(values))


def _std_error(influence):
    """Standard error of a mean of S draws with these influences, (S, ...) -> (...)."""
    n_draws = len(influence)
    if n_draws == 1:
        return torch.full_like(influence[0], torch.nan)
    return (influence.square().sum(0) / (n_draws * (n_draws - 1))).sqrt()
