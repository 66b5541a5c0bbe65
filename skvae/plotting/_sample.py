"""Samples from a model."""

import numpy as np

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
from skvae.plotting._mosaic import TRIM, as_pictures, draw, in_lines, value_range
from skvae.plotting._panels import (
    are_words,
    distance,
    draw_distribution,
    edges,
    left_out,
    levels_of,
    most,
    varying,
)

OWNER = "SampleDisplay"


class SampleDisplay(Display):
    """Samples from a model, optionally compared with data.

    Pictures are drawn as a mosaic. A table is drawn as one panel per column, with the
    distribution of the samples and, if given, of the data: as steps for continuous
    columns, as bars for columns of strings or of at most 50 distinct whole numbers. The
    title gives the Kolmogorov-Smirnov statistic (KS), the largest difference between
    the two distribution functions: 0 if they are equal, 1 if they do not overlap.
    Strings have no order, so for them it gives the total variation distance (TV), half
    the sum of the differences between the bars. Constant columns are left out.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    samples : array-like of shape (n_samples, n_features)
        Rows sampled from the model.
    X : array-like of shape (n_rows, n_features) or None, default=None
        Data to compare with. For pictures, they only set the range of values.
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
    mappable_ : AxesImage or None
        The mosaic; None for a table.
    columns_ : ndarray of int
        Positions of the columns shown; only for a table.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.plotting import SampleDisplay
    >>> X = load_digits().data
    >>> vae = VAETransformer(8, max_epochs=2, random_state=0).fit(X)
    >>> display = SampleDisplay.from_estimator(
    ...     vae, n_samples=20, image_shape=(8, 8), random_state=0
    ... )
    >>> display.samples.shape
    (20, 64)
    >>> display.plot(cmap="gray_r")
    <...>
    """

    def __init__(self, samples, *, X=None, image_shape=None, feature_names=None):
        self.samples = samples
        self.X = X
        self.image_shape = image_shape
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        image_shape=None,
        n_samples=None,
        mean=None,
        random_state=None,
        columns=None,
        decode_params=None,
        **plot_kw,
    ):
        """Sample from a model and plot the samples.

        Parameters
        ----------
        estimator : estimator
            An skvae estimator with a prior, or a Pipeline or fitted search that
            contains one. Rows are shown in the units of the pipeline's input, or of the
            model's input if a step before the model cannot be inverted.
        X : array-like of shape (n_rows, n_features) or None, default=None
            Data to compare with. For pictures, they only set the range of values.
        image_shape : tuple of int or None, default=None
            As in the class.
        n_samples : int or None, default=None
            Number of samples. None means 64 pictures, or 1000 rows of a table.
        mean : bool or None, default=None
            Whether to show the mean of p(x | z) instead of a draw from it. None means
            True for pictures and False for a table.
        random_state : int, RandomState or None, default=None
            Seed of the samples.
        columns : selector or None, default=None
            Columns of the picture, or of the table to show: names, positions, a slice
            or a mask. None selects all.
        decode_params : dict or None, default=None
            Passed to the model's ``sample``.
        **plot_kw
            Passed to :meth:`plot`.

        Returns
        -------
        SampleDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If the estimator cannot sample.
        ValueError
            If a parameter is invalid.
        """
        require_matplotlib(OWNER)
        model = FittedModel(estimator, OWNER, columns, decode_params)
        is_table = image_shape is None
        if n_samples is None:
            n_samples = 1000 if is_table else 64
        mean = not is_table if mean is None else bool(mean)
        display = cls(
            model.sample(n_samples, random_state, mean),
            X=None if X is None else model.original(X),
            image_shape=image_shape,
            feature_names=model.feature_names,
        )
        return display.plot(**plot_kw)

    def plot(self, ax=None, *, cmap="gray", max_columns=12, im_kw=None, line_kw=None):
        """Plot the samples.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on; None creates a figure. For a table, either one axes from a
            subplot grid, to be divided into panels, or one axes per column.
        cmap : str or Colormap, default="gray"
            Colormap for grey pictures; "gray_r" is black on white.
        max_columns : int, default=12
            Maximum number of columns of a table. Those whose samples differ most from
            the data are shown, or the first ones if there are no data.
        im_kw : dict or None, default=None
            Passed to ``imshow`` for pictures. ``vmin`` and ``vmax`` set the range of
            values, by default that of the data if given, else the 1 % and 99 %
            quantiles of the samples.
        line_kw : dict or None, default=None
            Passed to ``stairs`` and ``bar`` for the samples of a table.

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
            style = styled({"color": COLOURS[0]}, line_kw, "line_kw", OWNER)
            self._plot_table(ax, max_columns, style)
        else:
            self._plot_pictures(ax, cmap, im_kw)
        self.figure_ = self.axes_[0].figure
        return self

    def _plot_pictures(self, ax, cmap, im_kw):
        pictures = as_pictures(as_numbers(self.samples), self.image_shape, OWNER)
        lines = in_lines(pictures, int(np.ceil(np.sqrt(len(pictures)))))
        known, trim = (pictures, TRIM) if self.X is None else (as_numbers(self.X), 0.0)
        limits = value_range(known, colour=pictures.ndim == 4, trim=trim)
        self.ax_, self.mappable_ = draw(
            lines, ax, OWNER, limits=limits, cmap=cmap, im_kw=im_kw
        )
        self.axes_ = np.array([self.ax_], dtype=object)

    def _plot_table(self, ax, max_columns, style):
        tables, labels = [np.asarray(self.samples)], ["samples"]
        if self.X is not None:
            tables, labels = [np.asarray(self.X), *tables], ["data", *labels]
        names = shorten_all(names_of(self.feature_names, tables[-1].shape[1]))
        looks = [{"color": "0.8"}, style][-len(tables) :]
        columns = list(zip(*(table.T for table in tables), strict=True))
        compared = len(tables) > 1
        distances = np.array([distance(*c) if compared else 0.0 for c in columns])
        kept = varying(tables)
        self.columns_ = kept[most(distances[kept], max_columns, OWNER)]
        which = "those whose samples differ most" if compared else "the first ones"
        words = any(are_words(levels_of(*columns[j])) for j in self.columns_)
        size = (2.3, 2.8 if words else 1.9)
        text = left_out(len(self.columns_), len(names), which, len(kept))
        self.ax_, self.axes_, header = panels(
            ax, len(self.columns_), OWNER, size, header=bool(text) or compared
        )
        places = zip(self.columns_, self.axes_, edges(self.axes_), strict=True)
        for j, panel, (left, _) in places:
            draw_distribution(panel, columns[j], labels, looks)
            what = "TV" if are_words(levels_of(*columns[j])) else "KS"
            score = f"\n{what} = {distances[j]:.2f}" if compared else ""
            panel.set_title(names[j] + score, fontsize="medium")
            panel.set_ylabel("share of rows" if left else None)
        self.mappable_ = None
        if compared:
            self._add_legend(header, text)
        else:
            note(header, text)

    def _add_legend(self, header, title):
        """Add a legend to the header or, without a header, to the first panel."""
        handles, labels = self.axes_[0].get_legend_handles_labels()
        place = {"loc": "best"} if header is None else {"loc": "center", "ncols": 2}
        (self.axes_[0] if header is None else header).legend(
            handles, labels, title=title or None, frameon=False, **place
        )
