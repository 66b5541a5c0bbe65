"""What the hand-written heads share."""

from torch import nn

from skvae.handwritten._layers import LINEAR, known

OF_HEADS = {"n_features"}


class Written:
    """A head of one linear map; a subclass has `log_prob` and `slope`."""

    def __init__(self, members, path):
        known(members, path, self.kind, OF_HEADS)
        known(members, f"{path}.linear", nn.Linear, LINEAR)  # not that of a decoder
        self.linears = [f"{path}.linear"]
        self.n_outputs = members.part(f"{path}.linear")[0].out_features

    def features(self, x):
        """Return the encoder's input, (M, B, F)."""
        return x

    def log_prob(self, x, y, out):
        """Return ln p(x | z), (M, B); y is ``features(x)``."""
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
