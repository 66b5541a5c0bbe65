"""The last layer of an encoder."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-4


def enter_linearly(linear, weight, bias):
    """Set the weights of the last inputs of a linear layer, and those of others to 0.

    Parameters
    ----------
    linear : torch.nn.Linear
        (..., h) -> (..., m).
    weight : ndarray of shape (m, k)
        Weights of the last k inputs.
    bias : ndarray of shape (m,)
        The new bias.
    """
    with torch.no_grad():
        linear.weight.zero_()
        start = linear.in_features - weight.shape[1]
        linear.weight[:, start:] = torch.from_numpy(weight)
        linear.bias.copy_(torch.from_numpy(bias))


class LocScale(nn.Module):
    """h -> mean and standard deviation of the latents, by one linear map.

    The scale is softplus(·) + 1e-4 rather than exp(·), which overflows on unscaled
    input.

    Parameters
    ----------
    n_hidden : int
        Width of h.
    n_components : int
        Number of latents.
    """

    def __init__(self, n_hidden, n_components):
        super().__init__()
        self.linear = nn.Linear(n_hidden, 2 * n_components)

    def start_linear(self, weight, bias, scale):
        """Let the last inputs give the mean linearly, and make the scale constant.

        Parameters
        ----------
        weight : ndarray of shape (n_components, k)
            Weights of the last k inputs; the others do not enter.
        bias, scale : ndarray of shape (n_components,)
            Added to the mean, and the standard deviation.
        """
        raw = np.log(np.expm1(np.maximum(scale - EPSILON, EPSILON)))
        weight = np.vstack([weight, np.zeros_like(weight)])  # (2K, k)
        enter_linearly(self.linear, weight, np.concatenate([bias, raw]))

    def forward(self, h):
        loc, raw = self.linear(h).chunk(2, dim=-1)  # (..., B, 2K) -> 2 x (..., B, K)
        return loc, functional.softplus(raw) + EPSILON
