"""The interface of every multimodal estimator: impute, generate and edit blocks."""

from numbers import Real

import numpy as np

from skvae._columns import resolve_columns
from skvae._kinds import cut
from skvae._validation import BOOLEAN, AnyOf, Interval
from skvae.base import (
    BaseAutoencoderTransformer,
    DensityMixin,
    Divergence,
    ImportanceWeighted,
    in_kind,
)
from skvae.distributions import Noise
from skvae.inputs import BlockColumns
from skvae.multimodal._networks import MultimodalNetworks
from skvae.multimodal._starts import StartOfModalities

N_SAMPLES = 64  # by which `edit` fills blocks
FINITE = AnyOf((Interval(Real, -np.inf, closed="neither"), BOOLEAN))


class BaseMultimodalTransformer(
    MultimodalNetworks,
    StartOfModalities,
    Divergence,
    ImportanceWeighted,
    DensityMixin,
    BaseAutoencoderTransformer,
):
    """Base of every model of several modalities."""

    _columns_type = BlockColumns

    @in_kind
    def generate(
        self, X, modality, n_samples=1, random_state=None, mean=False
    ) -> np.ndarray:
        """Draw one modality given the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; their values in `modality` are ignored.
        modality : str
            The modality to draw.
        n_samples : int, default=1
            Draws per row; if the model iterates, each draw has its own iterations.
        random_state : int, RandomState or None, default=None
            Seed of the draws.
        mean : bool, default=False
            Whether to return the mean of p(x | z) at each draw of z instead of a draw
            of x.

        Returns
        -------
        ndarray of shape (n_samples, n_rows, n_columns)
            The columns of the modality.

        Raises
        ------
        ValueError
            If there is no such modality, or a row lacks all others.
        """
        seed = self._check_draw(n_samples, random_state, mean, "generate")
        self._columns.check_modality(self, modality)
        table = self._hide(self._columns.validated(self, X), modality)
        self.likelihood_.check_codes(table.x, self._columns.names)
        evaluator, which = self._evaluator(), [*self.modalities_].index(modality)
        module, noise = evaluator.module, Noise.from_seed(seed, evaluator.device)

        def draw(batch):
            p = module.likelihood_of(which, next(module.draws(batch, noise, 1)))
            return p.mean if mean else p.sample(noise)

        index = np.tile(np.arange(len(table)), n_samples)
        x = evaluator.in_slices(evaluator.rows(table, index), draw)
        x = evaluator.in_units(x, table.dtype, self.modalities_[modality])
        return x.reshape(n_samples, len(table), -1)

    @in_kind
    def edit(self, X, changes, modality) -> np.ndarray:
        """Change values of other modalities, and adapt this one.

        The row's block becomes x + x'_mean − x_mean, with the means given the other
        modalities before and after the change (Suzuki et al. 2018, section 4.6.3). This
        keeps details of x that the model cannot generate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; missing blocks of other modalities are filled by `impute` first.
        changes : dict from column to float
            New values of columns, by name or position, none of them in `modality`. For
            one-hot columns, set the others to 0 too.
        modality : str
            The modality to adapt.

        Returns
        -------
        X_edited : ndarray of shape (n_samples, n_features), or data frame
            Rows with the changes and the edited block, which may leave the range of
            the data.

        Raises
        ------
        ValueError
            If there is no such modality, its columns are codes, a column of `changes`
            is in it, or it is missing in a row; if `changes` are not finite numbers or
            make a one-hot row invalid.
        """
        table = self._check_encodable(X)
        before = self._with_means(table, N_SAMPLES)
        self._check_editable(self._columns.validated(self, X), modality)
        after = self._changed(before, changes, modality)
        mean_after = self._mean_given_others(after, modality)
        mean_before = self._mean_given_others(before, modality)
        after[:, self.modalities_[modality]] += mean_after - mean_before
        return self._restored(after, rows=X)

    def _check_editable(self, x, modality):
        self._columns.check_modality(self, modality)
        missing = np.isnan(x[:, self.modalities_[modality]]).all(axis=1)
        if missing.any():
            raise ValueError(
                f"The modality {modality!r} is missing in row {np.argmax(missing)} and "
                "cannot be edited."
            )
        which = [*self.modalities_].index(modality)
        if not self.likelihood_.parts_[which].movable:
            raise ValueError(
                f"The modality {modality!r} has codes, to which nothing can be added."
            )

    def _changed(self, x, changes, modality):
        """Return the rows with new values in some columns, checked."""
        is_dict = isinstance(changes, dict)
        if not is_dict or not all(map(FINITE.accepts, changes.values())):
            raise ValueError(
                f"The 'changes' parameter of {type(self).__name__}.edit must be a dict "
                f"from columns to finite numbers. Got {cut(changes)} instead."
            )
        names, n_columns = self._columns.names, self.n_features_in_
        positions = resolve_columns(list(changes), n_columns, names).astype(int)
        if np.isin(positions, self.modalities_[modality]).any():
            raise ValueError(
                f"changes has a column of the modality {modality!r}, which follows "
                "the others."
            )
        x = x.copy()
        x[:, positions] = np.array(list(changes.values()), dtype=np.float64)
        self.likelihood_.check_codes(x, names)
        try:
            self.likelihood_.check_changed(x, positions, names)
        except ValueError as error:
            raise ValueError(f"{error} Set the others to 0 in changes, too.") from None
        return x

    def _mean_given_others(self, x, modality):
        """Return the mean of p(x_m | z) at the posterior mean given the others."""
        table = self._hide(x, modality)
        mean = self._evaluator().reconstruct(table)
        return mean[:, self.modalities_[modality]]

    # -- helpers --------------------------------------------------------------------

    def _hide(self, x, *names):
        """Return rows as a `Table` in which some modalities are missing."""
        rest = x.copy()
        for name in names:
            rest[:, self.modalities_[name]] = np.nan
        if self.empty_rows == "error":
            self._check_rest(x, rest, names)
        return self._columns.as_table(self, rest)

    def _check_rest(self, x, rest, names):
        """Raise ValueError if a row has nothing but what is hidden."""
        alone = np.isnan(rest).all(axis=1) & ~np.isnan(x).all(axis=1)
        if alone.any():
            row = int(np.argmax(alone))
            blocks = {name: x[row, self.modalities_[name]] for name in names}
            there = [name for name, at in blocks.items() if not np.isnan(at).all()]
            raise ValueError(
                f"Row {row} has nothing but {', '.join(map(repr, there))}, which is "
                "ignored here. With empty_rows='prior' the prior is used."
            )
