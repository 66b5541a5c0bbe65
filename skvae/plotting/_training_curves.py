"""Training curves: losses and their terms by epoch."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvae._kinds import cut
from skvae.base import find_model
from skvae.plotting._common import (
    COLOURS,
    Display,
    one_axes,
    panels,
    require_matplotlib,
    styled,
)
from skvae.plotting._panels import edges

OWNER = "TrainingCurvesDisplay"
LOSSES = ("train_loss", "valid_loss")
# Entries of the history that skorch writes, and times: not values of the model.
BOOKKEEPING = {"epoch", "batches", "seconds", "dur"}


class TrainingCurvesDisplay(Display):
    """Losses, their terms and scheduled values by epoch.

    Everything in the history is shown: ``train_loss`` and ``valid_loss`` in one panel,
    and one panel each for losses of other parameter groups (``critic_loss``), recorded
    terms (``reconstruction``, ``kl``) and scheduled values (``beta``). Values that
    never change get no panel unless requested.

    ``train_loss``, ``valid_loss`` and the terms of a variational bound are in nats per
    row. The two losses are minus the mean bound, so lower is better.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    curves : dict of str to array-like of shape (n_epochs,)
        Values by name; NaN in epochs without a value.
    best_epoch : int or None, default=None
        The epoch with the best held-out loss, counted from 1.

    Attributes
    ----------
    figure_ : Figure
    ax_ : Axes or None
        Axes of the curves, or the axes behind the panels; None if one axes per panel
        was passed.
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
    ['kl', 'reconstruction', 'train_loss', 'valid_loss']
    >>> display.plot(which=["train_loss"])
    <...>
    """

    def __init__(self, curves, *, best_epoch=None):
        self.curves = curves
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator, **plot_kw):
        """Plot the training history of an estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted skvae estimator, or a Pipeline or fitted search that contains one.
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
            If `estimator` is not or does not contain an skvae estimator.
        ValueError
            If a parameter is invalid.
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
            Axes to draw on; None creates a figure. On one axes, the curves of `which`
            are drawn together; with several, each axes is one panel.
        which : str, sequence of str or None, default=None
            Names of the curves to draw together on one axes. None draws all curves in
            panels, or the two losses if one axes was passed.
        line_kw : dict or None, default=None
            Passed to ``plot`` for every curve.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a name in `which` is not in the history, or a parameter is invalid.
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
        """Group the curves into panels: the losses first, then one panel per curve."""
        losses = [name for name in LOSSES if name in self.curves]
        others = [
            name
            for name, values in self.curves.items()
            if name not in LOSSES and not _is_constant(values)
        ]
        others.sort(key=self._place)
        return [losses] * bool(losses) + [[name] for name in others]

    def _place(self, name):
        """Sort losses first, then terms, then scheduled values.

        The history records scheduled values before the training loss.
        """
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
                f"The 'which' parameter of {OWNER} must be names from the history: "
                f"{sorted(self.curves)}. Got {cut(which)} instead."
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
            panel.set_ylabel("nats per row")


def _read(history):
    """Return every curve in a history, with NaN where an epoch has no value."""
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
    """Return the epoch whose weights early stopping keeps, counted from 1.

    A later epoch replaces the best one only if its loss is lower by more than `tol`.
    Epochs of the KL warm-up do not count.
    """
    best = None
    for epoch, loss in enumerate([] if losses is None else losses, 1):
        if epoch <= warmup or not np.isfinite(loss):
            continue
        if best is None or loss < losses[best - 1] - tol:
            best = epoch
    return best


def _colours(names):
    """Return one colour per curve; each loss has the same colour in every panel."""
    if set(names) <= set(LOSSES):
        return [COLOURS[0] if name == LOSSES[0] else COLOURS[2] for name in names]
    return [COLOURS[i % len(COLOURS)] for i in range(len(names))]
