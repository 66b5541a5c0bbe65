"""Latent traversals: the effect of each latent on the output."""

from numbers import Integral

import numpy as np

from skvae._kinds import cut
from skvae._validation import POSITIVE_INT, Interval, check_parameter
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
from skvae.plotting._panels import edges, left_out, most, moved

OWNER = "TraversalDisplay"


class TraversalDisplay(Display):
    """Decoder output as one latent at a time is varied.

    Pictures are drawn in one line per latent, whose value increases from left to right.
    A table is drawn as one heat map per latent: each line shows how far a column moves
    from its value at the base, in standard deviations. Changed strings count as 1.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    rows : array-like of shape (n_latents, n_values, n_features)
        Decoder output for each latent at each value.
    values : array-like of shape (n_values,)
        Values of the latents, increasing.
    base : array-like of shape (n_features,)
        Decoder output before any latent is changed.
    scale : array-like of shape (n_features,) or None, default=None
        Standard deviation of each column; None computes it from `rows`.
    image_shape : tuple of int or None, default=None
        Shape of the picture in each row: (height, width), (height, width, channels) or
        (channels, height, width). None shows a table.
    feature_names : sequence of str or None, default=None
        Names of a table's columns.
    latent_names : sequence of str or None, default=None
        Names of the latents.
    value_name : str, default="value of the latent"
        Label below the pictures.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes or None
        Axes of the pictures. For a table, the axes behind the panels, or None if one
        axes per panel was passed.
    axes_ : ndarray of Axes
        All axes drawn on.
    mappable_ : AxesImage or list of AxesImage
        The pictures, or one image per latent.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.plotting import TraversalDisplay
    >>> X = load_digits().data
    >>> vae = VAETransformer(4, max_epochs=2, random_state=0).fit(X)
    >>> display = TraversalDisplay.from_estimator(vae, X[:1], image_shape=(8, 8))
    >>> display.rows.shape
    (4, 9, 64)
    >>> display.plot(cmap="gray_r")
    <...>
    """

    def __init__(
        self,
        rows,
        values,
        base,
        *,
        scale=None,
        image_shape=None,
        feature_names=None,
        latent_names=None,
        value_name="value of the latent",
    ):
        self.rows = rows
        self.values = values
        self.base = base
        self.scale = scale
        self.image_shape = image_shape
        self.feature_names = feature_names
        self.latent_names = latent_names
        self.value_name = value_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        latents=None,
        max_latents=10,
        values=9,
        image_shape=None,
        columns=None,
        decode_params=None,
        **plot_kw,
    ):
        """Vary the latents, decode them and plot.

        Parameters
        ----------
        estimator : estimator
            An skvae estimator, another transformer with ``inverse_transform``, or a
            Pipeline or fitted search that contains one. Rows are shown in the units of
            the pipeline's input, or of the model's input if a step before the model
            cannot be inverted.
        X : array-like of shape (n_samples, n_features) or None, default=None
            The latents of its first row are the base; None starts from 0. If `X` has
            several rows, it also defines the standard deviations of the columns, which
            are otherwise computed from samples of the model.
        latents : sequence of int or None, default=None
            Indices of the latents, in the order shown. None shows those that change the
            output most, in descending order.
        max_latents : int, default=10
            Maximum number of latents shown if `latents` is None.
        values : int or array-like of shape (n_values,), default=9
            The values, or their number: then quantiles of N(0, 1), from 2 % to 98 % in
            equal steps. For categorical latents, any int shows every category.
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
        TraversalDisplay

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
        check_parameter("max_latents", max_latents, (POSITIVE_INT,), OWNER)
        model = FittedModel(estimator, OWNER, columns, decode_params)
        values = _checked_values(values, model)
        chosen = check_latents(latents, model.n_latents, OWNER)
        base = np.zeros(model.n_latents) if X is None else model.encode(X[:1])[0]
        start = model.decode(base[None])[0]
        rows = model.decode(_varied(base, chosen, values))
        scale = model.scale(X, rows) if image_shape is None else None
        names = np.array(model.latent_names, dtype=object)[chosen]
        if latents is None:
            order = _by_effect(rows, start, scale)[:max_latents]
            rows, names = rows[order], names[order]
        display = cls(
            rows,
            values,
            start,
            scale=scale,
            image_shape=image_shape,
            feature_names=model.feature_names,
            latent_names=list(names),
            value_name=model.value_name,
        )
        return display.plot(**plot_kw)

    def plot(self, ax=None, *, cmap=None, max_columns=12, im_kw=None):
        """Plot the traversals.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on; None creates a figure. For a table, either one axes from a
            subplot grid, to be divided into panels, or one axes per latent.
        cmap : str, Colormap or None, default=None
            Colormap; None means "gray" for grey pictures ("gray_r" is black on white)
            and "RdBu_r" for a table.
        max_columns : int, default=12
            Maximum number of columns of a table; those that change most are shown.
        im_kw : dict or None, default=None
            Passed to ``imshow``. ``vmin`` and ``vmax`` set the range of values, by
            default the 1 % and 99 % quantiles of the pictures, or the full range of
            changes in a table.

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
        names = self.latent_names or [f"latent {i}" for i in range(len(rows))]
        names = shorten_all(names)
        if self.image_shape is None:
            style = styled({"cmap": cmap or "RdBu_r"}, im_kw, "im_kw", OWNER)
            self._plot_table(rows, ax, names, max_columns, style)
        else:
            self._plot_pictures(rows, ax, names, cmap or "gray", im_kw)
        self.figure_ = self.axes_[0].figure
        return self

    def _plot_pictures(self, rows, ax, names, cmap, im_kw):
        pictures = as_pictures(as_numbers(rows), self.image_shape, OWNER)
        limits = value_range(pictures, colour=pictures.ndim == 5, trim=TRIM)
        style = {"limits": limits, "cmap": cmap, "im_kw": im_kw, "margin": (1.4, 0.6)}
        self.ax_, self.mappable_ = draw(pictures, ax, OWNER, **style)
        gap = gap_of(pictures)
        n_latents, n_values, height, width = pictures.shape[:4]
        marked = ticked(self.values, 5)
        self.ax_.set(
            xticks=centres(n_values, width, gap)[marked],
            xticklabels=value_labels(self.values, marked, ".2g"),
            yticks=centres(n_latents, height, gap),
            yticklabels=names,
            xlabel=self.value_name,
        )
        self.ax_.tick_params(length=0)
        self.axes_ = np.array([self.ax_], dtype=object)

    def _plot_table(self, rows, ax, names, max_columns, style):
        scale = deviation(rows) if self.scale is None else self.scale
        change = moved(rows, np.asarray(self.base), scale)
        labels = shorten_all(names_of(self.feature_names, rows.shape[-1]))
        shown = most((change**2).mean(axis=(0, 1)), max_columns, OWNER)
        change = change[..., shown]
        n_columns = -(-len(rows) // -(-len(rows) // 5))
        size = (1.6 + 2 / n_columns, 0.8 + 0.25 * len(shown))
        text = left_out(len(shown), len(labels), "those that change most")
        self.ax_, self.axes_, header = panels(
            ax, len(rows), OWNER, size, n_columns, header=bool(text)
        )
        note(header, text)
        largest = np.abs(change).max() or 1.0
        style = {"vmin": -largest, "vmax": largest, "aspect": "auto", **style}
        shown_labels = [labels[j] for j in shown]
        self.mappable_ = []
        places = zip(self.axes_, change, names, edges(self.axes_), strict=True)
        for panel, changes, name, edge in places:
            self.mappable_.append(panel.imshow(changes.T, **style))
            panel.set_title(name, fontsize="medium")
            self._name_axes(panel, shown_labels, *edge)
        bar = self.axes_[0].figure.colorbar(self.mappable_[0], ax=list(self.axes_))
        bar.set_label("change in standard deviations")

    def _name_axes(self, panel, columns, left, bottom):
        """Label the columns on the leftmost panels and the values on the lowest."""
        panel.set_yticks(np.arange(len(columns)), columns)
        marked = ticked(self.values, 3)
        panel.set_xticks(marked, value_labels(self.values, marked, ".1f"))
        panel.tick_params(labelleft=left, labelbottom=bottom, labelsize="small")
        panel.set_xlabel("value" if bottom else None)


def _checked_values(values, model):
    """Check and return the values of a latent, (n_values,)."""
    if isinstance(values, Integral):
        check_parameter("values", values, (Interval(Integral, 2),), OWNER)
        return model.values(np.linspace(0.02, 0.98, values))
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or len(given) < 2 or (np.diff(given) <= 0).any():
        raise ValueError(
            f"The 'values' parameter of {OWNER} must be an int above 1 or at least "
            f"two increasing numbers. Got {cut(values)} instead."
        )
    model.check_values(given, "values")
    return given


def _varied(base, chosen, values):
    """Return latents with one varied at a time, (n_chosen, n_values, k)."""
    Z = np.tile(base, (len(chosen), len(values), 1))
    for i, latent in enumerate(chosen):
        Z[i, :, latent] = values
    return Z


def _by_effect(rows, base, scale):
    """Order latents by how much they change the output, in descending order."""
    effect = (moved(rows, base, scale) ** 2).sum(axis=(1, 2))
    return np.argsort(-effect, kind="stable")
