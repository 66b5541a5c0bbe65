"""The models, forwards and backwards: each line of autograd's work, with its shape.

M members, B rows, D columns, F features, C columns of a condition, K latents. The loss
is −Σ_b w_b (ln p(x_b | z_b) − β KL_b) with weights w of each member's rows. `backward`
follows `forward` and sets all gradients of the members' vector. The models' own code,
which autograd differentiates, remains the definition: these agree with it up to
rounding.
"""

import torch
from torch.nn import functional

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
        self.encoder = Body(members, "encoder")
        self.decoder = Body(members, "decoder")
        self.outputs = Affine(members, *self.head.linears)

    @property
    def width(self):
        """The largest number of values that a row has in a layer."""
        return max(max(block.value.shape[1:]) for block in self.members.blocks.values())

    def density(self, x, condition, z):
        """Return ln p(x | z) at any z, (M, B, K), and its gradient by z."""
        out = self.outputs(self.decoder(self.with_condition(z, condition)))  # (M, B, O)
        value = self.head.log_prob(x, self.head.features(x), out)  # (M, B)
        d = self.outputs.to_input(self.head.slope())
        d = self.decoder.backward(d, learns=False)  # by z and condition
        return value, d[..., : self.n_latents]

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

    def forward(self, x, condition, e):
        """Return ln p(x | z) and KL(q(z | x) || p(z)) of each row, (M, B) each.

        Parameters
        ----------
        x : Tensor of shape (M, B, D)
            Rows.
        condition : Tensor of shape (M, B, C), or None
            Their conditions.
        e : Tensor of shape (M, B, K)
            Standard normal variates.
        """
        y = self.head.features(x)  # (M, B, F)
        h = self.encoder(self.with_condition(y, condition))  # (M, B, h)
        self.loc, self.raw = self.loc_scale(h).chunk(2, -1)  # (M, B, K) each
        self.scale = functional.softplus(self.raw) + EPSILON
        self.e = e
        z = torch.addcmul(self.loc, self.scale, e)  # (M, B, K)
        out = self.outputs(self.decoder(self.with_condition(z, condition)))  # (M, B, O)
        squares = self.loc.square() + self.scale.square() - 1
        kl = torch.sub(0.5 * squares, self.scale.log()).sum(-1)  # (M, B)
        return self.head.log_prob(x, y, out), kl

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
        by_loc = d + wb * self.loc  # dKL/dμ = μ
        by_scale = d * self.e + wb * (self.scale - self.scale.reciprocal())
        by_raw = by_scale * self.raw.sigmoid()  # (M, B, K)
        d = torch.cat([by_loc, by_raw], -1)  # (M, B, 2K)
        self.loc_scale.backward(d)
        d = self.loc_scale.to_input(d, self.encoder.n_hidden)  # (M, B, h)
        self.encoder.backward(d, to_input=False)


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

    def forward(self, x, condition, e):
        """Return ln p(x | z) of each row, (M, B), as `WrittenVAE.forward`."""
        if condition is not None:
            raise Unknown("a condition")
        y = self.head.features(x)  # (M, B, F)
        z = self.code(self.encoder(y))  # (M, B, K)
        out = self.outputs(self.decoder(z))  # (M, B, O)
        return (self.head.log_prob(x, y, out),)

    def backward(self, w, beta):
        """Set the gradients, as `WrittenVAE.backward`; β has no meaning."""
        d = self.head.backward(w)  # (M, B, O)
        self.outputs.backward(d)
        d = self.decoder.backward(self.outputs.to_input(d))  # by z, (M, B, K)
        self.code.backward(d)
        d = self.code.to_input(d, self.encoder.n_hidden)  # (M, B, h)
        self.encoder.backward(d, to_input=False)
