"""What every multimodal estimator adds: missing blocks filled, drawn and edited."""

import copy

import numpy as np
import torch

from skvae._validation import POSITIVE_INT, Options, check_parameter
from skvae.distributions import Noise, SharedNoise
from skvae.inference import Evaluator
from skvae.multimodal._table import TableOfModalities
from skvae.training import derive_seed

ROWS = 256  # a slice where many draws a row are held at once


class BaseMultimodalTransformer(TableOfModalities):
    """What every model of several modalities gives."""

    def _evaluator(self, table=None):
        module = self.module_
        iterates = table is not None and table.observed is not None
        if iterates and not len(module.experts):
            # Draws of 0/1 values jump where a number in single precision, which
            # depends on the rows beside it, crosses a threshold.
            module = copy.deepcopy(module).double()
        return Evaluator(module)

    # -- missing blocks -------------------------------------------------------------

    def impute(self, X, n_samples=32):
        """Fill missing blocks with their mean given the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; a missing modality is a block of NaN.
        n_samples : int, default=32
            Draws of z a row, over which p(x | z) is averaged, seeded in fit and shared
            by all rows. Where the model iterates they are successive states.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features)
            Observed blocks are as they were.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or a row is not allowed.
        """
        table = self._check_encodable(X)
        owner = f"{type(self).__name__}.impute"
        check_parameter("n_samples", n_samples, (POSITIVE_INT,), owner)
        if table.observed is None:
            return table.x.copy()
        evaluator = self._evaluator(table)
        seed = derive_seed(self._seed, "evaluation")

        def mean(batch):
            noise = SharedNoise.from_seed(seed, evaluator.device)
            draws = torch.stack(list(self._draws(evaluator, batch, noise, n_samples)))
            return evaluator.module.likelihood(draws).mixture_mean

        filled = evaluator.in_slices(table, mean, ROWS)
        return np.where(np.isnan(table.x), filled, table.x).astype(table.dtype)

    def _draws(self, evaluator, batch, noise, n):
        return evaluator.module.draws(batch, noise, n)

    def generate(self, X, modality, n_samples=1, random_state=None, mean=False):
        """Draw one modality given the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; what they hold of `modality` is not looked at.
        modality : str
            Which to draw.
        n_samples : int, default=1
            Draws a row; where the model iterates, each from iterations of its own.
        random_state : int, RandomState or None, default=None
            Of the draws.
        mean : bool, default=False
            Give the mean of p(x | z) at each draw of z, instead of a draw of x.

        Returns
        -------
        ndarray of shape (n_samples, n_rows, n_columns)
            Columns of the modality only.

        Raises
        ------
        ValueError
            If there is no such modality, or a row has no other.
        """
        seed = self._check_draw(n_samples, random_state, "generate")
        table = self._hide(self._check_encodable(X).x, [modality])
        evaluator = self._evaluator(table)
        noise = Noise.from_seed(seed, evaluator.device)

        def draw(batch):
            z = next(self._draws(evaluator, batch, noise, 1))
            p = evaluator.module.likelihood(z)
            return p.mean if mean else p.sample(noise)

        repeated = table[np.tile(np.arange(len(table)), n_samples)]
        x = evaluator.in_slices(repeated, draw)[:, self.modalities_[modality]]
        return x.reshape(n_samples, len(table), -1).astype(table.dtype)

    def edit(self, X, changes, modality):
        """Change what another modality says, and move this one along.

        The row's block gets the difference of two means, x + x'_mean − x_mean, given
        the other modalities as they are and as changed (Suzuki et al. 2018, section
        4.6.3): what the model cannot draw of x is kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; other modalities may be missing and are filled by `impute` first.
        changes : dict from column to float
            New values of columns, by name or position, none of them of `modality`.
        modality : str
            Which block moves.

        Returns
        -------
        X_edited : ndarray of shape (n_samples, n_features)
            Rows with the changes, and the block moved. It may leave the range of the
            data.

        Raises
        ------
        ValueError
            If there is no such modality, a column is of it, or it is missing in a row.
        """
        before = self.impute(X)
        self._check_modality(modality)
        columns = self.modalities_[modality]
        positions = self._positions_of(list(changes))
        if np.isin(positions, columns).any():
            raise ValueError(
                f"changes has a column of the modality {modality!r}, which follows "
                "from the others."
            )
        self._check_present(self._check_input(X).x, columns, modality)
        after = before.copy()
        after[:, positions] = np.array(list(changes.values()), dtype=after.dtype)
        moved = self._mean_given_rest(after, modality)
        after[:, columns] += moved - self._mean_given_rest(before, modality)
        return after

    def _check_present(self, x, columns, modality):
        missing = np.isnan(x[:, columns[0]])
        if missing.any():
            raise ValueError(
                f"The modality {modality!r} is missing in row {np.argmax(missing)}: "
                "there is nothing to edit."
            )

    def _mean_given_rest(self, x, modality):
        """Mean of p(x_m | z) at the posterior mean given the other modalities."""
        table = self._hide(x, [modality])
        mean = self._evaluator(table).reconstruct(table)
        return mean[:, self.modalities_[modality]]

    # -- helpers --------------------------------------------------------------------

    def _hide(self, x, names):
        """Give checked rows as a table in which some modalities are missing."""
        x = x.copy()
        for name in names:
            self._check_modality(name)
            x[:, self.modalities_[name]] = np.nan
        return self._as_table(x)

    def _check_modality(self, name):
        owner = type(self).__name__
        if self.modalities is None:
            raise ValueError(f"{owner} was fitted without modalities.")
        check_parameter("modality", name, (Options(tuple(self.modalities_)),), owner)
