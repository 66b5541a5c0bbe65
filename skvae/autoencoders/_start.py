"""The parameter that chooses where training begins."""

import copy

import numpy as np
import torch
from torch import nn

from skvae._kinds import cut
from skvae._parameters import Declared, parameter
from skvae._validation import Options
from skvae.distributions import NoLinearModel
from skvae.nets import Skip
from skvae.starts import MAX_ROWS, LinearStart
from skvae.training import Rows


class Start(Declared):
    """Where the weights begin; the module has a method `start_at`.

    It is not for categorical latents, which are not linear in the columns.
    """

    init: str = parameter(
        Options(("auto", "pca", "random")), default="auto", shapes_network=True
    )

    @property
    def _starts_at_pca(self):
        """Whether there are linear paths, which begin at the closed form."""
        networks = (getattr(self, name, None) for name in ("encoder", "decoder"))
        is_custom = any(network is not None for network in networks)
        return self.init == "pca" or (self.init == "auto" and not is_custom)

    def _needs_linear_path(self, *bodies):
        """Whether these bodies, one after another, hide the input."""
        empty = [isinstance(b, nn.Sequential) and len(b) == 0 for b in bodies]
        return self._starts_at_pca and not all(empty)

    def _with_linear_path(self, body, n_in, n_out):
        """Append the input to a body's output, unless it is the input already."""
        if not self._needs_linear_path(body):
            return body, n_out
        if getattr(body, "gives_parameters", False):
            raise ValueError(
                f"The 'init' parameter of {type(self).__name__} must be 'random' with "
                "a 'decoder' that returns the likelihood's parameters itself. Got "
                f"{cut(self.init)} instead."
            )
        return Skip(body), n_out + n_in

    def _choose_start(self, module, table):
        if not self._starts_at_pca or table is None:
            return
        chosen = self._rows_of_start(table)
        rows = Rows(table, "cpu", torch.float64, **self._units())
        batch = rows.take(torch.from_numpy(np.unique(chosen)))
        untouched = copy.deepcopy(module.double().state_dict())
        try:
            self._start(module, batch, wide=False)
        except NoLinearModel:
            if self.init == "pca":
                raise
            return
        self._first_weights = copy.deepcopy(module.state_dict())
        module.load_state_dict(untouched)  # a start adds to the heads' biases
        self._start(module, batch, wide=True)

    def _rows_of_start(self, table):
        """Return the positions of some rows that are not held out."""
        rows = np.arange(len(table))
        if self.early_stopping:
            rows, _ = self._hold_out().positions(len(table))
        return np.random.default_rng(self._seed).permutation(rows)[:MAX_ROWS]

    def _start(self, module, batch, wide):
        """Set the weights of a module; see `skvae.starts` for the wide start."""
        random = np.random.default_rng(self._seed)
        module.start_at(LinearStart(module.head, batch, random, wide))
