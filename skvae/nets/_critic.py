"""Critics: one number for every row."""

from torch import nn

from skvae.nets._mlp import LocalDropout, mlp


class Critic(nn.Module):
    """A multi-layer perceptron (..., n_in) -> (...), zero before it is trained.

    Parameters
    ----------
    n_in : int
        Width of the input.
    hidden_layer_sizes : sequence of int
        Widths of the layers.
    activation : str
        After every hidden layer.
    dropout : float
        Probability of dropping a unit before the last layer only.
    """

    def __init__(self, n_in, hidden_layer_sizes, activation, dropout):
        super().__init__()
        self.body = mlp(n_in, hidden_layer_sizes, activation)
        self.dropout = LocalDropout(dropout)
        self.last = nn.Linear((n_in, *hidden_layer_sizes)[-1], 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, z):
        return self.last(self.dropout(self.body(z))).squeeze(-1)
