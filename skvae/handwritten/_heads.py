"""ln p(x | z) of the built-in likelihoods and its gradient by the decoder's output.

A head is written for M members: x is (M, B, D), the output of the linear maps
(M, B, O), and what depends on neither row nor latent (M, 1, D). The loss is
−Σ_b w_b ln p(x_b | z_b) with weights w of each member's rows.
"""

import torch
from torch.nn import functional

from skvae.distributions import (
    BernoulliHead,
    CodesHead,
    GaussianHead,
    MixedHead,
    OneHotHead,
    OneHotsHead,
    PoissonHead,
    TransformedHead,
)
from skvae.handwritten._gaussian import WrittenGaussian, WrittenTransformed
from skvae.handwritten._head import OF_HEADS, Written, masked
from skvae.handwritten._layers import known
from skvae.handwritten._vector import Unknown


class WrittenBernoulli(Written):
    """x π − ln(1 + e^π) with logits π."""

    kind = BernoulliHead

    def log_prob(self, x, y, out, seen=None):
        self.x, self.out, self.seen = x, out, seen
        cells = torch.sub(x * out, functional.softplus(out))
        return masked(cells, seen).sum(-1)

    def slope(self):
        """x − sigmoid(π)."""
        return masked(torch.sub(self.x, self.out.sigmoid()), self.seen)


class WrittenOneHot(Written):
    """Σ_d x_d ln π_d with π = softmax."""

    kind = OneHotHead

    def log_prob(self, x, y, out, seen=None):
        self.x, self.log_pi = masked(x, seen), out.log_softmax(-1)
        return (self.x * self.log_pi).sum(-1)

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

    def log_prob(self, x, y, out, seen=None):
        logits = functional.pad(out, (0, 1), value=-torch.inf)
        log_pi = logits[..., self.place].log_softmax(-1)  # (M, B, V, L)
        self.log_pi = log_pi.flatten(-2).index_select(-1, self.inside)
        self.x, self.seen = masked(x, seen), seen
        return (self.x * self.log_pi).sum(-1)

    def slope(self):
        """x − π, as each variable of x sums to 1."""
        return self.x - masked(self.log_pi.exp(), self.seen)


class WrittenCodes(Written):
    """A softmax for each column; the features are the codes, one-hot."""

    kind = CodesHead

    def __init__(self, members, path):
        super().__init__(members, path)
        self.place = members.shared(f"{path}.place")  # (D, L)
        self.column = members.shared(f"{path}.column")  # (n,)
        self.code = members.buffer(f"{path}.code")  # (M, 1, n)
        self.share = members.buffer(f"{path}.share")  # (M, 1, n)
        flat = self.place.flatten()
        is_level = flat < self.n_outputs
        self.at = torch.empty_like(self.column)  # of each level among (D, L)
        self.at[flat[is_level]] = is_level.nonzero().squeeze(1)

    def features(self, x, seen=None):
        levels = (x.index_select(-1, self.column) == self.code).to(x.dtype)
        if seen is None:
            return levels
        return torch.where(seen.index_select(-1, self.column), levels, self.share)

    def log_prob(self, x, y, out, seen=None):
        logits = functional.pad(out, (0, 1), value=-torch.inf)
        log_pi = logits[..., self.place].log_softmax(-1)  # (M, B, D, L)
        self.log_pi = log_pi.flatten(-2).index_select(-1, self.at)
        self.seen = None if seen is None else seen.index_select(-1, self.column)
        self.y = masked(y, self.seen)
        return (self.y * self.log_pi).sum(-1)

    def slope(self):
        """y − π."""
        return self.y - masked(self.log_pi.exp(), self.seen)


class WrittenPoisson(Written):
    """x ln λ − λ − ln x! with λ = scale (softplus + 1e-6), in double precision."""

    kind = PoissonHead

    def __init__(self, members, path):
        super().__init__(members, path)
        self.scale = members.buffer(f"{path}.scale")

    def features(self, x, seen=None):
        return x.log1p()

    def log_prob(self, x, y, out, seen=None):
        self.x, self.out, self.seen = x, out, seen
        self.rate = self.scale * (functional.softplus(out) + 1e-6)
        n, rate = x.double(), self.rate.double()
        terms = n * rate.log() - rate - torch.lgamma(n + 1)
        return masked(terms, seen).sum(-1).to(out.dtype)

    def slope(self):
        """(x / λ − 1) dλ, with dλ = scale · sigmoid."""
        by_rate = masked(self.x / self.rate - 1, self.seen)
        return by_rate * self.scale * self.out.sigmoid()


class WrittenMixed:
    """Independent blocks of columns, whose linear maps are one."""

    def __init__(self, members, path):
        known(members, path, MixedHead, OF_HEADS | {"groups", "in_order"})
        (head, *_) = members.part(path)
        self.heads = [
            written_head(members, f"{path}.heads.{i}") for i in range(len(head.heads))
        ]
        self.columns = [
            members.shared(f"{path}.columns{i}") for i in range(len(self.heads))
        ]
        self.order = None if head.in_order else members.shared(f"{path}.order")
        self.linears = [linear for one in self.heads for linear in one.linears]
        self.n_outputs = sum(one.n_outputs for one in self.heads)

    def features(self, x, seen=None):
        self.x, self.seen = self._split(x), self._split(seen)
        parts = zip(self.heads, self.x, self.seen, strict=True)
        self.y = [head.features(*values) for head, *values in parts]
        y = torch.cat(self.y, -1)
        return y if self.order is None else y.index_select(-1, self.order)

    def _split(self, values):
        """Return the columns of each head; None for each if there are no values."""
        if values is None:
            return [None] * len(self.columns)
        return [values.index_select(-1, columns) for columns in self.columns]

    def log_prob(self, x, y, out, seen=None):
        outs = out.split([head.n_outputs for head in self.heads], -1)
        parts = zip(self.heads, self.x, self.y, outs, self.seen, strict=True)
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
    TransformedHead: WrittenTransformed,
}


def written_head(members, path):
    """Write the head at a path; `Unknown` if its class is not one of ours."""
    (head, *_) = members.part(path)
    if type(head) not in HEADS:
        raise Unknown(f"the head {type(head).__name__}")
    return HEADS[type(head)](members, path)
