"""ln p(x) by models that were trained side by side, computed side by side too.

The first of them that is asked about a table computes the answers of all, because a
search scores its candidates on the same rows. The others then get theirs from
`shared_answer`.
"""

import threading

import numpy as np

from skvae.handwritten import Unknown
from skvae.stacks import architecture, log_likelihoods
from skvae.training import derive_seed

N_WAITING = 4  # tables about which only one model has asked so far, at most
_SHARED = {}  # id of a net -> the `SharedAnswers` of its group


class SharedAnswers:
    """Models of one architecture, trained on the same rows, with their answers.

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
    """The answers of all models of a group about a table.

    Parameters
    ----------
    table : Table
        The rows.
    how : tuple
        Arguments of the estimate.
    found : list of Diagnostics or None
        None if the models must answer one by one.
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


def shared_answer(net, table, n_samples, refine):
    """Return the `Diagnostics` of a net in a group, or None."""
    group = _SHARED.get(id(net))
    return None if group is None else group.answer(net, table, n_samples, refine)


def share_answers(groups):
    """Let the estimators of each group share answers; return keys to `stop_sharing`."""
    keys = []
    for estimators in groups:
        if len(estimators) > 1:
            group = SharedAnswers(estimators)
            found = dict.fromkeys(map(id, group.nets), group)
            _SHARED.update(found)
            keys.extend(found)
    return keys


def stop_sharing(keys):
    """Forget the groups of these keys."""
    for key in keys:
        _SHARED.pop(key, None)


def group_key(estimator, rows):
    """Return what the estimators of a group have in common: architecture and rows."""
    likelihood = estimator.likelihood_
    units = [
        None if values is None else np.asarray(values).tobytes()
        for values in (likelihood.origin, likelihood.fill)
    ]
    return repr((type(estimator), architecture(estimator.module_), units)), id(rows)
