"""Build the networks of an estimator."""

import numpy as np
import torch

from skvae.base._flags import reading_flags
from skvae.distributions import inputs, n_inputs
from skvae.nets import build_body, mlp
from skvae.training import Rows


class NetworksMixin:
    """Builds encoders, decoders and heads; a family implements `_build_module`."""

    def _build_module(self, table):
        """Build the untrained torch module for the columns of a `Table`.

        ``likelihood_`` is fitted. The table is None if saved weights are loaded.
        """
        raise NotImplementedError

    def _build_parts(self, n_latents):
        """Build encoder, its width, decoder and head, for a decoder of `n_latents`."""
        decoder, n_out = self._build_body("decoder", n_latents)
        decoder, n_out = self._with_linear_path(decoder, n_latents, n_out)
        head = self._build_head(decoder, n_out)
        encoder, n_hidden = self._build_encoder(head)
        n_in = n_inputs(head) + self._columns.condition_width
        encoder, n_hidden = self._with_linear_path(encoder, n_in, n_hidden)
        return encoder, n_hidden, decoder, head

    def _choose_start(self, module, table):
        """Set the weights of a new module, unless they stay random."""

    def _with_linear_path(self, body, n_in, n_out):
        """Return a body and its width, unless a model adds a path beside it."""
        return body, n_out

    def _build_encoder(self, head):
        """Build the encoder of a row and its condition; return its width too."""
        width = self._columns.condition_width
        if self.encoder is None:
            n_in = n_inputs(head) + width
            return self._build_layers(n_in, self.hidden_layer_sizes)
        body, n_hidden = build_body(self.encoder, head.n_features, "encoder")
        return reading_flags(body, n_hidden, head, width)

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
        likelihood = likelihood or self.likelihood_
        head = likelihood.head(n_hidden)
        if likelihood.has_holes:
            head.n_flags = likelihood.n_columns_
        if getattr(decoder, "gives_parameters", False):
            head.take_as_is()
        return head

    def _training_features(self, table, head):
        """Return a function n -> n training rows as the encoder sees them."""
        width = n_inputs(head) + self._columns.condition_width

        def rows(n):
            if table is None:
                return torch.zeros(n, width)
            which = np.random.default_rng(self._seed).permutation(len(table))
            dtype = torch.get_default_dtype()
            batch = Rows(table, "cpu", dtype, **self._units()).take(
                torch.from_numpy(np.resize(which, n))
            )
            features = inputs(head, batch.x, batch.seen)
            if batch.condition is None:
                return features
            return torch.cat([features, batch.condition], dim=1)

        return rows
