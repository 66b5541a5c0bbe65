"""Searches that train side by side find what scikit-learn's searches find."""

import warnings

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_stacks import N_ROWS, SMALL, rows

from skvae import VAETransformer
from skvae.base import ready_fits
from skvae.base._shared_answers import N_WAITING
from skvae.model_selection import StackedGridSearchCV, StackedRandomizedSearchCV
from skvae.stacks import log_likelihoods

LABELS = np.arange(N_ROWS) % 2
FAST = SMALL | {"max_epochs": 3}
GRID = {"lr": [1e-3, 1e-2], "beta": [0.5, 1.0]}


def vae(**params):
    return VAETransformer(**FAST | params)


def assert_same_search(ours, theirs):
    """Both have the same scores, and the same best candidate."""
    for name, values in theirs.cv_results_.items():
        if "score" in name and "time" not in name and "rank" not in name:
            np.testing.assert_allclose(ours.cv_results_[name], values, rtol=1e-9)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    assert ours.best_params_ == theirs.best_params_
    assert ours.n_splits_ == theirs.n_splits_


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_grid_search_finds_the_same(n_jobs):
    how = {"cv": 3, "return_train_score": True}
    theirs = GridSearchCV(vae(), GRID, **how).fit(rows())
    ours = StackedGridSearchCV(vae(), GRID, n_jobs=n_jobs, **how).fit(rows())
    assert ours.n_stacked_ == 12
    assert_same_search(ours, theirs)
    assert ours.cv == 3
    np.testing.assert_array_equal(
        ours.best_estimator_.transform(rows()), theirs.best_estimator_.transform(rows())
    )


def test_a_randomised_search_finds_the_same():
    drawn = {"lr": loguniform(1e-4, 1e-2), "n_components": [2, 3]}
    how = {"n_iter": 3, "random_state": 0, "cv": 2}
    theirs = RandomizedSearchCV(vae(), drawn, **how).fit(rows())
    ours = StackedRandomizedSearchCV(vae(), drawn, **how).fit(rows())
    assert ours.n_stacked_ == 6
    assert_same_search(ours, theirs)


def test_a_model_in_a_pipeline_is_stacked():
    pipeline = make_pipeline(StandardScaler(), vae(), LogisticRegression())
    grid = {"vaetransformer__lr": [1e-3, 1e-2], "logisticregression__C": [0.1, 1.0]}
    theirs = GridSearchCV(pipeline, grid, cv=3).fit(rows(), LABELS)
    ours = StackedGridSearchCV(pipeline, grid, cv=3).fit(rows(), LABELS)
    assert ours.n_stacked_ == 12
    assert_same_search(ours, theirs)


def test_steps_before_the_model_may_be_searched():
    pipeline = make_pipeline(StandardScaler(), vae())
    grid = {"standardscaler": [StandardScaler(), "passthrough"]}
    theirs = GridSearchCV(pipeline, grid, cv=2).fit(rows())
    ours = StackedGridSearchCV(pipeline, grid, cv=2).fit(rows())
    assert ours.n_stacked_ == 4
    for name in ("split0_test_score", "mean_test_score"):
        found, wanted = ours.cv_results_[name], theirs.cv_results_[name]
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_splits_that_are_random_are_drawn_once():
    search = StackedGridSearchCV(vae(), GRID, cv=ShuffleSplit(2), refit=False)
    calls = search.fit(rows())
    assert calls.n_stacked_ == 8
    assert (calls.cv_results_["mean_fit_time"] > 0).all()


def test_groups_are_respected():
    how = {"cv": GroupKFold(3)}
    groups = np.arange(N_ROWS) % 7
    theirs = GridSearchCV(vae(), GRID, **how).fit(rows(), groups=groups)
    ours = StackedGridSearchCV(vae(), GRID, **how).fit(rows(), groups=groups)
    assert ours.n_stacked_ == 12
    assert_same_search(ours, theirs)


def test_data_frames_are_stacked():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows(), columns=list("abcdefghij"))
    ours = StackedGridSearchCV(vae(), GRID, cv=2).fit(frame)
    theirs = GridSearchCV(vae(), GRID, cv=2).fit(frame)
    assert ours.n_stacked_ == 8
    assert_same_search(ours, theirs)


@pytest.mark.parametrize(
    "params", [{"dropout": 0.2}, {"prior": "vamp"}, {"verbose": 1}], ids=str
)
def test_what_cannot_be_stacked_is_fitted_as_usual(params, capsys):
    theirs = GridSearchCV(vae(**params), GRID, cv=2).fit(rows())
    ours = StackedGridSearchCV(vae(**params), GRID, cv=2).fit(rows())
    assert ours.n_stacked_ == 0
    assert_same_search(ours, theirs)


def test_an_invalid_candidate_fails_alone():
    grid = {"beta": [1.0, -1.0]}
    search = StackedGridSearchCV(vae(), grid, cv=2, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(rows())
    assert any("2 fits failed" in str(warning.message) for warning in caught)
    assert search.n_stacked_ == 2
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_other_estimators_are_searched_as_usual():
    search = StackedGridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    assert search.fit(rows(), LABELS).n_stacked_ == 0


def test_a_fit_is_taken_only_by_the_same_estimator_and_rows():
    X = rows()
    with ready_fits([vae()], [X]) as done:
        net = done[0].estimator.net_
        assert vae(lr=0.01).fit(X).net_ is not net
        assert vae().fit(X[:-1]).net_ is not net
        assert vae().fit(X).net_ is net
        assert vae().fit(X).net_ is not net  # it is taken once
    assert clone(vae()).fit(X).n_iter_ == 3


def test_candidates_of_a_fold_are_scored_together(monkeypatch):
    asked = []

    def counted(evaluators, *args):
        asked.append(len(evaluators))
        return log_likelihoods(evaluators, *args)

    monkeypatch.setattr("skvae.base._shared_answers.log_likelihoods", counted)
    StackedGridSearchCV(vae(), GRID, cv=3, refit=False).fit(rows())
    assert asked == [4, 4, 4]


def test_shared_answers_are_those_of_each_model():
    plain, X = {"early_stopping": False}, rows()
    others = [vae(lr=lr, **plain) for lr in (0.005, 0.01, 0.02)]
    with ready_fits(others, [X, X, X]):
        one, two, further = (clone(other).fit(X) for other in others)
        alone = clone(one).fit(X)  # shares nothing
        wanted = alone.score_samples(X)
        np.testing.assert_allclose(one.score_samples(X), wanted, rtol=1e-9)
        assert not np.allclose(two.score_samples(X), wanted, rtol=1e-9)
        how = {"n_samples": 2, "method": "elbo"}
        found, same = (model.log_likelihood(X[:9], **how) for model in (one, alone))
        np.testing.assert_allclose(found, same, rtol=1e-9)
        before = further.score_samples(X)
        assert not np.allclose(further.partial_fit(X).score_samples(X), before)
    np.testing.assert_allclose(one.score_samples(X), wanted, rtol=1e-9)


def test_models_that_are_asked_alone_answer_alone(monkeypatch):
    X, models = rows(), [vae(lr=0.01), vae(lr=0.02)]
    with ready_fits(models, [X, X]):
        one, _ = (clone(model).fit(X) for model in models)
        asked = []
        monkeypatch.setattr(
            "skvae.base._shared_answers.log_likelihoods",
            lambda evaluators, table, *args: asked.append(len(table.x)),
        )
        for n in range(20, 30):
            one.score_samples(X[:n])
    assert len(asked) == N_WAITING
