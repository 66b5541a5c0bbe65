"""How the losses and their terms went over the epochs."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvae.base import find_model
from skvae.plotting._common import (
    COLOURS,
    one_axes,
    panels,
    require_matplotlib,
    styled,
)
from skvae.plotting._panels import edges

OWNER = "TrainingCurvesDisplay"
LOSSES = ("train_loss", "valid_loss")
# What skorch and the clock write beside the values of the model.
BOOKKEEPING = {"epoch", "batches", "seconds", "dur"}


class TrainingCurvesDisplay:
    """Losses, their terms and scheduled values by epoch.

    Shows whatever the history holds: ``train_loss`` and ``valid_loss`` in one panel,
    and a panel for each loss of another group of parameters (``critic_loss``), each
    recorded term (``reconstruction``, ``kl``) and each scheduled value (``beta``). A
    value that never changes gets no panel unless it is asked for.

    ``train_loss``, ``valid_loss`` and the terms of a variational bound are in nats a
    row. The two losses are minus the mean bound, so lower is better.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    curves : dict of str to array-like of shape (n_epochs,)
        Values by name, NaN in epochs without one.
    best_epoch : int or None, default=None
        The epoch, from 1, of the best held-out loss.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes or None
        The one with the curves, or the one behind the panels; None where as many axes
        as panels were given.
    axes_ : ndarray of Axes
        All axes drawn on.
    lines_ : dict of str to Line2D
        The curves by name.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.plotting import TrainingCurvesDisplay
    >>> X = load_digits().data
    >>> vae = VAETransformer(8, max_epochs=2, random_state=0).fit(X)
    >>> display = TrainingCurvesDisplay.from_estimator(vae)
    >>> sorted(display.lines_)
    ['kl', 'reconstruction', 'train_loss']
    >>> display.plot(which=["train_loss"])
    <...>
    """

    def __init__(self, curves, *, best_epoch=None):
        self.curves = curves
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator, **plot_kw):
        """Read the history, and plot it.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator of this package, or a Pipeline or a fitted search that
            has one.
        **plot_kw
            Passed to :meth:`plot`.

        Returns
        -------
        TrainingCurvesDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If there is no estimator of this package.
        ValueError
            If a parameter is not allowed.
        """
        require_matplotlib(OWNER)
        _, model = find_model(estimator, OWNER)
        check_is_fitted(model)
        curves = _read(model.history_)
        parameters = model.get_params(deep=False)
        best = _best_epoch(
            curves.get("valid_loss"),
            parameters.get("tol", 0.0),
            parameters.get("kl_warmup", 0),
        )
        return cls(curves, best_epoch=best).plot(**plot_kw)

    def plot(self, ax=None, *, which=None, line_kw=None):
        """Plot the curves.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Where to; None makes a figure. One axes gets the curves of `which`; several
            get one panel each.
        which : str, sequence of str or None, default=None
            Names of curves to draw together on one axes. None draws all in panels, or,
            on one given axes, the two losses.
        line_kw : dict or None, default=None
            Passed to the lines' ``plot``.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a name of `which` is not in the history, or a parameter is not allowed.
        """
        style = styled({"lw": 1.8}, line_kw, "line_kw", OWNER)
        self.lines_ = {}
        if which is None and not hasattr(ax, "plot"):
            groups = self._groups()
            self.ax_, self.axes_, _ = panels(ax, len(groups), OWNER, size=(3.4, 2.4))
        else:
            groups = [self._chosen(which)]
            self.ax_ = one_axes(ax, OWNER, (5.0, 3.4))
            self.axes_ = np.array([self.ax_], dtype=object)
        places = zip(self.axes_, groups, edges(self.axes_), strict=True)
        for panel, names, (_, bottom) in places:
            self._draw(panel, names, style)
            panel.set_xlabel("epoch" if bottom else None)
        self.figure_ = self.axes_[0].figure
        return self

    def _groups(self):
        """Share the curves among panels: the losses first, then the others."""
        losses = [name for name in LOSSES if name in self.curves]
        others = [
            name
            for name, values in self.curves.items()
            if name not in LOSSES and not _is_constant(values)
        ]
        others.sort(key=self._place)
        return [losses] * bool(losses) + [[name] for name in others]

    def _place(self, name):
        """Losses first, then terms; what stands before the loss was set, not found."""
        order = list(self.curves)
        first = order.index(LOSSES[0]) if LOSSES[0] in order else 0
        scheduled = order.index(name) < first
        return not name.endswith("_loss"), scheduled

    def _chosen(self, which):
        if which is None:
            which = [name for name in LOSSES if name in self.curves]
        names = [which] if isinstance(which, str) else list(which)
        unknown = [name for name in names if name not in self.curves]
        if unknown or not names:
            raise ValueError(
                f"The 'which' parameter of {OWNER} must be names of the history, among "
                f"{sorted(self.curves)}. Got {which!r} instead."
            )
        return names

    def _draw(self, panel, names, style):
        from matplotlib.ticker import MaxNLocator

        for name, colour in zip(names, _colours(names), strict=True):
            values = np.asarray(self.curves[name], dtype=np.float64)
            epochs = np.arange(1, len(values) + 1)
            marker = "o" if np.isfinite(values).sum() < 2 else None
            look = {"color": colour, "label": name, "marker": marker, **style}
            (self.lines_[name],) = panel.plot(epochs, values, **look)
        if "valid_loss" in names and self.best_epoch is not None:
            label = f"best epoch, {self.best_epoch}"
            panel.axvline(self.best_epoch, color="0.4", ls=":", lw=1.2, label=label)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        if len(names) == 1:
            panel.set_title(names[0], fontsize="medium")
        else:
            panel.legend(fontsize="small", frameon=False)
        if set(names) <= set(LOSSES):
            panel.set_ylabel("nats a row")


def _read(history):
    """Give every curve of a history, NaN where an epoch has no value."""
    names = list(dict.fromkeys(name for row in history for name in row))
    return {
        name: np.array([row.get(name, np.nan) for row in history], dtype=np.float64)
        for name in names
        if name not in BOOKKEEPING and _is_numeric(history, name)
    }


def _is_numeric(history, name):
    return all(
        isinstance(row[name], Real) and not isinstance(row[name], bool)
        for row in history
        if name in row
    )


def _is_constant(values):
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    return len(values) != 1 and (len(values) == 0 or np.ptp(values) == 0)


def _best_epoch(losses, tol, warmup):
    """Find the epoch whose weights early stopping keeps, from 1.

    A later epoch replaces the best one only if it is better by more than `tol`; those
    in which the weight of the divergence still rises do not count.
    """
    best = None
    for epoch, loss in enumerate([] if losses is None else losses, 1):
        if epoch <= warmup or not np.isfinite(loss):
            continue
        if best is None or loss < losses[best - 1] - tol:
            best = epoch
    return best


def _colours(names):
    """One colour a curve, the same for the same loss everywhere."""
    if set(names) <= set(LOSSES):
        return [COLOURS[0] if name == LOSSES[0] else COLOURS[2] for name in names]
    return [COLOURS[i % len(COLOURS)] for i in range(len(names))]
