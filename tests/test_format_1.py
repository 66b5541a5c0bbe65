"""Files of format 1, written by skvae 0.1.0, still load and give the same latents."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from skvae import load
from skvae.discovery import all_estimators

FOLDER = Path(__file__).parent / "data" / "format1"
LATENTS = json.loads((FOLDER / "latents.json").read_text())


def rows_for(estimator):
    """Return the first ten rows of the table that the estimator was fitted on."""
    iris = load_iris(as_frame=True)
    species = iris.target_names[iris.target]
    parameters = estimator.get_params(deep=False)
    if "condition_columns" in parameters:
        names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
        frame = pd.DataFrame(iris.data.to_numpy(), columns=names)
        return frame.assign(species=species)[:10]
    X = iris.data.to_numpy()[:10]
    if "modalities" in parameters:
        label = np.where(np.arange(10) % 7 == 0, np.nan, iris.target[:10])
        return np.column_stack([X, label])
    if isinstance(estimator.likelihood, list):
        return np.column_stack([X[:, :2], np.round(X[:, 2]), X[:, 3] > 1])
    return X


@pytest.mark.parametrize("name", LATENTS)
def test_a_file_of_format_1_still_gives_its_original_latents(name):
    estimator = load(FOLDER / f"{name}.safetensors", device="cpu")
    Z = estimator.transform(rows_for(estimator))
    np.testing.assert_allclose(Z, LATENTS[name], atol=2e-6, rtol=1e-5)
    assert not hasattr(estimator, "sample") or len(estimator.sample(2)) == 2


def test_every_estimator_of_format_1_still_exists():
    assert {*LATENTS} <= {name for name, _ in all_estimators()}
