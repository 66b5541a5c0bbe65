"""Several categorical variables side by side, each one-hot."""

import math

import torch
from torch.nn import functional

from skvae.distributions._base import Distribution, register_kl


class Categories(Distribution):
    """V independent variables with K categories each: values are (..., B, V K).

    Parameters
    ----------
    logits : Tensor of shape (..., B, V, K)
        Log-probabilities, up to an additive constant per variable.
    """

    def __init__(self, logits):
        self.log_probabilities = logits.log_softmax(-1)
        self.n_categories = logits.shape[-1]

    @property
    def mean(self):
        """The probabilities, (..., B, V K)."""
        return self.log_probabilities.exp().flatten(-2)

    def log_prob(self, value):
        return self.marginal_log_prob(value).sum(-1)

    def marginal_log_prob(self, value):
        """Log-probability of the category of each variable, (..., B, V)."""
        return (_by_variable(value, self.n_categories) * self.log_probabilities).sum(-1)

    def _keys(self, noise, n_samples=None):
        """ln π + Gumbel noise, (..., B, V, K); the argmax is a draw (Gumbel-max)."""
        gumbel = noise.gumbel(self.log_probabilities.flatten(-2), n_samples)
        return self.log_probabilities + _by_variable(gumbel, self.n_categories)

    def sample(self, noise, n_samples=None):
        """Draw one-hot values; no gradient flows through them."""
        return _hard(self._keys(noise, n_samples)).flatten(-2)

    def relaxed(self, noise, temperature):
        """Draw Gumbel-Softmax values, softmax((ln π + g) / τ): (..., B, V K)."""
        return (self._keys(noise) / temperature).softmax(-1).flatten(-2)

    def straight_through(self, noise, temperature):
        """Draw one-hot values with the gradients of relaxed ones."""
        keys = self._keys(noise)
        soft = (keys / temperature).softmax(-1)
        return (_hard(keys) - soft.detach() + soft).flatten(-2)


class UniformCategories(Distribution):
    """V independent variables with K equally probable categories each.

    Parameters
    ----------
    like : Tensor of shape (B, V K)
        Provides the shape, dtype and device; its values are ignored.
    n_categories : int
        K.
    """

    def __init__(self, like, n_categories):
        self._like, self.n_categories = like, n_categories

    @property
    def mean(self):
        return torch.full_like(self._like, 1 / self.n_categories)

    def log_prob(self, value):
        return self.marginal_log_prob(value).sum(-1)

    def marginal_log_prob(self, value):
        chosen = _by_variable(value, self.n_categories).sum(-1)
        return -math.log(self.n_categories) * chosen

    def support(self, n_most):
        if self.n_categories ** (self._like.shape[-1] // self.n_categories) > n_most:
            return None
        states = torch.eye(self.n_categories).to(self._like)  # (K, K)
        values = states
        while values.shape[-1] < self._like.shape[-1]:  # add a variable
            n, m = len(values), len(states)
            values = torch.cat([values.repeat(m, 1), states.repeat_interleave(n, 0)], 1)
        return values

    def sample(self, noise, n_samples=None):
        keys = noise.uniform(self._like, n_samples)
        return _hard(_by_variable(keys, self.n_categories)).flatten(-2)


def _by_variable(value, n_categories):
    """(..., V K) -> (..., V, K)."""
    return value.unflatten(-1, (-1, n_categories))


def _hard(keys):
    """One-hot vector of the largest key of each variable."""
    one_hot = functional.one_hot(keys.argmax(-1), keys.shape[-1])
    return one_hot.to(keys.dtype)


@register_kl(Categories, UniformCategories)
def _kl_categories_uniform(q, p):
    """Σ_k π_k ln(K π_k) for each variable, (..., B, V)."""
    log_pi = q.log_probabilities
    return (log_pi.exp() * (log_pi + math.log(p.n_categories))).sum(-1)
