"""Conditions given as columns or as an argument, of every type, known or unknown."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from instances import small
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skvae import VAETransformer, load
from skvae.conditional._base import BaseConditionalTransformer
from skvae.discovery import all_estimators

CONDITIONAL = [
    cls for _, cls in all_estimators() if issubclass(cls, BaseConditionalTransformer)
]
each_estimator = pytest.mark.parametrize("cls", CONDITIONAL)
without_names = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


@pytest.fixture
def X(digits):
    return digits[:, 16:32]


@pytest.fixture
def task(X):
    return np.where(np.arange(len(X)) % 3 == 0, "plain", "inverted")


@pytest.fixture
def frame(X, task):
    table = pd.DataFrame(X, columns=[f"p{j}" for j in range(X.shape[1])])
    table.insert(3, "task", task)
    return table


def weights(estimator):
    return estimator.module_.state_dict()


def assert_same_fit(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])


# -- columns and argument are equivalent -----------------------------------------------


@each_estimator
@pytest.mark.parametrize(
    "columns", [["task"], [3], 3, -14, slice("task", "task"), "task", "selector"]
)
def test_condition_columns_can_be_chosen_in_every_way(cls, columns, frame, X, task):
    if columns == "selector":
        columns = make_column_selector(pattern="task")
    by_column = small(cls, condition_columns=columns).fit(frame)
    by_argument = small(cls).fit(X, condition=task)
    assert_same_fit(by_column, by_argument)
    np.testing.assert_array_equal(
        by_column.transform(frame), by_argument.transform(X, condition=task)
    )
    assert by_column.score(frame) == by_argument.score(X, condition=task)
    assert by_column.n_features_in_ == 17
    assert list(by_column.feature_names_in_) == list(frame.columns)


@each_estimator
def test_every_kind_of_table_gives_the_same_result(cls, frame):
    estimator = small(cls, condition_columns=[3]).fit(frame)
    for table in (frame.to_numpy(), pl.from_pandas(frame), frame.to_numpy().tolist()):
        other = clone(estimator).fit(table)
        assert_same_fit(estimator, other)
        np.testing.assert_array_equal(
            other.transform(table), estimator.transform(frame)
        )


@each_estimator
@pytest.mark.parametrize("values", ["strings", "numbers", "booleans", "categories"])
def test_levels_may_be_of_any_kind(cls, values, X, task):
    plain = task == "plain"
    given = {
        "strings": task,
        "numbers": np.where(plain, 3.5, -1.0),
        "booleans": plain,
        "categories": pd.Series(task, dtype="category"),
    }[values]
    estimator = small(cls).fit(X, condition=given)
    assert estimator.conditions_.width == 2
    assert np.isfinite(estimator.score(X, condition=given))
    one = given[0] if values != "categories" else given.iloc[0]
    assert estimator.sample(2, condition=one).shape == (2, 16)


@each_estimator
def test_several_conditions_are_encoded_side_by_side(cls, frame):
    table = frame.assign(place=np.arange(len(frame)) % 4)
    estimator = small(cls, condition_columns=["task", "place"]).fit(table)
    assert estimator.conditions_.width == 2 + 4
    rows = estimator.sample(3, condition=[["plain", 2]] * 3, random_state=0)
    assert rows[:, 3].tolist() == ["plain"] * 3
    assert rows[:, 17].tolist() == [2] * 3


@each_estimator
def test_numeric_conditions_can_pass_unencoded(cls, X):
    given = np.linspace(-1, 1, len(X))
    estimator = small(cls, condition_encoding="passthrough").fit(X, condition=given)
    assert estimator.conditions_.width == 1
    assert estimator.transform(X, condition=0.123).shape == (len(X), 8)
    with pytest.raises(ValueError, match="holds strings"):
        estimator.transform(X, condition="plain")


@each_estimator
def test_no_condition_equals_a_constant_condition(cls, X):
    without = small(cls).fit(X)
    constant = small(cls).fit(X, condition=np.full(len(X), "all"))
    assert_same_fit(without, constant)
    np.testing.assert_array_equal(without.transform(X), constant.transform(X, "all"))
    Z = without.transform(X)
    np.testing.assert_array_equal(
        without.inverse_transform(Z), constant.inverse_transform(Z)
    )


def test_a_constant_condition_gives_the_plain_vae(X):
    by_autograd = {"net_params": {"fast_path": False}}  # the same bits in all classes
    vae = small(VAETransformer, **by_autograd).fit(X)
    for cls in CONDITIONAL:
        if "n_critic_passes" in cls().get_params():
            other = small(cls, n_critic_passes=0, **by_autograd).fit(X)
        elif cls.__name__ == "CVAETransformer":
            other = small(cls, **by_autograd).fit(X)
        else:
            continue
        np.testing.assert_array_equal(other.transform(X), vae.transform(X))
        ours, plain = (m.log_likelihood(X, refine=0) for m in (other, vae))
        np.testing.assert_array_equal(ours, plain)
        # Posteriors are refined by hand-written gradients in some classes.
        refined = other.score_samples(X), vae.score_samples(X)
        np.testing.assert_allclose(*refined, rtol=1e-5, atol=1e-5)


# -- decoded rows ----------------------------------------------------------------------


@without_names
@each_estimator
def test_decoding_fills_in_the_condition_columns(cls, frame, task):
    settings = {"condition_columns": ["task"], "likelihood": "gaussian"}
    estimator = small(cls, **settings).fit(frame)
    back = estimator.reconstruct(frame)
    assert back.shape == frame.shape
    assert back[:, 3].tolist() == task.tolist()
    Z = estimator.transform(frame)
    np.testing.assert_array_equal(estimator.inverse_transform(Z, condition=task), back)
    rows = estimator.sample(200, random_state=0)
    assert np.isfinite(estimator.score_samples(rows)).all()
    share = np.mean(rows[:, 3] == "plain")
    assert abs(share - np.mean(task == "plain")) < 0.15
    only = estimator.sample(4, random_state=0, condition="inverted")
    assert only[:, 3].tolist() == ["inverted"] * 4


@each_estimator
def test_numeric_tables_stay_numeric(cls, X):
    table = np.column_stack([X, np.arange(len(X)) % 2]).astype(np.float32)
    estimator = small(cls, condition_columns=[-1]).fit(table)
    assert estimator.transform(table).dtype == np.float32
    assert estimator.reconstruct(table).dtype == np.float32
    assert estimator.sample(3).dtype == np.float32
    assert estimator.inverse_transform(np.zeros((2, 8)), condition=1)[
        :, -1
    ].tolist() == [
        1,
        1,
    ]


def test_translation_decodes_under_another_condition(frame, X, task):
    for cls in CONDITIONAL:
        if not hasattr(cls, "translate"):
            continue
        estimator = small(cls, condition_columns=["task"]).fit(frame)
        plain = estimator.translate(frame, "plain")
        Z = estimator.transform(frame)
        np.testing.assert_array_equal(plain, estimator.inverse_transform(Z, "plain"))
        assert not np.array_equal(plain, estimator.reconstruct(frame))
        by_argument = small(cls).fit(X, condition=task)
        moved = by_argument.translate(X, "plain", own=task)
        np.testing.assert_array_equal(moved, np.delete(plain, 3, axis=1).astype(float))


@each_estimator
def test_a_mixed_likelihood_counts_all_columns(cls, frame):
    parts = [("gaussian", slice(0, 3)), ("bernoulli", list(range(4, 17)))]
    by_place = small(cls, condition_columns=["task"], likelihood=parts).fit(frame)
    names = [
        ("gaussian", ["p0", "p1", "p2"]),
        ("bernoulli", make_column_selector(pattern="p[3-9]|p1[0-9]")),
    ]
    by_name = small(cls, condition_columns=["task"], likelihood=names).fit(frame)
    assert_same_fit(by_place, by_name)
    wrong = [("gaussian", slice(0, 17))]
    with pytest.raises(ValueError, match="names a condition column"):
        small(cls, condition_columns=["task"], likelihood=wrong).fit(frame)


# -- errors ----------------------------------------------------------------------------


@each_estimator
def test_an_unknown_level_is_named_or_ignored(cls, X, task):
    estimator = small(cls).fit(X, condition=task)
    with pytest.raises(ValueError, match=r"'rotated' in row 0.* 'inverted', 'plain'"):
        estimator.transform(X, condition="rotated")
    estimator.set_params(handle_unknown="ignore")
    assert np.isfinite(estimator.transform(X, condition="rotated")).all()
    assert np.isfinite(estimator.score(X, condition="rotated"))


@each_estimator
@pytest.mark.parametrize("missing", [None, np.nan], ids=str)
def test_a_missing_value_is_refused(cls, missing, X, task):
    holed = task.astype(object)
    holed[7] = missing
    with pytest.raises(ValueError, match="condition is missing in row 7"):
        small(cls).fit(X, condition=holed)


@each_estimator
def test_a_missing_condition_is_an_error_that_names_both_ways_to_pass_it(cls, X, task):
    estimator = small(cls).fit(X, condition=task)
    for method in (estimator.transform, estimator.score, estimator.reconstruct):
        with pytest.raises(ValueError, match=r"condition_columns=.* condition=\.\.\."):
            method(X)
    with pytest.raises(ValueError, match="fitted without a condition"):
        small(cls).fit(X).transform(X, condition=task)


@each_estimator
def test_passing_a_condition_in_both_ways_is_refused(cls, frame, task):
    with pytest.raises(ValueError, match="choose one of the two"):
        small(cls, condition_columns=["task"]).fit(frame, condition=task)


def test_decoding_needs_a_condition(X, task):
    for cls in CONDITIONAL:
        estimator = small(cls).fit(X, condition=task)
        Z = estimator.transform(X, condition=task)
        if not cls._decoder_sees_condition:
            assert estimator.inverse_transform(Z).shape == X.shape
            continue
        with pytest.raises(ValueError, match=r"needs condition=\.\.\. to decode"):
            estimator.inverse_transform(Z)


@each_estimator
@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"condition_columns": ["nothing"]}, "No column is named 'nothing'"),
        ({"condition_columns": []}, "selects no column"),
        ({"condition_columns": 1.5}, "'condition_columns' parameter"),
        ({"condition_columns": slice(None)}, "leave no column"),
        ({"condition_columns": [99]}, "out of range"),
        ({"condition_encoding": "hash"}, "'condition_encoding' parameter"),
        ({"handle_unknown": "warn"}, "'handle_unknown' parameter"),
    ],
    ids=str,
)
def test_invalid_parameters_leave_the_fitted_model_unchanged(cls, params, match, frame):
    estimator = small(cls, condition_columns=["task"]).fit(frame)
    before = estimator.transform(frame)
    with pytest.raises(ValueError, match=match):
        estimator.set_params(**params).fit(frame)
    estimator.set_params(condition_columns=["task"], condition_encoding="one-hot")
    estimator.set_params(handle_unknown="error")
    np.testing.assert_array_equal(estimator.transform(frame), before)


@each_estimator
@pytest.mark.parametrize(
    ("condition", "match"),
    [
        (["plain"] * 3, "condition has 3 rows"),
        ([["plain", "a"]] * 200, "2 conditions per row"),
        ([1, "a"] * 100, "mixes integers and strings"),
    ],
)
def test_invalid_conditions_are_named(cls, condition, match, X, task):
    estimator = small(cls).fit(X, condition=task)
    with pytest.raises(ValueError, match=match):
        estimator.transform(X, condition=condition)


# -- inside scikit-learn ---------------------------------------------------------------


@each_estimator
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_condition_columns_work_in_a_pipeline_and_a_search(cls, n_jobs, frame):
    scale = make_column_transformer(
        (MinMaxScaler(), make_column_selector(dtype_include=float)),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = make_pipeline(
        scale, small(cls, condition_columns=["task"]), LogisticRegression()
    )
    name = cls.__name__.lower()
    y = np.arange(len(frame)) % 2
    grid = {f"{name}__n_components": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(frame, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@each_estimator
def test_some_columns_of_a_table_can_be_encoded(cls, frame):
    latents = small(cls, condition_columns=["task"])
    columns = make_column_transformer(
        (latents, ["p0", "task", "p1", "p2"]), (MinMaxScaler(), ["p5"])
    )
    part = frame[["p0", "task", "p1", "p2"]]
    expected = clone(latents).fit(part).transform(part)
    np.testing.assert_array_equal(columns.fit_transform(frame)[:, :8], expected)


@each_estimator
def test_a_fold_without_a_level_does_not_stop_cross_validation(cls, frame):
    table = frame.sort_values("task")
    estimator = small(cls, condition_columns=["task"])
    with pytest.warns(Warning, match="not seen in fit"):
        found = cross_validate(estimator, table, cv=KFold(2))
    assert np.isnan(found["test_score"]).any()
    estimator.set_params(handle_unknown="ignore")
    assert np.isfinite(
        cross_validate(estimator, table, cv=KFold(2))["test_score"]
    ).all()


@each_estimator
def test_conditions_are_routed(cls, X, task):
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = small(cls).set_fit_request(condition=True)
        estimator.set_transform_request(condition=True)
        estimator.set_score_request(condition=True)
        found = cross_validate(estimator, X, cv=2, params={"condition": task})
        assert np.isfinite(found["test_score"]).all()
        pipeline = make_pipeline(estimator, LogisticRegression())
        pipeline.fit(X, np.arange(len(X)) % 2, condition=task)
        assert pipeline.predict(X, condition=task).shape == (len(X),)
    direct = small(cls).fit_transform(X, condition=task)
    twice = small(cls).fit(X, condition=task).transform(X, condition=task)
    np.testing.assert_array_equal(direct, twice)


@each_estimator
def test_conditions_survive_saving_and_loading(cls, frame, tmp_path):
    selector = make_column_selector(pattern="task")
    estimator = small(cls, condition_columns=selector).fit(frame)
    estimator.save(tmp_path / "model", training_state=True)
    loaded = load(tmp_path / "model")
    assert loaded.condition_columns == [3]
    np.testing.assert_array_equal(loaded.transform(frame), estimator.transform(frame))
    np.testing.assert_array_equal(
        loaded.sample(9, random_state=0), estimator.sample(9, random_state=0)
    )
    with pytest.raises(
        ValueError, match="not seen in fit; the levels are 'inverted', 'plain'"
    ):
        loaded.transform(frame.assign(task="rotated"))
