"""Draws of the latents decoded chunk by chunk, so that the memory needed is bounded."""

from torch import Tensor
from torch.overrides import TorchFunctionMode

LIKELIHOOD_ROWS = 256  # per slice of rows
CHUNK_ELEMENTS = 2**21  # values in the widest layer for one chunk of latents


class _Largest(TorchFunctionMode):
    """Notes the largest result of torch functions in this thread, in values."""

    n_values = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if isinstance(out, Tensor):
            self.n_values = max(self.n_values, out.numel())
        return out


def _widest(module, z, batch):
    """Return the number of values per row in the widest layer, by decoding once.

    Hooks on the module would not do: other threads may be using it.
    """
    with _Largest() as largest:
        module.likelihood(z, batch)
    return max(batch.x.shape[-1], largest.n_values // len(batch.x))


def chunks(module, z, batch, n_samples):
    """Split draws so that no layer has many more than `CHUNK_ELEMENTS` values.

    `z`, (B, K), are any latents; the result is a list of slices.
    """
    size = max(1, CHUNK_ELEMENTS // (LIKELIHOOD_ROWS * _widest(module, z, batch)))
    starts = range(0, n_samples, size)
    return [slice(start, min(start + size, n_samples)) for start in starts]


def over_chunks(function, q, module, batch, n_samples):
    """Return a tensor (S, B) of the values of `function` at q, p(z) and a slice.

    It is allocated at once: small tensors between the large activations of the decoder
    would keep that memory from being reused.
    """
    p = module.prior(batch)
    values = batch.x.new_empty((n_samples, len(batch.x)))
    for where in chunks(module, q.mean, batch, n_samples):
        values[where] = function(q, p, where)
    return values.double()
