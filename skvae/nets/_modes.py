"""Keep torch's modes around a call from changing what a model computes."""

from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def own_precision():
    """Compute in the precision of the model, even under `torch.autocast`."""
    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def trainable():
    """Build and train weights, even under `torch.inference_mode` or `torch.no_grad`."""
    with own_precision(), torch.inference_mode(False), torch.enable_grad():
        yield
