"""The models, forwards and backwards: each line of autograd's work, with its shape.

M members, B rows, D columns, F features, C columns of a condition, K latents. The loss
is −Σ_b w_b (ln p(x_b | z_b) − β KL_b) with weights w of each member's rows. `backward`
follows `forward` and sets all gradients of the members' vector. The models' own code,
which autograd differentiates, remains the definition: these agree with it up to
rounding.
"""

import torch
from torch.nn import functional

from skvae.handwritten._head import masked
from skvae.handwritten._heads import written_head
from skvae.handwritten._layers import Affine, Body, known
from skvae.handwritten._vector import Unknown
from skvae.nets import EPSILON, LocScale

OF_MODELS = {"dtype", "kl_weight", "n_latents", "n_outputs"}


class WrittenModel:
    """What the models share.

    Parameters
    ----------
    members : Vector
        Has the parameters of equal modules.
    """

    settings = set()  # attributes of the module besides those of every model

    def __init__(self, members):
        (module, *_) = members.modules
        known(members, "", type(module), OF_MODELS | self.settings)
        self.members, self.n_latents = members, module.n_outputs
        self.head = written_head(members, "head")
        widths = {getattr(head, "n_flags", 0) for head in members.part("head")}
        if len(widths) > 1:
            raise Unknown("only some members have missing cells")
        self.has_flags = widths != {0}
        self.encoder = Body(members, "encoder")
        self.decoder = Body(members, "decoder")
        self.outputs = Affine(members, *self.head.linears)

    @property
    def width(self):
        """The largest number of values that a row has in a layer."""
        return max(max(block.value.shape[1:]) for block in self.members.blocks.values())

    def log_prob(self, x, condition, z, seen=None):
        """Return ln p(x | z) at any z, (M, B, K) -> (M, B)."""
        out = self.outputs(self.decoder(self.with_condition(z, condition)))  # (M, B, O)
        return self.head.log_prob(x, self.head.features(x, seen), out, seen)

    def density(self, x, condition, z, seen=None):
        """Return ln p(x | z) at any z, (M, B, K), and its gradient by z."""
        value = self.log_prob(x, condition, z, seen)  # (M, B)
        d = self.outputs.to_input(self.head.slope())
        d = self.decoder.backward(d, learns=False)  # by z and condition
        return value, d[..., : self.n_latents]

    def with_flags(self, x, y, seen):
        """Return the flags of missing cells, if the encoder reads them, and y."""
        if not self.has_flags:
            return y
        flags = torch.zeros_like(x) if seen is None else (~seen).to(x.dtype)
        return torch.cat([flags, y], -1)

    def with_condition(self, values, condition):
        """Append the conditions, (M, B, C), if there are any."""
        return values if condition is None else torch.cat([values, condition], -1)


class WrittenVAE(WrittenModel):
    """The VAE with a standard normal prior and one draw per row."""

    terms = "reconstruction", "kl"
    settings = {"beta", "n_importance_samples"}

    def __init__(self, members):
        super().__init__(members)
        known(members, "loc_scale", LocScale, set())
        known(members, "prior_module", type(members.modules[0].prior_module), set())
        self.loc_scale = Affine(members, "loc_scale.linear")
        members.check_complete()

    @property
    def n_normals(self):
        """Number of normal variates per row."""
        return self.n_latents

    def encode(self, read, condition):
        """Return mean and scale of q(z | x) from what the encoder reads of x."""
        h = self.encoder(self.with_condition(read, condition))  # (M, B, h)
        self.loc, self.raw = self.loc_scale(h).chunk(2, -1)  # (M, B, K) each
        self.scale = functional.softplus(self.raw).add_(EPSILON)
        return self.loc, self.scale

    def forward(self, x, condition, e, seen=None):
        """Return ln p(x | z) and KL(q(z | x) || p(z)) of each row, (M, B) each.

        Parameters
        ----------
        x : Tensor of shape (M, B, D)
            Rows.
        condition : Tensor of shape (M, B, C), or None
            Their conditions.
        e : Tensor of shape (M, B, K)
            Standard normal variates.
        seen : Tensor of bool of shape (M, B, D), optional
            Which cells are observed, all by default. The posterior of a row without any
            is the prior.
        """
        y = self.head.features(x, seen)  # (M, B, F)
        self.encode(self.with_flags(x, y, seen), condition)
        self.some = None if seen is None else seen.any(-1, keepdim=True)  # (M, B, 1)
        if seen is not None:
            self.loc = masked(self.loc, self.some)
            self.scale = torch.where(self.some, self.scale, 1.0)
        self.e = e
        z = torch.addcmul(self.loc, self.scale, e)  # (M, B, K)
        out = self.outputs(self.decoder(self.with_condition(z, condition)))  # (M, B, O)
        squares = self.loc.square().addcmul_(self.scale, self.scale).sub_(1)
        kl = squares.mul_(0.5).sub_(self.scale.log()).sum(-1)  # (M, B)
        return self.head.log_prob(x, y, out, seen), kl

    def backward(self, w, beta):
        """Set the gradients.

        Parameters
        ----------
        w : float or Tensor of shape (M, B, 1)
            Weights of the rows.
        beta : float or Tensor of shape (M, 1, 1)
            Weight of the divergence.
        """
        d = self.head.backward(w)  # by the linear maps, (M, B, O)
        self.outputs.backward(d)
        d = self.decoder.backward(self.outputs.to_input(d))  # by z and condition
        d, wb = d[..., : self.n_latents], w * beta  # (M, B, K)
        by_loc = _add(d, wb, self.loc)  # dKL/dμ = μ
        by_scale = _add(d * self.e, wb, self.scale - self.scale.reciprocal())
        by_raw = by_scale.mul_(self.raw.sigmoid())  # (M, B, K)
        d = masked(torch.cat([by_loc, by_raw], -1), self.some)  # (M, B, 2K)
        self.loc_scale.backward(d)
        d = self.loc_scale.to_input(d, self.encoder.n_hidden)  # (M, B, h)
        self.encoder.backward(d, to_input=False)


def _add(d, w, values):
    """Return d + w values, for a number or a tensor w."""
    if isinstance(w, float):
        return torch.add(d, values, alpha=w)
    return torch.addcmul(d, w, values)


class WrittenCVAE(WrittenVAE):
    """The CVAE without a classifier of the conditions."""

    settings = WrittenVAE.settings | {"invariance", "task_classifier"}


class WrittenAE(WrittenModel):
    """The autoencoder without noise."""

    terms = ("reconstruction",)
    n_normals = 0

    def __init__(self, members):
        super().__init__(members)
        self.code = Affine(members, "code")
        members.check_complete()

    def forward(self, x, condition, e, seen=None):
        """Return ln p(x | z) of each row, (M, B), as `WrittenVAE.forward`."""
        if condition is not None:
            raise Unknown("a condition")
        y = self.head.features(x, seen)  # (M, B, F)
        z = self.code(self.encoder(self.with_flags(x, y, seen)))  # (M, B, K)
        out = self.outputs(self.decoder(z))  # (M, B, O)
        return (self.head.log_prob(x, y, out, seen),)

    def backward(self, w, beta):
        """Set the gradients, as `WrittenVAE.backward`; β has no meaning."""
        d = self.head.backward(w)  # (M, B, O)
        self.outputs.backward(d)
        d = self.decoder.backward(self.outputs.to_input(d))  # by z, (M, B, K)
        self.code.backward(d)
        d = self.code.to_input(d, self.encoder.n_hidden)  # (M, B, h)
        self.encoder.backward(d, to_input=False)
