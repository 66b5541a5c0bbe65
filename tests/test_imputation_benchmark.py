"""Test the mechanisms and the summary of benchmarks/imputation.py."""

import numpy as np
import pytest

from benchmarks import imputation
from benchmarks._holes import SHARE, holes

X = np.random.default_rng(0).normal(size=(4000, 6))


def hidden(mechanism):
    return holes(X, mechanism, np.random.default_rng(1))


@pytest.mark.parametrize("mechanism", imputation.MECHANISMS)
def test_as_many_cells_are_hidden_as_asked_for(mechanism):
    share = hidden(mechanism).mean(0)
    np.testing.assert_allclose(share[share > 0], SHARE, atol=0.03)
    assert (share == 0).sum() == (2 if mechanism == "mar" else 0)


def test_holes_depend_on_what_they_should():
    own = [np.corrcoef(hidden("mnar")[:, j], X[:, j])[0, 1] for j in range(6)]
    assert np.abs(own).min() > 0.3
    for mechanism in ("mcar", "mar"):
        found = hidden(mechanism)
        for j in np.flatnonzero(found.any(0)):
            assert abs(np.corrcoef(found[:, j], X[:, j])[0, 1]) < 0.06
    found = hidden("mar")
    complete = X[:, ~found.any(0)]
    fit = np.linalg.lstsq(complete, found[:, found.any(0)] - SHARE, rcond=None)[0]
    assert np.abs(fit).max(0).min() > 0.1


def test_ranks_count_both_errors():
    cell = {"table": "t", "mechanism": "mcar", "seed": 0}
    rest = {"coverage": None, "predictor": None, "seconds": 1.0}
    rows = [
        cell | rest | {"method": "a", "rmse": 1.0, "accuracy": 0.9},
        cell | rest | {"method": "b", "rmse": 0.5, "accuracy": 0.8},
        cell | rest | {"method": "c", "rmse": 2.0, "accuracy": 0.7},
    ]
    found = {row["method"]: row["rank"] for row in imputation.summary(rows)}
    assert found == {"a": 1.5, "b": 1.5, "c": 3.0}


def test_levels_are_found_again():
    table = np.array([[0.0, 1.5], [1.0, 2.5], [2.0, 0.5]])
    filled = np.array([[0.4, 9.0], [0.6, 8.0], [5.0, 7.0]])
    found = imputation.to_levels(filled, table, np.array([True, False]))
    assert found.tolist() == [[0.0, 9.0], [1.0, 8.0], [2.0, 7.0]]
