"""The parameter that chooses where training begins."""

import numpy as np
import torch
from torch import nn

from skvae._parameters import Declared, parameter
from skvae._validation import Options
from skvae.nets import Skip
from skvae.starts import MAX_ROWS, start_at_closed_form
from skvae.training import Rows


class Start(Declared):
    """Where the weights of a `VAE` begin."""

    init: str = parameter(
        Options(("random", "pca")), default="random", shapes_network=True
    )

    @property
    def _starts_well(self):
        return self.init == "pca"

    def _with_linear_path(self, body, n_in, n_out):
        """Append the input to a body's output, unless it is the input already."""
        is_identity = isinstance(body, nn.Sequential) and len(body) == 0
        if not self._starts_well or is_identity:
            return body, n_out
        if getattr(body, "gives_parameters", False):
            raise ValueError(
                f"The 'init' parameter of {type(self).__name__} must be 'random' with "
                "a 'decoder' that returns the likelihood's parameters itself. Got "
                f"{self.init!r} instead."
            )
        return Skip(body), n_out + n_in

    def _build_module(self, table):
        module = super()._build_module(table)
        if self._starts_well and table is not None:
            random = np.random.default_rng(self._seed)
            chosen = random.permutation(len(table))[:MAX_ROWS]
            rows = Rows(table, "cpu", torch.float64, origin=self.likelihood_.origin)
            batch = rows.take(torch.from_numpy(np.sort(chosen)))
            start_at_closed_form(module.double(), batch, random)
        return module
