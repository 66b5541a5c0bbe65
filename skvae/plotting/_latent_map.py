"""Scatter plots of rows in latent space."""

import numpy as np
from sklearn.utils import check_random_state

from skvae._validation import NONE, POSITIVE_INT, Options, check_parameter
from skvae.base import as_transformer
from skvae.inputs import as_numpy
from skvae.plotting._common import (
    COLOURS,
    Display,
    check_latents,
    equal_scales,
    one_axes,
    require_matplotlib,
    shorten_all,
    styled,
)
from skvae.plotting._fitted import latent_names
from skvae.plotting._reduction import check_reduction, plane

OWNER = "LatentMapDisplay"
MAX_CLASSES = 50
MARKERS = "o^sDvPX*"
LABELS = (Options(("legend", "median")), NONE)


class LatentMapDisplay(Display):
    """Scatter plot of two latents, or of more latents reduced to two dimensions.

    Points are coloured by class, or by a continuous value with a colour bar. The ten
    class colours are distinct for colour-blind readers (Petroff 2021); further classes
    reuse them with other markers.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
        Coordinates of the points.
    y : array-like of shape (n_samples,) or None, default=None
        Class or value of each point. Strings, and up to 50 distinct whole numbers, are
        treated as classes.
    axis_names : pair of str, default=("latent 0", "latent 1")
        Labels of the axes.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes
    axes_ : ndarray of Axes
        Array with `ax_` as its only element.
    mappable_ : list of PathCollection
        The points, one collection per marker.
    classes_ : ndarray or None
        The classes in the order of their colours; None for continuous values.

    References
    ----------
    Petroff, M. A. (2021). Accessible Color Sequences for Data Visualization.
    arXiv:2107.02270.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.plotting import LatentMapDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> vae = VAETransformer(4, max_epochs=2, random_state=0).fit(X)
    >>> display = LatentMapDisplay.from_estimator(vae, X, y)
    >>> display.Z.shape  # the first two principal components of four latents
    (1797, 2)
    >>> display.plot(class_labels="median")
    <...>
    """

    def __init__(self, Z, *, y=None, axis_names=("latent 0", "latent 1")):
        self.Z = Z
        self.y = y
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        latents=None,
        reduction="pca",
        max_points=None,
        random_state=None,
        **plot_kw,
    ):
        """Encode rows and plot their latents.

        Parameters
        ----------
        estimator : estimator
            A fitted transformer, a Pipeline of transformers with or without a final
            predictor, or a fitted search over either.
        X : array-like of shape (n_samples, n_features)
            Rows to encode.
        y : array-like of shape (n_samples,) or None, default=None
            As in the class.
        latents : sequence of int or None, default=None
            Indices of the latents to use; two are plotted directly. None uses all.
        reduction : {"pca", "tsne"}, transformer or None, default="pca"
            How to reduce more than two latents to two dimensions. Of a transformer, the
            first two outputs of ``fit_transform`` are shown. None shows the first two
            latents.
        max_points : int or None, default=None
            Maximum number of points; if there are more rows, a random subset is shown.
        random_state : int, RandomState or None, default=None
            Seed of the random subset and of t-SNE.
        **plot_kw
            Passed to :meth:`plot`.

        Returns
        -------
        LatentMapDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If the estimator cannot transform.
        ValueError
            If a parameter is invalid, or there is only one latent.
        """
        require_matplotlib(OWNER)
        check_parameter("max_points", max_points, (POSITIVE_INT, NONE), OWNER)
        check_reduction(reduction, OWNER)
        random = check_random_state(random_state)
        transformer = as_transformer(estimator, OWNER)
        Z = np.asarray(as_numpy(transformer.transform(X)), dtype=np.float64)
        y = None if y is None else _checked_y(y, len(Z))
        names = latent_names(transformer, Z.shape[1])
        chosen = check_latents(latents, Z.shape[1], OWNER)
        if max_points is not None and len(Z) > max_points:
            rows = np.sort(random.permutation(len(Z))[:max_points])
            Z, y = Z[rows], None if y is None else y[rows]
        Z, names = Z[:, chosen], [names[i] for i in chosen]
        Z, names = plane(Z, names, reduction, random, OWNER)
        return cls(Z, y=y, axis_names=names).plot(**plot_kw)

    def plot(self, ax=None, *, class_labels="legend", cmap="viridis", scatter_kw=None):
        """Plot the points.

        Parameters
        ----------
        ax : Axes or None, default=None
            Axes to draw on; None creates a figure.
        class_labels : {"legend", "median"} or None, default="legend"
            Name the classes in a legend, or each class at the median of its points.
        cmap : str or Colormap, default="viridis"
            Colormap for continuous values.
        scatter_kw : dict or None, default=None
            Passed to ``scatter``. By default, ``s`` and ``alpha`` decrease with the
            number of points.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a parameter is invalid.
        """
        check_parameter("class_labels", class_labels, LABELS, OWNER)
        Z = np.asarray(self.Z)
        style = styled(_style(len(Z)), scatter_kw, "scatter_kw", OWNER)
        y = None if self.y is None else _checked_y(self.y, len(Z))
        self.classes_ = None if y is None else _classes(y)
        width = 5.0 + self._legend_width() * (class_labels == "legend")
        self.ax_ = one_axes(ax, OWNER, (width, 4.8))
        self.figure_, self.axes_ = self.ax_.figure, np.array([self.ax_], dtype=object)
        if self.classes_ is None:
            self._plot_values(Z, y, cmap, style)
        else:
            self._plot_classes(Z, y, class_labels, style)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        equal_scales(self.ax_)
        return self

    def _plot_values(self, Z, y, cmap, style):
        if y is None:
            colours = {} if "c" in style else {"color": COLOURS[0]}
        else:
            colours = {"c": y.astype(np.float64), "cmap": cmap}
        points = self.ax_.scatter(*Z.T, **{**colours, **style})
        if y is not None:
            bar = self.figure_.colorbar(points, ax=self.ax_)
            bar.solids.set_alpha(1.0)
        self.mappable_ = [points]

    def _plot_classes(self, Z, y, class_labels, style):
        codes = np.searchsorted(self.classes_, y)
        colours = np.array(COLOURS)[codes % len(COLOURS)]
        rounds = codes // len(COLOURS)
        self.mappable_ = [
            self.ax_.scatter(
                *Z[rounds == i].T,
                **{"c": colours[rounds == i], "marker": _marker(i), **style},
            )
            for i in np.unique(rounds)
        ]
        if class_labels == "legend":
            self._add_legend()
        elif class_labels == "median":
            self._write_classes(Z, codes)

    def _legend_width(self):
        """Return the width of the legend or colour bar in inches."""
        if self.classes_ is None:
            return 0.8
        longest = max(map(len, _named(self.classes_)))
        return (0.5 + 0.09 * longest) * _legend_columns(len(self.classes_))

    def _add_legend(self):
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], ls="", marker=_marker(i // 10), color=_colour(i), label=name)
            for i, name in enumerate(_named(self.classes_))
        ]
        place = {"loc": "upper right", "fontsize": "small"}
        if self.figure_.get_layout_engine() is not None:  # it makes room for the legend
            place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
            place |= {"frameon": False, "borderaxespad": 0.2}
        self.ax_.legend(handles=handles, ncols=_legend_columns(len(handles)), **place)

    def _write_classes(self, Z, codes):
        from matplotlib.patheffects import withStroke

        halo = [withStroke(linewidth=3, foreground="white")]
        for i, name in enumerate(_named(self.classes_)):
            x, y = np.median(Z[codes == i], axis=0)
            self.ax_.text(
                x, y, name, ha="center", va="center", weight="bold", path_effects=halo
            )


def _checked_y(y, n_rows):
    y = np.asarray(y)
    if y.shape != (n_rows,):
        raise ValueError(
            f"The 'y' parameter of {OWNER} must have one entry per row, so shape "
            f"({n_rows},). Got an array of shape {y.shape} instead."
        )
    if y.dtype.kind == "M":  # show dates as continuous values
        return y.astype("datetime64[s]").astype(np.float64)
    y = y if y.dtype.kind in "biuf" else y.astype(str)
    if y.dtype.kind == "U" and len(np.unique(y)) > MAX_CLASSES:
        raise ValueError(
            f"The 'y' parameter of {OWNER} must have at most {MAX_CLASSES} distinct "
            f"strings. Got {len(np.unique(y))} instead."
        )
    return y


def _classes(y):
    """Return the classes in `y`, or None if its values are continuous."""
    classes = np.unique(y)
    if y.dtype.kind not in "biuf":
        return classes
    whole = np.isfinite(classes).all() and (classes == np.floor(classes)).all()
    return classes if whole and len(classes) <= MAX_CLASSES else None


def _named(classes):
    number = "{:g}" if classes.dtype.kind == "f" else "{}"
    return shorten_all([number.format(value) for value in classes])


def _legend_columns(n_classes):
    return -(-n_classes // 17)


def _colour(i):
    return COLOURS[i % len(COLOURS)]


def _marker(i):
    return MARKERS[i % len(MARKERS)]


def _style(n_points):
    """Return a style with smaller and fainter points the more there are."""
    return {
        "s": float(np.clip(360 / np.sqrt(n_points), 1.5, 30)),
        "alpha": float(np.clip(2.2 * n_points**-0.16, 0.25, 0.9)),
        "linewidths": 0,
    }
