"""The last layer of a decoder, and the linear model of its columns."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from skvae.nets import enter_linearly

SMALLEST_SHARE = 1e-3  # of a category, in the linear model that a fit starts from


class NoLinearModel(ValueError):
    """A head has no linear model at which a start could begin."""


class Working(NamedTuple):
    """What makes a head's columns linear in the latents, with comparable noise.

    Attributes
    ----------
    rate : ndarray of shape (d,)
        y = rate · (features − their mean).
    slope : ndarray of shape (d,)
        Derivative of E[y] by what the head's linear map returns.
    noise : ndarray of int of shape (d,)
        Kind of the noise of y: `FIXED` at variance 1, with its `OWN` learned variance
        per column, or a learned variance that is `SHARED`.
    """

    FIXED, OWN, SHARED = range(3)

    rate: np.ndarray
    slope: np.ndarray
    noise: np.ndarray

    @classmethod
    def residuals(cls, deviation):
        """Pearson residuals, of columns with this standard deviation given z."""
        return cls(1 / deviation, deviation, np.full(len(deviation), cls.FIXED))


class Head(nn.Module):
    """The last layer of a decoder: one linear map to the family's parameters.

    Parameters
    ----------
    n_hidden : int
        Width of the output of the decoder's body.
    n_outputs : int
        Width of the linear map.
    n_features : int
        Width of ``features(x)``, the encoder's input.

    Attributes
    ----------
    n_flags : int
        Number of columns of which the encoder reads whether a cell is missing; 0 if no
        cell was missing in fit.
    """

    n_flags = 0

    def __init__(self, n_hidden, n_outputs, n_features):
        super().__init__()
        self.linear = nn.Linear(n_hidden, n_outputs)
        self.n_features = n_features

    def take_as_is(self):
        """Use the body's output as the parameters, shifted by the initial bias."""
        n_outputs, n_hidden = self.linear.weight.shape
        if n_hidden != n_outputs:
            raise ValueError(
                f"The 'decoder' returns {n_hidden} parameters per row, but the "
                f"likelihood needs {n_outputs}."
            )
        self.linear = Shift(self.linear.bias.detach().clone())

    def start_at(self, bias):
        """Set the bias, so that an untrained decoder predicts the columns' averages."""
        with torch.no_grad():
            self.linear.bias.copy_(torch.as_tensor(bias))

    def working(self, mean):
        """Return the `Working` model of the features, which have this mean, (d,).

        Raises
        ------
        NoLinearModel
            If the features are not those that the linear map predicts.
        """
        n_outputs = len(self.linear.bias)
        if n_outputs != self.n_features:
            raise NoLinearModel(
                "The 'init' parameter must be 'random' with a likelihood whose decoder "
                f"returns {n_outputs} parameters per row for {self.n_features} inputs "
                f"of the encoder, as {type(self).__name__}."
            )
        return Working.residuals(np.sqrt(np.maximum(mean, SMALLEST_SHARE)))

    def start_linear(self, weight, shift, psi):
        """Let the last inputs enter linearly, and the others not at all.

        Parameters
        ----------
        weight : ndarray of shape (n_outputs, k)
            Their weights.
        shift : ndarray of shape (n_outputs,)
            Added to the bias.
        psi : ndarray of shape (n_outputs,)
            Variances of the noise of y, see `Working`.
        """
        bias = self.linear.bias.detach().double().numpy()
        enter_linearly(self.linear, weight, bias + shift)

    def features(self, x, seen=None):
        """Convert x to the encoder's input: (B, d) -> (B, n_features).

        Missing cells of x, those not in `seen`, (B, d), are filled already by the
        likelihood's `fill`.
        """
        return x

    def by_feature(self, flags):
        """Convert flags of cells, (B, d), to flags of features, (B, n_features)."""
        return flags


def n_inputs(head):
    """Return the width of what the encoder reads of a head's columns, see `inputs`."""
    return head.n_features + getattr(head, "n_flags", 0)


def inputs(head, x, seen=None):
    """Return what the encoder reads of rows: flags of missing cells, then features.

    Parameters
    ----------
    head : torch.nn.Module
        Head of the columns. Without cells that were missing in fit, it has no flags.
    x : Tensor of shape (..., B, d)
        Rows, with missing cells filled.
    seen : Tensor of bool of shape (B, d), optional
        Which cells are observed, all by default.

    Returns
    -------
    Tensor of shape (..., B, n_inputs)
    """
    features = head.features(x) if seen is None else head.features(x, seen)
    if not getattr(head, "n_flags", 0):
        return features
    flags = torch.zeros_like(x) if seen is None else (~seen).to(x.dtype)
    return torch.cat([flags.expand_as(x), features], -1)


def working_of(head, mean):
    """Return a head's `Working` model, see `Head.working`.

    Raises
    ------
    NoLinearModel
        If it has none, as a user's own head.
    """
    if not hasattr(head, "working"):
        raise NoLinearModel(
            "The 'init' parameter must be 'random' with a likelihood whose head has no "
            f"method 'working', as {type(head).__name__}."
        )
    return head.working(mean)


class Shift(nn.Module):
    """Add a fixed bias.

    Parameters
    ----------
    bias : Tensor of shape (h,)
        The values to add.
    """

    def __init__(self, bias):
        super().__init__()
        self.register_buffer("bias", bias)

    def forward(self, h):
        return h + self.bias


def logit(probability, margin=0.01):
    """ln(p / (1 − p)), with p clipped to [margin, 1 − margin]."""
    p = np.clip(probability, margin, 1 - margin)
    return np.log(p) - np.log1p(-p)
