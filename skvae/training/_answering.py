"""What a net answers to skorch and to its callbacks."""

import torch
from skorch.utils import to_numpy

from skvae.distributions import Noise
from skvae.training._batches import Rows
from skvae.training._hooks import means
from skvae.training._seeds import derive_generator


class Answering:
    """The methods of a skorch net that evaluate, predict, score and compile."""

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

    def held_out_loss(self, rows, step_fn=None, hooks=None):
        """Return minus the mean bound of some rows, with the same noise each time.

        The rows have their weights and their shares in training.
        """
        step_fn = step_fn or self.validation_step
        self.module_.eval()
        noise = Noise(derive_generator(self.seed, "evaluation", device=self.device))
        with torch.no_grad():
            self.module_.normalise(rows, noise)
        batches_of = self.get_iterator(rows, training=False)
        batches = self._binarized(batches_of, noise)
        if self._fast is not None:
            bounds = self._fast.bound(batches, noise)
        else:
            bounds = self._bounds(batches, noise, step_fn, hooks)
        if hooks is not None:
            hooks.finish(lambda: means(bounds, batches_of.sizes()))
        return -_mean(bounds, rows.weights())

    def _binarized(self, batches, noise):
        """Yield the batches, with grey values drawn as 0/1 under "dynamic"."""
        for batch in batches:
            if self.binarize == "dynamic":
                drawn = (noise.uniform(batch.x) < batch.x).to(batch.x.dtype)
                if batch.seen is not None:
                    drawn = torch.where(batch.seen, drawn, batch.x)
                yield batch._replace(x=drawn)
            else:
                yield batch

    def _bounds(self, batches, noise, step_fn, hooks):
        """Return the bound of each row of the batches, (n,)."""
        bounds = []
        for batch in batches:
            if hooks is not None:
                hooks.begin(batch)
            bounds.append(step_fn(batch, noise=noise))
            if hooks is not None:
                hooks.end(batch, lambda: -bounds[-1].mean())
        return torch.cat(bounds)

    def validation_step(self, batch, noise, **fit_params):
        """Return the bound of each row of a batch, (B,)."""
        with torch.no_grad():
            return self.module_.bound(batch, noise)


def _mean(bounds, weights):
    """Return the mean bound of rows with these weights, in double precision."""
    if weights is None:
        return bounds.mean(dtype=torch.float64).item()
    return float(bounds.double().cpu().numpy() @ weights)
