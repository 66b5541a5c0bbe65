"""Tests of scorers made from metrics of latents."""

import pickle

import numpy as np
import pytest
from representations import FACTORS, VOTES
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skvae import VAETransformer
from skvae.metrics import (
    dci_scores,
    factor_vae_score,
    mutual_information_gap,
    representation_scorer,
)

DATA = FACTORS @ np.random.default_rng(0).normal(size=(2, 6))
FOLDS = KFold(2, shuffle=True, random_state=0)
MIG = representation_scorer(mutual_information_gap)


def test_scorer_equals_the_score_of_the_latents():
    pca = PCA(2).fit(DATA)
    expected = mutual_information_gap(pca.transform(DATA), FACTORS)
    assert MIG(pca, DATA, FACTORS) == expected
    few_bins = representation_scorer(mutual_information_gap, n_bins=3)
    expected = mutual_information_gap(pca.transform(DATA), FACTORS, n_bins=3)
    assert few_bins(pca, DATA, FACTORS) == expected != MIG(pca, DATA, FACTORS)


def test_several_scorers_in_cross_validate():
    part = {"estimator": DecisionTreeClassifier(), "random_state": 0}
    scoring = {
        "mig": MIG,
        "informed": representation_scorer(dci_scores, part="informativeness", **part),
        "factor-vae": representation_scorer(factor_vae_score, **VOTES),
    }
    found = cross_validate(
        PCA(2), DATA, FACTORS, cv=FOLDS, scoring=scoring, error_score="raise"
    )
    train, test = next(FOLDS.split(DATA))
    Z = PCA(2).fit(DATA[train]).transform(DATA[test])
    assert found["test_mig"][0] == pytest.approx(
        mutual_information_gap(Z, FACTORS[test])
    )
    informed = dci_scores(Z, FACTORS[test], **part).informativeness
    assert found["test_informed"][0] == pytest.approx(informed)
    assert ((found["test_factor-vae"] > 0) & (found["test_factor-vae"] <= 1)).all()


def test_search_by_a_scorer_of_latents():
    model = make_pipeline(StandardScaler(), PCA())
    search = GridSearchCV(
        model,
        {"pca__n_components": [2, 3]},
        scoring=MIG,
        cv=FOLDS,
        error_score="raise",
    ).fit(DATA, FACTORS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    assert MIG(search, DATA, FACTORS) == MIG(best, DATA, FACTORS)


def test_steps_before_a_classifier_compute_the_latents():
    features = make_pipeline(StandardScaler(), PCA(2))
    model = make_pipeline(*[step for _, step in features.steps], LogisticRegression())
    model.fit(DATA, FACTORS[:, 0])
    assert MIG(model, DATA, FACTORS) == MIG(features.fit(DATA), DATA, FACTORS)
    search = GridSearchCV(model, {"logisticregression__C": [1]}, cv=2)
    search.fit(DATA, FACTORS[:, 0])
    assert MIG(search, DATA, FACTORS) == MIG(model, DATA, FACTORS)


def test_scorer_of_a_vae_in_a_pipeline():
    vae = VAETransformer(2, hidden_layer_sizes=(), max_epochs=1, random_state=0)
    model = make_pipeline(StandardScaler(), vae)
    found = cross_validate(
        model, DATA, FACTORS, cv=FOLDS, scoring=MIG, error_score="raise"
    )
    assert found["test_score"].shape == (2,)


def test_repr_and_pickle_of_a_scorer():
    scorer = representation_scorer(dci_scores, part="completeness", n_train=9)
    words = "representation_scorer(dci_scores, part='completeness', n_train=9)"
    assert repr(scorer) == words
    again = pickle.loads(pickle.dumps(MIG))
    assert repr(again) == repr(MIG) == "representation_scorer(mutual_information_gap)"
    pca = PCA(2).fit(DATA)
    assert again(pca, DATA, FACTORS) == MIG(pca, DATA, FACTORS)


def test_invalid_arguments():
    pca = PCA(2).fit(DATA)
    with pytest.raises(ValueError, match="needs y"):
        MIG(pca, DATA)
    classifier = LogisticRegression().fit(DATA, FACTORS[:, 0])
    for wrong in (classifier, make_pipeline(classifier)):
        with pytest.raises(TypeError, match=r"can transform.*LogisticRegression"):
            MIG(wrong, DATA, FACTORS)
    with pytest.raises(TypeError, match="bins"):
        representation_scorer(mutual_information_gap, bins=3)
    with pytest.raises(TypeError, match="'metric' parameter"):
        representation_scorer("mig")


@pytest.mark.parametrize("part", [None, "importances", "gap"])
def test_part_is_required_for_several_fields(part):
    with pytest.raises(ValueError, match=r"'part' parameter.*'completeness'"):
        representation_scorer(dci_scores, part=part)

    def own(Z, y, **settings):
        return dci_scores(Z, y, estimator=DecisionTreeClassifier(), random_state=0)

    scorer = representation_scorer(own, part=part)
    with pytest.raises(ValueError, match=r"'part' parameter.*'completeness'"):
        scorer(PCA(2).fit(DATA), DATA, FACTORS)


def test_part_of_a_metric_with_one_value():
    scorer = representation_scorer(mutual_information_gap, part="completeness")
    with pytest.raises(ValueError, match="'part' parameter"):
        scorer(PCA(2).fit(DATA), DATA, FACTORS)
