"""What every multimodal estimator adds: missing blocks filled, drawn and edited."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch

from skvae._validation import (
    BOOLEAN,
    POSITIVE_INT,
    AnyOf,
    Interval,
    Options,
    check_parameter,
)
from skvae.distributions import Noise, SharedNoise
from skvae.multimodal._table import TableOfModalities
from skvae.training import Table, derive_seed

ROWS = 256  # a slice where many draws a row are held at once
FINITE = AnyOf((Interval(Real, -np.inf, closed="neither"), BOOLEAN))


@dataclass(frozen=True)
class Repeated(Table):
    """All rows of a table, again and again, copied only where they are asked for.

    Attributes
    ----------
    n_times : int
        How often.
    """

    n_times: int = 1

    def __len__(self):
        return self.n_times * len(self.x)

    def __getitem__(self, rows):
        return super().__getitem__(np.arange(rows.start, rows.stop) % len(self.x))


class BaseMultimodalTransformer(TableOfModalities):
    """What every model of several modalities gives."""

    def _evaluator(self):
        evaluator = super()._evaluator()
        # Of no concern to training, so it may change after fit.
        evaluator.module.n_iterations = self._now("n_iterations")
        return evaluator

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
        out = table.x.copy()
        if table.observed is None:
            return out
        evaluator, seed = self._evaluator(), derive_seed(self._seed, "evaluation")
        module, holed = evaluator.module, ~table.observed.all(axis=1)

        def mean(batch):
            noise = SharedNoise.from_seed(seed, evaluator.device)
            draws = torch.stack(list(module.draws(batch, noise, n_samples)))
            return module.likelihood(draws).mixture_mean

        filled = evaluator.in_slices(table[holed], mean, ROWS)
        out[holed] = np.where(np.isnan(out[holed]), filled, out[holed])
        return out

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
        self._check_modality(modality)
        table = self._hide(self._validated(X), modality)
        self.likelihood_.check_codes(table.x, self._names())
        evaluator, which = self._evaluator(), [*self.modalities_].index(modality)
        module, noise = evaluator.module, Noise.from_seed(seed, evaluator.device)

        def draw(batch):
            p = module.likelihood_of(which, next(module.draws(batch, noise, 1)))
            return p.mean if mean else p.sample(noise)

        repeated = Repeated(table.x, observed=table.observed, n_times=n_samples)
        x = evaluator.in_slices(repeated, draw)
        return x.reshape(n_samples, len(table), -1).astype(table.dtype, copy=False)

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
            New values of columns, by name or position, none of them of `modality`. Of
            one-hot columns the others have to be set to 0, too.
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
            If there is no such modality, its columns hold codes, which cannot be moved,
            a column of `changes` is of it, or it is missing in a row; if `changes` are
            no finite numbers, or make a one-hot row none.
        """
        before = self.impute(X)
        self._check_editable(self._validated(X), modality)
        after = self._changed(before, changes, modality)
        moved = self._mean_given_rest(after, modality)
        columns = self.modalities_[modality]
        after[:, columns] += moved - self._mean_given_rest(before, modality)
        return after

    def _check_editable(self, x, modality):
        self._check_modality(modality)
        missing = np.isnan(x[:, self.modalities_[modality][0]])
        if missing.any():
            raise ValueError(
                f"The modality {modality!r} is missing in row {np.argmax(missing)}: "
                "there is nothing to edit."
            )
        which = [*self.modalities_].index(modality)
        if not self.likelihood_.parts_[which].movable:
            raise ValueError(
                f"The modality {modality!r} holds codes, and half a code is none."
            )

    def _changed(self, x, changes, modality):
        """Give the rows with new values in some columns, checked."""
        is_dict = isinstance(changes, dict)
        if not is_dict or not all(map(FINITE.accepts, changes.values())):
            raise ValueError(
                f"The 'changes' parameter of {type(self).__name__}.edit must be a dict "
                f"from columns to finite numbers. Got {changes!r} instead."
            )
        positions = self._positions_of(list(changes)).astype(int)
        if np.isin(positions, self.modalities_[modality]).any():
            raise ValueError(
                f"changes has a column of the modality {modality!r}, which follows "
                "from the others."
            )
        x = x.copy()
        x[:, positions] = np.array(list(changes.values()), dtype=np.float64)
        self.likelihood_.check_codes(x, self._names())
        try:
            self.likelihood_.check_changed(x, positions, self._names())
        except ValueError as error:
            raise ValueError(f"{error} Set the others to 0 in changes, too.") from None
        return x

    def _mean_given_rest(self, x, modality):
        """Mean of p(x_m | z) at the posterior mean given the other modalities."""
        table = self._hide(x, modality)
        mean = self._evaluator().reconstruct(table)
        return mean[:, self.modalities_[modality]]

    # -- helpers --------------------------------------------------------------------

    def _hide(self, x, *names):
        """Give rows as a table in which some modalities are missing."""
        rest = x.copy()
        for name in names:
            rest[:, self.modalities_[name]] = np.nan
        if self.empty_rows == "error":
            self._check_rest(x, rest, names)
        return self._as_table(rest)

    def _check_rest(self, x, rest, names):
        """Refuse a row that has something, but nothing else than what is hidden."""
        alone = np.isnan(rest).all(axis=1) & ~np.isnan(x).all(axis=1)
        if alone.any():
            row = int(np.argmax(alone))
            blocks = {name: x[row, self.modalities_[name]] for name in names}
            there = [name for name, at in blocks.items() if not np.isnan(at).all()]
            raise ValueError(
                f"Row {row} has nothing but {', '.join(map(repr, there))}, which is "
                "not looked at. With empty_rows='prior' it is what the prior says."
            )

    def _check_modality(self, name):
        owner = type(self).__name__
        if self.modalities is None:
            raise ValueError(f"{owner} was fitted without modalities.")
        check_parameter("modality", name, (Options(tuple(self.modalities_)),), owner)
