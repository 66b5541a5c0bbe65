"""Answers of fitted estimators as graphs of `torch.export`."""

import copy

import numpy as np
import torch
from torch import nn

from skvae._validation import COUNT, Options, check_parameter
from skvae.base import BaseAutoencoderTransformer
from skvae.distributions import SharedNoise
from skvae.estimates import N_ENUMERATED
from skvae.export._readers import READERS
from skvae.nets import own_precision
from skvae.objectives import importance_weighted
from skvae.training import derive_seed

OUTPUTS = {"transform": "Z", "reconstruct": "X_mean", "score": "log_likelihood"}
METHODS = tuple(OUTPUTS)
N_SAMPLES = 64


class FrozenNoise(SharedNoise):
    """Random numbers that are constants of a graph, the same for every row.

    Parameters
    ----------
    seed : int
        Every source with this seed gives the same numbers.
    """

    def __init__(self, seed):
        self._random = np.random.default_rng(seed)

    def normal(self, like, n_samples=None):
        """Standard normal numbers."""
        return self._constant(self._random.standard_normal, like, n_samples)

    def uniform(self, like, n_samples=None):
        """Numbers uniform on [0, 1)."""
        return self._constant(self._random.random, like, n_samples)

    def _constant(self, draw, like, n_samples):
        numbers = draw(self._shape(like, n_samples))
        return torch.from_numpy(numbers).to(like.device, like.dtype)


def log_density(module, batch, noise, n_samples):
    """Estimate ln p(x) from draws of the encoder's posterior, (B,).

    If the latents have few values, it is the sum over them.
    """
    prior = module.prior(batch)
    support = prior.support(N_ENUMERATED)
    if support is not None:
        z = support[:, None]  # (N, 1, K)
        log_joint = module.log_likelihood(z, batch) + prior.log_prob(z)
        return torch.logsumexp(log_joint.double(), 0)
    q = module.proposal(batch)
    log_w = module.log_weights(q, prior, batch, noise, n_samples)  # (S, B)
    return importance_weighted(log_w.double())


class Answer(nn.Module):
    """One method of a fitted estimator, from numbers to numbers.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        A fitted estimator, which is copied.
    method : {"transform", "reconstruct", "score"}
        Its method.
    n_samples : int
        Draws of z per row, for "score".
    """

    def __init__(self, estimator, method, n_samples=N_SAMPLES):
        super().__init__()
        check_exportable(estimator, method, n_samples)
        self.module = (
            copy.deepcopy(estimator.module_).cpu().eval().requires_grad_(False)
        )
        dtype = next(self.module.parameters()).dtype
        self.reader = READERS[type(estimator._columns)](estimator, dtype)
        self.method, self.n_samples = method, int(n_samples)
        self.has_density = hasattr(estimator, "score_samples")
        self.seed = derive_seed(estimator._seed, "evaluation")

    def forward(self, X, condition=None):
        """Return the answer for rows, (B, n_features) -> (B, m) or (B,)."""
        batch, refused = self.reader(X, condition)
        answer = getattr(self, f"_{self.method}")(batch, X)
        refused = refused.reshape(-1, *[1] * (answer.ndim - 1))
        return torch.where(refused, torch.nan, answer)

    def _transform(self, batch, X):
        return self.module.encode(batch).to(X.dtype)

    def _reconstruct(self, batch, X):
        z = self.module.encode(batch)
        return self.reader.restore(self.module.decode(z, batch), X)

    def _score(self, batch, X):
        if self.has_density:
            noise = FrozenNoise(self.seed)
            return log_density(self.module, batch, noise, self.n_samples)
        z = self.module.encode(batch)
        return self.module.log_likelihood(z, batch).double()

    def inputs(self, n_rows=3):
        """Return tensors of the right shapes, by name."""
        found = {"X": torch.zeros(n_rows, self.reader.n_features, dtype=torch.float64)}
        if n_beside := getattr(self.reader, "n_beside", 0):
            found["condition"] = torch.zeros(n_rows, n_beside, dtype=torch.float64)
        return found


def check_exportable(estimator, method, n_samples):
    """Raise an error if there is no graph of this method of an estimator."""
    owner = type(estimator).__name__
    if not isinstance(estimator, BaseAutoencoderTransformer):
        raise TypeError(f"'estimator' must be an estimator of skvae. Got {owner}.")
    estimator._check_ready()
    check_parameter("method", method, (Options(METHODS),), "export")
    check_parameter("n_samples", n_samples, (COUNT,), "export")
    reason = None
    if estimator.module_.iterates:
        reason = "it has no encoder, and iterates to find the latents of a row"
    elif type(estimator._columns) not in READERS:
        reason = "it reads the columns of X in its own way"
    elif estimator._columns.has_words:
        reason = (
            "it was fitted to columns of words, and the input of a graph is a table of "
            "numbers: encode them before, for example by OrdinalEncoder"
        )
    if reason:
        raise ValueError(f"{owner} cannot be exported: {reason}.")


def to_exported_program(estimator, method="transform", n_samples=N_SAMPLES):
    """Export a method of a fitted estimator as a program of `torch.export`.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of skvae.
    method : {"transform", "reconstruct", "score"}, default="transform"
        What the program computes, see `to_onnx`.
    n_samples : int, default=64
        Draws of z per row, for "score".

    Returns
    -------
    torch.export.ExportedProgram
        Its module maps a tensor X of shape (n, n_features), float64, to the answer; and
        X with a tensor of shape (n, m), float64, if conditions are passed beside X.

    Raises
    ------
    ValueError
        As `to_onnx`.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.export import to_exported_program
    >>> X = load_digits().data / 16
    >>> vae = VAETransformer(2, max_epochs=1, random_state=0).fit(X)
    >>> program = to_exported_program(vae)
    >>> program.module()(torch.from_numpy(X)).shape
    torch.Size([1797, 2])
    """
    return traced(Answer(estimator, method, n_samples))


def traced(answer):
    """Export a module, such as `Answer`, whose inputs are rows."""
    inputs = answer.inputs()
    rows = torch.export.Dim("n", min=1)
    with torch.inference_mode(False), torch.no_grad(), own_precision():
        return torch.export.export(
            answer,
            tuple(inputs.values()),
            dynamic_shapes={name: {0: rows} for name in inputs},
            strict=False,
        )
