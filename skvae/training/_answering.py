"""What a net answers to skorch and to its callbacks."""

import torch
from skorch.utils import to_numpy

from skvae.training._batches import Rows


class Answering:
    """The methods of a skorch net that predict, score and compile."""

    def torch_compile(self, module, name):
        """Compile the parts of the module in place.

        A compiled module of skorch's would be a wrapper with other names of weights,
        and would compile `forward`, which a `LatentModel` does not have.
        """
        if self.compile:
            for part in module.children():
                part.compile(**self.get_params_for("compile"))
        return module

    def get_dataset(self, X, y=None):
        """Return `X`, a `Rows`, or one of an array or a tensor of data columns."""
        if isinstance(X, Rows):
            return X
        return Rows(to_numpy(X), self.device, self.module_.dtype)

    def evaluation_step(self, batch, training=False):
        """Return the reconstruction of each row of a batch, as skorch's prediction.

        Returns
        -------
        Tensor of shape (B, D)
            Mean of p(x | z) at the row's latents, relative to the origin, like
            ``batch.x``.
        """
        module = self.module_.train(training)
        with torch.no_grad():
            return module.decode(module.encode(batch), batch)

    def score(self, X, y=None):
        """Return the mean bound of some rows, in nats per row."""
        return -self.held_out_loss(self.get_dataset(X))
