"""Linear layers, activations and bodies, each with its gradient.

M members, B rows, i inputs and o outputs.
"""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from skvae.handwritten._vector import Unknown
from skvae.nets import Skip

LINEAR = {"in_features", "out_features"}  # attributes of a linear layer


class Affine:
    """h -> h Wᵀ + b, (M, B, i) -> (M, B, o), with several linear layers side by side.

    Parameters
    ----------
    members : Vector
        Has the parameters.
    *paths : str
        Where the layers are; their outputs are joined in this order.
    """

    def __init__(self, members, *paths):
        for path in paths:
            known(members, path, nn.Linear, LINEAR)
        weights, biases = (
            [f"{p}.{kind}" for p in paths] for kind in ("weight", "bias")
        )
        self.weight, self.by_weight = members.cut(*weights)  # (M, o, i)
        bias, self.by_bias = members.cut(*biases)  # (M, o)
        self.bias, self.transposed = bias.unsqueeze(1), self.weight.transpose(1, 2)

    def __call__(self, h):
        self.h = h
        return torch.baddbmm(self.bias, h, self.transposed)

    def backward(self, d):
        """Set the gradients of W and b from that of the output, (M, B, o)."""
        torch.bmm(d.transpose(1, 2), self.h, out=self.by_weight)
        torch.sum(d, 1, out=self.by_bias)

    def to_input(self, d, n=None):
        """Return the gradient of the first n inputs, (M, B, n); of all by default."""
        return torch.bmm(d, self.weight if n is None else self.weight[..., :n])


class Body:
    """Hidden layers h_l = f(W_l h_{l-1} + b_l), and maybe the input beside the last.

    Parameters
    ----------
    members : Vector
        Has the parameters.
    path : str
        Where the body is, as `skvae.nets.mlp` builds it, in a `Skip` or not.
    """

    def __init__(self, members, path):
        (body, *_) = members.part(path)
        self.skips = type(body) is Skip
        if self.skips:
            known(members, path, Skip, set())
            path, body = f"{path}.body", body.body
        known(members, path, nn.Sequential, set())
        parts = list(body)
        if len(parts) % 2 or (self.skips and not parts):
            raise Unknown("not every layer has an activation")
        self.layers, self.activations = [], []
        for i, part in enumerate(parts):
            if i % 2 == 0:
                self.layers.append(Affine(members, f"{path}.{i}"))
            else:
                self.activations.append(activation(part))

    def __call__(self, x):
        h, self.inputs, self.outputs = x, [], []
        for layer, (f, _) in zip(self.layers, self.activations, strict=True):
            self.inputs.append(layer(h))  # (M, B, h_l), which f may overwrite
            h = f(self.inputs[-1])
            self.outputs.append(h)
        return torch.cat([h, x], -1) if self.skips else h

    @property
    def n_hidden(self):
        """Number of outputs of the last layer, or None without layers."""
        return self.layers[-1].weight.shape[1] if self.layers else None

    def backward(self, d, to_input=True, learns=True):
        """Set all gradients from that of the output; return that of the input.

        It overwrites `d`. Without `to_input`, the gradient of a direct path may be left
        out of `d`. Without `learns`, the weights' gradients are not computed.
        """
        n, beside = self.n_hidden, None
        if self.skips:
            d, beside = d[..., :n], d[..., n:]
        for i in reversed(range(len(self.layers))):
            f_backward = self.activations[i][1]
            d = f_backward(d, self.inputs[i], self.outputs[i])  # (M, B, h_l)
            if learns:
                self.layers[i].backward(d)
            if i or to_input:
                d = self.layers[i].to_input(d)  # (M, B, h_{l-1})
        return d + beside if self.skips and to_input else d


# torch's own pass backwards through a ReLU: a single one over the memory.
THRESHOLD = getattr(torch.ops.aten, "threshold_backward", None)


def _backward_of_relu(d, u, a):
    if THRESHOLD is None:
        return d.mul_(a.sign())
    return THRESHOLD.grad_input(d, a, 0, grad_input=d)


def _backward_of_gelu(d, u, a):
    density = torch.exp(-0.5 * u.square()) / math.sqrt(2 * math.pi)
    return d.mul_(0.5 * (1 + torch.erf(u / math.sqrt(2))) + u * density)


# Each activation a = f(u), and d da/du. Where the latter needs a only, f is in place.
ACTIVATIONS = {
    nn.ELU: (
        partial(functional.elu, inplace=True),
        lambda d, u, a: d.mul_(a.clamp(max=0).add_(1)),
    ),
    nn.GELU: (functional.gelu, _backward_of_gelu),
    nn.Identity: (lambda u: u, lambda d, u, a: d),
    nn.ReLU: (torch.relu_, _backward_of_relu),
    nn.Sigmoid: (torch.sigmoid_, lambda d, u, a: d.mul_(a * (1 - a))),
    nn.Softplus: (functional.softplus, lambda d, u, a: d.mul_(-torch.expm1(-a))),
    nn.Tanh: (torch.tanh_, lambda d, u, a: d.mul_(1 - a.square())),
}


def activation(part):
    """Return an activation and its backward pass."""
    kind = type(part)
    if kind not in ACTIVATIONS or part.extra_repr() != kind().extra_repr():
        raise Unknown(f"the activation {part}")
    return ACTIVATIONS[kind]


def known(members, path, kind, attributes):
    """Raise `Unknown` unless the parts at a path are of a kind, with known attributes.

    Whatever else is set on a module might change what it computes.
    """
    for part in members.part(path):
        if type(part) is not kind:
            raise Unknown(f"{path} is a {type(part).__name__}")
        more = {name for name in vars(part) if not name.startswith("_")}
        if more - attributes - {"training"}:
            raise Unknown(f"{path} has {sorted(more - attributes)}")
        if any(hooks for name, hooks in vars(part).items() if name.endswith("hooks")):
            raise Unknown(f"{path} has hooks")
