"""The contract of a model: what the training loop and the estimators ask of it."""

from torch import nn

from skvae import objectives


class LatentModel(nn.Module):
    """A joint distribution over data and latents, with an approximate posterior.

    A family writes `posterior`, `likelihood`, `prior`, `bound` and `losses`; the rest
    has defaults that serve most models.

    Attributes
    ----------
    n_components : int
        Width of what `encode` gives.
    phases : tuple of str
        What one epoch runs; each is a pass over the data.
    kl_weight : float
        Raised from 0 to 1 by the KL warm-up.
    """

    phases = ("model",)
    kl_weight = 1.0

    def posterior(self, batch):
        """q(z | x): a distribution over (B, K)."""
        raise NotImplementedError

    def likelihood(self, z, batch):
        """p(x | z): a distribution over (..., B, D) for z of shape (..., B, K)."""
        raise NotImplementedError

    def prior(self, batch):
        """p(z): a distribution over (B, K)."""
        raise NotImplementedError

    def bound(self, batch, noise):
        """Give the training bound of each row in nats, (B,), without any step."""
        raise NotImplementedError

    def losses(self, batch, phase, noise):
        """Yield a `Loss` for each step; code after a yield sees moved parameters."""
        raise NotImplementedError

    def parameter_groups(self):
        """Name the parameters that each loss moves."""
        return {"model": list(self.parameters())}

    def with_the_rest(self, groups):
        """Put all parameters that these groups leave before them, as "model"."""
        theirs = {p for group in groups.values() for p in group}
        return {"model": [p for p in self.parameters() if p not in theirs], **groups}

    def learning_rates(self):
        """Give the rates of groups that have one of their own."""
        return {}

    def begin(self, rows):
        """Get ready to be trained on a `Rows`; batches have its ``index``."""

    def training_state(self):
        """Give what training goes on with besides the weights, as plain data."""
        return {}

    def restore_training_state(self, state):
        """Take what `training_state` gave; ValueError if it is something else."""
        if state:
            raise ValueError("its training state is of another model.")

    def settle(self, rows, noise):
        """Fix what depends on the training rows, a `Rows`, once training has ended."""

    def log_normaliser(self):
        """Give ln of the prior's normaliser, where it is an estimate, and its error."""
        return 0.0, 0.0

    def scheduled(self):
        """Give values that change from epoch to epoch, for the history."""
        return {}

    def proposal(self, batch):
        """Give the distribution over z that importance samples are drawn from."""
        return self.posterior(batch)

    def encode(self, batch):
        """Give what ``transform`` returns, (B, K)."""
        return self.posterior(batch).mean

    def decode(self, z, batch=None):
        """Give what ``inverse_transform`` returns, (B, D)."""
        return self.likelihood(z, batch).mean

    def log_weights(self, q, p, batch, noise, n_samples):
        """Give ln w at draws z ~ q at β = 1, (S, B); the mean of w estimates p(x)."""
        z = q.sample(noise, n_samples)  # (S, B, K)
        log_likelihood = self.likelihood(z, batch).log_prob(batch.x)
        return objectives.log_weights(log_likelihood, p.log_prob(z), q.log_prob(z))
