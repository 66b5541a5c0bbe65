"""Estimators in pipelines and searches, on frames and tables of mixed type."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from instances import beside, small, width_parameter
from joblib import parallel_config
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_validate,
    validation_curve,
)
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler

from skvae import AETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.distributions import Codes, Gaussian, Mixed, Poisson
from skvae.metrics import transfer_report

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])


@pytest.fixture(scope="module")
def labelled():
    X, y = load_digits(return_X_y=True)
    return X[:300], y[:300]


def pipeline(vae):
    return Pipeline(
        [
            ("scale", MinMaxScaler(clip=True)),
            ("vae", vae),
            ("clf", LogisticRegression(max_iter=500)),
        ]
    )


@each_estimator
@pytest.mark.parametrize("backend", ["loky", "threading", "dask"])
def test_parallel_searches_are_bit_equal_to_the_serial_one(cls, backend, labelled):
    search = GridSearchCV(
        pipeline(small(cls, likelihood="bernoulli")),
        {f"vae__{width_parameter(cls)}": [2, 4], "vae__lr": [1e-3, 1e-2]},
        cv=2,
    )
    serial = search.fit(*labelled)
    scores = serial.cv_results_["mean_test_score"]
    latents = serial.best_estimator_[:-1].transform(labelled[0])
    client = dask_client() if backend == "dask" else None
    with parallel_config(backend=backend, n_jobs=2):
        search.fit(*labelled)
    if client is not None:
        client.shutdown()
    np.testing.assert_array_equal(scores, search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(
        latents, search.best_estimator_[:-1].transform(labelled[0])
    )


def dask_client(n_workers=1, threads_per_worker=2):
    from distributed import Client

    return Client(
        n_workers=n_workers,
        threads_per_worker=threads_per_worker,
        processes=False,
        dashboard_address=None,
    )


def test_a_report_on_two_workers_of_dask_equals_the_serial_one(labelled):
    X, y = labelled
    tasks = np.arange(len(X)) % 2
    settings = {"source": 0, "target": 1, "n_target": 20, "n_splits": 2}
    settings |= {"random_states": (0, 1)}
    models = {"vae": small(VAETransformer, likelihood="bernoulli")}
    serial = transfer_report(models, np.c_[X / 16, tasks], y, -1, **settings)
    client = dask_client(n_workers=2, threads_per_worker=1)
    with parallel_config("dask"):
        report = transfer_report(
            models, np.c_[X / 16, tasks], y, -1, n_jobs=2, **settings
        )
    client.shutdown()
    for name in serial.columns.drop(["seconds", "seconds_se"]):
        np.testing.assert_array_equal(serial[name], report[name])


def test_latents_classify_better_than_chance(labelled):
    X, y = labelled
    vae = small(
        VAETransformer,
        hidden_layer_sizes=(128,),
        likelihood="bernoulli",
        max_epochs=100,
        lr=3e-3,
    )
    accuracy = cross_validate(pipeline(vae), X, y, cv=3)["test_score"].mean()
    assert accuracy > 0.6  # chance is 0.1


def test_score_can_guide_a_search(labelled):
    search = GridSearchCV(
        small(VAETransformer), {"likelihood": ["gaussian", "gaussian-unit"]}, cv=2
    ).fit(labelled[0])
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] != scores[1]


def test_parts_of_a_likelihood_can_be_searched(labelled):
    search = GridSearchCV(
        small(VAETransformer, likelihood=Gaussian()),
        {"likelihood__scale": ["column", "shared", 1.0]},
        cv=2,
    ).fit(labelled[0])
    assert len(set(search.cv_results_["mean_test_score"])) == 3


def test_halving_search_uses_epochs_as_its_resource(labelled):
    search = HalvingGridSearchCV(
        small(VAETransformer),
        {"lr": [1e-4, 1e-3, 1e-2]},
        resource="max_epochs",
        max_resources=9,
        cv=2,
        random_state=0,
    ).fit(labelled[0])
    assert search.n_resources_ == [3, 9]  # thrice the epochs for a third
    assert search.best_estimator_.n_iter_ == 9


def test_the_validation_curve_rises_with_epochs(labelled):
    train, _ = validation_curve(
        small(VAETransformer, lr=1e-2),
        labelled[0],
        None,
        param_name="max_epochs",
        param_range=[1, 10],
        cv=2,
    )
    assert train[1].mean() > train[0].mean()


def test_an_autoencoder_works_in_a_feature_union(labelled):
    union = FeatureUnion([("pca", PCA(3)), ("ae", small(AETransformer))])
    assert union.fit_transform(labelled[0]).shape == (300, 11)
    assert list(union.get_feature_names_out()[[0, 3]]) == [
        "pca__pca0",
        "ae__aetransformer0",
    ]


@pytest.fixture(scope="module")
def table():
    """Numbers, counts and categories of 200 people."""
    random = np.random.default_rng(0)
    group = random.integers(3, size=200)
    return pd.DataFrame(
        {
            "height": 170 + 10.0 * random.normal(size=200) + 5 * group,
            "visits": random.poisson(2 + group).astype(float),
            "colour": np.array(["red", "green", "blue"])[group],
            "member": np.array(["yes", "no"])[random.integers(2, size=200)],
        }
    )


def coded(table):
    columns = ["colour", "member"]
    out = table.copy()
    out[columns] = OrdinalEncoder().fit_transform(table[columns])
    return out.astype(float)


MIXED = {
    "names": [
        ("gaussian", ["height"]),
        (Poisson(), ["visits"]),
        (Codes(), slice("colour", "member")),
    ],
    "positions": [("codes", [2, -1]), ("poisson", 1), ("gaussian", [0])],
    "masks and selectors": [
        ("gaussian", [True, False, False, False]),
        ("poisson", "visits"),
        ("codes", make_column_selector(pattern="colour|member")),
    ],
}


@pytest.mark.parametrize("likelihood", MIXED.values(), ids=MIXED)
def test_every_column_of_a_mixed_table_has_its_own_likelihood(likelihood, table):
    X = coded(table)
    vae = small(VAETransformer, likelihood=likelihood, max_epochs=30).fit(X)
    sample = vae.sample(50, random_state=0)
    assert set(sample[:, 2]) <= {0.0, 1.0, 2.0}
    assert (sample[:, 1] == np.floor(sample[:, 1])).all()
    drawn = pd.DataFrame(sample, columns=X.columns)
    assert np.isfinite(vae.score_samples(drawn)).all()
    assert vae.history_[-1]["train_loss"] < vae.history_[0]["train_loss"]


def test_a_mixed_likelihood_may_be_built_by_hand(table):
    parts = MIXED["names"]
    scores = [
        small(VAETransformer, likelihood=way).fit(coded(table)).score(coded(table))
        for way in (parts, Mixed(parts))
    ]
    assert scores[0] == scores[1]


def test_all_ways_to_select_columns_give_the_same_model(table):
    X = coded(table)
    by_name = [
        ("gaussian", "height"),
        ("poisson", "visits"),
        ("codes", ["colour", "member"]),
    ]
    by_position = [("gaussian", [0]), ("poisson", [1]), ("codes", slice(2, None))]
    scores = [
        small(VAETransformer, likelihood=parts).fit(X).score(X)
        for parts in (by_name, by_position)
    ]
    assert scores[0] == scores[1]


def test_a_frame_goes_through_a_column_transformer(table):
    prepare = ColumnTransformer(
        [
            ("number", StandardScaler(), ["height", "visits"]),
            ("code", OrdinalEncoder(), ["colour", "member"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    likelihood = [("gaussian", ["height", "visits"]), ("codes", ["colour", "member"])]
    pipe = Pipeline(
        [("prepare", prepare), ("vae", small(VAETransformer, likelihood=likelihood))]
    ).set_output(transform="pandas")
    Z = pipe.fit_transform(table)
    assert list(Z.columns[:2]) == ["vaetransformer0", "vaetransformer1"]
    assert (Z.index == table.index).all()


@each_estimator
def test_polars_frames_give_polars_frames(cls, labelled):
    frame = pl.DataFrame(labelled[0], schema=[f"p{i}" for i in range(64)])
    estimator = small(cls).set_output(transform="polars")
    Z = estimator.fit_transform(frame, **beside(estimator, frame))
    assert isinstance(Z, pl.DataFrame)
    assert list(estimator.feature_names_in_[:2]) == ["p0", "p1"]


def test_a_single_column_can_be_fitted(table):
    X = load_wine().data[:, :1]
    assert np.isfinite(small(VAETransformer, n_components=3).fit(X).score(X))
