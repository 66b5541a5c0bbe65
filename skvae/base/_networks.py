"""How an estimator builds its networks from its parameters."""

import numpy as np
import torch

from skvae.nets import Beside, build_body, mlp


class NetworksMixin:
    """Builds encoders, decoders and heads; a family writes `_build_module`."""

    def _build_module(self, table):
        """Build the untrained torch module for the columns of a `Table`.

        ``likelihood_`` is fitted. The table is None if saved weights will be loaded.
        """
        raise NotImplementedError

    def _build_parts(self, n_latents):
        """Build encoder, its width, decoder and head, for a decoder of `n_latents`."""
        decoder, n_out = self._build_body("decoder", n_latents)
        head = self._build_head(decoder, n_out)
        encoder, n_hidden = self._build_encoder(head.n_features)
        return encoder, n_hidden, decoder, head

    def _build_encoder(self, n_features):
        """Build the encoder of a row beside its condition; return its width too."""
        width = self._columns.condition_width
        if self.encoder is None:
            return self._build_layers(n_features + width, self.hidden_layer_sizes)
        body, n_hidden = build_body(self.encoder, n_features, "encoder")
        return (Beside(body, n_features) if width else body), n_hidden + width

    def _build_body(self, name, n_in):
        """Build the encoder's or the decoder's body; return its width too."""
        custom = getattr(self, name)
        if custom is not None:
            return build_body(custom, n_in, name)
        sizes = tuple(self.hidden_layer_sizes)
        return self._build_layers(n_in, sizes if name == "encoder" else sizes[::-1])

    def _build_layers(self, n_in, sizes):
        """Build layers of these widths; return the last width too."""
        return mlp(n_in, sizes, self.activation, self.dropout), (n_in, *sizes)[-1]

    def _build_head(self, decoder, n_hidden, likelihood=None):
        """Build the head behind a decoder's body, unless the body has its own."""
        head = (likelihood or self.likelihood_).head(n_hidden)
        if getattr(decoder, "gives_parameters", False):
            head.take_as_is()
        return head

    def _training_features(self, table, head):
        """Return a function n -> n training rows as the encoder sees them."""
        width = head.n_features + self._columns.condition_width

        def rows(n):
            if table is None:
                return torch.zeros(n, width)
            which = np.random.default_rng(self._seed).permutation(len(table))
            block = table[np.resize(which, n)]
            features = head.features(_as_tensor(block.x))
            if block.condition is None:
                return features
            return torch.cat([features, _as_tensor(block.condition)], dim=1)

        return rows


def _as_tensor(values):
    return torch.as_tensor(values).to(torch.get_default_dtype())
