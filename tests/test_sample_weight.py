"""A row of weight 0 is a row left out, and a row of weight 2 counts as two rows."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
import torch
from instances import OF_DIGITS, fit, rows_of, small, variants, weights_of
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import estimator_checks

import skvae
from skvae import (
    AETransformer,
    CMMATransformer,
    CVAETransformer,
    JMVAETransformer,
    MCEMTransformer,
    TaskInvariantVAETransformer,
    VAEImputer,
    VAETransformer,
)
from skvae._columns import column_statistics
from skvae.discovery import all_estimators
from skvae.distributions import Codes, Gaussian, Mixed
from skvae.inputs import Given
from skvae.model_selection import StackedGridSearchCV
from skvae.priors import DensityRatio
from skvae.training import Rows, Table, TensorBatches

every = pytest.mark.parametrize(("name", "cls"), all_estimators())
# One step per epoch, with noise that all rows share: nothing depends on the order of
# rows or on how often they are there.
EXACT = {"dtype": "float64", "net_params": {"shared_noise": True}, "batch_size": 1000}
# Dropout is noise too.
CRITIC = DensityRatio((8,), dropout=0.0, n_passes=2, n_kept=20)
SETTINGS = {
    "small": {},
    "target-propagation": {"gradient": "target-propagation"},
    "no-experts": {"alpha": 0.0, "n_iterations": 3},
}
DETERMINISTIC = dict(variants(SETTINGS)) | {
    "VAE-density-ratio": small(VAETransformer, prior=CRITIC),
    "VAE-importance": small(VAETransformer, n_importance_samples=3),
    "VAE-row-scale": small(VAETransformer, likelihood=Gaussian(scale="row")),
    "VAE-bernoulli": small(VAETransformer, likelihood="bernoulli"),
}


def exact(estimator):
    """Return an estimator with settings under which weights are repetitions."""
    if "critic_dropout" in estimator.get_params():
        estimator.set_params(critic_dropout=0.0)
    return estimator.set_params(**EXACT)


def integers(n_rows, seed=0):
    """Return whole weights, some of them 0."""
    return np.random.default_rng(seed).integers(0, 4, n_rows)


# --- weights are repetitions ----------------------------------------------------------


@pytest.mark.parametrize("label", DETERMINISTIC)
@pytest.mark.filterwarnings("ignore::skvae.exceptions.SkvaeDataWarning")
def test_sklearns_check_of_equivalence_passes(label):
    estimator = exact(DETERMINISTIC[label])
    for kind in ("dense", "sparse"):
        name = f"check_sample_weight_equivalence_on_{kind}_data"
        getattr(estimator_checks, name)(label, estimator)


@pytest.mark.parametrize("label", ["condition", "invariant", "modalities", "iterated"])
def test_weights_are_repetitions_with_conditions_and_modalities(label, digits):
    """The classifier of conditions has dropout, so its weight is 0 in this test."""
    X = digits[:60].copy()
    weight = integers(60)
    if label in ("modalities", "iterated"):
        X[::5, :30] = np.nan
        X[1::7, 40] = np.nan
    for name, estimator in variants({label: OF_DIGITS[label] | {"init": "pca"}}):
        if "invariance" in estimator.get_params():
            estimator.set_params(invariance=0.0, condition_weights="frequency")
        # Adam would turn rounding errors of tiny gradients into steps.
        exact(estimator).set_params(optimizer="sgd", lr=1e-4)
        repeated = fit(estimator, X.repeat(weight, axis=0)).transform(X)
        weighted = estimator.fit(X, sample_weight=weight).transform(X)
        np.testing.assert_allclose(
            weighted, repeated, rtol=1e-6, atol=1e-8, err_msg=name
        )


@pytest.mark.parametrize("holes", [False, True], ids=["complete", "holes"])
@pytest.mark.parametrize(
    "cls", [AETransformer, VAETransformer, CVAETransformer, CMMATransformer]
)
def test_the_start_has_weighted_moments(cls, holes, digits):
    X = digits[:100, 18:30].copy()
    if holes:
        X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    condition, weight = np.arange(100) % 3, integers(100)

    def started(X, given):
        estimator = small(cls, n_components=3, init="pca", dtype="float64")
        estimator._prepare(X, given, resumes=False)
        return estimator.net_.module_.state_dict()

    rows = np.arange(100).repeat(weight)
    some = np.flatnonzero(weight)
    has_condition = cls in (CVAETransformer, CMMATransformer)
    conditions = [condition[at] if has_condition else None for at in (rows, some)]
    repeated = started(X[rows], Given(conditions[0]))
    given = Given(conditions[1], sample_weight=weight[some])
    weighted = started(X[some], given)
    for key, value in repeated.items():
        torch.testing.assert_close(weighted[key], value, rtol=1e-5, atol=1e-6, msg=key)


@every
def test_rows_of_weight_0_are_left_out(name, cls, digits):
    """To the bit, also where a fit is random and some rows are held out."""
    X, keep = digits[:60], np.arange(60) % 3 != 0
    left = fit(small(cls, early_stopping=True), X[keep])
    X = np.where(keep[:, None], X, 50.0)  # nobody looks at these
    assert same(left, fit_weighted(small(cls, early_stopping=True), X, keep))


def same(one, other):
    """Whether two fits have the same weights, to the bit."""
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


@every
def test_weights_matter_unless_they_are_equal(name, cls, digits):
    X = digits[:40]
    plain, equal, weighted = (
        fit_weighted(small(cls, max_epochs=1), X, w)
        for w in (None, np.full(40, 0.3), np.linspace(0.5, 2, 40))
    )
    assert same(plain, equal)
    assert not same(plain, weighted)


def fit_weighted(estimator, X, weight):
    return estimator.fit(X, sample_weight=weight)


def test_only_ratios_of_weights_matter(digits):
    weight = np.linspace(0.5, 2, 200)
    one, other = (
        fit_weighted(small(VAETransformer), digits, w) for w in (weight, 8 * weight)
    )
    assert same(one, other)


# --- what is averaged -----------------------------------------------------------------


def test_the_loss_of_an_epoch_is_the_weighted_mean(digits):
    """In batches of any size, as each mean weight is that of all rows."""
    weight = np.linspace(0.1, 5, 200)
    for fast_path in (True, False):
        estimator = small(
            AETransformer,
            lr=1e-30,
            max_epochs=1,
            batch_size=7,
            dtype="float64",
            net_params={"fast_path": fast_path},
        ).fit(digits, sample_weight=weight)
        row = estimator.history_[-1]
        expected = estimator.score(digits, sample_weight=weight)
        assert row["train_loss"] == pytest.approx(-expected)
        assert row["reconstruction"] == pytest.approx(expected)
        assert estimator.score(digits) != pytest.approx(expected)


def test_the_fast_path_takes_the_same_steps(digits):
    weight = np.linspace(0.1, 5, 200)
    fits = [
        weights_of(
            small(
                VAETransformer,
                likelihood="gaussian",
                dtype="float64",
                net_params={"fast_path": fast_path},
            ).fit(digits, sample_weight=weight)
        )
        for fast_path in (True, False)
    ]
    for fast, slow in zip(*fits, strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-11)


def test_terms_that_some_rows_lack_are_weighted(digits):
    X, weight = digits[:60].copy(), np.linspace(1, 3, 60)
    X[::3, :30] = np.nan
    estimator = small(JMVAETransformer, **OF_DIGITS["modalities"], lr=1e-30, **EXACT)
    estimator.fit(X, sample_weight=weight)
    module, has = estimator.module_, np.arange(60) % 3 > 0
    batch = rows_of(estimator, X).take(torch.arange(60))
    zeros = type("Zeros", (), {"normal": lambda self, like, n=None: 0 * like})()
    _, terms = module.terms(*module.inferred(batch), batch, zeros)
    expected = np.average(terms["kl_experts"].detach()[has], weights=weight[has])
    assert estimator.history_[-1, "kl_experts"] == pytest.approx(expected)


def test_the_held_out_bound_is_the_weighted_mean(digits):
    weight = np.linspace(0.1, 5, 200)
    estimator = small(AETransformer, early_stopping=True, max_epochs=1, dtype="float64")
    estimator.fit(digits, sample_weight=weight)
    _, held_out = estimator._hold_out().positions(200)
    expected = estimator.score(digits[held_out], sample_weight=weight[held_out])
    assert estimator.history_[-1, "valid_loss"] == pytest.approx(-expected)


def test_scores_are_weighted_means(digits):
    weight, task = integers(200), np.arange(200) % 2
    for model, beside in (
        (small(VAETransformer).fit(digits), {}),
        (small(CVAETransformer).fit(digits, condition=task), {"condition": task}),
        (small(JMVAETransformer).fit(digits), {}),
    ):
        values = model.score_samples(digits, **beside)
        score = model.score(digits, **beside, sample_weight=weight)
        assert score == pytest.approx((values * weight).sum() / weight.sum())


@pytest.mark.parametrize("holes", [False, True], ids=["complete", "holes"])
def test_likelihoods_learn_weighted_statistics(holes):
    random = np.random.default_rng(0)
    X = np.column_stack([random.normal(1e6, 2, (50, 2)), random.integers(0, 3, 50)])
    if holes:
        X[random.random(X.shape) < 0.3] = np.nan
    weight = random.integers(1, 4, 50)
    parts = [("numbers", Gaussian(), [0, 1]), ("labels", Codes(), [2])]
    found, expected = (
        Mixed([(part, columns) for _, part, columns in parts]) for _ in range(2)
    )
    found, expected = sklearn.clone(found), sklearn.clone(expected)
    found.fit(X, weight=weight / weight.max())
    expected.fit(X.repeat(weight, axis=0))
    for ours, theirs in zip(found.parts_, expected.parts_, strict=True):
        for name, value in vars(theirs).items():
            if name.endswith("_") and name != "holes_":
                mine = np.hstack(np.atleast_1d(getattr(ours, name)))
                np.testing.assert_allclose(mine, np.hstack(np.atleast_1d(value)))
    weighted = column_statistics(X[:, :2], 7, weight)
    repeated = column_statistics(X[:, :2].repeat(weight, axis=0))
    np.testing.assert_allclose(weighted, repeated)


def test_conditions_are_drawn_with_weighted_frequencies(digits):
    task, weight = np.repeat(["a", "b"], 100), np.repeat([3.0, 1.0], 100)
    model = small(CVAETransformer).fit(digits, condition=task, sample_weight=weight)
    np.testing.assert_allclose(model.conditions_.share_, [0.75, 0.25])
    numbers = small(CVAETransformer, condition_encoding="passthrough")
    numbers.fit(digits, condition=np.arange(200) // 100, sample_weight=weight)
    np.testing.assert_allclose(numbers.conditions_.share_, [0.75, 0.25])


def test_a_condition_has_its_share_whatever_its_rows_weigh(digits):
    task, weight = np.repeat(["a", "b", "c"], [120, 50, 30]), 1.0 + np.arange(200) % 4
    a, c = (weight[task == name].sum() for name in "ac")
    for weights, expected in (
        ("balanced", [1 / 3, 1 / 3, 1 / 3]),
        ({"b": 0.5}, [0.5 * a / (a + c), 0.5, 0.5 * c / (a + c)]),
    ):
        model = small(CVAETransformer, condition_weights=weights)
        given = Given(task, sample_weight=weight)
        model.fit(digits, condition=task, sample_weight=weight)
        table = model._check_encodable(digits, given)
        rows = Rows(table, "cpu", torch.float64, odds=model._odds(table))
        shares = [rows.weights()[task == name].sum() for name in "abc"]
        np.testing.assert_allclose(shares, expected)
        within = rows.weights()[task == "a"] / weight[task == "a"]
        np.testing.assert_allclose(within, within[0])


def test_what_learns_the_aggregate_has_the_weights(digits):
    task, weight = np.repeat([0, 1], 100), np.repeat([9.0, 1.0], 100)
    model = small(
        TaskInvariantVAETransformer, invariance=1.0, critic_dropout=0.0, n_kept=2000
    )
    model.fit(digits, condition=task, sample_weight=weight)
    classifier = model.module_.task_classifier
    np.testing.assert_allclose(classifier.marginal[0], [0.9, 0.1], rtol=1e-6)
    table = model._check_encodable(digits, Given(task, sample_weight=weight))
    rows = Rows(table, "cpu", torch.float32)
    generator = torch.Generator().manual_seed(0)
    chosen = model.module_.prior_module._choose(rows, generator)
    assert abs((chosen >= 100).mean() - 0.1) < 4 * np.sqrt(0.09 / 2000)


def test_weights_of_batches_are_1_on_average_over_the_draws():
    weight, odds = np.array([1.0, 2.0, 5.0, 4.0]), np.array([4.0, 2.0, 1.0, 1.0])
    rows = Rows(Table(np.zeros((4, 1)), sample_weight=weight), "cpu", torch.float64)
    (batch,) = TensorBatches(rows, 4)
    np.testing.assert_allclose(batch.sample_weight, weight / 3)
    rows.odds = odds
    assert rows.mean_weight() == pytest.approx((weight * odds).sum() / 8)
    np.testing.assert_allclose(rows.weights(), weight * odds / (weight * odds).sum())


# --- as scikit-learn passes them ------------------------------------------------------


@pytest.mark.parametrize(
    "as_table",
    [np.asarray, pd.DataFrame, pl.DataFrame, torch.from_numpy, np.ndarray.tolist],
    ids=["array", "pandas", "polars", "tensor", "list"],
)
def test_any_table_can_have_weights_of_zero(as_table, digits):
    X = digits[:50]
    weight = integers(50)
    model = small(VAETransformer, max_epochs=1)
    expected = model.fit(X, sample_weight=weight).transform(X)
    found = model.fit(as_table(X), sample_weight=weight.tolist()).transform(as_table(X))
    np.testing.assert_array_equal(found, expected)


def test_labels_of_rows_of_weight_0_are_not_learned():
    words = pa.table({"word": ["a", "b", "c", "b"] * 10})
    condition = pl.Series(["x", "y", "z", "x"] * 10)
    weight = pd.Series([1, 2, 0, 1] * 10)
    model = small(CVAETransformer, likelihood="codes")
    model.fit(words, condition=condition, sample_weight=weight)
    assert model.likelihood_.levels_[0].tolist() == [0, 1]
    assert model.conditions_.levels_[0].tolist() == ["x", "y"]
    with pytest.raises(ValueError, match="'c'"):
        model.transform(words, condition="x")
    model.partial_fit(words, condition="x", sample_weight=weight)
    with pytest.raises(ValueError, match="'c'"):
        model.partial_fit(words, condition="x")


def test_pipelines_and_searches_route_weights(digits):
    weight = np.linspace(0.1, 5, 200)
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(CVAETransformer).set_fit_request(
            sample_weight=True, condition=True
        )
        model.set_score_request(sample_weight=True, condition=True)
        model.set_transform_request(condition=True)
        task = np.arange(200) % 2
        pipe = make_pipeline(MinMaxScaler(), model)
        beside = {"condition": task, "sample_weight": weight}
        pipe.fit(digits, **beside)
        alone = small(CVAETransformer).fit(pipe[0].transform(digits), **beside)
        assert pipe.score(digits, **beside) == alone.score(
            pipe[0].transform(digits), **beside
        )
        found = pipe.fit_transform(digits, **beside)
        np.testing.assert_array_equal(
            found, alone.transform(pipe[0].transform(digits), condition=task)
        )


def test_a_search_passes_each_fold_its_weights(digits):
    weight, splits = integers(200), [(np.arange(100), np.arange(100, 200))]
    model, grid = small(AETransformer, max_epochs=1), {"lr": [1e-3, 1e-2]}
    alone = fit_weighted(small(AETransformer, max_epochs=1), digits[:100], weight[:100])
    expected = alone.score(digits[100:], sample_weight=weight[100:])
    for kind in (GridSearchCV, StackedGridSearchCV):
        search = kind(model, grid, cv=splits, refit=False)
        search.fit(digits, sample_weight=weight)
        found = search.cv_results_["mean_test_score"][0]
        assert found == pytest.approx(expected)


def test_the_imputer_passes_weights_on(digits):
    X, keep = digits[:60, :20].copy(), np.arange(60) % 2
    X[::7, 3] = np.nan
    imputer = VAEImputer(small(VAETransformer), random_state=0)
    expected = imputer.fit(X[keep > 0]).transform(X)
    found = imputer.fit(X, sample_weight=keep).transform(X)
    np.testing.assert_array_equal(found, expected)


def test_partial_fit_weighs_the_rows_of_its_call(digits):
    weight = integers(200)
    model = small(AETransformer, dtype="float64", batch_size=1000)
    model.partial_fit(digits, sample_weight=weight)
    model.partial_fit(digits[::-1], sample_weight=weight)
    rows = np.arange(200).repeat(weight)
    repeated = small(AETransformer, dtype="float64", batch_size=1000)
    repeated.partial_fit(digits[rows]).partial_fit(digits[::-1][rows])
    Z = model.transform(digits)
    np.testing.assert_allclose(Z, repeated.transform(digits), atol=1e-9)


def test_settings_of_the_noise_are_saved_and_not_stacked(digits, tmp_path):
    model = small(VAETransformer, **EXACT).fit(digits)
    model.save(tmp_path / "model")
    loaded = skvae.load(tmp_path / "model")
    assert loaded.get_params()["net_params"] == {"shared_noise": True}
    search = StackedGridSearchCV(model, {"lr": [1e-3, 1e-2]}, cv=2).fit(digits)
    assert search.n_stacked_ == 0


def test_chains_of_rows_of_weight_0_do_not_exist(digits):
    model = small(MCEMTransformer).fit(digits, sample_weight=np.arange(200) % 2)
    assert len(model.module_.chains) == 100


# --- errors ---------------------------------------------------------------------------

WRONG = {
    "short": (np.ones(3), "sample_weight has 3 rows, but X has 200"),
    "matrix": (
        np.ones((200, 2)),
        r"sample_weight must have .*\(200,\). Got \(200, 2\)",
    ),
    "negative": (np.arange(200) - 1.0, "must not be negative. Got -1 in row 0"),
    "nan": (np.full(200, np.nan), "Input sample_weight contains NaN"),
    "infinite": (np.full(200, np.inf), "Input sample_weight contains infinity"),
    "zeros": (np.zeros(200), "sample_weight is zero in every row"),
    "words": (["heavy"] * 200, "sample_weight"),
}


@pytest.mark.parametrize("label", WRONG)
def test_wrong_weights_are_refused(label, digits):
    weight, message = WRONG[label]
    for model in (small(AETransformer), small(CVAETransformer)):
        model.fit(digits)
        before = weights_of(model)
        for method in (model.fit, model.partial_fit, model.score):
            with pytest.raises(ValueError, match=message):
                method(digits, sample_weight=weight)
        pairs = zip(before, weights_of(model), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)
