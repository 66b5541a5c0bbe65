"""Critics, which map each row to one number."""

from torch import nn

from skvae.nets._mlp import LocalDropout


class Critic(nn.Module):
    """A body and a scalar output, (..., n_in) -> (...); zero before training.

    Parameters
    ----------
    body : torch.nn.Module
        (..., n_in) -> (..., h).
    n_hidden : int
        h, the width of the body's output.
    dropout : float, default=0.0
        Probability of dropping a unit, before the last layer only.
    """

    def __init__(self, body, n_hidden, dropout=0.0):
        super().__init__()
        self.body = body
        self.dropout = LocalDropout(dropout)
        self.last = nn.Linear(n_hidden, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, z):
        return self.last(self.dropout(self.body(z))).squeeze(-1)
