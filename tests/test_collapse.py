"""Test the warning of `fit` that the latents do not vary with the data."""

import re
import warnings

import numpy as np
import pytest
from instances import fit, small, variants
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from skvae import JMVAETransformer, VAETransformer
from skvae.base import _collapse
from skvae.exceptions import SkvaeCollapseWarning
from skvae.training import Rows, Table

SMALL = dict(variants({"small": {}}))
# 11 whole batches per epoch.
HEAVY = {"beta": 1000.0, "batch_size": 15, "max_epochs": 20}


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


@pytest.fixture
def eager(monkeypatch):
    """Judge fits of any length."""
    monkeypatch.setattr(_collapse, "MIN_STEPS", 0)


def collapsed(**params):
    return small(VAETransformer, **(HEAVY | params))


def warned(model, X):
    """Fit a model that collapses; return its weights and the only warning."""
    with pytest.warns(SkvaeCollapseWarning) as record:
        fit(model, X)
    (found,) = record
    return [p.detach().numpy() for p in model.module_.parameters()], found


def test_a_heavy_divergence(wine):
    model = collapsed()
    _, found = warned(model, wine)
    assert model.transform(wine).var(axis=0).max() < 0.01
    expected = "None of the 8 latents .* Try beta=1 or less (it is 1000.0). If"
    assert re.match(
        expected.replace("(", r"\(").replace(")", r"\)"), str(found.message)
    )
    assert found.filename.endswith("instances.py")  # where fit is called


def test_the_remedy_works(wine):
    model = collapsed(beta=1.0).fit(wine)
    assert (model.transform(wine).var(axis=0) > 0.01).sum() > 1


def test_one_warning_per_fit(wine):
    model = collapsed(warm_start=True)
    warned(model, wine)
    warned(model, wine)  # resumes
    betas = {"beta": [1e3, 2e3]}
    search = GridSearchCV(collapsed(max_epochs=60), betas, cv=2, refit=False)
    with pytest.warns(SkvaeCollapseWarning) as record:
        search.fit(wine)
    assert len(record) == 4


def test_a_fit_that_stops_early_is_judged(wine, monkeypatch):
    monkeypatch.setattr(_collapse, "ACTIVE_VARIANCE", np.inf)
    model = collapsed(early_stopping=True, n_iter_no_change=1, tol=1e6)
    warned(model, wine)
    assert model.n_iter_ * 11 < _collapse.MIN_STEPS


def test_short_fits_and_partial_fit_are_not_judged(wine):
    collapsed(max_epochs=8).fit(wine)  # 88 whole batches
    model = collapsed()
    for _ in range(20):
        model.partial_fit(wine)
    assert model.transform(wine).var(axis=0).max() < 0.01


def test_the_fit_is_the_same_to_the_bit(wine, monkeypatch):
    fits = [warned(collapsed(dropout=0.1), wine)[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkvaeCollapseWarning)
        model = collapsed(dropout=0.1).fit(wine)
    fits.append([p.detach().numpy() for p in model.module_.parameters()])
    monkeypatch.setattr(VAETransformer, "_may_collapse", False)
    model = collapsed(dropout=0.1).fit(wine)
    fits.append([p.detach().numpy() for p in model.module_.parameters()])
    for same in zip(*fits, strict=True):
        np.testing.assert_array_equal(same[0], same[1])
        np.testing.assert_array_equal(same[0], same[2])


@pytest.mark.parametrize(
    ("n_active", "n_latents", "warns"),
    [(0, 1, True), (1, 7, False), (0, 7, True), (1, 8, True), (2, 8, False)],
)
def test_how_many_latents_must_be_in_use(
    n_active, n_latents, warns, wine, monkeypatch, eager
):
    means = np.zeros((100, n_latents))
    means[:, :n_active] = np.sqrt(0.011) * (-1.0) ** np.arange(100)[:, None]
    means[:, n_active:] = np.sqrt(0.009) * (-1.0) ** np.arange(100)[:, None]
    monkeypatch.setattr(_collapse.Evaluator, "in_slices", lambda *_: means)
    model = small(VAETransformer, n_components=n_latents)
    if warns:
        warned(model, wine)
    else:
        model.fit(wine)


@pytest.mark.parametrize("label", SMALL)
def test_every_model_with_a_prior_on_real_latents(label, digits, eager, monkeypatch):
    monkeypatch.setattr(_collapse, "ACTIVE_VARIANCE", np.inf)
    model = clone(SMALL[label])
    if model._may_collapse:
        _, found = warned(model, digits)
        named = re.findall(r"(\w+)=", str(found.message))
        assert set(named) <= model.get_params().keys()
    else:
        fit(model, digits)


def test_models_that_are_not_judged():
    others = [label for label, model in SMALL.items() if not model._may_collapse]
    expected = ("AE", "CategoricalVAE", "MCEM")
    assert others == [f"{name}Transformer-small" for name in expected]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["beta=0.1", "kl_warmup=20", "init='auto'"]),
        ({"beta": 0.1, "kl_warmup": 3, "init": "pca"}, ["more epochs"]),
        ({"beta": 0}, ["kl_warmup=20", "init='auto'"]),
        ({"beta": 3}, ["beta=1 or less"]),
    ],
)
def test_remedies_that_are_not_in_use_already(params, expected, digits):
    model = small(VAETransformer, **params).fit(digits)
    found = _collapse.remedies(model)
    assert found.count(" or ") == len(expected) - 1 + (params.get("beta", 0) > 1)
    assert all(remedy in found for remedy in expected)


def test_rows_that_lack_a_modality_are_left_out(digits, eager):
    observed = np.arange(400).reshape(200, 2) % 3 > 0
    rows = Rows(Table(digits, observed=observed), "cpu", None)
    assert observed[rows.evenly_spaced(10, complete=True).index].all()
    digits = digits.copy()
    digits[::2, :30] = np.nan
    digits[1::2, 30:] = np.nan  # none is left
    blocks = {"left": slice(0, 30), "right": slice(30, None)}
    small(JMVAETransformer, modalities=blocks, lr=1e-9).fit(digits)


def test_evenly_spaced_rows():
    rows = Rows(np.arange(10.0)[:, None], "cpu", None)
    assert rows.evenly_spaced(4).index.tolist() == [0, 3, 6, 9]
    assert rows.evenly_spaced(20).index.tolist() == list(range(10))
