"""Distributions over binary values, counts and categories."""

import torch
from torch.nn import functional

from skvae.distributions._base import Distribution


class BernoulliVector(Distribution):
    """Independent Bernoulli variables, Π_d π_d^x_d (1 − π_d)^(1 − x_d).

    Values strictly between 0 and 1 are accepted (the cross-entropy of grey pixels), but
    the result is a log-probability only for the values 0 and 1.

    Parameters
    ----------
    logits : Tensor of shape (..., B, D)
        ln π − ln(1 − π).
    is_flag : Tensor of bool of shape (D,), optional
        Which columns hold 0 and 1 only, and no grey values.
    """

    def __init__(self, logits, is_flag=None):
        self.logits, self.is_flag = logits, is_flag

    @property
    def mean(self):
        return self.logits.sigmoid()

    def typical(self, statistic):
        if self.is_flag is None:
            return statistic
        return torch.where(self.is_flag, statistic.round(), statistic)

    def log_prob(self, value):
        return self.cell_log_prob(value).sum(-1)

    def cell_log_prob(self, value):
        return value * self.logits - functional.softplus(self.logits)

    def sample(self, noise, n_samples=None):
        uniform = noise.uniform(self.logits, n_samples)
        return (uniform < self.mean).to(self.logits.dtype)


class PoissonVector(Distribution):
    """Independent Poisson counts: ln p(x) = Σ_d x_d ln λ_d − λ_d − ln x_d!.

    Parameters
    ----------
    rate : Tensor of shape (..., B, D)
        λ > 0.
    """

    def __init__(self, rate):
        self.rate = rate

    @property
    def mean(self):
        return self.rate

    def log_prob(self, value):
        return self._terms(value).sum(-1).to(self.rate.dtype)

    def cell_log_prob(self, value):
        return self._terms(value).to(self.rate.dtype)

    def _terms(self, value):
        # In double precision, as the terms cancel: at counts of 1e7 they are 1e8 nats.
        x, rate = value.double(), self.rate.double()
        return x * rate.log() - rate - torch.lgamma(x + 1)

    def sample(self, noise, n_samples=None):
        return noise.poisson(self.rate, n_samples).to(self.rate.dtype)


class OneHot(Distribution):
    """One variable with D categories, one-hot.

    Parameters
    ----------
    logits : Tensor of shape (..., B, D)
        Log-probabilities, up to an additive constant per row.
    """

    def __init__(self, logits):
        self.log_probabilities = logits.log_softmax(-1)

    @property
    def mean(self):
        return self.log_probabilities.exp()

    def log_prob(self, value):
        return self.cell_log_prob(value).sum(-1)

    def cell_log_prob(self, value):
        return value * self.log_probabilities

    def sample(self, noise, n_samples=None):
        keys = self.log_probabilities + noise.gumbel(self.log_probabilities, n_samples)
        return self.typical(keys)

    def typical(self, statistic):
        one_hot = functional.one_hot(statistic.argmax(-1), statistic.shape[-1])
        return one_hot.to(statistic.dtype)


class CodeVector(Distribution):
    """Independent categorical variables, each with its own numeric codes.

    Parameters
    ----------
    logits : Tensor of shape (..., B, D, L)
        One per level, for D variables with up to L levels; −inf where a variable has
        fewer.
    levels : Tensor of shape (D, L)
        The code of each level; NaN where a variable has fewer.
    """

    def __init__(self, logits, levels):
        self.log_probabilities, self.levels = logits.log_softmax(-1), levels

    def _codes(self, keys):
        best = keys.argmax(-1, keepdim=True)  # (..., B, D, 1)
        levels = self.levels.expand(keys.shape)
        return levels.gather(-1, best).squeeze(-1)  # (..., B, D)

    @property
    def mean(self):
        """The most probable codes, (..., B, D), as codes have no mean."""
        return self._codes(self.log_probabilities)

    @property
    def statistic(self):
        return self.log_probabilities.exp().flatten(-2)  # (..., B, D L)

    def typical(self, statistic):
        return self._codes(statistic.unflatten(-1, self.levels.shape))

    def log_prob(self, value):
        return self.cell_log_prob(value).sum(-1)

    def cell_log_prob(self, value):
        is_level = value.unsqueeze(-1) == self.levels  # (..., B, D, L)
        chosen = torch.where(is_level, self.log_probabilities, 0.0).sum(-1)
        # A value that is not a level has probability zero, not one.
        return chosen.masked_fill(~is_level.any(-1), -torch.inf)

    def sample(self, noise, n_samples=None):
        # Noise sources expect rows on the second-to-last axis: (..., B, D * L).
        flat = noise.gumbel(self.log_probabilities.flatten(-2), n_samples)
        gumbel = flat.unflatten(-1, self.levels.shape)  # (..., B, D, L)
        return self._codes(self.log_probabilities + gumbel)


class Product(Distribution):
    """Independent blocks of columns, each with its own distribution.

    Parameters
    ----------
    blocks : list of (Distribution, Tensor)
        Each distribution and the positions of its columns; together they cover all
        columns.
    observed : Tensor of bool of shape (B, M), optional
        Which blocks count in `log_prob`, for each row; all by default. Values in the
        others must still be finite.
    """

    def __init__(self, blocks, observed=None):
        self.blocks, self.observed = blocks, observed

    def _join(self, parts):
        columns = torch.cat([columns for _, columns in self.blocks])
        return torch.cat(parts, -1)[..., columns.argsort()]

    @property
    def mean(self):
        return self._join([block.mean for block, _ in self.blocks])

    @property
    def statistic(self):
        return torch.cat([block.statistic for block, _ in self.blocks], -1)

    def typical(self, statistic):
        widths = [block.statistic.shape[-1] for block, _ in self.blocks]
        parts = zip(self.blocks, statistic.split(widths, -1), strict=True)
        return self._join([block.typical(part) for (block, _), part in parts])

    def log_prob(self, value):
        return sum(self.block_log_probs(value))

    def cell_log_prob(self, value):
        parts = [block.cell_log_prob(value[..., at]) for block, at in self.blocks]
        if self.observed is not None:
            seen = self.observed.unsqueeze(-1).unbind(-2)  # M of (B, 1)
            pairs = zip(seen, parts, strict=True)
            parts = [torch.where(s, part, 0) for s, part in pairs]
        return self._join(parts)

    def observed_log_prob(self, value, seen=None):
        return sum(self.block_log_probs(value, seen))

    def block_log_probs(self, value, seen=None):
        """Return ln p of every block, (..., B) each; 0 where it is not observed.

        `seen`, (B, D), are the observed cells of observed blocks, all by default.
        """
        parts = []
        for block, at in self.blocks:
            cells = None if seen is None else seen[..., at]
            parts.append(block.observed_log_prob(value[..., at], cells))
        if self.observed is None:
            return parts
        seen = self.observed.unbind(-1)  # M of (B,)
        return [torch.where(s, part, 0) for s, part in zip(seen, parts, strict=True)]

    def sample(self, noise, n_samples=None):
        return self._join([block.sample(noise, n_samples) for block, _ in self.blocks])
