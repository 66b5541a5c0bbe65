"""The VAE that every training loop in `_loops` trains: its sizes and its layers."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

LR = 1e-3
HALF_LOG_2PI = 0.9189385332046727


@dataclass(frozen=True)
class Task:
    """Sizes of a network, its likelihood and its batch size.

    `goal` is the largest acceptable ratio of skvae's training time to the bare loop's.
    """

    name: str
    n_features: int
    hidden: tuple
    n_components: int
    likelihood: str
    batch_size: int
    goal: float | None

    def rows(self, n_rows, seed=0):
        """Random float32 rows in the range of the likelihood."""
        rng = np.random.default_rng(seed)
        draw = rng.random if self.likelihood == "bernoulli" else rng.standard_normal
        return draw((n_rows, self.n_features), dtype=np.float32)


DIGITS = Task("digits", 784, (500, 500), 50, "bernoulli", 100, 1.0)
DIGITS_512 = Task("digits", 784, (500, 500), 50, "bernoulli", 512, 1.0)
TABLE = Task("table", 30, (64, 64), 8, "gaussian", 128, 0.45)
COLUMNS = Task("64 columns", 64, (256, 256), 8, "gaussian", 128, 0.8)


def mlp(*widths):
    """Linear layers with a ReLU between each two."""
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def encoder(task):
    """Layers with one output for both the mean and the scale."""
    return mlp(task.n_features, *task.hidden, 2 * task.n_components)


def decoder(task):
    """Layers whose output is the logits or means of the columns."""
    return mlp(task.n_components, *task.hidden[::-1], task.n_features)


class BareVAE(nn.Module):
    """The shortest possible VAE; `forward` returns the negative ELBO of each row."""

    def __init__(self, task):
        super().__init__()
        self.encoder, self.decoder = encoder(task), decoder(task)
        self.gaussian = task.likelihood == "gaussian"
        if self.gaussian:
            self.raw_scale = nn.Parameter(torch.zeros(task.n_features))

    def forward(self, x):
        mean, raw = self.encoder(x).chunk(2, dim=1)
        scale = F.softplus(raw)
        z = mean + scale * torch.randn_like(mean)
        kl = (0.5 * (mean.square() + scale.square() - 1) - scale.log()).sum(1)
        return self.distortion(x, self.decoder(z)) + kl

    def distortion(self, x, out):
        """-ln p(x given z), from the decoder's output."""
        if not self.gaussian:
            loss = F.binary_cross_entropy_with_logits(out, x, reduction="none")
            return loss.sum(1)
        scale = F.softplus(self.raw_scale)
        squares = ((x - out) / scale).square().sum(1)
        return 0.5 * squares + (scale.log() + HALF_LOG_2PI).sum()
