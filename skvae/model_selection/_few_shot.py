"""Much of one task, a little of another."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import (
    BaseShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.utils import indexable
from sklearn.utils.multiclass import type_of_target

from skvae._validation import (
    BOOLEAN,
    NATURAL,
    NONE,
    POSITIVE_INT,
    RANDOM_STATE,
    Instance,
    check_parameter,
)
from skvae.model_selection._tasks import task_of

BOTH_WAYS = (
    "Name a column of X in the constructor, task=..., or give the task of each row as "
    "groups=..."
)


class FewShotTransferSplit(BaseShuffleSplit):
    """Train on all rows of source tasks and few of a target task; test on the others.

    The training rows of a split are all rows of the source and `n_target` rows drawn
    from the target; its test rows are the target's other rows. Rows of further tasks
    are left out. This is the protocol of Takahashi et al. (2022, section 5), who take
    100 target rows.

    Parameters
    ----------
    source : str, number or list of these
        The task, or the tasks, of which there is much.
    target : str or number
        The task of which there is little.
    n_target : int, default=100
        Target rows to train on. With 0 there is nothing to draw, and so a single split.
    n_splits : int, default=5
        How often to draw them.
    stratify : bool, default=True
        Draw them with about the shares that the classes `y` have among the target rows.
        Without `y` it changes nothing.
    random_state : int, RandomState or None, default=None
        Of the draws. An int makes calls of `split` repeat.
    task : str, int or None, default=None
        The column of `X` that holds the tasks, its name or its position. With None they
        are the argument ``groups``.

    See Also
    --------
    sklearn.model_selection.GroupShuffleSplit : Whole groups go to one side.
    skvae.metrics.transfer_report : Estimators compared on these splits.

    References
    ----------
    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.model_selection import FewShotTransferSplit
    >>> task = np.array(["a"] * 6 + ["b"] * 4)
    >>> splitter = FewShotTransferSplit("a", "b", n_target=1, random_state=0)
    >>> train, test = next(splitter.split(np.zeros((10, 2)), groups=task))
    >>> task[train]
    array(['a', 'a', 'a', 'a', 'a', 'a', 'b'], dtype='<U1')
    >>> task[test]
    array(['b', 'b', 'b'], dtype='<U1')
    """

    # scikit-learn's routing reads this, as it does from its own group splitters.
    __metadata_request__split = {"groups": True}

    def __init__(
        self,
        source,
        target,
        n_target=100,
        n_splits=5,
        stratify=True,
        random_state=None,
        task=None,
    ):
        self.source = source
        self.target = target
        self.n_target = n_target
        self.n_splits = n_splits
        self.stratify = stratify
        self.random_state = random_state
        self.task = task

    def split(self, X, y=None, groups=None):
        """Give the rows of each split.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,), default=None
            Classes, for ``stratify``.
        groups : array-like of shape (n_samples,), default=None
            The task of each row, where ``task`` is None.

        Yields
        ------
        train, test : ndarray of int
            Positions of rows: in `train` those of the sources before those of the
            target, each in rising order.

        Raises
        ------
        ValueError
            If a parameter is not allowed, a task is unknown, the tasks are not given or
            given twice, or there are too few target rows, in all or of a class.
        """
        self._check()
        X, y, groups = indexable(X, y, groups)
        tasks = self._tasks(X, groups)
        sources = self._sources()
        source = np.flatnonzero([name in sources for name in tasks.tolist()])
        target = np.flatnonzero(tasks == self.target)
        if self.n_target >= len(target):
            raise ValueError(
                f"n_target={self.n_target} leaves no test row: the target "
                f"{self.target!r} has {len(target)} rows."
            )
        for few, test in self._draws(target, y):
            yield np.concatenate([source, target[np.sort(few)]]), target[np.sort(test)]

    def get_n_splits(self, X=None, y=None, groups=None):
        """Say how many splits there are.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            ``n_splits``, or 1 where ``n_target`` is 0.
        """
        return self.n_splits if self.n_target else 1

    def _check(self):
        allowed = {
            "n_target": (NATURAL,),
            "n_splits": (POSITIVE_INT,),
            "stratify": (BOOLEAN,),
            "random_state": RANDOM_STATE,
            "task": (Instance((str, Integral), "a column's name or position"), NONE),
        }
        for name, constraints in allowed.items():
            check_parameter(name, getattr(self, name), constraints, type(self).__name__)
        if not self._sources() or self.target in self._sources():
            raise ValueError(
                f"The 'source' parameter of {type(self).__name__} must hold tasks "
                f"other than the target {self.target!r}. Got {self.source!r} instead."
            )

    def _sources(self):
        several = isinstance(self.source, list | tuple | set | np.ndarray)
        return list(self.source) if several else [self.source]

    def _tasks(self, X, groups):
        if (self.task is None) == (groups is None):
            found = "neither is" if groups is None else "both are"
            raise ValueError(
                f"{type(self).__name__} needs the task of each row once, and {found} "
                f"given. {BOTH_WAYS}"
            )
        tasks = task_of(X, groups if self.task is None else self.task)
        known = set(tasks.tolist())
        for name in (*self._sources(), self.target):
            if name not in known:
                raise ValueError(
                    f"No row has the task {name!r}: the tasks are "
                    f"{', '.join(sorted(map(repr, known)))}."
                )
        return tasks

    def _draws(self, target, y):
        """Yield positions among the target rows: to train on, and to test on."""
        if self.n_target == 0:
            yield np.arange(0), np.arange(len(target))
            return
        n_rest = len(target) - self.n_target
        sizes = {"train_size": self.n_target, "test_size": n_rest}
        settings = sizes | {"random_state": self.random_state}
        if y is None or not self.stratify:
            splitter = ShuffleSplit(self.n_splits, **settings)
            yield from splitter.split(target)
            return
        classes = np.asarray(y)[target]
        self._check_classes(classes, min(self.n_target, n_rest))
        splitter = StratifiedShuffleSplit(self.n_splits, **settings)
        yield from splitter.split(target, classes)

    def _check_classes(self, classes, n_rows):
        """Say what prevents a stratified draw."""
        if type_of_target(classes).startswith("continuous"):
            wrong = "y is continuous"
        else:
            names, counts = np.unique(classes, return_counts=True)
            if counts.min() < 2:
                wrong = f"class {names[counts.argmin()]!s} has a single target row"
            elif n_rows < len(names):
                wrong = f"{n_rows} target rows cannot hold {len(names)} classes"
            else:
                return
        raise ValueError(
            f"The target rows cannot be stratified: {wrong}. stratify=False draws them "
            "whatever their class."
        )
