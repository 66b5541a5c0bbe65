"""One training run of the same VAE, written in the ways it is usually written.

Every function takes `(X, task, epochs)` and builds the network, trains it and returns
it. `bare` is what the others are compared with: resident tensors, one permutation an
epoch, one `index_select` a batch, fused Adam, and no bookkeeping at all.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from skorch import NeuralNet
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from skvae import VAETransformer

LR = 1e-3
HALF_LOG_2PI = 0.9189385332046727


@dataclass(frozen=True)
class Task:
    """A network, its likelihood and the batches it is trained on."""

    name: str
    n_features: int
    hidden: tuple
    n_components: int
    likelihood: str
    batch_size: int
    goal: float

    def rows(self, n_rows, seed=0):
        """Synthetic float32 rows in the range of the likelihood."""
        rng = np.random.default_rng(seed)
        draw = rng.random if self.likelihood == "bernoulli" else rng.standard_normal
        return draw((n_rows, self.n_features), dtype=np.float32)


# --- the network ----------------------------------------------------------------------


def mlp(*widths):
    """Linear layers with a ReLU between each two."""
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def encoder(task):
    """One head for mean and scale."""
    return mlp(task.n_features, *task.hidden, 2 * task.n_components)


def decoder(task):
    """Logits or means of the columns."""
    return mlp(task.n_components, *task.hidden[::-1], task.n_features)


class BareVAE(nn.Module):
    """The VAE as short as it goes; `forward` is the negative bound of each row."""

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


# --- the loops ------------------------------------------------------------------------


def _step(net, optimizer, x):
    loss = net(x).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def bare(X, task, epochs):
    """Nothing but the computation."""
    net, X = BareVAE(task), torch.from_numpy(X)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR, fused=True)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(task.batch_size):
            _step(net, optimizer, X.index_select(0, rows))
    return net


def loader(X, task, epochs):
    """What most people write: a DataLoader and Adam as it comes."""
    net, X = BareVAE(task), TensorDataset(torch.from_numpy(X))
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    batches = DataLoader(X, batch_size=task.batch_size, shuffle=True)
    for _ in range(epochs):
        for (x,) in batches:
            _step(net, optimizer, x)
    return net


class _Mean(nn.Module):
    def forward(self, losses, _):
        return losses.mean()


def skorch_stock(X, task, epochs):
    """skorch's `NeuralNet` with its own iterator, loop and callbacks."""
    net = NeuralNet(
        BareVAE,
        module__task=task,
        criterion=_Mean,
        optimizer=torch.optim.Adam,
        lr=LR,
        batch_size=task.batch_size,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    return net.fit(X, None)


def skvae(X, task, epochs):
    """The estimator of this package."""
    return VAETransformer(
        n_components=task.n_components,
        hidden_layer_sizes=task.hidden,
        likelihood=task.likelihood,
        batch_size=task.batch_size,
        lr=LR,
        max_epochs=epochs,
        random_state=0,
        device="cpu",
    ).fit(X)


def pythae(X, task, epochs):
    """pythae's trainer, where pythae is installed."""
    from benchmarks._pythae import train

    return train(X, task, epochs)
