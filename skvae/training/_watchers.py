"""What follows a fit from outside the net: a progress bar, scikit-learn's callbacks."""

import copy
from contextlib import contextmanager

from tqdm.auto import tqdm


@contextmanager
def watching(estimator, n_epochs, X, y):
    """Report a fit to scikit-learn's callbacks and, if it is verbose, to a bar.

    Parameters
    ----------
    estimator : estimator
        Being fitted, with ``net_`` set.
    n_epochs : int
        The most epochs that this fit may take.
    X, y : object
        The data, handed to the callbacks.

    Yields
    ------
    list of watchers
        With ``begin_epoch()`` and ``end_epoch(net)``.
    """
    tasks = FitTasks(estimator, n_epochs, {"X": X, "y": y})
    if not estimator.verbose:
        yield [tasks]
    else:
        with Progress(type(estimator).__name__, n_epochs) as progress:
            yield [tasks, progress]
    tasks.close()


class FitTasks:
    """Tell scikit-learn's callbacks (ProgressBar, ScoringMonitor) of every epoch.

    They exist from scikit-learn 1.9; under older releases nothing happens.

    Parameters
    ----------
    estimator : estimator
        Being fitted, with ``net_`` set.
    n_epochs : int
        The most epochs that this fit may take.
    data : dict
        ``X`` and ``y``, handed to the callbacks.
    """

    def __init__(self, estimator, n_epochs, data):
        self.estimator, self.data = estimator, data
        self._root = self._epoch = None
        if hasattr(estimator, "_init_callback_context"):
            self._root = estimator._init_callback_context(max_subtasks=n_epochs)
            self._root.call_on_fit_task_begin(estimator=estimator, **data)

    def begin_epoch(self):
        """Open the epoch's task."""
        if self._root is not None:
            self._epoch = self._root.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self, net):
        """Close the epoch's task; True asks to stop."""
        return self._end(self._epoch)

    def close(self):
        """Close the fit's task."""
        self._end(self._root)

    def _end(self, context):
        return context is not None and context.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=self._fitted_so_far,
            **self.data,
        )

    def _fitted_so_far(self):
        net = copy.deepcopy(self.estimator.net_)
        net.module_.eval()
        return {"net_": net}


class Progress:
    """A bar over the epochs with the bound, and the held-out bound if there is one.

    Parameters
    ----------
    label : str
        Title of the bar.
    n_epochs : int
        The most epochs that this fit may take.
    """

    def __init__(self, label, n_epochs):
        self._bar = tqdm(total=n_epochs, desc=label, unit="epoch")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._bar.close()

    def begin_epoch(self):
        """Nothing to show yet."""

    def end_epoch(self, net):
        """Advance the bar by one epoch."""
        row = net.history[-1]
        shown = {"bound": f"{-row['train_loss']:.2f}"}
        if "valid_loss" in row:
            shown["held-out"] = f"{-row['valid_loss']:.2f}"
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()
