"""ln p(x) by several models at once is what each of them says alone."""

import numpy as np
import pytest
from test_stacks import SMALL, rows

from skvae import AETransformer, CVAETransformer, VAETransformer
from skvae.handwritten import Unknown
from skvae.stacks import log_likelihoods

X = rows()


def fitted(*others, cls=VAETransformer, table=X, **params):
    settings = SMALL | {"max_epochs": 3, "early_stopping": False} | params
    return [cls(**settings | other).fit(table) for other in others]


def together(models, table, n_samples=16, refine=None):
    evaluators = [model._evaluator() for model in models]
    checked = models[0]._check_scorable(table)
    return log_likelihoods(evaluators, checked, [7] * len(models), n_samples, refine)


def assert_same(models, table, **how):
    """Compare with each model by itself, at the same seed."""
    found = together(models, table, **how)
    for model, ours in zip(models, found, strict=True):
        checked = model._check_scorable(table)
        n_samples, refine = how.get("n_samples", 16), how.get("refine")
        wanted = model._evaluator().log_likelihood(checked, n_samples, 7, refine=refine)
        for one, other in zip(ours[:4], wanted[:4], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8)


RATES = {"lr": 1e-3}, {"lr": 1e-2}, {"lr": 3e-2}


@pytest.mark.parametrize("refine", [0, 5, None])
def test_the_answers_are_those_of_each_model(refine):
    assert_same(fitted(*RATES), X, refine=refine)


@pytest.mark.parametrize(
    "likelihood", ["gaussian", "poisson", [("codes", [0]), ("gaussian", slice(1, 10))]]
)
def test_every_likelihood_is_stacked(likelihood):
    table = np.abs(np.round(X))
    models = fitted(*RATES[:2], table=table, likelihood=likelihood)
    assert_same(models, table[:40], n_samples=4)


def test_conditions_are_stacked():
    table = X.copy()
    table[:, 0] = np.arange(len(X)) % 3
    models = fitted(*RATES, cls=CVAETransformer, table=table, condition_columns=[0])
    assert_same(models, table[:20])


def test_draws_do_not_depend_on_how_they_are_split(monkeypatch):
    models = fitted(*RATES)
    monkeypatch.setattr("skvae.chunks.CHUNK_ELEMENTS", 256 * 10 * 4)  # 4 draws
    monkeypatch.setattr("skvae.stacks._module.PIECE", 2**10)
    assert_same(models, X)


def test_few_rows_are_padded():
    assert_same(fitted(*RATES[:2]), X[:3])


def test_columns_far_from_zero_keep_their_precision():
    far = X + 1e6
    assert_same(fitted(*RATES[:2], table=far), far[:40])


def test_what_is_not_written_by_hand_is_unknown():
    holes = X.copy()
    holes[0, 0] = np.nan
    plain = fitted({}, {"beta": 0.5})
    for models, table in [
        (fitted({}, {}, prior="vamp"), X),
        (plain, holes),
        ([plain[0], *fitted({"n_components": 2})], X),
    ]:
        with pytest.raises(Unknown):
            together(models, table)


def test_a_model_without_a_density_is_unknown():
    models = fitted({}, {}, cls=AETransformer)
    evaluators = [model._evaluator() for model in models]
    with pytest.raises(Unknown):
        log_likelihoods(evaluators, models[0]._check_encodable(X), [7, 7], 4)
