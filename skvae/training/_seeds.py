"""Every random number of a fit, from one integer.

A stream is named by what it is for and by its epoch. Nothing has to be carried from one
epoch to the next, so a fit that is stopped, pickled and resumed goes on with the same
numbers, and threads do not meet in a shared generator.
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
}


def derive_seed(seed, stream, epoch=0):
    """Derive the seed of one stream of random numbers.

    Parameters
    ----------
    seed : int
        The fit's seed.
    stream : str
        What the numbers are for, one of `STREAMS`.
    epoch : int, default=0
        The epoch that needs them.

    Returns
    -------
    int
        Below 2**63, as torch wants it.
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
    """Build networks in this context: torch draws their weights from this seed.

    torch's layers draw from the global generator only, so it is set, and put back
    afterwards, one thread at a time.
    """
    with _WEIGHTS_LOCK, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        yield
