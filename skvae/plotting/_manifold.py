"""The learned manifold: a grid over two latents, decoded."""

from numbers import Integral

import numpy as np

from skvae._validation import Interval, check_parameter
from skvae.plotting._common import (
    Display,
    check_latents,
    note,
    panels,
    require_matplotlib,
    shorten_all,
    styled,
    ticked,
    value_labels,
)
from skvae.plotting._fitted import FittedModel, as_numbers, deviation, names_of
from skvae.plotting._mosaic import (
    TRIM,
    as_pictures,
    centres,
    draw,
    gap_of,
    value_range,
)
from skvae.plotting._panels import draw_map, edges, left_out, most

OWNER = "ManifoldDisplay"


class ManifoldDisplay(Display):
    """Decoder output on a grid over two latents.

    The grid points are quantiles of the standard normal prior, at the midpoints of `n`
    intervals of equal probability: z_i = Φ⁻¹((i + 1/2) / n), i = 0, ..., n − 1. Each of
    the n² cells therefore represents an equal share of the prior, as in figure 4 of
    Kingma and Welling (2014).

    Pictures are drawn as one mosaic, with the second latent increasing upwards. A table
    is drawn as one heat map per column over the same grid.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    rows : array-like of shape (n_vertical, n_horizontal, n_features)
        ``rows[i, j]`` is decoded at ``values[1][i]`` and ``values[0][j]``.
    values : pair of array-like of shape (n_horizontal,) and (n_vertical,)
        Values of the horizontal and of the vertical latent, increasing.
    image_shape : tuple of int or None, default=None
        Shape of the picture in each row: (height, width), (height, width, channels) or
        (channels, height, width). None shows a table.
    feature_names : sequence of str or None, default=None
        Names of a table's columns.
    latent_names : pair of str, default=("latent 0", "latent 1")
        Labels of the axes.
    scale : array-like of shape (n_features,) or None, default=None
        Scale of each column, such as its standard deviation. If a table has too many
        columns, those that change most relative to `scale` are shown.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes or None
        Axes of the mosaic. For a table, the axes behind the panels, or None if one axes
        per panel was passed.
    axes_ : ndarray of Axes
        All axes drawn on.
    mappable_ : AxesImage or list of AxesImage
        The mosaic, or one image per column.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-Encoding Variational Bayes. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.plotting import ManifoldDisplay
    >>> X = load_digits().data
    >>> vae = VAETransformer(2, max_epochs=2, random_state=0).fit(X)
    >>> display = ManifoldDisplay.from_estimator(vae, n_values=5, image_shape=(8, 8))
    >>> display.rows.shape
    (5, 5, 64)
    >>> display.plot(cmap="gray_r")
    <...>
    """

    def __init__(
        self,
        rows,
        values,
        *,
        image_shape=None,
        feature_names=None,
        latent_names=("latent 0", "latent 1"),
        scale=None,
    ):
        self.rows = rows
        self.values = values
        self.image_shape = image_shape
        self.feature_names = feature_names
        self.latent_names = latent_names
        self.scale = scale

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        latents=(0, 1),
        n_values=None,
        at=None,
        image_shape=None,
        columns=None,
        decode_params=None,
        **plot_kw,
    ):
        """Decode the grid and plot it.

        Parameters
        ----------
        estimator : estimator
            An skvae estimator, another transformer with ``inverse_transform``, or a
            Pipeline or fitted search that contains one. Rows are shown in the units of
            the pipeline's input.
        X : array-like of shape (n_samples, n_features) or None, default=None
            Rows whose latents define the quantiles, instead of the standard normal. Use
            it for models without a prior, such as PCA, and for latents whose
            distribution differs from the prior.
        latents : pair of int, default=(0, 1)
            Indices of the horizontal and of the vertical latent.
        n_values : int or None, default=None
            Number of values per latent; None means 15 for pictures and 41 for a table.
            For categorical latents, every category is shown.
        at : array-like of shape (n_latents,) or None, default=None
            Values of the other latents. By default 0, or the medians of the latents of
            `X`; for categorical latents category 0, or the most frequent in `X`.
        image_shape : tuple of int or None, default=None
            As in the class.
        columns : selector or None, default=None
            Columns of the picture, or of the table to show: names, positions, a slice
            or a mask. None selects all.
        decode_params : dict or None, default=None
            Passed to the model's ``inverse_transform``.
        **plot_kw
            Passed to :meth:`plot`.

        Returns
        -------
        ManifoldDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If the estimator cannot decode.
        ValueError
            If a parameter is invalid.
        """
        require_matplotlib(OWNER)
        if n_values is None:
            n_values = 41 if image_shape is None else 15
        check_parameter("n_values", n_values, (Interval(Integral, 2),), OWNER)
        model = FittedModel(estimator, OWNER, columns, decode_params)
        Z = None if X is None else model.encode(X)
        pair = check_latents(latents, model.n_latents, OWNER, exactly=2)
        values = _grid_values(model, Z, pair, n_values)
        held = model.typical(Z) if at is None else _checked_at(at, model)
        rows = model.decode(_grid(values, pair, held))
        display = cls(
            rows,
            (values[0], values[1]),
            image_shape=image_shape,
            feature_names=model.feature_names,
            latent_names=tuple(model.latent_names[i] for i in pair),
            scale=model.scale(X, rows) if image_shape is None else None,
        )
        return display.plot(**plot_kw)

    def plot(self, ax=None, *, cmap=None, max_columns=12, im_kw=None):
        """Plot the grid.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on; None creates a figure. For a table, either one axes from a
            subplot grid, to be divided into panels, or one axes per column.
        cmap : str, Colormap or None, default=None
            Colormap; None means "gray" for grey pictures ("gray_r" is black on white)
            and "viridis" for a table.
        max_columns : int, default=12
            Maximum number of columns of a table; those that change most over the grid
            are shown.
        im_kw : dict or None, default=None
            Passed to ``imshow``. ``vmin`` and ``vmax`` set the range of values, by
            default the 1 % and 99 % quantiles of the pictures, or the full range of
            each column of a table.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `image_shape` does not match the rows, or a parameter is invalid.
        """
        rows = np.asarray(self.rows)
        if self.image_shape is None:
            self._plot_table(rows, ax, cmap or "viridis", max_columns, im_kw)
        else:
            self._plot_pictures(rows, ax, cmap or "gray", im_kw)
        self.figure_ = self.axes_[0].figure
        return self

    def _plot_pictures(self, rows, ax, cmap, im_kw):
        pictures = as_pictures(as_numbers(rows), self.image_shape, OWNER)
        pictures = pictures[::-1]  # the second latent increases upwards
        limits = value_range(pictures, colour=pictures.ndim == 5, trim=TRIM)
        style = {"limits": limits, "cmap": cmap, "im_kw": im_kw, "margin": (0.8, 0.6)}
        self.ax_, self.mappable_ = draw(pictures, ax, OWNER, **style)
        gap = gap_of(pictures)
        n_up, n_across, height, width = pictures.shape[:4]
        across, up = (ticked(values, 5) for values in self.values)
        self.ax_.set(
            xticks=centres(n_across, width, gap)[across],
            xticklabels=value_labels(self.values[0], across),
            yticks=centres(n_up, height, gap)[::-1][up],
            yticklabels=value_labels(self.values[1], up),
            xlabel=self.latent_names[0],
            ylabel=self.latent_names[1],
        )
        self.axes_ = np.array([self.ax_], dtype=object)

    def _plot_table(self, rows, ax, cmap, max_columns, im_kw):
        names = shorten_all(names_of(self.feature_names, rows.shape[-1]))
        scale = deviation(rows) if self.scale is None else np.asarray(self.scale)
        spread = as_numbers(rows).std(axis=(0, 1)) / scale
        shown = most(spread, max_columns, OWNER)
        style = styled(
            {"cmap": cmap, "interpolation": "nearest"}, im_kw, "im_kw", OWNER
        )
        text = left_out(len(shown), len(names), "those the latents change most")
        self.ax_, self.axes_, header = panels(
            ax, len(shown), OWNER, size=(2.7, 2.2), header=bool(text)
        )
        note(header, text)
        self.mappable_ = []
        places = zip(shown, self.axes_, edges(self.axes_), strict=True)
        for j, panel, (left, bottom) in places:
            self.mappable_.append(draw_map(panel, rows[..., j], style))
            panel.set_title(names[j], fontsize="medium")
            self._name_axes(panel, left, bottom)

    def _name_axes(self, panel, left, bottom):
        """Label the latents and their values on the outer panels."""
        across, up = (ticked(values, 3) for values in self.values)
        panel.set_xticks(across, value_labels(self.values[0], across))
        panel.set_yticks(up, value_labels(self.values[1], up))
        panel.set_xlabel(self.latent_names[0] if bottom else None)
        panel.set_ylabel(self.latent_names[1] if left else None)
        panel.tick_params(labelleft=left, labelbottom=bottom, labelsize="small")


def _grid_values(model, Z, latents, n_values):
    """Return the values of the two latents over the grid, one row per latent."""
    shares = (np.arange(n_values) + 0.5) / n_values
    if Z is None or model.n_categories is not None:
        return np.tile(model.values(shares), (2, 1))
    return np.quantile(Z[:, latents], shares, axis=0).T


def _grid(values, latents, held):
    """Return the latents at each grid point, (n_up, n_across, k)."""
    n = values.shape[1]
    grid = np.empty((n, n, len(held)))
    grid[...] = held
    across, up = latents
    grid[..., across], grid[..., up] = np.meshgrid(*values)
    return grid


def _checked_at(at, model):
    """Check and return the values at which the latents are held, (k,)."""
    held = np.asarray(at, dtype=np.float64)
    if held.shape != (model.n_latents,):
        raise ValueError(
            f"The 'at' parameter of {OWNER} must have one value per latent, so shape "
            f"({model.n_latents},). Got an array of shape {held.shape} instead."
        )
    model.check_values(held, "at")
    return held
