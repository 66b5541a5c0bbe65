"""Tests of `compare` against direct use of scikit-learn."""

import sys

import numpy as np
import pandas as pd
import pytest
from instances import small
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import skvae.metrics
from skvae import AETransformer, CVAETransformer, JMVAETransformer, VAETransformer
from skvae.metrics import (
    compare,
    diagnose,
    n_active_units,
    neg_reconstruction_error,
    reconstruction_error,
)
from skvae.stacks import log_likelihoods, train_together

X, y = load_wine(return_X_y=True)
SCALED = StandardScaler().fit_transform(X)


def test_scores_equal_those_of_cross_val_score():
    pca = make_pipeline(StandardScaler(), PCA(3))
    row = compare({"pca": pca}, X, y, cv=4).loc["pca"]
    density = cross_val_score(pca, X, y, cv=StratifiedKFold(4))
    classifier = make_pipeline(
        clone(pca), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    accuracy = cross_val_score(classifier, X, y, cv=4)
    for name, by_hand in (("log_likelihood", density), ("accuracy", accuracy)):
        assert_allclose(row[name], by_hand.mean())
        assert_allclose(row[f"{name}_se"], by_hand.std(ddof=1) / 2)
    assert np.isnan(row["monte_carlo_error"])
    assert row["seconds"] > 0


def test_log_likelihood_equals_that_of_the_fitted_model():
    vae = small(VAETransformer, n_components=2)
    table = compare({"vae": vae}, SCALED, cv=KFold(2), random_states=(3,))
    train, test = next(KFold(2).split(X))
    fitted = clone(vae).set_params(random_state=3).fit(SCALED[train])
    found = fitted.log_likelihood(SCALED[test], return_std_error=True)
    run = table.attrs["runs"][0]
    assert_allclose(run["log_likelihood"], found.values.mean())
    assert_allclose(run["monte_carlo_error"], found.mean_std_error)
    assert "accuracy" not in table


def test_n_samples_sets_the_number_of_importance_samples():
    vae = small(VAETransformer, n_components=2)
    found = compare({"vae": vae}, SCALED, cv=KFold(2), n_samples=3).attrs["runs"][0]
    train, test = next(KFold(2).split(X))
    fitted = clone(vae).set_params(random_state=0).fit(SCALED[train])
    by_hand = fitted.log_likelihood(SCALED[test], 3).mean()
    assert_allclose(found["log_likelihood"], by_hand)


def test_models_of_one_shape_are_trained_and_asked_side_by_side(monkeypatch):
    sizes = {"trained": [], "asked": []}

    def noting(kind, function):
        def noted(several, *args):
            sizes[kind].append(len(several))
            return function(several, *args)

        return noted

    for kind, where, function in (
        ("trained", "skvae.base._ready.train_together", train_together),
        ("asked", "skvae.base._shared_answers.log_likelihoods", log_likelihoods),
    ):
        monkeypatch.setattr(where, noting(kind, function))
    vae = small(VAETransformer, dtype="float64", early_stopping=False)
    estimators = {
        "plain": make_pipeline(StandardScaler(), vae),
        "beta": make_pipeline(StandardScaler(), clone(vae).set_params(beta=4.0)),
        "pca": PCA(2),
    }
    how = {"cv": 2, "random_states": (0, 1)}
    found = compare(estimators, X, y, **how)
    assert sizes == {"trained": [8], "asked": [4, 4]}
    monkeypatch.setattr("skvae.metrics._compare.effective_n_jobs", lambda n_jobs: 2)
    alone = compare(estimators, X, y, **how)
    numbers = [name for name in found if not name.startswith("seconds")]
    assert_allclose(found[numbers], alone[numbers], rtol=1e-7, atol=1e-9)
    assert len(sizes["trained"]) == 1
    assert (found["seconds"] > 0).all()


def test_means_and_errors_over_folds_and_seeds():
    estimators = {
        "b": small(VAETransformer),
        "a": small(AETransformer),
        "raw": "passthrough",
        "fa": FactorAnalysis(2),
    }
    table = compare(estimators, SCALED, y, cv=2, random_states=(0, 1))
    assert list(table.index) == list(estimators)
    runs = pd.DataFrame(table.attrs["runs"])
    assert len(runs) == 4 * 2 * 2
    folds = runs.groupby(["estimator", "fold"])["log_likelihood"].mean()
    by_hand = folds.groupby("estimator")
    assert_allclose(table["log_likelihood"], by_hand.mean()[table.index])
    assert_allclose(table["log_likelihood_se"], by_hand.sem()[table.index])
    vae = runs[runs.estimator == "b"]
    assert vae.log_likelihood.nunique() == 4  # differs between folds and seeds
    assert table["log_likelihood"].isna().tolist() == [False, True, True, False]
    assert table.loc["raw", "reconstruction_error"] == 0


def test_more_seeds_do_not_shrink_the_error_over_folds():
    one = compare({"p": PCA(2)}, SCALED, y, cv=3)
    many = compare({"p": PCA(2)}, SCALED, y, cv=3, random_states=tuple(range(9)))
    columns = ["accuracy", "accuracy_se", "log_likelihood", "log_likelihood_se"]
    assert_allclose(one[columns], many[columns])


def test_all_estimators_get_the_same_folds():
    for cv in (KFold(3, shuffle=True), ShuffleSplit(3)):
        table = compare({"a": PCA(2), "b": PCA(2)}, SCALED, y, cv=cv)
        numbers = table.drop(columns=["seconds", "seconds_se"])
        assert_allclose(numbers.loc["a"], numbers.loc["b"])


def test_a_score_that_does_not_apply_is_nan():
    table = compare(
        {"pca": PCA(2), "vae": small(VAETransformer)},
        SCALED,
        cv=2,
        scoring={"active": n_active_units},
    )
    assert table["active"].isna().tolist() == [True, False]


def test_string_columns_have_no_reconstruction_error():
    frame = pd.DataFrame(SCALED[:, :3], columns=list("abc")).assign(d="x")
    encode = make_column_transformer(
        (OneHotEncoder(), ["d"]), remainder="passthrough", sparse_threshold=0
    )
    table = compare({"v": make_pipeline(encode, small(VAETransformer))}, frame, cv=2)
    assert np.isnan(table.loc["v", "reconstruction_error"])
    assert np.isfinite(table.loc["v", "log_likelihood"])


def test_seeds_are_set_inside_pipelines():
    pipeline = make_pipeline(StandardScaler(), small(VAETransformer))
    one, other = (
        compare({"p": pipeline}, X, cv=2, random_states=(seed,)) for seed in (0, 1)
    )
    assert one.loc["p", "log_likelihood"] != other.loc["p", "log_likelihood"]
    assert pipeline["vaetransformer"].random_state == 0  # unchanged


def test_a_continuous_target_is_predicted_by_ridge_regression():
    target = SCALED[:, 0] + 0.5
    table = compare({"raw": "passthrough"}, SCALED, target, cv=KFold(3))
    by_hand = cross_val_score(
        make_pipeline(StandardScaler(), Ridge()), SCALED, target, cv=KFold(3)
    )
    assert_allclose(table.loc["raw", "r2"], by_hand.mean())


def test_additional_scores_and_a_given_classifier():
    table = compare(
        {"vae": small(VAETransformer, n_components=2)},
        SCALED,
        y,
        cv=2,
        downstream=LogisticRegression(C=1e-9),
        scoring={"active": n_active_units},
    )
    assert table.loc["vae", "active"] <= 2
    assert table.loc["vae", "accuracy"] < 0.5  # too regularised to learn anything


def test_groups_are_passed_to_the_splitter():
    groups = np.arange(len(X)) % 3
    table = compare({"r": "passthrough"}, X, groups=groups, cv=GroupKFold(3))
    assert len(table.attrs["runs"]) == 3


@pytest.mark.parametrize("frame", [pd.DataFrame, np.asarray])
def test_data_frames_give_the_same_result_as_arrays(frame):
    vae = small(VAETransformer)
    plain = compare({"v": vae}, SCALED, y, cv=2).drop(columns=["seconds", "seconds_se"])
    data = frame(SCALED)
    if isinstance(data, pd.DataFrame):
        data.columns = [f"c{j}" for j in range(data.shape[1])]
    given = compare({"v": vae}, data, pd.Series(y), cv=2, n_jobs=2)
    # Column means are summed in a different order in another memory layout.
    assert_allclose(given[plain.columns], plain, rtol=1e-5)


def test_reconstruction_error_is_in_the_units_of_the_input():
    rows = X[:, :2] * [1.0, 100.0]
    pipeline = make_pipeline(MinMaxScaler(), small(VAETransformer)).fit(rows)
    scaled = pipeline[0].transform(rows)
    back = pipeline[0].inverse_transform(pipeline[1].reconstruct(scaled))
    error = reconstruction_error(pipeline, rows)
    assert_allclose(error, np.mean((rows - back) ** 2))
    assert neg_reconstruction_error(pipeline, rows) == -error
    assert reconstruction_error(PCA(2).fit(rows), rows) < 1e-20


def test_reconstruction_error_skips_condition_columns():
    frame = pd.DataFrame(SCALED, columns=[f"c{j}" for j in range(13)])
    frame.insert(2, "task", np.where(y == 0, "red", "other"))
    cvae = small(CVAETransformer, condition_columns=["task"]).fit(frame)
    back = np.delete(cvae.reconstruct(frame), 2, axis=1).astype(float)
    assert_allclose(reconstruction_error(cvae, frame), np.mean((SCALED - back) ** 2))


def test_reconstruction_error_skips_missing_values():
    blocks = {"five": slice(0, 5), "eight": slice(5, 13)}
    table = pd.DataFrame(SCALED.copy(), columns=[f"c{j}" for j in range(13)])
    table.iloc[::3, blocks["five"]] = np.nan
    model = small(JMVAETransformer, modalities=blocks, empty_rows="prior").fit(table)
    squares = np.square(table - model.reconstruct(table))
    expected = np.nansum(squares) / np.isfinite(squares).to_numpy().sum()
    for rows in (table, table.convert_dtypes()):
        assert_allclose(reconstruction_error(model, rows), expected)
    with pytest.raises(ValueError, match="Every value of X is missing"):
        reconstruction_error(model, table * np.nan)


def test_reconstruction_error_needs_an_inverse():
    with pytest.raises(TypeError, match="inverse_transform"):
        reconstruction_error(LogisticRegression(), X)


def test_display_of_the_table():
    shown = repr(compare({"pca": PCA(2), "raw": "passthrough"}, SCALED, y, cv=3))
    assert " ± " in shown
    assert "nan" not in shown
    assert "_se" not in shown
    html = compare({"pca": PCA(2)}, SCALED, y, cv=3)._repr_html_()
    assert " ± " in html


@pytest.mark.parametrize(
    ("estimators", "error"),
    [
        ({}, ValueError),
        ([PCA()], ValueError),
        ({"p": LogisticRegression()}, TypeError),
        ({"p": IsolationForest()}, TypeError),
        ({"p": "drop"}, TypeError),
        ({"p": PCA}, TypeError),
    ],
    ids=str,
)
def test_invalid_estimators(estimators, error):
    with pytest.raises(error, match=r"compare|transform"):
        compare(estimators, X)


@pytest.mark.parametrize(
    "wrong",
    [
        {"random_states": ()},
        {"random_states": 3},
        {"scoring": "accuracy"},
        {"n_samples": 0},
    ],
    ids=str,
)
def test_invalid_arguments(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))!r} parameter of compare"):
        compare({"p": PCA()}, X, **wrong)


@pytest.mark.parametrize("function", [compare, diagnose])
def test_missing_pandas(function, monkeypatch):
    monkeypatch.delitem(sys.modules, "skvae.metrics._frames", raising=False)
    monkeypatch.delattr(skvae.metrics, "_frames", raising=False)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "skvae\[metrics\]"'):
        function({"p": PCA()}, X)
