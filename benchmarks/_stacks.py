"""Many fits of one shape at once, over a bare loop that trains one of them.

`stacked` trains members that differ in step size and β, as a grid search does. The bare
loop trains a single network, eagerly or, on a GPU, as a captured graph of one step.
"""

import copy
import warnings
from functools import partial

import numpy as np
import torch

from benchmarks._common import PLAIN, interleaved, row, seconds
from benchmarks._loops import bare
from benchmarks._nets import LR, BareVAE
from skvae import VAETransformer
from skvae.inputs import NOTHING
from skvae.stacks import train_together

RATES = (3e-4, 1e-3, 3e-3)


def prepared(X, task, n_members, device):
    """An estimator with an untrained net and its rows, copied for each member."""
    one = VAETransformer(
        n_components=task.n_components,
        hidden_layer_sizes=task.hidden,
        likelihood=task.likelihood,
        batch_size=task.batch_size,
        random_state=0,
        device=device,
        **PLAIN,
    )
    rows = one._prepare(X, NOTHING, False)
    nets = [copy.deepcopy(one.net_) for _ in range(n_members)]
    for i, net in enumerate(nets):
        net.optimizer_.param_groups[0]["lr"] = RATES[i % len(RATES)]
        net.module_.beta = 0.5 + i / n_members
    return nets, rows


def stacked(members, n_epochs, clock):
    """Train copies of prepared members side by side; return the time it took."""
    nets, rows = members
    nets = copy.deepcopy(nets)
    for net in nets:
        net.max_epochs = n_epochs
    start = clock()
    alone = train_together(nets, [rows] * len(nets)).count(None)
    taken = clock() - start
    if alone:
        raise AssertionError(f"{alone} members were not stacked")
    return taken


def captured(X, task, epochs, device):
    """Train as `bare` does, by replaying a graph of one step; full batches only."""
    net, X = BareVAE(task).to(device), torch.from_numpy(X).to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR, fused=True, capturable=True)
    x, graph = X[: task.batch_size].clone(), torch.cuda.CUDAGraph()

    def step():
        optimizer.zero_grad(set_to_none=True)
        net(x).mean().backward()
        optimizer.step()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        step()
    for _ in range(epochs):
        order = torch.randperm(len(X), device=device)
        for rows in order.split(task.batch_size):
            if len(rows) == task.batch_size:
                x.copy_(X.index_select(0, rows))
                graph.replay()
    return net


def ratios(task, n_rows, n_epochs, n_members, pairs, device, clock):
    """Rows: an epoch of the stack, over that of one network by the bare loop.

    An epoch is the difference between fits of 1 + E epochs and of 1.
    """
    X = task.rows(n_rows)
    members = prepared(X, task, n_members, device)
    loops = {"bare loop": bare}
    if device == "cuda":
        loops["captured graph"] = captured
    timers = {}
    for n in (1, 1 + n_epochs):
        timers["stack", n] = partial(stacked, members, n, clock)
        for name, loop in loops.items():
            one = partial(loop, X, task, n, device)
            timers[name, n] = partial(seconds, one, clock)
    interleaved(timers, 1)  # first calls
    taken = interleaved(timers, pairs)
    epoch = {
        name: taken[name, 1 + n_epochs] - taken[name, 1] for name in ("stack", *loops)
    }
    label = f"stack of {n_members}, {task.name}, batch {task.batch_size}"
    found = [
        row(f"{label}: all over one by the {name}", epoch["stack"] / epoch[name])
        for name in loops
    ]
    return found + (on_device(members, label, clock) if device == "cuda" else [])


def on_device(members, label, clock):
    """Rows: synchronisations of an epoch, and memory, of a stack on a GPU."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    one, two = (synchronisations(partial(stacked, members, n, clock)) for n in (1, 2))
    peak = (torch.cuda.max_memory_allocated() - before) / 2**20
    n_steps = int(np.ceil(len(members[1]) / members[0][0].batch_size))
    return [
        row(f"{label}: waits in an epoch of {n_steps} steps", two - one, unit="waits"),
        row(f"{label}: peak memory", peak, unit="MiB"),
    ]


def synchronisations(action):
    """How often the host waits for the device."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            action()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing" in str(one.message) for one in caught)
