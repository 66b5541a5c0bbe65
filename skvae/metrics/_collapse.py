"""A callback that watches for posterior collapse during training."""

from numbers import Integral, Real

from skorch.callbacks import Callback

from skvae._validation import NATURAL, NON_NEGATIVE, Interval, check_parameter
from skvae.exceptions import SkvaeCollapseWarning, warn_outside
from skvae.inference import Evaluator
from skvae.metrics._active_units import active_units


class WarnOfCollapse(Callback):
    """Warn when too few latents are active; for ``callbacks=[...]``.

    After every epoch, compute the posterior means of some training rows and record the
    number of active latents in ``history_`` as ``active_units``. The warning is issued
    once.

    Parameters
    ----------
    min_active : int or float, default=0.5
        How many latents must be active: their number or their fraction.
    threshold : float, default=0.01
        As in `active_units`.
    after : int, default=10
        Number of epochs at the full weight of the KL divergence before the first
        warning.
    n_rows : int, default=1000
        Number of training rows to use, evenly spaced.

    Warns
    -----
    SkvaeCollapseWarning

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import WarnOfCollapse
    >>> X = load_digits().data[:300] / 16
    >>> watch = WarnOfCollapse(min_active=2)
    >>> vae = VAETransformer(2, max_epochs=3, callbacks=[watch], random_state=0)
    >>> len(vae.fit(X).history_[:, "active_units"])
    3
    """

    def __init__(self, min_active=0.5, threshold=0.01, after=10, n_rows=1000):
        self.min_active = min_active
        self.threshold = threshold
        self.after = after
        self.n_rows = n_rows

    def initialize(self):
        """Reset the counters."""
        self._epochs, self._warned = 0, False
        return self

    def on_train_begin(self, net, **kwargs):
        """Check the parameters."""
        allowed = {
            "min_active": (NATURAL, Interval(Real, 0.0, 1.0, closed="both")),
            "threshold": (NON_NEGATIVE,),
            "after": (NATURAL,),
            "n_rows": (Interval(Integral, 2),),
        }
        for name, constraints in allowed.items():
            value = getattr(self, name)
            check_parameter(name, value, constraints, type(self).__name__)

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        """Record the number of active latents, and warn if it is too small."""
        active = active_units(self._means(net, dataset_train), self.threshold)
        net.history.record("active_units", int(active.sum()))
        self._epochs += net.module_.kl_weight == 1.0
        wanted = self.min_active
        if not isinstance(wanted, Integral):
            wanted = wanted * len(active)
        if not self._warned and self._epochs > self.after and active.sum() < wanted:
            self._warned = True
            warn_outside(self._message(active, len(net.history)), SkvaeCollapseWarning)

    def _means(self, net, rows):
        module = net.module_.eval()  # the next epoch restores training mode
        some = rows.evenly_spaced(self.n_rows)
        return Evaluator(module).in_slices(some, module.encode)

    def _message(self, active, epoch):
        return (
            f"{active.sum()} of {len(active)} latents are active after epoch {epoch}. "
            "See skvae.metrics.diagnose for details, and the chapter on collapse in "
            "the user guide for remedies."
        )
