"""Tables of several modalities."""

import numpy as np

from skvae._columns import observed_cells
from skvae._kinds import cut
from skvae._validation import Instance, Options, check_parameter
from skvae.distributions import Mixed, as_likelihood
from skvae.inputs._columns import (
    PlainColumns,
    as_positions,
    check_dimensions,
    plain,
)
from skvae.inputs._modalities import observed_modalities, resolve_modalities
from skvae.training import Table


class BlockColumns(PlainColumns):
    """A table of blocks, each of which may be missing in a row.

    Attributes
    ----------
    blocks : dict of str to ndarray of int
        Columns of each modality.
    """

    saved = {"modalities_": Instance((dict,), "a dict from names to columns")}

    # -- from X to numbers ----------------------------------------------------------

    def _table(self, estimator, X, given, reset):
        X = check_dimensions(X, type(estimator).__name__)
        x = self.validated(estimator, X, reset)
        if reset:
            self.blocks = resolve_modalities(
                estimator.modalities, x.shape[1], self.all_names, X
            )
            estimator._check_modalities(self)
        table = self.as_table(estimator, x, **given.arrays(len(x)))
        if reset and table.observed is not None:
            self._check_all_seen(table.observed)
        return table

    def validated(self, estimator, X, reset=False):
        """Check rows except for missing values, and return them as an array."""
        X = check_dimensions(X, type(estimator).__name__)
        return self._validated(estimator, X, reset)

    def as_table(self, estimator, x, **beside):
        """Return checked rows as a `Table`, with the observed blocks."""
        seen = observed_cells(x)
        if seen is None:
            return Table(x, **beside)
        observed = observed_modalities(seen, self.blocks, estimator.empty_rows)
        if observed is not None:
            for block, rows in zip(self.blocks.values(), ~observed.T, strict=True):
                seen[np.ix_(rows, block)] = True  # the block is missing, not its cells
        return Table(x, observed=observed, seen=None if seen.all() else seen, **beside)

    def _check_all_seen(self, observed):
        for name, seen in zip(self.blocks, observed.any(axis=0), strict=True):
            if not seen:
                raise ValueError(f"The modality {name!r} is missing in every row.")

    # -- parameters of each modality ------------------------------------------------

    def of(self, estimator, name, parameter):
        """Return the value of a parameter for one modality."""
        value = getattr(estimator, parameter)
        return value.get(name) if isinstance(value, dict) else value

    def check_names(self, estimator, parameter, whole=False):
        """Raise ValueError if a parameter is a dict with keys that are not modalities.

        With `whole`, the dict must have all modalities.
        """
        value, known = getattr(estimator, parameter), set(self.blocks)
        if not isinstance(value, dict):
            return
        wrong = known ^ set(value) if whole else set(value) - known
        if wrong:
            raise ValueError(
                f"The {parameter!r} parameter of {type(estimator).__name__} must name "
                f"the modalities {sorted(known)}. Got {sorted(value)} instead."
            )

    def check_modality(self, estimator, name):
        """Raise ValueError if there is no such modality."""
        owner = type(estimator).__name__
        if estimator.modalities is None:
            raise ValueError(f"{owner} was fitted without modalities.")
        check_parameter("modality", name, (Options(tuple(self.blocks)),), owner)

    def likelihood(self, estimator, frame=None):
        """Return the unfitted likelihoods of all blocks as one."""
        owner = type(estimator).__name__
        parts = [
            (as_likelihood(self.of(estimator, name, "likelihood"), owner), positions)
            for name, positions in self.blocks.items()
        ]
        if len(parts) > 1 and isinstance(estimator.likelihood, list | Mixed):
            raise ValueError(
                f"The 'likelihood' parameter of {owner} must be a dict if there are "
                f"several modalities. Got {cut(estimator.likelihood)} instead."
            )
        return Mixed(parts)

    # -- files ----------------------------------------------------------------------

    def learned(self):
        return super().learned() | {"modalities_": self.blocks}

    def put_back(self, estimator, values):
        super().put_back(estimator, values)
        self.blocks = values["modalities_"]
        _check_blocks(self.blocks, estimator.modalities, self.n_features)
        estimator._check_modalities(self)

    def plain_parameters(self, estimator):
        values = super().plain_parameters(estimator)
        if estimator.modalities is not None:
            values["modalities"] = {
                name: plain(estimator.modalities[name], positions)
                for name, positions in self.blocks.items()
            }
        return values

    def _plain_likelihood(self, estimator):
        value, fitted = estimator.likelihood, estimator.likelihood_.parts_
        if not isinstance(value, dict):
            return as_positions(value, fitted[0], np.asarray)
        parts = dict(zip(self.blocks, fitted, strict=True))
        return {
            name: as_positions(one, parts[name], np.asarray)
            for name, one in value.items()
        }


def _check_blocks(blocks, parameter, n_columns):
    """Raise ValueError if `resolve_modalities` cannot have returned these blocks."""
    arrays = all(isinstance(at, np.ndarray) and at.ndim == 1 for at in blocks.values())
    if not blocks or not arrays:
        raise ValueError("its modalities are not columns.")
    columns = np.concatenate([*blocks.values()])
    if columns.dtype.kind != "i" or not np.array_equal(
        np.sort(columns), np.arange(n_columns)
    ):
        raise ValueError("its modalities are not all columns, each once.")
    if parameter is not None and list(parameter) != list(blocks):
        raise ValueError("its modalities have other names than the parameter.")
    if parameter is None and len(blocks) > 1:
        raise ValueError("it has several modalities without their names.")
