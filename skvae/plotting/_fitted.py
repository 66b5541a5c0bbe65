"""Encode, decode and sample with a fitted estimator, in the units to show."""

import numpy as np
from scipy.stats import norm

from skvae._columns import column_names, resolve_columns
from skvae._kinds import cut
from skvae._validation import POSITIVE_INT, check_parameter
from skvae.base import as_transformer, find_model
from skvae.inputs import as_numpy
from skvae.plotting._common import styled


def latent_names(transformer, n_latents):
    """Return the names of a transformer's outputs, by default "latent 0", ..."""
    try:
        names = list(map(str, transformer.get_feature_names_out()))
    except (AttributeError, ValueError):
        names = []
    plain = [f"latent {i}" for i in range(n_latents)]
    return names if len(names) == n_latents else plain


class FittedModel:
    """A fitted model and the preprocessing steps before it.

    Rows are in the units of the pipeline's input. If a step before the model cannot be
    inverted (such as a ColumnTransformer), they are in the units of the model's input.

    Parameters
    ----------
    estimator : estimator
        An skvae estimator, another transformer with ``inverse_transform``, or a
        Pipeline or fitted search that contains one.
    owner : str
        Name of the display, for error messages.
    columns : selector, optional
        Columns to show, as in :func:`skvae._columns.resolve_columns`.
    decode_params : dict, optional
        Passed to the model's method that decodes, reconstructs or samples.

    Raises
    ------
    TypeError
        If `estimator` is not or does not contain such a model.
    """

    def __init__(self, estimator, owner, columns=None, decode_params=None):
        self.owner = owner
        self.before, self.model = _split(estimator, owner)
        self.invertible = self.before is None or hasattr(
            self.before, "inverse_transform"
        )
        self.columns = columns
        self.decode_params = styled({}, decode_params, "decode_params", owner)
        self.n_categories = getattr(
            getattr(self.model, "module_", None), "n_categories", None
        )

    @property
    def n_latents(self):
        """Number of latents; a categorical variable counts as one.

        Raises
        ------
        TypeError
            If the model has no ``get_feature_names_out``, from which it is counted.
        """
        names = getattr(self.model, "get_feature_names_out", None)
        if names is None:
            raise TypeError(
                f"{self.owner} needs a model with get_feature_names_out, to count its "
                f"latents. Got {cut(self.model)} instead."
            )
        return len(names()) // (self.n_categories if self._one_hot else 1)

    @property
    def latent_names(self):
        """Names of the latents."""
        if self._one_hot:
            return list(self.model.latent_names())
        return latent_names(self.model, self.n_latents)

    @property
    def _one_hot(self):
        """Whether the model represents a category by K columns."""
        return self.n_categories is not None and self.model.module_.output != "codes"

    @property
    def value_name(self):
        """Axis label for the values of a latent."""
        return "value of the latent" if self.n_categories is None else "category"

    def values(self, shares):
        """Return every category, or the quantiles of N(0, 1) at `shares`."""
        if self.n_categories is not None:
            return np.arange(self.n_categories, dtype=np.float64)
        return norm.ppf(shares)

    def check_values(self, values, parameter):
        """Raise ValueError if values of a categorical latent are not categories."""
        known = self.n_categories is None or np.isin(
            values, np.arange(self.n_categories)
        )
        if not np.all(known):
            raise ValueError(
                f"The {parameter!r} parameter of {self.owner} must be categories below "
                f"{self.n_categories}. Got {cut(values)} instead."
            )

    def typical(self, Z):
        """Return where to hold each latent, (k,): its median or mode in `Z`, else 0."""
        if Z is None:
            return np.zeros(self.n_latents)
        if self.n_categories is None:
            return np.median(Z, axis=0)
        return np.array([np.bincount(codes).argmax() for codes in Z.T.astype(int)])

    def seen(self, X):
        """Return rows as the model sees them, after the preprocessing."""
        return as_numpy(X if self.before is None else self.before.transform(X))

    def encode(self, X):
        """Return the latents, (n, k), or their most probable categories."""
        Z = np.asarray(self.model.transform(self.seen(X)), dtype=np.float64)
        if not self._one_hot:
            return Z
        return Z.reshape(len(Z), -1, self.n_categories).argmax(-1).astype(np.float64)

    def decode(self, Z):
        """Decode latents: (..., k) -> (..., d)."""
        flat = Z.reshape(-1, Z.shape[-1])
        if self._one_hot:
            flat = np.eye(self.n_categories)[flat.astype(int)].reshape(len(flat), -1)
        rows = self.model.inverse_transform(flat, **self.decode_params)
        return self._shown(rows).reshape(*Z.shape[:-1], -1)

    def reconstruct(self, X):
        """Encode and decode rows, (n, d)."""
        seen = self.seen(X)
        if hasattr(self.model, "reconstruct"):
            return self._shown(self.model.reconstruct(seen, **self.decode_params))
        rows = self.model.inverse_transform(
            self.model.transform(seen), **self.decode_params
        )
        return self._shown(rows)

    def sample(self, n_samples, random_state, mean):
        """Draw rows from the model, (n_samples, d).

        Raises
        ------
        TypeError
            If the model cannot sample.
        ValueError
            If `n_samples` is not a positive int.
        """
        check_parameter("n_samples", n_samples, (POSITIVE_INT,), self.owner)
        if not hasattr(self.model, "sample"):
            raise TypeError(
                f"{self.owner} needs a model with a prior to sample from. "
                f"Got {cut(self.model)} instead."
            )
        rows = self.model.sample(
            n_samples, random_state=random_state, mean=mean, **self.decode_params
        )
        return self._shown(rows)

    def original(self, X):
        """Return the rows of `X` in the units and columns shown, (n, d)."""
        rows = _array(X if self.invertible else self.seen(X))
        return rows[:, self._positions(rows.shape[1])]

    @property
    def feature_names(self):
        """Names of the columns shown, or None if unknown."""
        names = self._names()
        return (
            None if names is None else [names[j] for j in self._positions(len(names))]
        )

    def scale(self, X, decoded):
        """Return the standard deviation of each column shown, (d,).

        Computed from `X` if it has at least two rows, else from 500 rows sampled from
        the model, or from the decoded rows if the model cannot sample.
        """
        if X is not None and len(X) > 1:
            rows = self.original(X)
        elif hasattr(self.model, "sample"):
            rows = self.sample(500, random_state=0, mean=False)
        else:
            rows = decoded
        return deviation(rows)

    def _shown(self, rows):
        if self.before is not None and self.invertible:
            rows = self.before.inverse_transform(rows)
        rows = _array(rows)
        return rows[:, self._positions(rows.shape[1])]

    def _names(self):
        if self.invertible:
            names = getattr(self.before, "feature_names_in_", None)
            model = self.model if self.before is None else None
            return names if names is not None else _names_in(model)
        try:
            return self.before.get_feature_names_out()
        except (AttributeError, ValueError):
            return None

    def _positions(self, n_columns):
        if self.columns is None:
            return np.arange(n_columns)
        return resolve_columns(self.columns, n_columns, self._names())


def _split(estimator, owner):
    try:
        return find_model(estimator, owner)
    except TypeError:
        model = as_transformer(estimator, owner)
        if not hasattr(model, "inverse_transform"):
            raise
        return None, model


def _names_in(model):
    return getattr(model, "feature_names_in_", None)


def _array(rows):
    rows = np.asarray(rows)
    return rows if rows.ndim > 1 else rows.reshape(1, -1)


def deviation(rows):
    """Return the standard deviation per column, (d,); 1 for constants and strings."""
    rows = rows.reshape(-1, rows.shape[-1])
    spread = as_numbers(rows).std(axis=0)
    if rows.dtype.kind not in "biuf":
        spread[[not is_numeric(column) for column in rows.T]] = 1.0
    return np.where(spread > 0, spread, 1.0)


def is_numeric(column):
    """Whether all values of a column are numbers or can be converted to numbers."""
    try:
        column.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def as_numbers(rows):
    """Convert rows to numbers; other values become ranks in sorted order.

    Parameters
    ----------
    rows : array-like of shape (..., d)

    Returns
    -------
    ndarray of shape (..., d), float64
    """
    rows = np.asarray(rows)
    if rows.dtype.kind in "biuf":
        return rows.astype(np.float64)
    columns = [
        _column_as_numbers(column) for column in rows.reshape(-1, rows.shape[-1]).T
    ]
    return np.stack(columns, axis=-1).reshape(rows.shape)


def _column_as_numbers(column):
    if is_numeric(column):
        return column.astype(np.float64)
    return np.unique(column.astype(str), return_inverse=True)[1].astype(np.float64)


def names_of(feature_names, n_columns):
    """Return the given column names, or ``x0``, ``x1``, ...

    Raises
    ------
    ValueError
        If the number of names differs from the number of columns.
    """
    if feature_names is not None and len(feature_names) != n_columns:
        raise ValueError(
            f"The 'feature_names' parameter has {len(feature_names)} names for "
            f"{n_columns} columns."
        )
    return column_names(feature_names, n_columns)
