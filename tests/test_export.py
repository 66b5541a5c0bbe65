"""Graphs of fitted models answer as the estimators do."""

import numpy as np
import pytest
import torch
from instances import HALVES, OF_DIGITS, VARIANTS, fit, small, variants
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from starting import probabilistic_pca, standardised, started

from skvae import (
    AETransformer,
    CategoricalVAETransformer,
    CVAETransformer,
    MCEMTransformer,
    VAETransformer,
)
from skvae.distributions import Codes
from skvae.estimates import importance
from skvae.export import to_exported_program
from skvae.export._program import Answer, FrozenNoise

N_ROWS = 40
LABELS = ("small", "row-scale", "vamp", "density-ratio", "double")
INSTANCES = {
    label: estimator
    for settings in (VARIANTS, OF_DIGITS)
    for label, estimator in variants(settings)
    if settings is OF_DIGITS or label.partition("-")[2] in LABELS
    if not isinstance(estimator, MCEMTransformer)
}


@pytest.fixture(scope="module")
def fitted(digits):
    """Return a fitted instance by its label; each is fitted once."""
    models = {}

    def of(label):
        if label not in models:
            models[label] = fit(INSTANCES[label], digits[:N_ROWS])
        return models[label]

    return of


def answered(answer, X, *beside):
    with torch.no_grad():
        return answer(*map(torch.from_numpy, (X, *beside))).numpy()


def mixed_table(n_rows=60, seed=0):
    """A table of numbers of all kinds, with missing cells."""
    random = np.random.default_rng(seed)
    table = np.column_stack(
        [
            1.7e9 + 1e5 * random.standard_normal((n_rows, 2)),  # far from zero
            random.poisson(3.0, n_rows),
            random.negative_binomial(2, 0.001, n_rows),
            random.integers(0, 6, n_rows),
            np.eye(3)[random.integers(0, 3, n_rows)],
            random.integers(0, 2, n_rows),
        ]
    )
    table[::7, 0] = table[1::9, 2] = table[2::8, 4] = table[3::10, 8] = np.nan
    table[4::11, 5:8] = np.nan
    return table


MIXED = [
    ("gaussian", [0, 1]),
    ("poisson", [2]),
    ("negative-binomial", [3]),
    (Codes(max_categories=4), [4]),
    ("categorical", [5, 6, 7]),
    ("bernoulli", [8]),
]


@pytest.fixture(scope="module")
def mixed():
    """Return a fitted VAE of a mixed table."""
    return small(VAETransformer, likelihood=MIXED).fit(mixed_table())


# -- the graph before its conversion ---------------------------------------------------


@pytest.mark.parametrize("label", INSTANCES)
def test_a_graph_answers_as_the_estimator(label, fitted, digits):
    model, X = fitted(label), digits[:N_ROWS]
    for method in ("transform", "reconstruct"):
        expected = getattr(model, method)(X)
        found = answered(Answer(model, method), X)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, atol=1e-6)


class Forked(FrozenNoise):
    """Noise that refinement leaves as it is."""

    def fork(self):
        return self


@pytest.mark.parametrize("label", INSTANCES)
def test_the_score_of_a_graph_is_an_importance_sampling_estimate(label, fitted, digits):
    model, X = fitted(label), digits[:5]
    answer = Answer(model, "score")
    found = answered(answer, X)
    if isinstance(model, AETransformer):
        assert found.mean() == pytest.approx(model.score(X), rel=1e-6)
        return
    batch = model._evaluator().batch(model._check_scorable(X))
    with torch.no_grad():
        same = importance(model.module_, batch, Forked(answer.seed), 64, refine=0)
    np.testing.assert_allclose(found, same.value, rtol=1e-5, atol=1e-5)


def test_the_score_is_exact_where_the_posterior_is(closed_form):
    X = standardised("wine")
    model = started(X)
    exact = probabilistic_pca(X, 5)
    for n_samples in (1, 64):  # every draw has the same weight, p(x)
        found = answered(Answer(model, "score", n_samples), X)
        np.testing.assert_allclose(found, exact, atol=1e-4)


def test_few_categories_are_summed_over(digits):
    model = small(CategoricalVAETransformer, n_variables=2, n_categories=3).fit(digits)
    found = answered(Answer(model, "score", n_samples=1), digits)
    np.testing.assert_allclose(found, model.score_samples(digits), rtol=1e-6)


def test_missing_cells_and_far_columns(mixed):
    X = mixed_table(seed=1)
    for method in ("transform", "reconstruct"):
        expected = getattr(mixed, method)(X)
        found = answered(Answer(mixed, method), X)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.ptp(mixed.transform(X), axis=0).min() > 1e-3


def test_missing_modalities_by_experts(fitted, digits):
    model, X = fitted("JMVAETransformer-modalities"), digits[:N_ROWS].copy()
    X[:10, HALVES["left"]] = X[5:8, 40] = X[20:30, HALVES["right"]] = np.nan
    for method in ("transform", "reconstruct"):
        found = answered(Answer(model, method), X)
        np.testing.assert_allclose(found, getattr(model, method)(X), atol=1e-6)


def test_conditions_beside_the_rows(digits):
    condition = np.arange(len(digits)) % 3 + 10
    model = small(CVAETransformer).fit(digits, condition=condition)
    given = digits[:5], condition[:5, None].astype(float)
    expected = model.transform(digits[:5], condition=condition[:5])
    found = answered(Answer(model, "transform"), *given)
    np.testing.assert_allclose(found, expected, atol=1e-6)


# -- rows that an estimator refuses ----------------------------------------------------


def test_unknown_codes(mixed):
    X = mixed_table(seed=1)
    X[3, 4] = 9
    with pytest.raises(ValueError, match="not seen in fit"):
        mixed.transform(X)
    found = answered(Answer(mixed, "transform"), X)
    assert np.flatnonzero(np.isnan(found).any(1)).tolist() == [3]
    parts = [
        (Codes(handle_unknown="ignore"), c) if c == [4] else (p, c) for p, c in MIXED
    ]
    model = small(VAETransformer, likelihood=parts).fit(mixed_table())
    expected = model.transform(X)
    found = answered(Answer(model, "transform"), X)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("handle_unknown", ["error", "ignore"])
def test_unknown_conditions(handle_unknown, fitted, digits):
    model, X = fitted("CVAETransformer-condition"), digits[:6].copy()
    X[2, 3] = 77
    model.set_params(handle_unknown=handle_unknown)
    found = answered(Answer(model, "reconstruct"), X)
    if handle_unknown == "ignore":
        np.testing.assert_allclose(found, model.reconstruct(X), atol=1e-6)
    else:
        assert np.flatnonzero(np.isnan(found).any(1)).tolist() == [2]
    model.set_params(handle_unknown="error")


def test_missing_modalities_without_experts(fitted, digits):
    model, X = fitted("JMVAETransformer-iterated"), digits[:6].copy()
    X[1, HALVES["left"]] = np.nan
    found = answered(Answer(model, "transform"), X)
    assert np.flatnonzero(np.isnan(found).any(1)).tolist() == [1]


# -- errors ----------------------------------------------------------------------------


def test_what_cannot_be_exported_says_why(digits, fitted):
    with pytest.raises(NotFittedError):
        to_exported_program(VAETransformer())
    with pytest.raises(TypeError, match="must be an estimator of skvae"):
        to_exported_program(LogisticRegression())
    model = small(MCEMTransformer).fit(digits)
    with pytest.raises(
        ValueError, match=r"MCEMTransformer cannot be exported.*iterates"
    ):
        to_exported_program(model)
    with pytest.raises(ValueError, match="'method' parameter"):
        to_exported_program(fitted("VAETransformer-small"), "predict")
    words = np.array([["a", 1.0], ["b", 2.0]] * 5, dtype=object)
    model = small(VAETransformer, likelihood="auto").fit(words)
    with pytest.raises(ValueError, match="columns of words"):
        to_exported_program(model)
    model = small(CVAETransformer).fit(digits[:6], condition=[*"aabbcc"])
    with pytest.raises(ValueError, match="levels such as 'a'"):
        to_exported_program(model)


# -- torch.export ----------------------------------------------------------------------


def test_a_program_takes_any_number_of_rows(fitted, digits, tmp_path):
    model = fitted("CVAETransformer-condition")
    program = to_exported_program(model, "reconstruct")
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    for n_rows in (1, 7):
        X = digits[:n_rows]
        found = loaded(torch.from_numpy(X)).numpy()
        np.testing.assert_allclose(found, model.reconstruct(X), atol=1e-6)
