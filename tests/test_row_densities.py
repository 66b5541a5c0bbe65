"""Means of ln p(x) that few rows or few draws decide, in `compare` and `diagnose`."""

import numpy as np
import pandas as pd
import pytest
import torch
from instances import small
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, norm
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, PredefinedSplit
from sklearn.pipeline import make_pipeline

from benchmarks._common import density
from skvae import CVAETransformer, VAETransformer
from skvae.exceptions import SkvaeEstimateWarning, SkvaeOutlierWarning
from skvae.inference import MIN_EFFECTIVE
from skvae.metrics import compare, diagnose, few_shot_curve, mutual_information

N = 200


def random(seed=0):
    return np.random.default_rng(seed)


class Known(TransformerMixin, BaseEstimator):
    """A transformer whose ln p(x) is the given column."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X

    def score_samples(self, X):
        return X[:, self.column]


def split(X, n_folds=1):
    """Return folds that test every row once; a single one tests all rows."""
    folds = np.arange(len(X)) % n_folds
    if n_folds > 1:
        return PredefinedSplit(folds)
    return [(np.arange(len(X)), np.arange(len(X)))]


def compared(*columns, n_folds=1):
    """Compare models whose values of ln p(x) are these columns."""
    X = np.column_stack(columns)
    names = dict(zip("abc", range(len(columns)), strict=False))
    models = {name: Known(column) for name, column in names.items()}
    return compare(models, X, cv=split(X, n_folds))


def regular():
    """Return values from -1 to 1 with an interquartile range of 1."""
    return np.linspace(-1, 1, N)


# -- compare: numbers ------------------------------------------------------------------


@pytest.mark.parametrize(("n_rows", "n_worst"), [(2, 1), (100, 1), (101, 2), (250, 3)])
def test_median_and_worst_rows_of_known_values(n_rows, n_worst):
    values = random().normal(size=n_rows)
    row = compared(values).loc["a"]
    others = np.sort(values)[n_worst:]
    assert_allclose(row["log_likelihood"], values.mean())
    assert_allclose(row["median_log_likelihood"], np.median(values))
    assert_allclose(row["worst_rows"], values.mean() - others.mean())
    assert np.isnan(row["effective_sample_size"])


def test_density_of_scikit_learn_equals_that_of_a_normal_distribution():
    X = random().normal(size=(120, 3)) @ random(1).normal(size=(3, 3))
    row = compare({"pca": PCA(2)}, X, cv=split(X)).loc["pca"]
    pca = PCA(2).fit(X)
    values = multivariate_normal(pca.mean_, pca.get_covariance()).logpdf(X)
    assert_allclose(row["median_log_likelihood"], np.median(values))
    assert_allclose(row["worst_rows"], values.mean() - np.sort(values)[2:].mean())


def test_columns_are_means_over_folds_with_errors():
    values = random().normal(size=60)
    table = compared(values, n_folds=3)
    medians = [np.median(values[i::3]) for i in range(3)]
    assert_allclose(table.loc["a", "median_log_likelihood"], np.mean(medians))
    error = np.std(medians, ddof=1) / np.sqrt(3)
    assert_allclose(table.loc["a", "median_log_likelihood_se"], error)
    assert list(table.columns[:8]) == [
        "log_likelihood",
        "log_likelihood_se",
        "median_log_likelihood",
        "median_log_likelihood_se",
        "worst_rows",
        "worst_rows_se",
        "monte_carlo_error",
        "effective_sample_size",
    ]


def test_effective_sample_size_equals_that_of_the_fitted_model():
    X = random().normal(size=(90, 4))
    vae = small(VAETransformer, n_components=2)
    table = compare({"vae": vae}, X, cv=KFold(2), n_samples=7)
    sizes = []
    for train, test in KFold(2).split(X):
        fitted = clone(vae).set_params(random_state=0).fit(X[train])
        found = fitted.log_likelihood(X[test], 7, return_diagnostics=True)
        sizes.append(np.median(found.effective_sample_size))
    assert_allclose(table.loc["vae", "effective_sample_size"], np.mean(sizes))


def test_a_fold_of_one_row_has_no_other_rows():
    table = compared(np.array([-1.0, -2.0, -9.0]), n_folds=3)
    assert_allclose(table.loc["a", "log_likelihood"], -4)
    assert np.isnan(table.loc["a", "worst_rows"])
    assert table.attrs["notes"] == []


def test_a_row_of_probability_zero():
    values = np.append(regular(), -np.inf)
    table = compared(values)
    row = table.loc["a"]
    assert row["log_likelihood"] == row["worst_rows"] == -np.inf
    assert_allclose(row["median_log_likelihood"], np.median(values))
    others = np.sort(values)[3:].mean()  # 1 % of 201 rows, rounded up
    assert f"from {others:.2f} to -inf nats" in table.attrs["notes"][0]


# -- compare: words --------------------------------------------------------------------


def test_one_absurd_row_is_mentioned():
    values = regular()
    values[17] = -20_000
    (note,) = compared(values).attrs["notes"]
    others = np.sort(values)[2:].mean()
    assert f"from {others:.2f} to {values.mean():.2f} nats per row" in note
    assert note.startswith("a: the worst 1 % of the rows lower the mean")
    assert f"The median is {np.median(values):.2f}." in note


@pytest.mark.parametrize(("shift", "mentioned"), [(0.24, False), (0.26, True)])
def test_a_quarter_of_the_interquartile_range_is_the_limit(shift, mentioned):
    values = 10 * regular()
    values[:2] = -1e3  # to the others, for now
    low, high = np.percentile(values, [25, 75])
    others = values[2:].mean()
    values[:2] = others - 100 * shift * (high - low)  # two rows of 200
    table = compared(values)
    assert_allclose(table.loc["a", "worst_rows"], -shift * (high - low))
    assert bool(table.attrs["notes"]) is mentioned


@pytest.mark.parametrize(("nats", "mentioned"), [(0.09, False), (0.11, True)])
def test_small_shifts_are_not_mentioned(nats, mentioned):
    values = np.zeros(N)
    values[:2] = -100 * nats
    assert bool(compared(values).attrs["notes"]) is mentioned


def test_ordinary_values_are_not_mentioned():
    table = compared(
        random().normal(size=500), random(1).normal(1, size=500), n_folds=2
    )
    assert table.attrs["notes"] == []
    assert "worst 1 %" not in repr(table)


def test_few_rows_that_decide_the_order():
    better, other = regular() + 1, regular()
    better[3] = -5_000
    with pytest.warns(SkvaeOutlierWarning, match="mean log-likelihood") as seen:
        table = compared(better, other)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert table.loc["a", "log_likelihood"] < table.loc["b", "log_likelihood"]
    order, row = table.attrs["notes"]
    assert order == str(seen[0].message)
    assert "From best to worst: b, a. Without these rows: a, b." in order
    assert "By the median: a, b." in order
    assert row.startswith("a: ")


def test_few_rows_that_do_not_change_the_order():
    worse, other = regular() - 1, regular()
    worse[3] = -5_000
    (note,) = compared(worse, other).attrs["notes"]  # no warning either
    assert note.startswith("a: ")


def test_no_warning_if_the_median_agrees_with_the_mean():
    # Without its two worst rows, "a" has the higher mean, but not the higher median.
    high = np.where(np.arange(N) < 80, 10.0, -1.0)
    high[-2:] = -5_000
    table = compared(high, np.zeros(N))
    others = table["log_likelihood"] - table["worst_rows"]
    assert others["a"] > others["b"]
    assert len(table.attrs["notes"]) == 1


def test_no_warning_within_the_noise_of_the_folds():
    better, other = regular() + 0.3, regular()
    better[:4] = -100
    with pytest.warns(SkvaeOutlierWarning):
        compared(better, other, n_folds=4)
    noisy = better + np.array([5.0, -5.0, 5.0, -5.0])[np.arange(N) % 4]
    (note,) = compared(noisy, other, n_folds=4).attrs["notes"]
    assert note.startswith("a: ")


def test_few_draws_are_mentioned():
    X = random().normal(size=(60, 4))
    models = {"one": small(VAETransformer), "pca": PCA(2)}
    (note,) = compare(models, X, cv=2, n_samples=1).attrs["notes"]
    assert note.startswith("one: the median effective sample size is below 2")
    assert compare(models, X, cv=2).attrs["notes"] == []


def test_notes_are_displayed_with_the_log_likelihood_only():
    values = regular()
    values[0] = -1e4
    X = np.column_stack([values, random().normal(size=(N, 1))])
    y = np.arange(N) % 2
    table = compare({"<a>": Known()}, X, y, cv=split(X))
    assert "the worst 1 % of the rows" in repr(table)
    assert "&lt;a&gt;: the worst 1 % of the rows" in table._repr_html_()
    assert "worst 1 %" not in repr(table[["accuracy"]])
    assert "worst 1 %" not in table[["accuracy"]]._repr_html_()
    assert max(map(len, repr(table).splitlines())) <= 88


def test_notes_of_a_curve_name_the_number_of_rows():
    values = np.tile(regular(), 2)
    values[-1] = -1e5
    task = np.repeat([0.0, 1.0], N)
    table = np.column_stack([values, random().normal(size=2 * N), task])
    setting = {"source": 0, "target": 1, "n_target": (10, 20), "n_splits": 8}
    downstream = LogisticRegression(C=1e-9)
    curve = few_shot_curve(
        {"a": Known()},
        table,
        np.arange(2 * N) % 2,
        -1,
        downstream=downstream,
        **setting,
    )
    starts = [note[:14] for note in curve.attrs["notes"]]
    assert starts == ["n_target=10. a", "n_target=20. a"]
    assert "n_target=10. a: the worst" in repr(curve)


# -- diagnose --------------------------------------------------------------------------


@pytest.fixture
def exact():
    """Return a model with p(x | z) = p(x) and q(z | x) = p(z), and its rows.

    All importance weights of a row are equal, so its value is exact.
    """
    X = random().normal(size=(300, 2)).astype(np.float32)
    vae = small(VAETransformer, n_components=2, dtype="float64")
    vae.fit(X)
    with torch.no_grad():
        for parameter in vae.module_.loc_scale.parameters():
            parameter.zero_()
        # softplus(x) + 1e-4 = 1
        vae.module_.loc_scale.linear.bias[2:] = np.log(np.expm1(1 - 1e-4))
        head = vae.module_.head
        for parameter in head.linear.parameters():
            parameter.zero_()
    return vae, X


def exact_values(vae, X):
    """Compute ln N(x; m, σ²) with numpy."""
    p = vae.module_.head(torch.zeros(1, 16, dtype=torch.float64))
    loc, scale = p.mean.detach().numpy(), p.scale.detach().numpy()
    return norm(loc, scale).logpdf(X).sum(1)


def test_diagnosis_of_known_values(exact):
    vae, X = exact
    attrs = diagnose(vae, X).attrs
    values = exact_values(vae, X)
    order = np.argsort(values)[:3]
    assert_allclose(attrs["log_likelihood"], values.mean())
    assert_allclose(attrs["median_log_likelihood"], np.median(values))
    assert_allclose(attrs["worst_rows"], values.mean() - np.sort(values)[3:].mean())
    assert attrs["worst_row_indices"] == order.tolist()
    assert_allclose(attrs["effective_sample_size"], 64)


def test_diagnosis_in_words(exact):
    vae, X = exact
    values = exact_values(vae, X)
    words = diagnose(vae, X, n_samples=9).words
    mean, median = f"{values.mean():.2f}", f"{np.median(values):.2f}"
    assert f"The mean of ln p(x) is {mean} nats per row, the median {median}." in words
    assert "The median effective sample size is 9.0 of 9 draws." in words
    assert "worst" not in words
    assert "single draw" not in words


def test_diagnosis_names_absurd_rows(exact):
    vae, X = exact
    X[253], X[17] = 1e3, 2e3
    table = diagnose(vae, X)
    assert table.attrs["worst_row_indices"][:2] == [17, 253]
    values = exact_values(vae, X)
    nats = np.sort(values)[3:].mean() - values.mean()
    assert f"The worst 1 % of the rows (3 rows) take {nats:.2f} nats" in table.words
    assert (
        f"look at rows 17 ({values[17]:.2f}), 253 ({values[253]:.2f}), " in table.words
    )
    few = diagnose(vae, X[250:300]).words
    assert f"nats from the mean: look at row 3 ({values[253]:.2f})." in few


def test_rows_of_a_subsample_are_named_by_their_position_in_X(exact):
    vae, X = exact
    X[253] = 1e3
    for seed in range(20):
        found = diagnose(vae, X, n_rows=100, random_state=seed).attrs
        if 253 in found["worst_row_indices"]:
            break
    assert found["worst_row_indices"] == [253]
    frame = pd.DataFrame(X, index=np.arange(1000, 1300))
    vae = clone(vae).fit(frame)
    names = diagnose(vae, frame, n_rows=100, random_state=seed).attrs
    assert names["worst_row_indices"] == [253]


def test_subsample_is_that_of_the_other_metrics(exact):
    vae, X = exact
    table = diagnose(vae, X, n_rows=50, random_state=3)
    found = mutual_information(vae, X, n_rows=50, random_state=3)
    assert table.attrs["mutual_information"][0] == found


def test_densities_of_the_benchmarks(exact):
    vae, X = exact
    assert density(vae, X, 9) == {
        "ln p(x)": round(float(exact_values(vae, X).mean()), 4),
        "its error": 0.0,
        "median ESS": 9.0,
    }


def test_few_effective_draws_are_mentioned(exact):
    vae, X = exact
    with torch.no_grad():
        vae.module_.loc_scale.linear.bias[:2] = 200.0  # far from the prior
    vae.module_.n_refinements = 0  # a refined proposal finds back
    with pytest.warns(SkvaeEstimateWarning):
        table = diagnose(vae, X)
    assert table.attrs["effective_sample_size"] < MIN_EFFECTIVE
    assert "For most rows a single draw decides the estimate" in table.words


def test_rows_outside_the_support():
    X = (random().random((60, 3)) < 0.5).astype(float)
    vae = small(VAETransformer, likelihood="bernoulli").fit(X)
    with pytest.raises(ValueError, match="-1"):
        diagnose(vae, X - 1)
    table = diagnose(vae, X - 1, n_samples=0)
    assert "log_likelihood" not in table.attrs
    assert "ln p(x)" not in table.words
    with pytest.raises(ValueError, match="'n_samples' parameter of diagnose"):
        diagnose(vae, X, n_samples=-1)


def test_diagnosis_uses_the_condition_and_the_pipeline():
    X, task = random().normal(size=(80, 3)), np.arange(80) % 2
    cvae = small(CVAETransformer).fit(X, condition=task)
    found = diagnose(cvae, X, condition=task).attrs
    assert_allclose(found["log_likelihood"], cvae.score(X, condition=task))
    some = diagnose(cvae, X, condition=task, n_rows=30).attrs
    assert len(some["worst_row_indices"]) == 1
    pipeline = make_pipeline(PCA(2), small(VAETransformer)).fit(X)
    found = diagnose(pipeline, X).attrs
    assert_allclose(found["log_likelihood"], pipeline.score(X))
