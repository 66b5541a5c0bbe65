"""Tests of task information against closed forms, and of transfer reports."""

import math
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from instances import small
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skvae import AETransformer, CMMATransformer, CVAETransformer, VAETransformer
from skvae.distributions import Noise, Normal, StandardNormal
from skvae.metrics import (
    compare,
    few_shot_curve,
    mutual_information,
    prior_gap,
    target_log_likelihood,
    task_accuracy,
    task_decomposition,
    task_information,
    transfer_report,
)
from skvae.metrics._mutual_information import _information
from skvae.metrics._task_information import _decomposition, _task_information
from skvae.model_selection import FewShotTransferSplit

LN2 = math.log(2)
N = 1200


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def density(z, means, shares, spread):
    return sum(w * norm.pdf(z, m, spread) for m, w in zip(means, shares, strict=True))


def integral(function):
    return quad(function, -20, 20, limit=200, points=[-2, 0, 2])[0]


def true_information(means, shares, spread=1.0):
    """Return I(S; Z) of a mixture of normals, by quadrature."""

    def entropy(means, shares):
        # 1e-300: in the tails, p ln p is 0 · ln 0.
        p = partial(density, means=means, shares=shares, spread=spread)
        return integral(lambda z: -p(z) * math.log(p(z) + 1e-300))

    return entropy(means, shares) - entropy([0.0], [1.0])


def tasks_of(shares, n=N):
    """Return the tasks of n rows with the given shares, a tensor (n,)."""
    counts = np.round(np.array(shares) * n).astype(int)
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


def posterior(means, task, scale, n_components=1, seed=0):
    """Return q(z | x, s) such that z_1 given s is N(m_s, 1)."""
    x = normals(len(task), n_components, seed=seed)
    loc = math.sqrt(1 - scale**2) * x
    loc[:, 0] += torch.tensor(means).double()[task]
    return Normal(loc, torch.full_like(loc, scale))


def draw(q):
    return q, StandardNormal(q.mean), q.sample(Noise.from_seed(1))


# -- I(S; Z) ---------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.03])
@pytest.mark.parametrize(
    ("means", "shares"),
    [
        ([-1.0, 1.0], [0.5, 0.5]),
        ([-1.0, 1.0], [0.25, 0.75]),
        ([-1.5, 0.0, 2.5], [0.5, 0.25, 0.25]),
    ],
    ids=["equal", "unequal", "three"],
)
def test_task_information_of_normal_tasks_equals_quadrature(means, shares, scale):
    task = tasks_of(shares)
    found = _task_information(*draw(posterior(means, task, scale)), task)
    # ln q(s | z) has a standard deviation of 0.5 to 0.7, and its mean over 1200 rows
    # one of 0.02.
    assert_allclose(found, true_information(means, shares), atol=0.05)


@pytest.mark.parametrize("n_tasks", [2, 5])
def test_task_information_of_distant_tasks_is_the_entropy(n_tasks):
    task = tasks_of(np.full(n_tasks, 1 / n_tasks), 200)
    q = posterior(1e3 * np.arange(n_tasks), task, 0.5)
    assert_allclose(_task_information(*draw(q), task), math.log(n_tasks), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("n_components", [1, 16])
def test_task_information_of_equal_tasks_is_zero(scale, n_components):
    # Without widening, the estimate would be -40 nats for 16 narrow latents.
    task = tasks_of([0.5, 0.5], 600)
    q = posterior([0.0, 0.0], task, scale, n_components)
    assert 0 <= _task_information(*draw(q), task) < 0.02


@pytest.mark.parametrize("scale", [0.5, 0.03])
def test_task_information_of_many_narrow_latents(scale):
    task = tasks_of([0.5, 0.5])
    truth = true_information([-2.0, 2.0], [0.5, 0.5])  # 0.60
    q = posterior([-2.0, 2.0], task, scale, n_components=8)
    found = _task_information(*draw(q), task)
    assert 0.75 * truth < found < truth + 0.05  # a lower bound


def test_task_information_leaves_out_the_own_posterior():
    # Otherwise each row would be recognised by its own narrow posterior.
    task = tasks_of([0.5, 0.5], 100)
    q = posterior([0.0, 0.0], task, 1e-3)
    assert _task_information(*draw(q), task) < 0.1


def test_slices_of_rows_do_not_change_the_result(monkeypatch):
    task = tasks_of([0.5, 0.5], 90)
    drawn = draw(posterior([-1.0, 1.0], task, 0.5))
    whole = _task_information(*drawn, task)
    monkeypatch.setattr("skvae.metrics._mutual_information.CHUNK_ELEMENTS", 1000)
    assert_allclose(_task_information(*drawn, task), whole, rtol=1e-12)


@pytest.mark.parametrize(("a", "scale"), [(0.8, 0.6), (1.5, 0.5), (0.0, 1.3)])
def test_decomposition_has_closed_forms(a, scale):
    # x given s is N(0, 1), and z given x and s is N(a x + m_s, scale²).
    means, shares = [-1.0, 2.0], [0.5, 0.5]
    task = tasks_of(shares, 2000)
    loc = a * normals(2000, 1) + torch.tensor(means).double()[task, None]
    found = _decomposition(*draw(Normal(loc, torch.full_like(loc, scale))), task)
    variance = a**2 + scale**2
    spread = math.sqrt(variance)

    def gap_integrand(z):
        q = density(z, means, shares, spread)
        return q * (math.log(q + 1e-300) - norm.logpdf(z))

    truth = {
        "kl": 0.5 * (variance + 2.5 - 1) - math.log(scale),
        "mutual_information_task": true_information(means, shares, spread),
        "mutual_information_rows": 0.5 * math.log(variance / scale**2),
        "prior_gap": integral(gap_integrand),
    }
    assert_allclose(truth["kl"], sum(truth.values()) - truth["kl"])
    for name, value in truth.items():
        assert_allclose(getattr(found, name), value, atol=0.06, err_msg=name)
    assert_allclose(found.kl, sum(found[1:]), rtol=1e-12)


def test_kl_to_a_conditional_prior_is_not_an_upper_bound():
    # Posterior and prior agree: no divergence, but full information about the task.
    task = tasks_of([0.5, 0.5], 400)
    q = posterior([-9.0, 9.0], task, 1.0)
    found = _information(q, Normal(q.loc, q.scale), q.sample(Noise.from_seed(0)))
    assert found.kl == 0
    assert_allclose(found.upper, LN2, atol=0.01)


# -- fitted estimators -----------------------------------------------------------------

RNG = np.random.default_rng(0)
SIZES = [150, 90]
NAMES = np.repeat(["a", "b"], SIZES)
CODES = np.repeat([0.0, 1.0], SIZES)
CLASS = (np.arange(240) // 7) % 2
PLAIN = RNG.normal(size=(240, 4)) + 2.0 * CODES[:, None] * [1, 0, 0, 0]
PLAIN[:, 1] += 3 * CLASS
TABLE = np.column_stack([PLAIN, CODES])
FRAME = pd.DataFrame(PLAIN, columns=list("uvwx")).assign(task=NAMES)
METRICS = [task_information, task_decomposition, task_accuracy]


def conditional(**params):
    return small(CVAETransformer, n_components=2, **params)


def fixed_cvae(mean, scale):
    """Return a CVAE with one latent, q(z | x, s) = N(±mean, scale²) for any x."""
    cvae = small(
        CVAETransformer,
        n_components=1,
        hidden_layer_sizes=(),
        condition_columns=[-1],
        dtype="float64",
    )
    cvae.fit(TABLE)
    linear = cvae.module_.loc_scale.linear
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[0, -2:] = torch.tensor([-mean, mean])
        linear.bias[:] = torch.tensor([0.0, math.log(math.expm1(scale - 1e-4))])
    return cvae


def test_decomposition_of_a_fitted_model():
    rows = np.repeat(TABLE, 5, axis=0)
    shares = np.array(SIZES) / 240
    kl, of_task, of_rows, gap = task_decomposition(fixed_cvae(1.0, 0.8), rows)
    truth = true_information([-1.0, 1.0], shares, 0.8)
    assert_allclose(kl, 0.5 * (1 + 0.64 - 1) - math.log(0.8))
    assert_allclose(of_task, truth, atol=0.02)
    assert_allclose(of_rows, 0.0, atol=0.02)
    assert_allclose(gap, kl - truth, atol=0.02)
    assert of_task == task_information(fixed_cvae(1.0, 0.8), rows)
    entropy = -(shares * np.log(shares)).sum()
    assert_allclose(task_information(fixed_cvae(99.0, 0.8), rows), entropy, rtol=1e-6)
    assert task_information(fixed_cvae(0.0, 0.8), rows) < 1e-6


def test_decomposition_agrees_with_the_other_metrics():
    cvae = conditional(condition_columns=[-1]).fit(TABLE)
    found = task_decomposition(cvae, TABLE)
    upper = mutual_information(cvae, TABLE, bound="upper")
    assert_allclose(found[1] + found[2], upper)
    assert_allclose(found.prior_gap, prior_gap(cvae, TABLE), atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_task_as_a_column_an_array_or_a_condition(metric):
    columns = conditional(condition_columns=[-1]).fit(TABLE)
    expected = metric(columns, TABLE)
    assert metric(columns, TABLE, task=-1) == expected
    assert metric(columns, TABLE, task=NAMES) == expected
    frame = conditional(condition_columns=["task"]).fit(FRAME)
    assert_allclose(metric(frame, FRAME), expected)
    assert_allclose(metric(frame, FRAME, task="task"), expected)
    argument = conditional().fit(PLAIN, condition=NAMES)
    assert_allclose(metric(argument, PLAIN, task=NAMES), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_unconditional_model_in_a_pipeline(metric):
    model = make_pipeline(StandardScaler(), small(VAETransformer, n_components=2))
    vae = clone(model[1]).fit(StandardScaler().fit_transform(PLAIN))
    rows = model.fit(PLAIN)[0].transform(PLAIN)
    assert metric(model, PLAIN, task=NAMES) == metric(vae, rows, task=CODES)


@pytest.mark.parametrize("metric", [task_information, task_accuracy])
def test_metrics_are_scorers(metric):
    cvae = conditional(condition_columns=[-1])
    scoring = {"own": metric, "named": partial(metric, task=-1)}
    cv = StratifiedKFold(2)
    found = cross_validate(
        make_pipeline(StandardScaler(), cvae), TABLE, CODES, cv=cv, scoring=scoring
    )
    assert np.isfinite(found["test_own"]).all()
    assert_allclose(found["test_own"], found["test_named"])


@pytest.mark.parametrize("metric", METRICS)
def test_seed_determines_the_subsample(metric):
    vae = small(VAETransformer, n_components=2).fit(PLAIN)
    state = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    one, same, other = (
        metric(vae, PLAIN, task=NAMES, n_rows=70, random_state=seed)
        for seed in (1, 1, 2)
    )
    assert one == same != other
    assert (np.random.get_state()[1] == state[0]).all()
    assert (torch.random.get_rng_state() == state[1]).all()


# -- accuracy --------------------------------------------------------------------------


def test_task_accuracy_of_normal_tasks_is_the_bayes_rate():
    task = np.tile([-1, 1], 1000)
    Z = np.random.default_rng(0).normal(size=(2000, 3))
    Z[:, 0] += task
    latents = FunctionTransformer().fit(Z)
    for classifier in (None, LinearDiscriminantAnalysis()):
        found = task_accuracy(latents, Z, task=task, classifier=classifier)
        assert_allclose(found, norm.cdf(1.0), atol=0.025)  # 3 standard errors


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_task_accuracy_of_uninformative_latents_is_chance(share):
    random = np.random.default_rng(0)
    task = random.permutation(np.arange(1000) < 1000 * share)
    Z = random.normal(size=(1000, 2))
    pca = PCA(2).fit(Z)
    accuracy, chance = task_accuracy(pca, Z, task=task, return_chance=True)
    assert chance == share
    assert_allclose(accuracy, chance, atol=0.05)


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, r"needs task=.*VAETransformer has no condition columns"),
        ({"task": NAMES[:9]}, "task has 9 values for 240 rows"),
        ({"task": "task"}, "No column is named 'task'"),
        ({"task": np.arange(240) == 5}, "rows per task. Task True has 1 of 240"),
        ({"task": NAMES, "n_rows": 1}, "'n_rows' parameter"),
    ],
    ids=["none", "short", "name", "single", "rows"],
)
def test_invalid_arguments(metric, arguments, words):
    vae = small(VAETransformer).fit(PLAIN)
    with pytest.raises(ValueError, match=words):
        metric(vae, PLAIN, **arguments)


def test_task_is_required_with_several_condition_columns():
    table = np.column_stack([TABLE, CLASS])
    cvae = conditional(condition_columns=[-2, -1]).fit(table)
    with pytest.raises(ValueError, match="has several condition columns"):
        task_information(cvae, table)
    assert 0 <= task_information(cvae, table, task=-2) <= LN2


def test_a_single_task():
    with pytest.raises(ValueError, match="needs several tasks; all rows have 'a'"):
        task_accuracy(PCA(2).fit(PLAIN), PLAIN[:50], task=NAMES[:50])
    vae = small(VAETransformer).fit(PLAIN)
    assert task_information(vae, PLAIN[:50], task=NAMES[:50]) == 0


@pytest.mark.parametrize("metric", [task_information, task_decomposition])
@pytest.mark.parametrize("model", [small(AETransformer), PCA(2)])
def test_models_without_a_posterior(metric, model):
    with pytest.raises(TypeError, match="needs"):
        metric(clone(model).fit(PLAIN), PLAIN, task=NAMES)


def test_decomposition_needs_one_prior():
    cmma = small(CMMATransformer, n_components=2, condition_columns=[-1]).fit(TABLE)
    with pytest.raises(TypeError, match=r"one prior p\(z\)"):
        task_decomposition(cmma, TABLE)
    assert 0 <= task_information(cmma, TABLE) <= LN2


# -- densities -------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["a", "b"])
def test_target_log_likelihood_is_that_of_its_rows(target):
    rows = np.equal(NAMES, target)
    columns = conditional(condition_columns=["task"]).fit(FRAME)
    expected = columns.score(FRAME[rows])
    assert_allclose(target_log_likelihood(columns, FRAME, target=target), expected)
    argument = conditional().fit(PLAIN, condition=NAMES)
    found = target_log_likelihood(argument, PLAIN, target=target, task=NAMES)
    assert_allclose(found, argument.score(PLAIN[rows], condition=NAMES[rows]))
    pca = PCA(2).fit(PLAIN)
    found = target_log_likelihood(pca, PLAIN.tolist(), target=target, task=NAMES)
    assert_allclose(found, pca.score(PLAIN[rows]))


def test_target_log_likelihood_without_density_or_rows():
    with pytest.raises(TypeError, match="log_likelihood nor score_samples"):
        target_log_likelihood(
            small(AETransformer).fit(PLAIN), PLAIN, target="a", task=NAMES
        )
    with pytest.raises(ValueError, match="No row has the target 'c'"):
        target_log_likelihood(PCA(2).fit(PLAIN), PLAIN, target="c", task=NAMES)


# -- transfer --------------------------------------------------------------------------

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
        "monte_carlo_error",
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
