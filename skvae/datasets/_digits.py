"""scikit-learn's digits as several tasks."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_random_state

from skvae._validation import (
    BOOLEAN,
    RANDOM_STATE,
    Options,
    Sequence,
    check_parameter,
)
from skvae.datasets._tables import stack_tasks

OWNER = "make_digit_tasks"
VIEWS = {
    "plain": lambda images: images,
    "inverted": lambda images: 1 - images,
    "rotated": lambda images: np.rot90(images, axes=(1, 2)),
}


def make_digit_tasks(
    tasks=("plain", "inverted", "rotated"),
    *,
    disjoint=True,
    as_frame=False,
    random_state=None,
):
    """Make tasks from scikit-learn's digits: plain, inverted and rotated.

    All tasks have the same classes. A classifier trained on the latents of one task and
    tested on those of another therefore shows whether the latents depend on the task.

    Parameters
    ----------
    tasks : sequence of {"plain", "inverted", "rotated"}, default=all of them
        "inverted" swaps dark and light, 1 − x; "rotated" is turned by 90°
        counter-clockwise.
    disjoint : bool, default=True
        Whether each digit is in only one task. The tasks then have equal size, up to a
        few rows, and equal shares of classes. If False, every digit is in all tasks, in
        the same order.
    as_frame : bool, default=False
        Whether to return data frames; needs pandas.
    random_state : int, RandomState or None, default=None
        Seed of the division into tasks; not used if `disjoint` is False.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of float32 of shape (n, 64), in [0, 1]; n is 1797, in total
          or, if `disjoint` is False, per task. As a frame, it has the columns
          ``pixel_0_0`` to ``pixel_7_7`` and ``task``, ready for
          ``condition_columns=["task"]``.
        - ``target`` : ndarray of int of shape (n,), the class; a Series if `as_frame`
          is True.
        - ``task`` : ndarray of str of shape (n,); a Series if `as_frame` is True.
        - ``index`` : ndarray of int of shape (n,), the row of
          :func:`sklearn.datasets.load_digits`.
        - ``image_shape`` : (8, 8).
        - ``feature_names`` : list of str, names of the pixels.
        - ``frame`` : DataFrame of data, task and target, or None.
        - ``DESCR`` : str, description of the digits.

    Raises
    ------
    ImportError
        If `as_frame` is True and pandas is missing.
    ValueError
        If a parameter is invalid, or a task is named twice.

    See Also
    --------
    load_image_tasks : Tasks from larger image sets.

    Examples
    --------
    >>> from skvae.datasets import make_digit_tasks
    >>> digits = make_digit_tasks(["plain", "inverted"], random_state=0)
    >>> digits.data.shape, digits.task[[0, -1]]
    ((1797, 64), array(['plain', 'inverted'], dtype='<U8'))
    """
    _check(tasks, disjoint, as_frame, random_state)
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)
    rows = _divide(digits.target, len(tasks) if disjoint else 1, random_state)
    rows = rows if disjoint else rows * len(tasks)
    parts = [
        (task, VIEWS[task](images[i]).reshape(len(i), -1), digits.target[i])
        for task, i in zip(tasks, rows, strict=True)
    ]
    return stack_tasks(
        parts,
        images.shape[1:],
        as_frame,
        OWNER,
        index=np.concatenate(rows),
        DESCR=digits.DESCR,
    )


def _check(tasks, disjoint, as_frame, random_state):
    words = f"a non-empty list of tasks among {list(VIEWS)}"
    allowed = (Sequence(Options(tuple(VIEWS)), words, empty=False),)
    check_parameter("tasks", tasks, allowed, OWNER)
    if len(set(tasks)) < len(tasks):
        raise ValueError(f"The 'tasks' parameter of {OWNER} has duplicates: {tasks}.")
    check_parameter("disjoint", disjoint, (BOOLEAN,), OWNER)
    check_parameter("as_frame", as_frame, (BOOLEAN,), OWNER)
    check_parameter("random_state", random_state, RANDOM_STATE, OWNER)


def _divide(target, n_parts, random_state):
    """Divide rows into equal parts with equal shares of classes."""
    if n_parts == 1:
        return [np.arange(len(target))]
    random = check_random_state(random_state)
    folds = StratifiedKFold(n_parts, shuffle=True, random_state=random)
    return [part for _, part in folds.split(target, target)]
