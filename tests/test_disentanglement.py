"""Tests of disentanglement scores against values derived by hand."""

import numpy as np
import pandas as pd
import pytest
from representations import (
    FACTORS,
    MIXED,
    REPRESENTATIONS,
    SAMPLED,
    SCORES,
    TWO,
    VOTES,
    dci,
    grid,
    scored,
)
from sklearn.tree import DecisionTreeClassifier

from skvae.metrics import (
    beta_vae_score,
    dci_scores,
    factor_vae_score,
    modularity_score,
    mutual_information_gap,
    sap_score,
)

each_score = pytest.mark.parametrize("name", SCORES)


# --- representations whose scores are known -------------------------------------------

# Derived by hand, in the order of SCORES. In "dead", half of the latents are constant,
# and each counts as 0 in modularity. Duplicates share their importance, so completeness
# is 1 - ln 2 / ln 4. SAP of perfect latents is 1 minus the accuracy of guessing one of
# two. In "rotated", sum and difference are equally informative about both factors, and
# |z - z'| of both depends on the free factor alone, so votes are at chance.
EXPECTED = {
    which: dict(zip(SCORES, scores, strict=True))
    for which, scores in {
        "perfect": (1, 1, 1, 1, 0.5, 1, 1),
        "float32": (1, 1, 1, 1, 0.5, 1, 1),
        "dead": (1, 0.5, 1, 1, 0.5, 1, 1),
        "duplicated": (0, 1, 1, 0.5, 0, 1, 1),
        "rotated": (0, 0, 0, 0, 0, 0.5, 0.5),
    }.items()
}
EXPECTED["noise"] = {"mig": 0, "sap": 0, "beta-vae": 0.5, "factor-vae": 0.5}
KNOWN = [(which, name) for which, scores in EXPECTED.items() for name in scores]


@pytest.mark.parametrize(("which", "name"), KNOWN)
def test_known_representations(which, name):
    found = scored(name, REPRESENTATIONS[which], TWO)
    expected = EXPECTED[which][name]
    all_rows = name in ("mig", "modularity") and which != "noise"
    tolerance = 1e-9 if all_rows or expected == 1 else SAMPLED[name]
    assert found == pytest.approx(expected, abs=tolerance)


def test_sap_of_duplicated_latents_is_zero():
    assert sap_score(np.hstack([TWO, TWO]), TWO, random_state=0) == 0.0


@pytest.mark.parametrize("name", ["beta-vae", "factor-vae"])
def test_votes_of_noise_are_at_chance(name):
    factors = grid(3, 4, 5, repeats=20)
    noise = np.random.default_rng(3).normal(size=(len(factors), 4))
    assert scored(name, noise, factors) == pytest.approx(1 / 3, abs=0.1)
    assert scored(name, factors, factors) == 1


def test_only_dead_latents():
    dead = np.zeros((len(TWO), 3))
    assert mutual_information_gap(dead, TWO) == 0
    assert modularity_score(dead, TWO) == 0
    assert factor_vae_score(dead, TWO, **VOTES) == 0
    assert factor_vae_score(dead, TWO, min_std=0.0, **VOTES) == 0
    assert sap_score(dead, TWO, random_state=0) == 0
    assert beta_vae_score(dead, TWO, **VOTES) == pytest.approx(0.5, abs=0.1)
    trees = DecisionTreeClassifier()
    assert dci_scores(dead, TWO, estimator=trees, random_state=0)[:2] == (0, 0)


# --- invariances ----------------------------------------------------------------------


@each_score
def test_order_of_latents_does_not_matter(name):
    found = scored(name, MIXED[:, [2, 0, 1]], FACTORS)
    assert found == pytest.approx(scored(name, MIXED, FACTORS))


@each_score
def test_codes_of_levels_do_not_matter(name):
    score, settings = SCORES[name]
    if name in ("disentanglement", "completeness"):  # correlations depend on codes
        score = dci(part=name, estimator=DecisionTreeClassifier(random_state=0))
    levels = np.array([40, -7, 11, 0]), np.array([2, 9, -3, 5])
    recoded = [new[codes] for new, codes in zip(levels, FACTORS.T, strict=True)]
    expected = score(MIXED, FACTORS, **settings)
    assert score(MIXED, np.transpose(recoded), **settings) == pytest.approx(expected)


@pytest.mark.parametrize(
    "name", ["mig", "modularity", "disentanglement", "completeness", "factor-vae"]
)
def test_scale_of_latents_does_not_matter(name):
    scaled = MIXED * [-1e4, 0.5, 1e-2] + [0, 100, 1]
    given = {"min_std": 0.0} if name == "factor-vae" else {}
    found = scored(name, scaled, FACTORS, **given)
    assert found == pytest.approx(scored(name, MIXED, FACTORS, **given))


@each_score
def test_containers_do_not_matter(name):
    expected = scored(name, MIXED, FACTORS)
    frames = pd.DataFrame(MIXED), pd.DataFrame(FACTORS)
    assert scored(name, *frames) == expected
    assert scored(name, MIXED.tolist(), FACTORS.astype(float)) == expected


@each_score
def test_seeds_are_reproducible_and_local(name):
    before = np.random.get_state()[1].tolist()
    few = {"n_train": 40, "random_state": 3}
    noisy = MIXED + 2 * np.random.default_rng(7).normal(size=MIXED.shape)
    first, second = (scored(name, noisy, FACTORS, **few) for _ in range(2))
    assert first == second
    assert scored(name, noisy, FACTORS, **few | {"random_state": 4}) != first
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("name", ["mig", "modularity"])
def test_all_rows_are_used_if_there_are_few(name):
    found = {scored(name, MIXED, FACTORS, random_state=seed) for seed in range(3)}
    assert len(found) == 1


# --- errors ---------------------------------------------------------------------------

NAN = np.where(np.arange(8).reshape(4, 2) == 3, np.nan, 1.0)
FOUR = grid(2, 2)
WRONG = {
    "lengths": ((FOUR, FOUR[:3]), "Got 3 rows of factors and 4 of Z"),
    "one row": ((FOUR[:1], FOUR[:1]), "minimum of 2"),
    "NaN": ((NAN, FOUR), "Z contains NaN"),
    "infinite": ((np.full((4, 2), np.inf), FOUR), "Z contains infinity"),
    "Z in one dimension": ((FOUR[:, 0], FOUR), "Expected 2D array"),
    "factors in three": ((FOUR, FOUR[None]), "shape \\(1, 4, 2\\)"),
    "fractions": ((FOUR, FOUR + 0.5), "integer codes.*float64"),
    "NaN factors": ((FOUR, NAN), "integer codes"),
    "infinite factors": ((FOUR, np.full((4, 2), np.inf)), "integer codes"),
    "strings": ((FOUR, FOUR.astype(str)), "integer codes.*OrdinalEncoder"),
    "one value": ((FOUR, FOUR * [1, 0]), "in 4 rows of column 1 of factors|in 3 rows"),
    "no factors": ((FOUR, FOUR[:, :0]), "factors with at least"),
}


@pytest.mark.parametrize("wrong", WRONG)
@each_score
def test_invalid_data(name, wrong):
    arguments, words = WRONG[wrong]
    with pytest.raises(ValueError, match=words):
        scored(name, *arguments)


@pytest.mark.parametrize(
    ("score", "given"),
    [
        (mutual_information_gap, {"n_train": 0}),
        (mutual_information_gap, {"n_bins": 0}),
        (modularity_score, {"n_bins": 2.5}),
        (dci_scores, {"n_test": 0}),
        (sap_score, {"C": 0}),
        (sap_score, {"n_train": -1}),
        (beta_vae_score, {"batch_size": 0}),
        (beta_vae_score, {"n_test": True}),
        (factor_vae_score, {"batch_size": 1}),
        (factor_vae_score, {"n_variance": 1}),
        (factor_vae_score, {"min_std": -0.1}),
    ],
)
def test_invalid_arguments(score, given):
    (argument,) = given
    with pytest.raises(ValueError, match=f"'{argument}' parameter of {score.__name__}"):
        score(FOUR, FOUR, **given)


def test_scores_that_need_two_latents():
    for score in (mutual_information_gap, sap_score, dci_scores):
        with pytest.raises(ValueError, match="Z with at least 2 columns"):
            score(TWO[:, :1], TWO)


def test_scores_that_need_two_factors():
    for score in (modularity_score, dci_scores, beta_vae_score, factor_vae_score):
        with pytest.raises(ValueError, match="factors with at least 2 columns"):
            score(TWO, TWO[:, 0])


def test_one_factor_may_be_a_vector():
    assert mutual_information_gap(TWO, TWO[:, 0]) == pytest.approx(1)
    found = sap_score(TWO, TWO[:, 0], random_state=0)
    assert found == pytest.approx(0.5, abs=SAMPLED["sap"])


def test_a_factor_with_one_value_in_the_drawn_rows():
    rare = np.column_stack([TWO[:, 0], np.arange(len(TWO)) == 0]).astype(int)
    with pytest.raises(ValueError, match="in 20 rows of column 1 of factors"):
        mutual_information_gap(TWO, rare, n_train=20, random_state=0)
