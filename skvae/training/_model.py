"""What the training loop and the estimators expect of a model."""

import torch
from torch import nn

from skvae import objectives
from skvae.distributions import Normal, inputs
from skvae.handwritten import Frozen, Unknown
from skvae.refinement import N_STEPS
from skvae.training._table import condition_of, is_plain


class LatentModel(nn.Module):
    """A joint distribution over data and latents, with an approximate posterior.

    A family defines `posterior`, `likelihood`, `prior`, `bound` and `losses`; the other
    methods have defaults that suit most models.

    Data columns are relative to ``likelihood_.origin`` of the estimator, in batches and
    in p(x | z). It is 0 except for Gaussian columns whose mean is dozens of spreads
    away from zero.

    Attributes
    ----------
    n_outputs : int
        Number of columns that `encode` returns.
    phases : tuple of str
        The phases of one epoch; each is a pass over the data.
    keeps_rows : bool
        Whether it stores values of each row from one step to another, which several
        processes would not share.
    kl_weight : float
        Weight of the divergence, raised from 0 to 1 by the KL warm-up.
    n_refinements : int
        Steps by which the posterior of each row is refined to estimate ln p(x), unless
        told otherwise; 0 if it is not Gaussian, or fits the row already.
    iterates : bool
        Whether the posterior of a row is the result of iterations, not of an encoder.
    """

    phases = ("model",)
    keeps_rows = False
    kl_weight = 1.0
    n_refinements = N_STEPS
    iterates = False

    def posterior(self, batch):
        """q(z | x): a distribution over (B, K)."""
        raise NotImplementedError

    def likelihood(self, z, batch):
        """p(x | z): a distribution over (..., B, D) for z of shape (..., B, K)."""
        raise NotImplementedError

    def prior(self, batch):
        """p(z): a distribution over (B, K)."""
        raise NotImplementedError

    def inputs(self, batch):
        """Return what an encoder reads of rows, (B, n_inputs)."""
        return inputs(self.head, batch.x, batch.seen)

    def unless_empty(self, q, batch):
        """Return q(z | x), and the prior for rows without an observed cell."""
        prior = None if batch.seen is None else self.prior(batch).as_normal()
        if prior is None:
            return q
        some = batch.seen.any(-1, keepdim=True)  # (B, 1)
        loc = torch.where(some, q.loc, prior.loc)
        return Normal(loc, torch.where(some, q.scale, prior.scale))

    def log_likelihood(self, z, batch):
        """Return ln p(x | z) of the observed cells, (..., B)."""
        return self.likelihood(z, batch).observed_log_prob(batch.x, batch.seen)

    def bound(self, batch, noise):
        """Return the training bound of each row in nats, (B,), for validation."""
        raise NotImplementedError

    def losses(self, batch, phase, noise):
        """Yield a `Loss` per step; the step is taken before the generator resumes."""
        raise NotImplementedError

    def written(self):
        """Return the hand-written model of `skvae.handwritten` that equals this one.

        None, the default, if there is none: then autograd differentiates the losses. A
        subclass must not inherit it, as it may change the losses.
        """
        return None

    def density(self, batch):
        """Return a function z -> ln p(x | z), (B,), and its gradient by z, (B, K).

        Both are written by hand, at N(0, I) as the prior.

        Raises
        ------
        Unknown
            If the module or the batch has something that is not written by hand.
        """
        kind = self.written()
        if kind is None or not is_plain(batch._replace(seen=None)):
            raise Unknown(type(self).__name__)
        model, x = kind(Frozen(self)), batch.x.unsqueeze(0)
        condition = condition_of(batch)
        if condition is not None:
            condition = condition.unsqueeze(0)
        seen = None if batch.seen is None else batch.seen.unsqueeze(0)

        def density(z):
            value, gradient = model.density(x, condition, z.unsqueeze(0), seen)
            return value[0], gradient[0]

        return density

    def parameter_groups(self):
        """Return the parameters that each loss moves, by the name of their group."""
        return {"model": list(self.parameters())}

    def with_the_rest(self, groups):
        """Add a group "model" with all parameters that are not in these groups."""
        taken = {p for group in groups.values() for p in group}
        return {"model": [p for p in self.parameters() if p not in taken], **groups}

    def learning_rates(self):
        """Return the learning rates of the groups that have their own."""
        return {}

    def begin(self, rows):
        """Prepare for training on a `Rows`, whose table ``batch.index`` refers to."""

    def training_state(self):
        """Return what training needs to resume besides the weights, as plain data."""
        return {}

    def restore_training_state(self, state):
        """Restore what `training_state` returned; ValueError if it is anything else."""
        if state:
            raise ValueError("its training state belongs to another model.")

    def settle(self, rows, noise):
        """After training, compute what depends on the training rows, a `Rows`."""

    def normalise(self, rows, noise):
        """Before the bound of held-out rows, a `Rows`, estimate the prior's normaliser.

        The values of several epochs can then be compared.
        """

    def log_normaliser(self):
        """Return ln of the prior's normaliser and its error, if it is an estimate."""
        return 0.0, 0.0

    def scheduled(self):
        """Return the values that change from epoch to epoch, for the history."""
        return {}

    def proposal(self, batch, q=None):
        """Return the distribution over z from which importance samples are drawn.

        `q` is the posterior, possibly refined; by default it is ``posterior(batch)``.
        """
        return self.posterior(batch) if q is None else q

    def encode(self, batch):
        """Return the rows of ``transform``, (B, n_outputs)."""
        return self.posterior(batch).mean

    def decode(self, z, batch=None):
        """Return the rows of ``inverse_transform``, (B, D)."""
        return self.likelihood(z, batch).mean

    def log_weights(self, q, p, batch, noise, n_samples):
        """Return ln w at draws z ~ q and β = 1, (S, B); mean w estimates p(x)."""
        z = q.sample(noise, n_samples)  # (S, B, K)
        log_likelihood = self.log_likelihood(z, batch)
        return objectives.log_weights(log_likelihood, p.log_prob(z), q.log_prob(z))
