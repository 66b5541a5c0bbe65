"""Splits with many training rows of some tasks and few of another."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import (
    BaseShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.utils import indexable
from sklearn.utils.multiclass import type_of_target

from skvae._kinds import cut
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
    "Name a column of X in the constructor, task=..., or pass the task of each row as "
    "groups=..."
)


class FewShotTransferSplit(BaseShuffleSplit):
    """Train on all source rows and a few target rows; test on the other target rows.

    The training rows of each split are all rows of the source tasks and `n_target` rows
    drawn from the target task. The test rows are the other target rows. Rows of further
    tasks are left out. This is the protocol of Takahashi et al. (2022, section 5), who
    use 100 target rows.

    Parameters
    ----------
    source : str, number or list of these
        Task or tasks with many rows.
    target : str or number
        Task with few rows.
    n_target : int, default=100
        Number of target rows to train on. With 0 there is nothing to draw, and
        therefore only one split.
    n_splits : int, default=5
        Number of splits, each with newly drawn target rows.
    stratify : bool, default=True
        Whether to stratify the draws by the classes `y`, so that they have about the
        class shares of all target rows. Ignored without `y`.
    random_state : int, RandomState or None, default=None
        Seed of the draws. With an int, every call of `split` returns the same rows.
    task : str, int or None, default=None
        Name or position of the column of `X` that holds the tasks. None means that they
        are passed as ``groups``.

    See Also
    --------
    sklearn.model_selection.GroupShuffleSplit : Assign whole groups to one side.
    skvae.metrics.transfer_report : Compare estimators on these splits.

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

    # For scikit-learn's metadata routing, as in its own group splitters.
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
        """Generate the training and test rows of each split.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input data.
        y : array-like of shape (n_samples,), default=None
            Classes, for ``stratify``.
        groups : array-like of shape (n_samples,), default=None
            Task of each row, if ``task`` is None.

        Yields
        ------
        train, test : ndarray of int
            Positions of rows. In `train`, those of the sources precede those of the
            target; each part is sorted.

        Raises
        ------
        ValueError
            If a parameter is invalid, a task does not exist, the tasks are not given or
            given twice, or there are too few target rows, in total or of a class.
        """
        self._check()
        X, y, groups = indexable(X, y, groups)
        tasks = self._tasks(X, groups)
        sources = self._sources()
        source = np.flatnonzero([name in sources for name in tasks.tolist()])
        target = np.flatnonzero(tasks == self.target)
        if self.n_target >= len(target):
            raise ValueError(
                f"n_target={self.n_target} leaves no test rows: the target "
                f"{self.target!r} has {len(target)} rows."
            )
        for few, test in self._draws(target, y):
            yield np.concatenate([source, target[np.sort(few)]]), target[np.sort(test)]

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            ``n_splits``, or 1 if ``n_target`` is 0.
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
                f"The 'source' parameter of {type(self).__name__} must contain tasks "
                f"other than the target {self.target!r}. Got {cut(self.source)} "
                "instead."
            )

    def _sources(self):
        several = isinstance(self.source, list | tuple | set | np.ndarray)
        return list(self.source) if several else [self.source]

    def _tasks(self, X, groups):
        if (self.task is None) == (groups is None):
            found = "neither is" if groups is None else "both are"
            raise ValueError(
                f"{type(self).__name__} needs either task or groups, but {found} "
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
        """Yield positions among the target rows, for training and for testing."""
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
        """Raise an error if a stratified draw is impossible."""
        if type_of_target(classes).startswith("continuous"):
            wrong = "y is continuous"
        else:
            names, counts = np.unique(classes, return_counts=True)
            if counts.min() < 2:
                wrong = f"class {names[counts.argmin()]!s} has only one target row"
            elif n_rows < len(names):
                wrong = f"{n_rows} target rows cannot hold {len(names)} classes"
            else:
                return
        raise ValueError(
            f"The target rows cannot be stratified: {wrong}. Use stratify=False to "
            "draw them regardless of class."
        )
