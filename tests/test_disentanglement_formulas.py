"""Tests of the formulas of disentanglement scores and of their row sampling."""

import numpy as np
import pytest
from representations import (
    REPRESENTATIONS,
    SAMPLED,
    TWO,
    VOTES,
    Correlated,
    grid,
    scored,
)
from scipy.stats import entropy
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression

from skvae.metrics import (
    _beta_factor_vae,
    dci_scores,
    factor_vae_score,
    modularity_score,
    mutual_information_gap,
    sap_score,
)
from skvae.metrics._factors import split_rows

LN2, LN3, LN4 = np.log([2, 3, 4])


class Tabled(Correlated):
    """Importances from a table, by the number of levels of the factor."""

    def __init__(self, table=None):
        self.table = table

    def fit(self, X, y):
        super().fit(X, y)
        self.feature_importances_ = np.array(self.table[len(self.classes_)], float)
        return self


# --- mutual information ---------------------------------------------------------------


def test_mig_of_a_latent_with_half_of_the_information():
    factor = grid(4)[:, 0]
    Z = np.column_stack([factor // 2, np.zeros(4)])
    assert mutual_information_gap(Z, factor) == pytest.approx(LN2 / LN4)


def test_modularity_of_one_latent_with_two_factors():
    factors = grid(3, 4)
    Z = factors @ [[1], [3]]  # 12 values in 20 bins: full information
    expected = 1 - LN3**2 / LN4**2
    assert modularity_score(Z, factors) == pytest.approx(expected)


def test_mig_and_modularity_from_histograms():
    rng = np.random.default_rng(5)
    factors = rng.integers([3, 5], size=(500, 2))
    Z = factors @ rng.normal(size=(2, 4)) + rng.normal(size=(500, 4))

    def information(z, v):
        joint = np.histogram2d(z, v, bins=[7, np.arange(v.max() + 2)])[0] / len(z)
        return entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint.ravel())

    table = np.array([[information(z, v) for v in factors.T] for z in Z.T])
    second, best = np.sort(table, axis=0)[-2:]
    gaps = (best - second) / [entropy(np.bincount(v)) for v in factors.T]
    assert mutual_information_gap(Z, factors, n_bins=7) == pytest.approx(gaps.mean())
    low, high = np.sort(table**2, axis=1).T
    expected = np.mean(1 - low / high)
    assert modularity_score(Z, factors, n_bins=7) == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1e-300, 1e-9, 1.0, 1e300])
def test_bins_of_any_scale(factor):
    assert mutual_information_gap(TWO * factor, TWO) == pytest.approx(1)


# --- prediction -----------------------------------------------------------------------


def test_dci_is_weighted_as_in_the_paper():
    table = {3: [1, 1, 0], 4: [0, 1, 0]}  # one column of R per factor
    factors = grid(3, 4, repeats=5)
    Z = np.ones((len(factors), 3))
    found = dci_scores(Z, factors, estimator=Tabled(table), random_state=0)
    assert found.importances.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert found.disentanglement == pytest.approx(1 / 3 * 1 + 2 / 3 * 0)
    assert found.completeness == pytest.approx(2 / 3 * (1 - LN2 / LN3) + 1 / 3)


def test_signs_of_importances_are_ignored():
    factors = grid(3, 4, repeats=5)
    signed = Tabled({3: [-1, 0], 4: [0, -2]})
    found = dci_scores(factors, factors, estimator=signed, random_state=0)
    assert found[:2] == pytest.approx((1, 1))


def test_default_estimator_finds_perfect_latents():
    factors = grid(2, 3, repeats=20)
    found = dci_scores(factors, factors, random_state=0)
    assert found[:3] == pytest.approx((1, 1, 1), abs=1e-6)
    assert found.importances == pytest.approx(np.eye(2), abs=1e-6)


def test_trees_share_importance_among_duplicates():
    factors = grid(3, 4, repeats=20)
    trees = ExtraTreesClassifier(100, min_samples_leaf=2)
    Z = np.hstack([factors, factors])
    found = dci_scores(Z, factors, estimator=trees, random_state=0)
    assert found.disentanglement == pytest.approx(1, abs=0.05)
    assert found.completeness == pytest.approx(0.5, abs=0.05)
    assert found.informativeness == 1


def test_dci_of_noise():
    factors = grid(2, 4, repeats=150)
    noise = np.random.default_rng(0).normal(size=(len(factors), 3))
    trees = ExtraTreesClassifier(50)
    found = dci_scores(noise, factors, estimator=trees, random_state=0)
    assert found.informativeness == pytest.approx((1 / 2 + 1 / 4) / 2, abs=0.08)
    assert found.disentanglement < 0.1
    assert found.completeness < 0.1


def test_estimators_need_importances():
    factors = grid(2, 3, repeats=10)
    for wrong in (HistGradientBoostingClassifier(max_iter=2), LinearRegression()):
        with pytest.raises(TypeError, match="feature_importances_"):
            dci_scores(factors, factors, estimator=wrong, random_state=0)


def test_given_estimators_are_cloned_and_seeded():
    factors = grid(2, 3, repeats=20)
    noise = np.random.default_rng(0).normal(size=(len(factors), 3))
    trees = ExtraTreesClassifier(3)
    first, second = (
        dci_scores(noise, factors, estimator=trees, random_state=4) for _ in range(2)
    )
    assert first.importances.tolist() == second.importances.tolist()
    assert trees.random_state is None
    assert not hasattr(trees, "estimators_")


def test_sap_weights_classes_equally():
    # One latent equals the factor; the other has P(1 | rare) = 0.6 and
    # P(1 | common) = 0.3. With equal weights it is the prediction, which is correct in
    # 0.8 * 0.7 + 0.2 * 0.6 of the rows.
    factor = np.repeat([0, 1], [4800, 1200])
    often = np.repeat([0, 1, 0, 1], [3360, 1440, 480, 720])
    found = sap_score(np.column_stack([factor, often]), factor, random_state=0)
    assert found == pytest.approx(1 - 0.68, abs=0.04)


def test_sap_penalises_the_intercept():
    # Margins of -1 and 1 at 100 and 101 need weight 2 and intercept -201. A penalty on
    # the intercept keeps it smaller, so that all rows are assigned one class.
    far = TWO + 100
    found = sap_score(far, TWO, random_state=0)
    assert found == pytest.approx(0, abs=SAMPLED["sap"])
    found = sap_score(far, TWO, C=1e4, random_state=0)
    assert found == pytest.approx(0.5, abs=SAMPLED["sap"])


@pytest.mark.parametrize(
    ("n", "asked", "sizes"),
    [
        (20_000, (10_000, 5_000), (10_000, 5_000)),
        (12_000, (10_000, 5_000), (8_000, 4_000)),
        (30, (10_000, 5_000), (20, 10)),
        (30, (5, 5_000), (5, 25)),
        (30, (10_000, 5), (25, 5)),
        (2, (10_000, 5_000), (1, 1)),
        (2, (10_000, 1), (1, 1)),
    ],
)
def test_training_and_test_rows_are_disjoint(n, asked, sizes):
    train, test = split_rows(n, *asked, np.random.RandomState(0))
    assert (len(train), len(test)) == sizes
    assert len(np.unique(np.concatenate([train, test]))) == sum(sizes)


# --- votes ----------------------------------------------------------------------------


def test_votes_draw_uniformly_from_rows_with_the_value():
    factors = np.array([[5, 0], [3, 1], [5, 1], [3, 0], [5, 0], [5, 1]])
    votes = _beta_factor_vae._Votes(factors, factors, 2, 1, 1, 0, "owner")
    fixed = np.repeat([0, 1], 10_000)
    rows = np.tile(np.arange(6), (len(fixed), 1))
    drawn = votes._sharing(fixed, rows)
    same = factors[drawn, fixed[:, None]] == factors[rows, fixed[:, None]]
    assert same.all()
    for j, sharing in ((0, [0, 2, 4, 5]), (1, [0, 3, 4])):  # rows like row 0
        counts = np.bincount(drawn[fixed == j, 0], minlength=6)[sharing]
        share = 1 / len(sharing)
        error = np.sqrt(share * (1 - share) / 10_000)
        assert counts / 10_000 == pytest.approx(share, abs=4 * error)


def test_variances_are_relative_to_the_overall_variance():
    Z = TWO * [1.0, 100.0]  # the second has the larger absolute variance
    Z = Z + np.random.default_rng(0).normal(size=Z.shape) * [0.1, 10.0]
    assert factor_vae_score(Z, TWO, **VOTES) == 1


def test_latents_below_the_threshold_do_not_vote():
    small = TWO * 0.01
    assert factor_vae_score(small, TWO, **VOTES) == 0
    assert factor_vae_score(small, TWO, min_std=0.001, **VOTES) == 1
    half = TWO * [1.0, 0.01]  # only one latent votes, for one factor
    assert factor_vae_score(half, TWO, **VOTES) == pytest.approx(0.5, abs=0.1)
    just = TWO * 0.1  # standard deviation 0.05003, variance 0.0025
    assert factor_vae_score(just, TWO, **VOTES) == 1


@pytest.mark.parametrize("name", ["beta-vae", "factor-vae"])
def test_chunks_of_votes_do_not_change_the_result(name, monkeypatch):
    Z = REPRESENTATIONS["noise"]
    whole = scored(name, Z, TWO)
    monkeypatch.setattr(_beta_factor_vae, "CHUNK_ELEMENTS", 1000)
    assert scored(name, Z, TWO) == whole
