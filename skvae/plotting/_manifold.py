"""The learned manifold: what the model makes of a grid over two latents."""

from numbers import Integral

import numpy as np

from skvae._validation import Interval, check_parameter
from skvae.plotting._common import (
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
from skvae.plotting._panels import (
    are_words,
    edges,
    left_out,
    level_ticks,
    levels_of,
    most,
    quiet,
)

OWNER = "ManifoldDisplay"


class ManifoldDisplay:
    """What a model decodes on a grid over two of its latents.

    The grid's values are quantiles of the standard normal prior, at the middles of `n`
    equal shares of its mass: z_i = Φ⁻¹((i + 1/2) / n), i = 0, ..., n − 1. So each of
    the n² cells stands for an equal part of what the model generates. Such grids are
    in Kingma and Welling (2014), figure 4.

    Pictures make one mosaic, with the second latent increasing upwards. A table makes
    one panel a column, coloured by its value, with the same cells.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    rows : array-like of shape (n_vertical, n_horizontal, n_features)
        ``rows[i, j]`` is decoded at ``values[1][i]`` and ``values[0][j]``.
    values : pair of array-like of shape (n_horizontal,) and (n_vertical,)
        Values of the horizontal and of the vertical latent, increasing.
    image_shape : tuple of int or None, default=None
        (height, width), (height, width, channels) or (channels, height, width) of the
        picture in a row; None shows a table.
    feature_names : sequence of str or None, default=None
        Names of a table's columns.
    latent_names : pair of str, default=("latent 0", "latent 1")
        Labels of the axes.
    scale : array-like of shape (n_features,) or None, default=None
        What counts as a large change of each column, such as its standard deviation;
        chooses the columns shown where a table has many.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes or None
        That of the mosaic; for a table the one behind the panels, or None where as many
        axes were given.
    axes_ : ndarray of Axes
        All axes drawn on.
    mappable_ : AxesImage or list of AxesImage
        The mosaic, or one image a column.

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
        """Decode the grid, and plot it.

        Parameters
        ----------
        estimator : estimator
            An estimator of this package, another transformer with
            ``inverse_transform``, or a Pipeline or a fitted search that has one. Rows
            are shown in the units that enter a pipeline.
        X : array-like of shape (n_samples, n_features) or None, default=None
            Rows whose latents' own quantiles take the place of the normal's: for models
            without a prior, such as PCA, and for latents that do not fill theirs.
        latents : pair of int, default=(0, 1)
            The horizontal latent and the vertical one.
        n_values : int or None, default=None
            Values of each of them: by default 15 for pictures, 41 for a table. Of
            categorical latents every category is shown.
        at : array-like of shape (n_latents,) or None, default=None
            Where the other latents are held: by default at 0, or at the medians of the
            latents of `X`; categorical ones at category 0, or the commonest of `X`.
        image_shape : tuple of int or None, default=None
            As in the class.
        columns : selector or None, default=None
            The columns that are the picture, or that are shown: names, positions, a
            slice, a mask. None takes all.
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
            If a parameter is not allowed.
        """
        require_matplotlib(OWNER)
        if n_values is None:
            n_values = 41 if image_shape is None else 15
        check_parameter("n_values", n_values, (Interval(Integral, 2),), OWNER)
        model = FittedModel(estimator, OWNER, columns, decode_params)
        categorical = model.n_categories is not None
        Z = None if X is None else model.encode(X)
        k = model.n_latents
        across, up = check_latents(latents, k, OWNER, exactly=2)
        shares = (np.arange(n_values) + 0.5) / n_values
        if Z is None or categorical:
            values = np.tile(model.values(shares), (2, 1))
        else:
            values = np.quantile(Z[:, [across, up]], shares, axis=0).T
        grid = np.empty((values.shape[1], values.shape[1], k))
        grid[...] = model.typical(Z) if at is None else _checked(at, k, model)
        grid[..., across], grid[..., up] = np.meshgrid(*values)
        rows, names = model.decode(grid), model.latent_names
        display = cls(
            rows,
            (values[0], values[1]),
            image_shape=image_shape,
            feature_names=model.feature_names,
            latent_names=(names[across], names[up]),
            scale=model.scale(X, rows) if image_shape is None else None,
        )
        return display.plot(**plot_kw)

    def plot(self, ax=None, *, cmap=None, max_columns=12, im_kw=None):
        """Plot the grid.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Where to; None makes a figure. For a table one axes of a grid of subplots,
            whose place is divided, or one a column.
        cmap : str, Colormap or None, default=None
            Of grey pictures ("gray"; "gray_r" is black on white) or of a table's
            values ("viridis").
        max_columns : int, default=12
            The most columns of a table; those are shown that change most over the grid.
        im_kw : dict or None, default=None
            Passed to ``imshow``; ``vmin`` and ``vmax`` set the range of values, by
            default the 1 % and 99 % quantiles of the pictures, or all values of a
            table's column.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `image_shape` does not fit, or a parameter is not allowed.
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
        self.ax_, self.mappable_ = draw(
            pictures,
            ax,
            OWNER,
            limits=limits,
            cmap=cmap,
            im_kw=im_kw,
            margin=(0.8, 0.6),
        )
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
        said = left_out(len(shown), len(names), "those that the latents change most")
        self.ax_, self.axes_, header = panels(
            ax, len(shown), OWNER, size=(2.7, 2.2), header=bool(said)
        )
        note(header, said)
        self.mappable_ = []
        places = zip(shown, self.axes_, edges(self.axes_), strict=True)
        for j, panel, (left, bottom) in places:
            self.mappable_.append(_draw_map(panel, rows[..., j], style))
            panel.set_title(names[j], fontsize="medium")
            self._name_axes(panel, left, bottom)

    def _name_axes(self, panel, left, bottom):
        """Write the latents' values at the panels of the edge."""
        across, up = (ticked(values, 3) for values in self.values)
        panel.set_xticks(across, value_labels(self.values[0], across))
        panel.set_yticks(up, value_labels(self.values[1], up))
        panel.set_xlabel(self.latent_names[0] if bottom else None)
        panel.set_ylabel(self.latent_names[1] if left else None)
        panel.tick_params(labelleft=left, labelbottom=bottom, labelsize="small")


def _draw_map(panel, column, style):
    """Draw one column's values over the grid, with their colour bar."""
    style = {"origin": "lower", "aspect": "auto", **style}
    image = panel.imshow(as_numbers(column[..., None])[..., 0], **style)
    bar = panel.figure.colorbar(image, ax=panel)
    quiet(bar.ax, "y")
    levels = levels_of(column.ravel())
    if are_words(levels):
        marked, names = level_ticks(levels)
        bar.set_ticks(marked, labels=names)
    return image


def _checked(at, n_latents, model):
    """Give where latents are held that do not vary, (k,)."""
    held = np.asarray(at, dtype=np.float64)
    if held.shape != (n_latents,):
        raise ValueError(
            f"The 'at' parameter of {OWNER} must be one value a latent, of shape "
            f"({n_latents},). Got an array of shape {held.shape} instead."
        )
    model.check_values(held, "at")
    return held
