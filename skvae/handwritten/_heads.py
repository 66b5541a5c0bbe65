"""ln p(x | z) of the built-in likelihoods and its gradient by the decoder's output.

A head is written for M members: x is (M, B, D), the output of the linear maps
(M, B, O), and what depends on neither row nor latent (M, 1, D). The loss is
−Σ_b w_b ln p(x_b | z_b), where the weights w of each member's rows add up to 1.
"""

import math

import torch
from torch.nn import functional

from skvae.distributions import (
    BernoulliHead,
    CodesHead,
    FixedScale,
    GaussianHead,
    LearnedScale,
    MixedHead,
    OneHotHead,
    OneHotsHead,
    PoissonHead,
    RowScale,
)
from skvae.handwritten._layers import known
from skvae.handwritten._vector import Unknown

OF_HEADS = {"n_features"}
LOG_2PI = math.log(2 * math.pi)


class Written:
    """A head of one linear map; a subclass has `log_prob` and `slope`."""

    def __init__(self, members, path):
        known(members, path, self.kind, OF_HEADS)
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


class WrittenBernoulli(Written):
    """x π − ln(1 + e^π) with logits π."""

    kind = BernoulliHead

    def log_prob(self, x, y, out):
        self.x, self.out = x, out
        return torch.sub(x * out, functional.softplus(out)).sum(-1)

    def slope(self):
        """x − sigmoid(π)."""
        return torch.sub(self.x, self.out.sigmoid())


class WrittenOneHot(Written):
    """Σ_d x_d ln π_d with π = softmax."""

    kind = OneHotHead

    def log_prob(self, x, y, out):
        self.x, self.log_pi = x, out.log_softmax(-1)
        return (x * self.log_pi).sum(-1)

    def slope(self):
        """x − π Σ x."""
        return self.x - self.log_pi.exp() * self.x.sum(-1, keepdim=True)


class WrittenOneHots(Written):
    """Σ_d x_d ln π_d with a softmax for each variable."""

    kind = OneHotsHead

    def __init__(self, members, path):
        super().__init__(members, path)
        self.place = members.shared(f"{path}.place")  # (V, L)
        self.inside = members.shared(f"{path}.inside")  # (D,)

    def log_prob(self, x, y, out):
        logits = functional.pad(out, (0, 1), value=-torch.inf)
        log_pi = logits[..., self.place].log_softmax(-1)  # (M, B, V, L)
        self.x, self.log_pi = x, log_pi.flatten(-2).index_select(-1, self.inside)
        return (x * self.log_pi).sum(-1)

    def slope(self):
        """x − π, as each variable of x sums to 1."""
        return self.x - self.log_pi.exp()


class WrittenCodes(Written):
    """A softmax for each column; the features are the codes, one-hot."""

    kind = CodesHead

    def __init__(self, members, path):
        super().__init__(members, path)
        self.place = members.shared(f"{path}.place")  # (D, L)
        self.column = members.shared(f"{path}.column")  # (n,)
        self.code = members.buffer(f"{path}.code")  # (M, 1, n)
        flat = self.place.flatten()
        is_level = flat < self.n_outputs
        self.at = torch.empty_like(self.column)  # of each level among (D, L)
        self.at[flat[is_level]] = is_level.nonzero().squeeze(1)

    def features(self, x):
        return (x.index_select(-1, self.column) == self.code).to(x.dtype)

    def log_prob(self, x, y, out):
        logits = functional.pad(out, (0, 1), value=-torch.inf)
        log_pi = logits[..., self.place].log_softmax(-1)  # (M, B, D, L)
        self.y, self.log_pi = y, log_pi.flatten(-2).index_select(-1, self.at)
        return (y * self.log_pi).sum(-1)

    def slope(self):
        """y − π."""
        return self.y - self.log_pi.exp()


class WrittenPoisson(Written):
    """x ln λ − λ − ln x! with λ = scale (softplus + 1e-6), in double precision."""

    kind = PoissonHead

    def __init__(self, members, path):
        super().__init__(members, path)
        self.scale = members.buffer(f"{path}.scale")

    def features(self, x):
        return x.log1p()

    def log_prob(self, x, y, out):
        self.x, self.out = x, out
        self.rate = self.scale * (functional.softplus(out) + 1e-6)
        n, rate = x.double(), self.rate.double()
        terms = n * rate.log() - rate - torch.lgamma(n + 1)
        return terms.sum(-1).to(out.dtype)

    def slope(self):
        """(x / λ − 1) dλ, with dλ = scale · sigmoid."""
        return (self.x / self.rate - 1) * self.scale * self.out.sigmoid()


MEANS = {
    "sigmoid": (torch.sigmoid, lambda mean: mean * (1 - mean)),
    "tanh": (torch.tanh, lambda mean: 1 - mean.square()),
}


class WrittenGaussian(Written):
    """−½ r² − ln σ − ½ ln 2π with r = (x − μ) / σ."""

    kind = GaussianHead

    def __init__(self, members, path):
        known(members, path, GaussianHead, OF_HEADS | {"mean"})
        heads = members.part(path)
        if len({head.mean for head in heads}) > 1:
            raise Unknown("the members have other means")
        self.mean = heads[0].mean
        names = "offset", "per_spread", "spread"
        self.offset, self.per_spread, self.spread = (
            members.buffer(f"{path}.{name}") for name in names
        )
        self.scale = written_scale(members, f"{path}.scale")
        self.linears = [f"{path}.linear", *self.scale.linears]
        self.n_columns = self.offset.shape[-1]
        self.n_outputs = self.n_columns * len(self.linears)

    def features(self, x):
        return torch.addcmul(self.offset, x, self.per_spread)

    def log_prob(self, x, y, out):
        raw = out[..., : self.n_columns]  # (M, B, D)
        self.sigma = self.scale(out[..., self.n_columns :])  # (M, 1 or B, D)
        if self.mean == "identity":  # in units of the spread, as y is
            self.by_raw = self.spread / self.sigma
            self.r = (y - raw) * self.by_raw
        else:
            f, slope = MEANS[self.mean]
            mu = f(raw)
            self.by_raw = slope(mu) / self.sigma
            self.r = (x - mu) / self.sigma
        self.squares = self.r.square()
        constant = self.sigma.log().sum(-1) + 0.5 * self.n_columns * LOG_2PI
        return torch.sub(-constant, self.squares.sum(-1), alpha=0.5)

    def backward(self, w):
        """d ln p / d raw = r dμ/draw / σ, and d ln p / dσ = (r² − 1) / σ."""
        d = self.r * (self.by_raw * -w)
        more = self.scale.backward(self.squares, self.sigma, w)
        return d if more is None else torch.cat([d, more], -1)

    def slope(self):
        """The derivatives by raw and by what the scale sees."""
        d, more = self.r * self.by_raw, self.scale.slope(self.squares, self.sigma)
        return d if more is None else torch.cat([d, more], -1)


class WrittenFixedScale:
    """A scale that is not learned."""

    linears = ()

    def __init__(self, members, path):
        known(members, path, FixedScale, set())
        self.scale = members.buffer(f"{path}.scale")

    def __call__(self, raw):
        return self.scale

    def backward(self, squares, sigma, w):
        """There is nothing to learn."""

    def slope(self, squares, sigma):
        """The scale does not depend on z."""


class WrittenLearnedScale:
    """σ = low + gain · softplus(GAIN v) / GAIN, (M, 1, D), with one v or D of them."""

    linears = ()

    def __init__(self, members, path):
        known(members, path, LearnedScale, set())
        v, self.by_v = members.cut(f"{path}.weight")  # (M, 1 or D)
        self.v = v.unsqueeze(1)
        self.low = members.buffer(f"{path}.low")
        self.gain = members.buffer(f"{path}.gain")

    def __call__(self, raw):
        softplus = functional.softplus(self.v, beta=LearnedScale.sharpness)
        return torch.addcmul(self.low, self.gain, softplus)

    def backward(self, squares, sigma, w):
        """dσ/dv = gain · sigmoid(GAIN v); the weights add up to 1."""
        mean = squares.sum(1, keepdim=True) * w if _is_number(w) else _sum(squares * w)
        d = (
            (1 - mean)
            / sigma
            * self.gain
            * torch.sigmoid(LearnedScale.sharpness * self.v)
        )  # (M, 1, D)
        if self.v.shape[-1] < d.shape[-1]:
            d = d.sum(-1, keepdim=True)
        self.by_v.copy_(d.squeeze(1))

    def slope(self, squares, sigma):
        """The scale does not depend on z."""


class WrittenRowScale:
    """σ = unit (floor + softplus(raw)), (M, B, D)."""

    def __init__(self, members, path):
        known(members, path, RowScale, {"floor"})
        self.linears = [f"{path}.linear"]
        self.unit = members.buffer(f"{path}.unit")
        floors = [part.floor for part in members.part(path)]
        self.floor = self.unit.new_tensor(floors)[:, None, None]

    def __call__(self, raw):
        self.raw = raw
        return self.unit * (self.floor + functional.softplus(raw))

    def backward(self, squares, sigma, w):
        """As `slope`, for the loss."""
        return self.slope(squares, sigma).mul_(-w)

    def slope(self, squares, sigma):
        """dσ/draw = unit · sigmoid(raw)."""
        return (squares - 1) / sigma * self.unit * self.raw.sigmoid()


def _is_number(w):
    return isinstance(w, float)


def _sum(values):
    return values.sum(1, keepdim=True)


SCALES = {
    FixedScale: WrittenFixedScale,
    LearnedScale: WrittenLearnedScale,
    RowScale: WrittenRowScale,
}


def written_scale(members, path):
    """Write the scale at a path."""
    (scale, *_) = members.part(path)
    if type(scale) not in SCALES:
        raise Unknown(f"the scale {type(scale).__name__}")
    return SCALES[type(scale)](members, path)


class WrittenMixed:
    """Independent blocks of columns, whose linear maps are one."""

    def __init__(self, members, path):
        known(members, path, MixedHead, OF_HEADS | {"groups", "in_order"})
        (head, *_) = members.part(path)
        numbers = range(len(head.heads))
        self.heads = [written_head(members, f"{path}.heads.{i}") for i in numbers]
        self.columns = [members.shared(f"{path}.columns{i}") for i in numbers]
        self.order = None if head.in_order else members.shared(f"{path}.order")
        self.linears = [linear for one in self.heads for linear in one.linears]
        self.n_outputs = sum(one.n_outputs for one in self.heads)

    def features(self, x):
        self.x = [x.index_select(-1, columns) for columns in self.columns]
        pairs = zip(self.heads, self.x, strict=True)
        self.y = [head.features(x) for head, x in pairs]
        y = torch.cat(self.y, -1)
        return y if self.order is None else y.index_select(-1, self.order)

    def log_prob(self, x, y, out):
        outs = out.split([head.n_outputs for head in self.heads], -1)
        parts = zip(self.heads, self.x, self.y, outs, strict=True)
        return sum(head.log_prob(*values) for head, *values in parts)

    def backward(self, w):
        return torch.cat([head.backward(w) for head in self.heads], -1)

    def slope(self):
        return torch.cat([head.slope() for head in self.heads], -1)


HEADS = {
    BernoulliHead: WrittenBernoulli,
    CodesHead: WrittenCodes,
    GaussianHead: WrittenGaussian,
    MixedHead: WrittenMixed,
    OneHotHead: WrittenOneHot,
    OneHotsHead: WrittenOneHots,
    PoissonHead: WrittenPoisson,
}


def written_head(members, path):
    """Write the head at a path; `Unknown` if its class is not one of ours."""
    (head, *_) = members.part(path)
    if type(head) not in HEADS:
        raise Unknown(f"the head {type(head).__name__}")
    return HEADS[type(head)](members, path)
