"""The last layer of an encoder."""

from torch import nn
from torch.nn import functional

EPSILON = 1e-4


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

    def forward(self, h):
        loc, raw = self.linear(h).chunk(2, dim=-1)  # (..., B, 2K) -> 2 x (..., B, K)
        return loc, functional.softplus(raw) + EPSILON
