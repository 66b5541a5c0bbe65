"""Originals and their reconstructions."""

import numpy as np

from skvae._validation import POSITIVE_INT, check_parameter
from skvae.plotting._common import (
    COLOURS,
    Display,
    note,
    panels,
    require_matplotlib,
    shorten_all,
    styled,
)
from skvae.plotting._fitted import FittedModel, as_numbers, names_of
from skvae.plotting._mosaic import (
    as_pictures,
    centres,
    draw,
    gap_of,
    in_lines,
    value_range,
)
from skvae.plotting._panels import (
    agreement,
    are_words,
    draw_agreement,
    edges,
    left_out,
    levels_of,
    most,
    varying,
)

OWNER = "ReconstructionDisplay"


class ReconstructionDisplay(Display):
    """Original rows compared with their reconstructions.

    Pictures are drawn with the originals above their reconstructions. A table is drawn
    as one panel per column, with the original on the x-axis and the reconstruction on
    the y-axis. Continuous columns are scatter plots, with R², the explained share of
    the variance, in the title; exact reconstructions lie on the diagonal. Columns of
    strings, or of at most 50 distinct whole numbers in original and reconstruction, are
    tables of shares: each of their columns shows how one level of the original is
    reconstructed. The title gives the share of equal values. Columns that are constant
    in both are left out.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    original, reconstruction : array-like of shape (n_samples, n_features)
        Rows, and the same rows encoded and decoded.
    image_shape : tuple of int or None, default=None
        Shape of the picture in each row: (height, width), (height, width, channels) or
        (channels, height, width). None shows a table.
    feature_names : sequence of str or None, default=None
        Names of a table's columns.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes or None
        Axes of the pictures. For a table, the axes behind the panels, or None if one
        axes per panel was passed.
    axes_ : ndarray of Axes
        All axes drawn on.
    mappable_ : AxesImage or list of PathCollection or AxesImage
        The mosaic, or the points or image of each column.
    columns_ : ndarray of int
        Positions of the columns shown; only for a table.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.plotting import ReconstructionDisplay
    >>> X = load_digits().data
    >>> vae = VAETransformer(8, max_epochs=2, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(vae, X, image_shape=(8, 8))
    >>> display.reconstruction.shape
    (10, 64)
    >>> display.plot(cmap="gray_r")
    <...>
    """

    def __init__(
        self, original, reconstruction, *, image_shape=None, feature_names=None
    ):
        self.original = original
        self.reconstruction = reconstruction
        self.image_shape = image_shape
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        image_shape=None,
        n_samples=None,
        columns=None,
        decode_params=None,
        **plot_kw,
    ):
        """Reconstruct rows and plot them.

        Parameters
        ----------
        estimator : estimator
            An skvae estimator, another transformer with ``inverse_transform``, or a
            Pipeline or fitted search that contains one. Rows are shown in the units of
            the pipeline's input, or of the model's input if a step before the model
            cannot be inverted.
        X : array-like of shape (n_samples, n_features)
            Rows to reconstruct.
        image_shape : tuple of int or None, default=None
            As in the class.
        n_samples : int or None, default=None
            Number of rows to use, from the start of `X`. None means 10 pictures, or all
            rows of a table.
        columns : selector or None, default=None
            Columns of the picture, or of the table to show: names, positions, a slice
            or a mask. None selects all.
        decode_params : dict or None, default=None
            Passed to the model's ``reconstruct``, or to its ``inverse_transform`` if it
            has no ``reconstruct``.
        **plot_kw
            Passed to :meth:`plot`.

        Returns
        -------
        ReconstructionDisplay

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
        model = FittedModel(estimator, OWNER, columns, decode_params)
        if n_samples is None:
            n_samples = len(X) if image_shape is None else 10
        X = X[: check_parameter("n_samples", n_samples, (POSITIVE_INT,), OWNER)]
        display = cls(
            model.original(X),
            model.reconstruct(X),
            image_shape=image_shape,
            feature_names=model.feature_names,
        )
        return display.plot(**plot_kw)

    def plot(self, ax=None, *, cmap=None, max_columns=12, im_kw=None, scatter_kw=None):
        """Plot originals and reconstructions.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on; None creates a figure. For a table, either one axes from a
            subplot grid, to be divided into panels, or one axes per column.
        cmap : str, Colormap or None, default=None
            Colormap; None means "gray" for grey pictures ("gray_r" is black on white)
            and "Blues" for the shares of a table.
        max_columns : int, default=12
            Maximum number of columns of a table; those with the worst reconstructions
            are shown, by R² or by the share of equal values.
        im_kw : dict or None, default=None
            Passed to ``imshow`` for pictures. ``vmin`` and ``vmax`` set the range of
            values, by default that of the originals.
        scatter_kw : dict or None, default=None
            Passed to ``scatter`` for the continuous columns of a table.

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
        if self.image_shape is None:
            style = _scatter_style(len(self.original), scatter_kw)
            self._plot_table(ax, cmap or "Blues", max_columns, style)
        else:
            self._plot_pictures(ax, cmap or "gray", im_kw)
        self.figure_ = self.axes_[0].figure
        return self

    def _plot_pictures(self, ax, cmap, im_kw):
        both = [
            as_pictures(as_numbers(rows), self.image_shape, OWNER)
            for rows in (self.original, self.reconstruction)
        ]
        limits = value_range(both[0], colour=both[0].ndim == 4)
        lines = np.stack([in_lines(pictures, 10) for pictures in both], axis=1)
        lines = lines.reshape(-1, *lines.shape[2:])  # original, reconstruction, ...
        self.ax_, self.mappable_ = draw(
            lines,
            ax,
            OWNER,
            limits=limits,
            cmap=cmap,
            im_kw=im_kw,
            group=2,
            margin=(1.4, 0.1),
        )
        middles = centres(len(lines), lines.shape[2], gap_of(lines), group=2)
        labels = ["original", "reconstruction"] * (len(lines) // 2)
        self.ax_.set_yticks(middles, labels)
        self.ax_.tick_params(axis="y", length=0)
        self.axes_ = np.array([self.ax_], dtype=object)

    def _plot_table(self, ax, cmap, max_columns, style):
        original = np.asarray(self.original)
        reconstruction = np.asarray(self.reconstruction)
        names = shorten_all(names_of(self.feature_names, original.shape[1]))
        pairs = list(zip(original.T, reconstruction.T, strict=True))
        scores = np.array([agreement(*pair) for pair in pairs])
        kept = varying([original, reconstruction])
        self.columns_ = kept[most(-scores[kept], max_columns, OWNER)]
        words = any(are_words(levels_of(*pairs[j])) for j in self.columns_)
        size = (3.2 if words else 2.4, 2.2)
        which = "those reconstructed worst"
        text = left_out(len(self.columns_), len(names), which, len(kept))
        self.ax_, self.axes_, header = panels(
            ax, len(self.columns_), OWNER, size, header=bool(text)
        )
        note(header, text)
        self.mappable_ = []
        places = zip(self.columns_, self.axes_, edges(self.axes_), strict=True)
        for j, panel, (left, bottom) in places:
            drawn = draw_agreement(panel, *pairs[j], cmap=cmap, style=style)
            what = "R²" if levels_of(*pairs[j]) is None else "equal"
            score = "" if np.isnan(scores[j]) else f"\n{what} = {scores[j]:.2f}"
            panel.set_title(f"{names[j]}{score}", fontsize="medium")
            panel.set_xlabel("original" if bottom else None)
            panel.set_ylabel("reconstruction" if left else None)
            self.mappable_.append(drawn)


def _scatter_style(n_rows, scatter_kw):
    default = {
        "s": float(np.clip(300 / np.sqrt(n_rows), 2, 20)),
        "alpha": float(np.clip(15 / np.sqrt(n_rows), 0.1, 0.8)),
        "color": COLOURS[0],
        "linewidths": 0,
    }
    return styled(default, scatter_kw, "scatter_kw", OWNER)
