"""Fits that are done side by side before `fit` is called.

A search calls `fit` of one estimator after another. `ready_fits` trains them together
beforehand, and `fit` then takes its result, if class, parameters and rows are the same
to the bit. In every other case it trains as usual. Estimators that were trained
together also estimate ln p(x) together, see `skvae.base._shared_answers`.
"""

import threading
import time
import warnings
from collections import defaultdict
from contextlib import contextmanager

import joblib
import numpy as np

from skvae.base._holding_out import split_rows
from skvae.base._shared_answers import group_key, share_answers, stop_sharing
from skvae.inputs import NOTHING
from skvae.sources import Source
from skvae.stacks import train_together

OF_A_SEARCH = "_parent_callback_ctx"  # what scikit-learn 1.9 sets on what it fits
_KEPT = {}  # key of a fit -> list of `Ready`
_SECONDS = {}  # id of a net that was taken -> the net, and the seconds of its fit
_LOCK = threading.Lock()


class Ready:
    """A fitted estimator that waits for a `fit` with the same parameters and rows.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        Not fitted yet.
    X : array-like
        Its training rows.
    """

    def __init__(self, estimator, X):
        self.estimator, self.X, self.rows = estimator, X, None
        self.seconds = 0.0  # its share of the time

    def prepare(self):
        """Build the net; what is wrong is left to an ordinary fit."""
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as self.caught:
            warnings.simplefilter("always")
            try:
                self.key = _key(self.estimator, self.X)
                rows = self.estimator._prepare(self.X, NOTHING, resumes=False)
                split_rows(self.estimator, rows)  # checks that there are enough
                self.rows = rows
            except Exception:  # of any kind: the ordinary fit will raise it again
                self.rows = None
        self.seconds = time.perf_counter() - start
        return self

    def hand_over(self, estimator):
        """Move what was learned to an estimator, and return its training rows."""
        for one in self.caught:
            warnings.warn(one.message, stacklevel=2)
        own = estimator.get_params(deep=False)
        learned = vars(self.estimator)
        vars(estimator).update({k: v for k, v in learned.items() if k not in own})
        _SECONDS[id(estimator.net_)] = estimator.net_, self.seconds
        self.estimator = None  # the other owner of the net
        return self.rows


def take_ready(estimator, X):
    """Return the rows of a fit that was ready, which the estimator now has, or None."""
    if not _KEPT or isinstance(X, Source) or not can_wait(estimator):
        return None
    with _LOCK:
        waiting = _KEPT.get(_key(estimator, X))
        ready = waiting.pop() if waiting else None
    return None if ready is None else ready.hand_over(estimator)


def seconds_before(estimator):
    """Return the seconds that a model's fit had taken before `fit` was called."""
    return _SECONDS.get(id(getattr(estimator, "net_", None)), (None, 0.0))[1]


def can_wait(estimator):
    """Return whether fits of an estimator depend on parameters and rows alone."""
    own = estimator.get_params(deep=False).keys()
    # Anything more, such as a callback of scikit-learn, may want to see every epoch.
    wanted = estimator.verbose, estimator.callbacks, estimator.warm_start
    more = vars(estimator).keys() - own - {OF_A_SEARCH}
    is_free = estimator.checkpoint is None and not more
    return all(map(_is_off, wanted)) and is_free


def _is_off(value):
    """Return whether a parameter is empty; others than these are not valid."""
    return isinstance(value, bool | int | list | tuple | None) and not value


@contextmanager
def ready_fits(estimators, tables, n_jobs=None):
    """Train estimators side by side where possible; `fit` takes them in this context.

    Parameters
    ----------
    estimators : list of BaseAutoencoderTransformer
        Not fitted yet.
    tables : list of array-like
        The training rows of each; estimators may share one.
    n_jobs : int or None, default=None
        Number of threads.

    Yields
    ------
    list of Ready
        The fits that are done.
    """
    fits = [Ready(e, X) for e, X in zip(estimators, tables, strict=True)]
    done = _trained(fits, joblib.effective_n_jobs(n_jobs))
    groups = defaultdict(list)
    for ready in done:
        with _LOCK:
            _KEPT.setdefault(ready.key, []).append(ready)
        groups[group_key(ready.estimator, ready.X)].append(ready.estimator)
    sharing, nets = (
        share_answers(groups.values()),
        [ready.estimator.net_ for ready in done],
    )
    try:
        yield done
    finally:
        stop_sharing(sharing)
        for net in nets:
            _SECONDS.pop(id(net), None)
        with _LOCK:
            for key in {ready.key for ready in done}:
                _KEPT.pop(key, None)


def _trained(fits, n_jobs):
    fits = [ready for ready in fits if can_wait(ready.estimator)]
    fits = [ready for ready in fits if ready.prepare().rows is not None]
    _share_tables(fits)
    nets, rows = [ready.estimator.net_ for ready in fits], [r.rows for r in fits]
    taken = train_together(nets, rows, n_jobs)
    for ready, seconds in zip(fits, taken, strict=True):
        ready.seconds += seconds or 0.0
    return [ready for ready, seconds in zip(fits, taken, strict=True) if seconds]


def _share_tables(fits):
    """Let fits of the same rows share one table."""
    first = {}
    for ready in fits:
        kept = first.setdefault((id(ready.X), ready.rows.dtype), ready.rows)
        if _same(kept, ready.rows):
            ready.rows = kept


def _same(one, other):
    origins = [rows._origin for rows in (one, other)]
    if any(origin is None for origin in origins):
        same = origins[0] is origins[1]
    else:
        same = bool((origins[0] == origins[1]).all())
    beside = one.table.beside() or other.table.beside()
    return same and not beside and np.array_equal(one.X, other.X)


def _key(estimator, X):
    """Return a hash of everything that a fit depends on."""
    names = getattr(X, "columns", None)
    values = np.ascontiguousarray(X)
    names = None if names is None else list(names)
    parameters = estimator.get_params(deep=False)
    return joblib.hash((type(estimator), parameters, names, values))
