"""The same VAE trained by different loops.

Every function takes `(X, task, epochs)`, builds the network, trains it and returns it.
`bare` and `skvae` also take a device. `bare` is the baseline: the data stays on the
device, each epoch draws one permutation, each batch is one `index_select`, Adam is
fused, and nothing is recorded.
"""

import torch
from skorch import NeuralNet
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks._common import PLAIN
from benchmarks._nets import LR, BareVAE
from skvae import VAETransformer


def _step(net, optimizer, x):
    loss = net(x).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def bare(X, task, epochs, device="cpu"):
    """Train with the computation alone and nothing around it."""
    net, X = BareVAE(task).to(device), torch.from_numpy(X).to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR, fused=True)
    for _ in range(epochs):
        order = torch.randperm(len(X), device=device)
        for rows in order.split(task.batch_size):
            _step(net, optimizer, X.index_select(0, rows))
    return net


def loader(X, task, epochs):
    """Train with a DataLoader and Adam's default settings, as most people do."""
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
    """Train with skorch's `NeuralNet`, its iterator, loop and default callbacks."""
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


def skvae(X, task, epochs, device="cpu"):
    """Train with this package's estimator."""
    return VAETransformer(
        n_components=task.n_components,
        hidden_layer_sizes=task.hidden,
        likelihood=task.likelihood,
        batch_size=task.batch_size,
        lr=LR,
        **PLAIN,
        max_epochs=epochs,
        random_state=0,
        device=device,
    ).fit(X)


def pythae(X, task, epochs):
    """Train with pythae's trainer; pythae must be installed."""
    from benchmarks._pythae import train

    return train(X, task, epochs)
