"""The Gaussian likelihood by hand, with its means and scales; see `_heads`."""

import math

import torch
from torch.nn import functional

from skvae.distributions import (
    FixedScale,
    GaussianHead,
    LearnedScale,
    RowScale,
    TransformedHead,
)
from skvae.handwritten._head import OF_HEADS, Written, masked
from skvae.handwritten._layers import known
from skvae.handwritten._vector import Unknown

LOG_2PI = math.log(2 * math.pi)

MEANS = {
    "sigmoid": (torch.sigmoid, lambda mean: mean * (1 - mean)),
    "tanh": (torch.tanh, lambda mean: 1 - mean.square()),
}


class WrittenGaussian(Written):
    """−½ r² − ln σ − ½ ln 2π with r = (x − μ) / σ."""

    kind = GaussianHead

    def __init__(self, members, path):
        known(members, path, self.kind, OF_HEADS | {"mean"})
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

    def features(self, x, seen=None):
        return torch.addcmul(self.offset, x, self.per_spread)

    def log_prob(self, x, y, out, seen=None):
        raw = out[..., : self.n_columns]  # (M, B, D)
        self.sigma = self.scale(out[..., self.n_columns :])  # (M, 1 or B, D)
        if self.mean == "identity":  # in units of the spread, as y is
            self.by_raw = self.spread / self.sigma
            self.r = torch.sub(y, raw).mul_(self.by_raw)
        else:
            f, slope = MEANS[self.mean]
            mu = f(raw)
            self.by_raw = slope(mu) / self.sigma
            self.r = torch.sub(x, mu).div_(self.sigma)
        self.r, self.seen = masked(self.r, seen), seen
        self.squares = self.r.square()
        if seen is None:
            constant = self.sigma.log().sum(-1) + 0.5 * self.n_columns * LOG_2PI
        else:
            constant = masked(self.sigma.log() + 0.5 * LOG_2PI, seen).sum(-1)
        return self.squares.sum(-1).mul_(-0.5).sub_(constant)

    def backward(self, w):
        """d ln p / d raw = r dμ/draw / σ, and d ln p / dσ = (r² − 1) / σ."""
        d = self.r * (self.by_raw * -w)
        more = self.scale.backward(self.squares, self.sigma, self.seen, w)
        return d if more is None else torch.cat([d, more], -1)

    def slope(self):
        """The derivatives by raw and by what the scale sees."""
        d = self.r * self.by_raw
        more = self.scale.slope(self.squares, self.sigma, self.seen)
        return d if more is None else torch.cat([d, more], -1)


class WrittenTransformed(WrittenGaussian):
    """The same of t(x), plus ln t'(x), which depends on no parameter."""

    kind = TransformedHead

    def __init__(self, members, path):
        super().__init__(members, path)
        self.transform, *others = members.part(f"{path}.transform")
        self.x = None
        known(members, f"{path}.transform", type(self.transform), set())
        if others:
            for name, _ in self.transform.named_buffers():
                members.shared(f"{path}.transform.{name}")

    def features(self, x, seen=None):
        if x is not self.x:  # refinement asks about the same rows in every step
            self.x, self.transformed = x, self.transform(x)
            self.slopes = self.transform.log_slope(x)
        return super().features(self.transformed)

    def log_prob(self, x, y, out, seen=None):
        slopes = masked(self.slopes, seen)
        return super().log_prob(x, y, out, seen) + slopes.sum(-1)


class WrittenFixedScale:
    """A scale that is not learned."""

    linears = ()

    def __init__(self, members, path):
        known(members, path, FixedScale, set())
        self.scale = members.buffer(f"{path}.scale")

    def __call__(self, raw):
        return self.scale

    def backward(self, squares, sigma, seen, w):
        """There is nothing to learn."""

    def slope(self, squares, sigma, seen):
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

    def backward(self, squares, sigma, seen, w):
        """dσ/dv = gain · sigmoid(GAIN v); a single number is 1 over the rows."""
        if seen is not None:
            left = _sum(masked(1 - squares, seen), w)
        else:
            left = (1 if isinstance(w, float) else w.sum(1, keepdim=True)) - _sum(
                squares, w
            )
        d = (
            left / sigma * self.gain * torch.sigmoid(LearnedScale.sharpness * self.v)
        )  # (M, 1, D)
        if self.v.shape[-1] < d.shape[-1]:
            d = d.sum(-1, keepdim=True)
        self.by_v.copy_(d.squeeze(1))

    def slope(self, squares, sigma, seen):
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

    def backward(self, squares, sigma, seen, w):
        """As `slope`, for the loss."""
        return self.slope(squares, sigma, seen).mul_(-w)

    def slope(self, squares, sigma, seen):
        """dσ/draw = unit · sigmoid(raw)."""
        by_sigma = masked(squares - 1, seen) / sigma
        return by_sigma * self.unit * self.raw.sigmoid()


def _sum(values, w):
    """Return the weighted sum over rows, (M, B, D) -> (M, 1, D)."""
    if isinstance(w, float):
        return values.sum(1, keepdim=True) * w
    return (values * w).sum(1, keepdim=True)


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
