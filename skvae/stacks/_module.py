"""Modules of one architecture as a single model, which all see the same rows."""

import torch

from skvae.distributions import Noise, Normal, RowNoise, StandardNormal
from skvae.handwritten import Unknown
from skvae.training import LatentModel, condition_of, is_plain, written_model

PIECE = 2**18  # values in the widest layer


class StackedModule(LatentModel):
    """M modules, to estimate ln p(x) by all of them at once.

    Its batches have M B rows: B of the first module, then B of the second, and so on.

    Parameters
    ----------
    modules : list of LatentModel
        Of one architecture.

    Raises
    ------
    Unknown
        If they are not written by hand.
    """

    def __init__(self, modules):
        super().__init__()
        self.n_members, self.written_model = len(modules), written_model(modules)
        if not self.written_model.n_normals:
            raise Unknown("a model without a density")
        self.written_model.members.load()
        self.n_refinements = modules[0].n_refinements

    def posterior(self, batch):
        x, condition = self._apart(batch)
        model = self.written_model
        read = model.with_flags(x, model.head.features(x), None)
        loc, scale = model.encode(read, condition)  # (M, B, K) each
        return Normal(loc.flatten(0, 1), scale.flatten(0, 1))

    def prior(self, batch):
        return StandardNormal(batch.x.new_empty((len(batch.x), self.n_latents)))

    @property
    def n_latents(self):
        """Number of latents of each module."""
        return self.written_model.n_latents

    def likelihood(self, z, batch):
        """Decode latents, which shows how much memory they need."""
        return self.log_likelihood(z, batch)

    def log_likelihood(self, z, batch):
        """Return ln p(x | z), (..., M B, K) -> (..., M B).

        Some draws at a time, whose layers fit into the cache of a processor.
        """
        flat = z.reshape(-1, *z.shape[-2:])  # (S, M B, K)
        n_draws = max(1, PIECE // (len(batch.x) * self.written_model.width))
        parts = [self._decoded(part, batch) for part in flat.split(n_draws)]
        return torch.cat(parts).view(z.shape[:-1])

    def _decoded(self, z, batch):
        """Return ln p(x | z), (S, M B, K) -> (S, M B)."""
        x, condition = (
            None if values is None else _for_draws(values, len(z))
            for values in self._apart(batch)
        )
        z = z.unflatten(1, (self.n_members, -1))  # (S, M, B, K)
        z = z.transpose(0, 1)  # (M, S, B, K)
        value = self.written_model.log_prob(x, condition, z.flatten(1, 2))  # (M, S B)
        return value.view(z.shape[:3]).transpose(0, 1).flatten(1)  # (S, M B)

    def density(self, batch):
        x, condition = self._apart(batch)

        def density(z):
            z = z.unflatten(0, x.shape[:2])  # (M, B, K)
            value, gradient = self.written_model.density(x, condition, z)
            return value.flatten(), gradient.flatten(0, 1)

        return density

    def _apart(self, batch):
        """Return rows and conditions of each module, (M, B, D) and (M, B, C)."""
        if not is_plain(batch):
            raise Unknown("incomplete rows")
        condition, shape = condition_of(batch), (self.n_members, -1)
        if condition is not None:
            condition = condition.unflatten(0, shape)
        return batch.x.unflatten(0, shape), condition


def _for_draws(values, n_draws):
    """Repeat rows for several draws, (M, B, D) -> (M, S B, D)."""
    if n_draws == 1:
        return values
    n_members, n_rows, width = values.shape
    many = values.unsqueeze(1).expand(n_members, n_draws, n_rows, width)
    return many.reshape(n_members, n_draws * n_rows, width)


class DrawnOnce(Noise):
    """Numbers of `RowNoise`, drawn once for rows with equal keys.

    Parameters
    ----------
    noise : RowNoise
        Source for the different keys.
    which : Tensor of int64 of shape (B,)
        The position of each row's key among them.
    """

    def __init__(self, noise, which):
        self.noise, self.which = noise, which

    @classmethod
    def from_keys(cls, keys):
        """Build the source of rows with these keys, (B,)."""
        different, which = keys.unique(return_inverse=True)
        return cls(RowNoise(different), which)

    def normal(self, like, n_samples=None):
        return self._all(self.noise.normal(self._once(like), n_samples))

    def uniform(self, like, n_samples=None):
        return self._all(self.noise.uniform(self._once(like), n_samples))

    def fork(self):
        return DrawnOnce(self.noise.fork(), self.which)

    def _once(self, like):
        *lead, _, width = like.shape
        return like.new_empty((*lead, len(self.noise.keys), width))

    def _all(self, drawn):
        return drawn.index_select(-2, self.which)
