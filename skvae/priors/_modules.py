"""The interface between a model and the module of its prior."""

from torch import nn


class PriorModule(nn.Module):
    """A distribution over latents, with losses of its own if the bound cannot train it.

    Attributes
    ----------
    phases : tuple of str
        Passes over the data in each epoch, after the model's own.
    """

    phases = ()

    def forward(self, like, posterior):
        """Return the prior over z for each row of `like`, which is (B, K).

        `posterior` maps the encoder's input to a distribution over z.
        """
        raise NotImplementedError

    def groups(self):
        """Return the named groups of parameters that the prior's own losses update."""
        return {}

    def learning_rates(self):
        """Return the learning rates of these groups."""
        return {}

    def begin(self, n_rows):
        """Prepare for training on `n_rows` rows, as in `LatentModel.begin`."""

    def losses(self, phase, index, posterior, noise):
        """Yield ``(group, value, terms)`` for the rows at positions `index`, (B,).

        ``posterior()`` returns q(z | x) of these rows.
        """
        raise NotImplementedError

    def normaliser(self):
        """Return ln Z and its standard error, as in `LatentModel.log_normaliser`."""
        return 0.0, 0.0

    def settle(self, rows, posterior, noise):
        """Finish after training, as in `LatentModel.settle`.

        ``posterior(batch)`` returns q(z | x).
        """
