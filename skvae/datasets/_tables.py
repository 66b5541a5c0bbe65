"""Stacking of tasks as arrays or as a data frame."""

import numpy as np
from sklearn.utils import Bunch


def stack_tasks(parts, image_shape, as_frame, owner, **more):
    """Stack the rows of several tasks.

    Parameters
    ----------
    parts : list of (name, data, target)
        Rows of each task, (n_s, h * w), and their classes, (n_s,).
    image_shape : tuple of int
        (h, w).
    as_frame : bool
        Whether to return data frames.
    owner : str
        Name of the public function, for error messages.
    **more
        Further entries of the result.

    Returns
    -------
    Bunch
        ``data``, ``target``, ``task``, ``image_shape``, ``feature_names``, ``frame``
        and `more`.
    """
    sizes = [len(data) for _, data, _ in parts]
    found = Bunch(
        data=np.concatenate([data for _, data, _ in parts]),
        target=np.concatenate([target for _, _, target in parts]),
        task=np.repeat([name for name, _, _ in parts], sizes),
        image_shape=image_shape,
        feature_names=[f"pixel_{i}_{j}" for i, j in np.ndindex(*image_shape)],
        frame=None,
        **more,
    )
    return _framed(found, owner) if as_frame else found


def _framed(found, owner):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f'{owner} with as_frame=True needs pandas: pip install "skvae[metrics]".'
        ) from error
    data = pd.DataFrame(found.data, columns=found.feature_names)
    data["task"] = found.task
    found.update(
        data=data,
        task=data["task"],
        target=pd.Series(found.target, name="target"),
        frame=data.assign(target=found.target),
    )
    return found
