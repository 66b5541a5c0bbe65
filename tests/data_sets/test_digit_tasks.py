"""Views of scikit-learn's digits as tasks."""

import builtins

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skvae import CVAETransformer
from skvae.datasets import make_digit_tasks


def test_tasks_are_views_of_the_digits():
    raw = load_digits().images / 16
    found = make_digit_tasks(random_state=0)
    assert found.data.dtype == np.float32
    assert found.image_shape == (8, 8)
    views = {"plain": raw, "inverted": 1 - raw, "rotated": raw.swapaxes(1, 2)[:, ::-1]}
    for task, images in views.items():
        rows = found.task == task
        wanted = images[found.index[rows]].reshape(-1, 64)
        np.testing.assert_array_equal(found.data[rows], wanted)
    np.testing.assert_array_equal(found.target, load_digits().target[found.index])


def test_every_digit_is_in_exactly_one_task():
    found = make_digit_tasks(random_state=0)
    assert sorted(found.index) == list(range(1797))
    shares = [np.bincount(found.target[found.task == t]) for t in np.unique(found.task)]
    assert np.ptp(shares, axis=0).max() <= 1  # each class equally often in each task


@pytest.mark.parametrize("disjoint", [True, False])
def test_every_digit_is_in_every_task_if_not_disjoint(disjoint):
    tasks = ["rotated"] if disjoint else ["rotated", "plain"]
    found = make_digit_tasks(tasks, disjoint=disjoint)
    for task in tasks:
        np.testing.assert_array_equal(found.index[found.task == task], range(1797))
    assert list(dict.fromkeys(found.task)) == tasks


def test_a_frame_of_digits_fits_a_conditional_model():
    found = make_digit_tasks(["plain", "inverted"], as_frame=True, random_state=0)
    arrays = make_digit_tasks(["plain", "inverted"], random_state=0)
    assert [*found.data.columns] == [*found.feature_names, "task"]
    assert [*found.frame.columns] == [*found.data.columns, "target"]
    np.testing.assert_array_equal(found.data[found.feature_names], arrays.data)
    np.testing.assert_array_equal(found.frame["task"], arrays.task)
    np.testing.assert_array_equal(found.frame["target"], arrays.target)
    for name in ("target", "task"):
        assert found[name].name == name
        np.testing.assert_array_equal(found[name], arrays[name])
    model = CVAETransformer(2, condition_columns=["task"], max_epochs=1)
    assert model.fit(found.data).conditions_.levels_[0].tolist() == [
        "inverted",
        "plain",
    ]


def test_a_frame_needs_pandas(monkeypatch):
    found = builtins.__import__

    def without(name, *arguments, **more):
        if name == "pandas":
            raise ImportError(name)
        return found(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"make_digit_tasks .* \"skvae\[metrics\]\""):
        make_digit_tasks(as_frame=True)
