"""All random numbers of a fit, derived from one integer.

Each purpose has its own stream of random numbers in each epoch. As no generator state
is carried from one epoch to the next, a fit that is stopped, pickled and resumed draws
the same numbers, and threads share no generator.
"""

import threading
from contextlib import contextmanager

import numpy as np
import torch

STREAMS = {
    "weights": 0,
    "shuffle": 1,
    "noise": 2,
    "split": 3,
    "evaluation": 4,
    "binarize": 5,
    "settle": 6,
    "part": 7,
}


def derive_seed(seed, stream, epoch=0):
    """Derive the seed of one stream of random numbers.

    Parameters
    ----------
    seed : int
        The fit's seed.
    stream : str
        Purpose of the numbers, one of `STREAMS`.
    epoch : int, default=0
        Epoch in which they are drawn.

    Returns
    -------
    int
        Below 2**63, as torch requires.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(STREAMS[stream], epoch))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def derive_generator(seed, stream, epoch=0, device="cpu"):
    """Build a torch generator for one stream of random numbers."""
    generator = torch.Generator(device=device)
    return generator.manual_seed(derive_seed(seed, stream, epoch))


_WEIGHTS_LOCK = threading.Lock()


@contextmanager
def seeded_weights(seed):
    """Seed the weights of the networks that are built in this context.

    torch's layers use the global generator and the default precision, so both are set
    here and restored afterwards, in one thread at a time. Weights are drawn in single
    precision, whatever the default is, and cast later.
    """
    with _WEIGHTS_LOCK, torch.random.fork_rng(devices=[]):
        default = torch.get_default_dtype()
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        try:
            torch.set_default_dtype(torch.float32)
            yield
        finally:
            torch.set_default_dtype(default)
