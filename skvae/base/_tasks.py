"""scikit-learn's callbacks, where the installed release has them (1.9 and newer)."""

import copy

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Stands in for the mixin of a newer scikit-learn; adds nothing."""

    def with_callbacks(method):
        """Stand in for the decorator of a newer scikit-learn; changes nothing."""
        return method


class FitTasks:
    """Tell scikit-learn's callbacks (ProgressBar, ScoringMonitor) of every epoch.

    Parameters
    ----------
    estimator : estimator
        Being fitted, with ``net_`` set.
    n_epochs : int
        How many epochs this fit may take.
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
