"""Invalid parameters and seeds of all data sets."""

import numpy as np
import pytest

from skvae import datasets
from skvae.datasets import load_image_tasks, make_digit_tasks, make_task_gaussians


@pytest.mark.parametrize(
    ("function", "parameters", "name"),
    [
        (make_task_gaussians, {"n_tasks": 0}, "n_tasks"),
        (make_task_gaussians, {"n_samples": 1}, "n_samples"),
        (make_task_gaussians, {"n_samples": (5, 0)}, "n_samples"),
        (make_task_gaussians, {"n_samples": (5, 5, 5)}, "n_samples"),
        (make_task_gaussians, {"n_components": 9}, "n_features"),
        (make_task_gaussians, {"n_components": 0}, "n_components"),
        (make_task_gaussians, {"separation": -1.0}, "separation"),
        (make_task_gaussians, {"noise": 0.0}, "noise"),
        (make_task_gaussians, {"random_state": "0"}, "random_state"),
        (make_digit_tasks, {"tasks": []}, "tasks"),
        (make_digit_tasks, {"tasks": "plain"}, "tasks"),
        (make_digit_tasks, {"tasks": ["plain", "upside down"]}, "tasks"),
        (make_digit_tasks, {"tasks": ["plain", "plain"]}, "tasks"),
        (make_digit_tasks, {"disjoint": 1}, "disjoint"),
        (make_digit_tasks, {"as_frame": None}, "as_frame"),
        (make_digit_tasks, {"random_state": -1}, "random_state"),
        (datasets.load_mnist, {"folder": 3}, "folder"),
        (datasets.load_mnist, {"subset": "extra"}, "subset"),
        (datasets.load_usps, {"image_shape": 28}, "image_shape"),
        (datasets.load_usps, {"padding": -1}, "padding"),
        (datasets.load_usps, {"padding": "same"}, "padding"),
        (datasets.load_svhn, {"image_shape": (3, 28, 28)}, "image_shape"),
        (datasets.load_umist, {"image_shape": (28, 0)}, "image_shape"),
        (datasets.load_frey, {"return_X_y": "yes"}, "return_X_y"),
        (datasets.load_olivetti, {"download_if_missing": 0}, "download_if_missing"),
        (load_image_tasks, {"names": "mnist"}, "names"),
        (load_image_tasks, {"names": ["cifar"]}, "names"),
        (load_image_tasks, {"names": ["usps", "usps"]}, "names"),
        (load_image_tasks, {"subset": "valid"}, "subset"),
        (load_image_tasks, {"image_shape": (28,)}, "image_shape"),
        (load_image_tasks, {"n_samples": 0}, "n_samples"),
        (load_image_tasks, {"n_samples": {"frey": 1}}, "n_samples"),
        (load_image_tasks, {"n_samples": {"mnist": 0.5}}, "n_samples"),
        (load_image_tasks, {"as_frame": "auto"}, "as_frame"),
        (load_image_tasks, {"download_if_missing": 1}, "download_if_missing"),
        (load_image_tasks, {"random_state": 0.5}, "random_state"),
    ],
)
def test_invalid_parameters_are_named(function, parameters, name):
    given = {"names": ["mnist"]} if function is load_image_tasks else {}
    with pytest.raises(ValueError, match=f"The '{name}") as caught:
        function(**(given | parameters))
    assert function.__name__ in str(caught.value)


@pytest.mark.parametrize("function", [make_task_gaussians, make_digit_tasks])
def test_seeds_do_not_touch_the_global_generator(function):
    before = np.random.get_state()[1].copy()
    one, same, other = (function(random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.data, same.data)
    assert not np.array_equal(one.data, other.data)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
