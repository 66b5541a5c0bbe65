"""What a model asks of its prior's module."""

from torch import nn


class PriorModule(nn.Module):
    """A distribution over latents, and how it is trained where the bound does not.

    Attributes
    ----------
    phases : tuple of str
        Passes over the data behind the model's own.
    """

    phases = ()

    def forward(self, like, posterior):
        """Give the distribution of one latent vector for each row of `like` (B, K).

        `posterior` maps the encoder's input to a distribution over z.
        """
        raise NotImplementedError

    def groups(self):
        """Name parameters that losses of its own move."""
        return {}

    def learning_rates(self):
        """Give the rates of these groups."""
        return {}

    def begin(self, n_rows):
        """As `LatentModel.begin`, of a table of so many rows."""

    def losses(self, phase, index, posterior, noise):
        """Yield ``(group, value, terms)`` for a batch of rows numbered `index` (B,).

        ``posterior()`` gives q(z | x) of these rows.
        """
        raise NotImplementedError

    def normaliser(self):
        """As `LatentModel.log_normaliser`."""
        return 0.0, 0.0

    def settle(self, rows, posterior, noise):
        """As `LatentModel.settle`; ``posterior(batch)`` gives q(z | x)."""
