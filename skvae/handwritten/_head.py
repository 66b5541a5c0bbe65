"""What the hand-written heads share."""

from torch import nn

from skvae.handwritten._layers import LINEAR, known

OF_HEADS = {"n_features", "n_flags"}


class Written:
    """A head of one linear map; a subclass has `log_prob` and `slope`."""

    def __init__(self, members, path):
        known(members, path, self.kind, OF_HEADS)
        known(members, f"{path}.linear", nn.Linear, LINEAR)  # not that of a decoder
        self.linears = [f"{path}.linear"]
        self.n_outputs = members.part(f"{path}.linear")[0].out_features

    def features(self, x, seen=None):
        """Return the features of rows, (M, B, F), see `Head.features`."""
        return x

    def log_prob(self, x, y, out, seen=None):
        """Return ln p(x | z) of the observed cells, (M, B).

        Parameters
        ----------
        x : Tensor of shape (M, B, D)
            Rows.
        y : Tensor of shape (M, B, F)
            Their features.
        out : Tensor of shape (M, B, O)
            What the linear maps return.
        seen : Tensor of bool of shape (M, B, D), optional
            Which cells are observed, all by default.
        """
        raise NotImplementedError

    def backward(self, w):
        """Return the loss's gradient by the linear maps, (M, B, O).

        The gradients of other parameters are set.

        Parameters
        ----------
        w : float or Tensor of shape (M, B, 1)
            Weights of the rows.
        """
        return self.slope().mul_(-w)

    def slope(self):
        """Return the derivative of ln p(x | z) by the linear maps, (M, B, O)."""
        raise NotImplementedError


def masked(values, seen):
    """Return values, 0 where a cell is not observed."""
    return values if seen is None else values * seen
