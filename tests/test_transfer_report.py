"""Reports on transfer, against the same fits made by hand."""

import math

import numpy as np
import polars as pl
import pytest
from instances import small
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from two_tasks import CLASS, CODES, FRAME, LN2, PLAIN, RNG, TABLE, conditional

from skvae import VAETransformer
from skvae.metrics import compare, few_shot_curve, transfer_report
from skvae.model_selection import FewShotTransferSplit

ESTIMATORS = {
    "vae": small(VAETransformer, n_components=2),
    "cvae": conditional(),
    "pca": make_pipeline(StandardScaler(), PCA(2)),
    "raw": "passthrough",
}
SETTING = {"source": 0, "target": 1, "n_target": 20, "n_splits": 2}


def report(X=TABLE, task=-1, estimators=ESTIMATORS, **settings):
    return transfer_report(estimators, X, CLASS, task, **(SETTING | settings))


def test_report_equals_manual_fits():
    table = report(random_states=(3,))
    splitter = FewShotTransferSplit(0, 1, 20, 2, random_state=0, task=-1)
    expected = {name: [] for name in ("vae", "cvae", "pca")}
    for train, test in splitter.split(TABLE, CLASS):
        vae = clone(ESTIMATORS["vae"]).set_params(random_state=3).fit(PLAIN[train])
        cvae = conditional(condition_columns=[-1]).set_params(random_state=3)
        latents = make_pipeline(
            clone(ESTIMATORS["pca"]), StandardScaler(), LogisticRegression()
        ).fit(PLAIN[train], CLASS[train])
        expected["vae"].append(vae.score(PLAIN[test]))
        expected["cvae"].append(cvae.fit(TABLE[train]).score(TABLE[test]))
        expected["pca"].append(latents.score(PLAIN[test], CLASS[test]))
    for name, values in expected.items():
        column = "accuracy" if name == "pca" else "log_likelihood"
        assert_allclose(table.loc[name, column], np.mean(values))
        assert_allclose(
            table.loc[name, f"{column}_se"], np.std(values, ddof=1) / math.sqrt(2)
        )


def test_report_columns_and_missing_entries():
    table = report(random_states=(0, 1), scoring={"one": lambda *_: 1.0})
    assert list(table.index) == list(ESTIMATORS)
    shown = [name for name in table.columns if not name.endswith("_se")]
    assert shown == [
        "log_likelihood",
        "median_log_likelihood",
        "worst_rows",
        "monte_carlo_error",
        "effective_sample_size",
        "accuracy",
        "task_information",
        "task_accuracy",
        "one",
        "seconds",
    ]
    assert table["task_information"].isna().tolist() == [False, False, True, True]
    assert table["log_likelihood"].isna().tolist() == [False, False, False, True]
    assert table["task_information"].dropna().between(0, LN2).all()
    assert table["task_accuracy"].between(0.3, 1).all()
    assert len(table.attrs["runs"]) == 4 * 2 * 2


def test_report_balances_source_and_target_rows():
    # There are 150 source rows and 70 held-out target rows; chance is one half.
    far = TABLE + np.outer(CODES, [50, 0, 0, 0, 0])
    table = report(far, estimators={"raw": "passthrough"})
    assert_allclose(table["task_accuracy"], 1.0)
    same = np.column_stack([RNG.normal(size=(240, 4)), CODES])
    table = report(same, estimators={"raw": "passthrough"})
    assert_allclose(table["task_accuracy"], 0.5, atol=0.15)


def test_report_with_several_sources():
    three = np.vstack([TABLE, np.column_stack([PLAIN[:60], np.full(60, 2.0)])])
    table = transfer_report(
        {"cvae": conditional()},
        three,
        None,
        -1,
        source=[0, 2],
        target=1,
        n_target=10,
        n_splits=2,
    )
    assert 0 <= table.loc["cvae", "task_information"] <= math.log(3)
    assert "accuracy" not in table


def test_report_without_target_rows():
    cvae = conditional(handle_unknown="ignore")
    estimators = {"cvae": cvae, "vae": ESTIMATORS["vae"]}
    table = report(estimators=estimators, n_target=0)
    assert np.isfinite(table["log_likelihood"]).all()
    assert len(table.attrs["runs"]) == 2
    with pytest.raises(ValueError, match="was not seen in fit"):
        report(estimators={"cvae": conditional()}, n_target=0)


@pytest.mark.parametrize("frame", [FRAME, pl.from_pandas(FRAME)], ids=["pd", "pl"])
def test_report_of_data_frames_equals_that_of_arrays(frame):
    estimators = {name: ESTIMATORS[name] for name in ("vae", "cvae", "pca")}
    plain = report(estimators=estimators)
    given = report(frame, "task", estimators, source="a", target="b")
    names = [name for name in plain if not name.startswith("seconds")]
    assert_allclose(given[names], plain[names], rtol=1e-6)


def test_report_keeps_given_condition_columns():
    table = np.column_stack([TABLE, CLASS])
    own = conditional(condition_columns=[-1])  # the class; the task is data
    found = report(table, 4, {"own": make_pipeline(StandardScaler(), own)})
    splitter = FewShotTransferSplit(0, 1, 20, 2, random_state=0, task=4)
    expected = [
        clone(make_pipeline(StandardScaler(), own)).fit(table[train]).score(table[test])
        for train, test in splitter.split(table, CLASS)
    ]
    assert_allclose(found.loc["own", "log_likelihood"], np.mean(expected))


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"estimators": {}}, ValueError, "'estimators' parameter of transfer_report"),
        ({"random_states": ()}, ValueError, "'random_states' parameter of transfer"),
        ({"target": 7}, ValueError, "No row has the task 7"),
        ({"task": "task"}, ValueError, "No column is named 'task'"),
        ({"n_target": 90}, ValueError, "leaves no test row"),
    ],
    ids=str,
)
def test_invalid_arguments_of_the_report(wrong, error, words):
    with pytest.raises(error, match=words):
        report(**wrong)


def test_curve_is_one_report_per_number_of_target_rows():
    estimators = {name: ESTIMATORS[name] for name in ("pca", "cvae")}
    setting = SETTING | {"n_target": (30, 5)}
    curve = few_shot_curve(estimators, TABLE, CLASS, -1, **setting)
    assert list(curve.index) == [(name, n) for name in ("pca", "cvae") for n in (30, 5)]
    assert curve.index.names == ["estimator", "n_target"]
    names = [name for name in curve if not name.startswith("seconds")]
    alone = report(estimators=estimators, n_target=5)
    assert_allclose(curve.xs(5, level="n_target")[names], alone[names])
    assert {run["n_target"] for run in curve.attrs["runs"]} == {5, 30}
    assert " ± " in repr(curve)


def test_curve_checks_numbers_before_fitting():
    class Never(PCA):
        def fit(self, X, y=None):
            raise AssertionError

    setting = SETTING | {"n_target": (5, 300)}
    with pytest.raises(ValueError, match="n_target=300 leaves no test row"):
        few_shot_curve({"never": Never(2)}, TABLE, CLASS, -1, **setting)
    with pytest.raises(ValueError, match="'n_target' parameter of few_shot_curve"):
        few_shot_curve(
            {"never": Never(2)}, TABLE, CLASS, -1, **SETTING | {"n_target": ()}
        )


def test_compare_uses_the_same_folds_for_all():
    cv = ShuffleSplit(2, random_state=np.random.RandomState(0))
    table = compare({"one": PCA(2), "same": PCA(2)}, PLAIN, cv=cv)
    one, same = table["log_likelihood"]
    assert one == same
