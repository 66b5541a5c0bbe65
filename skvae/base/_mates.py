"""ln p(x) by models that were trained side by side, computed side by side too.

The first of them that is asked about a table computes the answers of all, because a
search scores its candidates on the same rows. `answered` gives them to the others.
"""

import threading

import numpy as np

from skvae.handwritten import Unknown
from skvae.stacks import architecture, log_likelihoods
from skvae.training import derive_seed

N_WAITING = 4  # tables about which only one model has asked so far, at most
_MATES = {}  # id of a net -> the `Mates` that it belongs to


class Mates:
    """Models of one architecture, trained on the same rows, with what they answered.

    Parameters
    ----------
    estimators : list of BaseAutoencoderTransformer
        Fitted.
    """

    def __init__(self, estimators):
        self.nets = [estimator.net_ for estimator in estimators]
        self.evaluators = [estimator._evaluator() for estimator in estimators]
        self.seeds = [derive_seed(e._seed, "evaluation") for e in estimators]
        self.n_epochs = [len(net.history) for net in self.nets]
        self._answers, self._lock = [], threading.Lock()

    def answer(self, net, table, *how):
        """Return the `Diagnostics` of a net about a table, or None if it is unknown."""
        number = next(i for i, other in enumerate(self.nets) if other is net)
        if len(net.history) != self.n_epochs[number]:
            return None  # it was trained further
        with self._lock:
            kept = next((a for a in self._answers if a.is_for(table, how)), None)
            if kept is None:
                if sum(len(a.askers) == 1 for a in self._answers) >= N_WAITING:
                    return None
                kept = Answer(table, how, self._computed(table, how))
                self._answers.append(kept)
            kept.askers.add(number)
        return None if kept.found is None else kept.found[number]

    def _computed(self, table, how):
        """Return the `Diagnostics` of all nets, or None if they cannot be stacked."""
        try:
            return log_likelihoods(self.evaluators, table, self.seeds, *how)
        except (Unknown, FloatingPointError):
            return None


class Answer:
    """What all mates say about a table.

    Parameters
    ----------
    table : Table
        The rows.
    how : tuple
        Arguments of the estimate.
    found : list of Diagnostics or None
        None if the mates must answer one by one.
    """

    def __init__(self, table, how, found):
        self.table, self.how, self.found, self.askers = table, how, found, set()

    def is_for(self, table, how):
        """Return whether it answers the same question."""
        if how != self.how or not np.array_equal(table.x, self.table.x):
            return False
        own, other = self.table.beside(), table.beside()
        return own.keys() == other.keys() and all(
            np.array_equal(own[name], other[name]) for name in own
        )


def answered(net, table, n_samples, refine):
    """Return the `Diagnostics` of a net that has mates, or None."""
    mates = _MATES.get(id(net))
    return None if mates is None else mates.answer(net, table, n_samples, refine)


def introduce(groups):
    """Make the estimators of each group mates; return their keys for `part`."""
    keys = []
    for estimators in groups:
        if len(estimators) > 1:
            mates = Mates(estimators)
            found = dict.fromkeys(map(id, mates.nets), mates)
            _MATES.update(found)
            keys.extend(found)
    return keys


def part(keys):
    """Forget mates."""
    for key in keys:
        _MATES.pop(key, None)


def company(estimator, rows):
    """Return what the mates of an estimator have in common, besides their rows."""
    likelihood = estimator.likelihood_
    units = [
        None if values is None else np.asarray(values).tobytes()
        for values in (likelihood.origin, likelihood.fill)
    ]
    return repr((type(estimator), architecture(estimator.module_), units)), id(rows)
