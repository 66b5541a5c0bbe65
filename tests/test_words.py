"""Tables with words: strings, categories and booleans, as people have them."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from instances import having
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skvae import CVAETransformer, VAETransformer, load
from skvae.distributions import Auto, Codes

N = 120
RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": RANDOM.integers(17, 90, N),
        "job": RANDOM.choice(["clerk", "nurse", "smith"], N),
        "degree": pd.Categorical(
            RANDOM.choice(["low", "high"], N), ["low", "mid", "high"], ordered=True
        ),
        "member": RANDOM.choice([True, False], N),
        "income": RANDOM.lognormal(size=N).astype(np.float32),
        "visits": RANDOM.poisson(3, N) * RANDOM.choice([0, 1], N),
        "grade": pd.Series(pd.Categorical(RANDOM.choice([1, 2, 4], N))),
        "score": pd.array(RANDOM.integers(-9, 99, N), dtype="Int16"),
    }
)
POLARS = pl.DataFrame(
    {
        "age": pl.Series(FRAME["age"].tolist(), dtype=pl.UInt8),
        "job": FRAME["job"].tolist(),
        "degree": pl.Series(FRAME["degree"].tolist(), dtype=pl.Enum(["low", "high"])),
        "member": FRAME["member"].tolist(),
        "income": pl.Series(FRAME["income"].tolist(), dtype=pl.Float32),
    }
)
ARROW = POLARS.to_arrow()
OBJECTS = FRAME.drop(columns=["degree", "grade", "score"]).to_numpy(dtype=object)
TABLES = {"pandas": FRAME, "polars": POLARS, "pyarrow": ARROW, "objects": OBJECTS}
SMALL = {
    "likelihood": "auto",
    "max_epochs": 2,
    "hidden_layer_sizes": (8,),
    "random_state": 0,
}
each_table = pytest.mark.parametrize("name", TABLES)


def small(cls=VAETransformer, **params):
    return cls(2, **(SMALL | params))


def check_like(result, X, n_rows=None):
    """Check that a result is a table as X: names, dtypes, and known words."""
    assert type(result) is type(X)
    assert len(result) == (len(X) if n_rows is None else n_rows)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_series_equal(result.dtypes, X.dtypes)
    elif isinstance(X, np.ndarray):
        assert result.dtype == object
        kinds = [{*map(type, column)} for column in X.T]
        assert [{*map(type, column)} for column in result.T] == kinds
    else:
        assert result.schema == X.schema
    job = np.asarray(X[:, 1] if isinstance(X, np.ndarray) else X["job"])
    drawn = np.asarray(
        result[:, 1] if isinstance(result, np.ndarray) else result["job"]
    )
    assert set(drawn) <= set(job)


@each_table
def test_a_table_comes_back_as_it_was(name):
    X = TABLES[name]
    vae = small().fit(X)
    Z = vae.transform(X)
    assert Z.shape == (N, 2)
    assert np.isfinite(vae.score_samples(X)).all()
    drawn = vae.sample(50, random_state=0)
    for result, n_rows in (
        (drawn, 50),
        (vae.sample(5, mean=True), 5),
        (vae.inverse_transform(Z), N),
        (vae.reconstruct(X), N),
    ):
        check_like(result, X, n_rows)
    assert np.isfinite(vae.score_samples(drawn)).all()


@each_table
def test_a_model_of_words_can_be_saved_copied_and_resumed(name, tmp_path):
    X = TABLES[name]
    vae = small().fit(X)
    drawn = as_list(vae.sample(20, random_state=0))
    vae.save(tmp_path / "vae")
    loaded = load(tmp_path / "vae")
    for copy in (loaded, pickle.loads(pickle.dumps(vae))):
        result = copy.sample(20, random_state=0)
        check_like(result, X, 20)
        assert as_list(result) == drawn
        assert repr(copy.likelihood_) == repr(vae.likelihood_)
        np.testing.assert_array_equal(copy.score_samples(X), vae.score_samples(X))
        copy.partial_fit(X)
    assert as_list(clone(vae).fit(X).sample(20, random_state=0)) == drawn


def as_list(table):
    if isinstance(table, np.ndarray):
        return table.tolist()
    if isinstance(table, pd.DataFrame):
        return [table[name].tolist() for name in table]
    return table.to_pydict() if isinstance(table, pa.Table) else table.rows()


def models():
    """Every estimator whose X is a table."""
    extra = {"n_burn_in": 5, "n_draws": 5, "n_leapfrog": 2, "n_updates": 1}
    for cls in having("likelihood"):
        known = cls().get_params()
        params = {k: v for k, v in (SMALL | extra).items() if k in known}
        yield pytest.param(cls(**params), id=cls.__name__)


@pytest.mark.parametrize("estimator", list(models()))
def test_every_estimator_takes_words(estimator):
    X = FRAME
    Z = clone(estimator).fit(X).transform(X)
    fitted = clone(estimator).fit(X)
    check_like(fitted.reconstruct(X), X)
    check_like(fitted.inverse_transform(Z), X)
    if hasattr(fitted, "sample"):
        check_like(fitted.sample(7, random_state=0), X, 7)


def test_words_are_codes_in_the_order_of_their_levels():
    X = FRAME[["job"]]
    codes = X["job"].map({"clerk": 0.0, "nurse": 1.0, "smith": 2.0}).to_numpy()
    words, numbers = small().fit(X), small(likelihood="codes").fit(codes[:, None])
    np.testing.assert_array_equal(words.transform(X), numbers.transform(codes[:, None]))
    np.testing.assert_array_equal(
        words.score_samples(X), numbers.score_samples(codes[:, None])
    )


def test_conditions_and_data_may_both_be_words():
    cvae = CVAETransformer(2, condition_columns=["job", "visits"], **SMALL)
    cvae.fit(FRAME)
    drawn = cvae.sample(30, random_state=0)
    check_like(drawn, FRAME, 30)
    assert np.isfinite(cvae.score_samples(drawn)).all()
    check_like(cvae.reconstruct(FRAME), FRAME)
    assert (cvae.reconstruct(FRAME)["job"] == FRAME["job"]).all()


def test_rows_keep_their_labels():
    X = FRAME.set_index(FRAME.index + 1000)
    vae = small().fit(X)
    assert vae.reconstruct(X).index.equals(X.index)


# -- the library of the output ----------------------------------------------------

NUMBERS = FRAME[["age", "income", "visits"]]


def test_a_table_of_numbers_comes_back_as_an_array_by_default():
    vae = small(likelihood="gaussian-shared").fit(NUMBERS)
    assert type(vae.sample(3)) is np.ndarray


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_if_the_output_is_set(library):
    kind = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[library]
    vae = small(likelihood="gaussian-shared").fit(NUMBERS)
    expected = vae.sample(9, random_state=0)
    with config_context(transform_output=library):
        by_config = vae.sample(9, random_state=0)
    vae.set_output(transform=library)
    for drawn in (by_config, vae.sample(9, random_state=0)):
        assert type(drawn) is kind
        assert list(drawn.columns) == list(NUMBERS.columns)
        np.testing.assert_allclose(drawn["income"], expected[:, 1], rtol=1e-6)
        np.testing.assert_array_equal(drawn["age"], np.rint(expected[:, 0]))
    assert type(vae.reconstruct(NUMBERS)) is kind
    assert type(vae.inverse_transform(vae.transform(NUMBERS))) is kind


def test_arrays_stay_arrays_if_the_output_is_set():
    vae = small(likelihood="gaussian-shared").set_output(transform="pandas")
    assert type(vae.fit(NUMBERS.to_numpy()).sample(3)) is np.ndarray


def test_words_of_one_library_as_frames_of_another():
    vae = small().fit(POLARS).set_output(transform="pandas")
    drawn = vae.sample(5, random_state=0)
    assert type(drawn) is pd.DataFrame
    assert list(drawn.columns) == POLARS.columns
    assert set(drawn["job"]) <= set(FRAME["job"])


def test_in_a_pipeline():
    pipe = make_pipeline(FunctionTransformer(), small()).fit(FRAME)
    assert np.isfinite(pipe.score(FRAME))


# -- errors -----------------------------------------------------------------------


def test_an_unseen_word_raises():
    vae = small().fit(FRAME)
    message = (
        "Column job is 'pilot' in row 2, which was not seen in fit; the levels are "
        "'clerk', 'nurse', 'smith'. With handle_unknown='ignore' of its likelihood, it "
        "counts as missing."
    )
    X = FRAME.assign(job=["clerk", "smith", *["pilot"] * (N - 2)])
    with pytest.raises(ValueError, match=re.escape(message)):
        vae.transform(X)


@pytest.mark.parametrize("likelihood", ["gaussian-shared", "bernoulli", "poisson"])
def test_words_need_a_likelihood_of_codes(likelihood):
    with pytest.raises(ValueError, match=r"Column job holds words .levels: 3.*'auto'"):
        small(likelihood=likelihood).fit(FRAME[["job"]])


def test_an_override_cannot_model_words():
    with pytest.raises(ValueError, match=r"Column job holds words \(levels: 3\)"):
        small(likelihood=Auto({"job": "gaussian"})).fit(FRAME)


def test_numbers_that_become_words_raise():
    vae = small().fit(FRAME)
    X = FRAME.astype({"age": object})
    X.loc[3, "age"] = "old"
    with pytest.raises(ValueError, match="Column age holds 'old', but it held numbers"):
        vae.transform(X)


def test_dates_raise():
    X = FRAME.assign(day=pd.Timestamp("2020-01-01"))
    with pytest.raises(ValueError, match="Column day of X holds datetimes"):
        small().fit(X)


def test_other_objects_raise():
    X = OBJECTS.copy()
    X[3, 1] = {"a": 1}
    with pytest.raises(TypeError, match=r"a string or a real number.* 'dict'"):
        small().fit(X)


def test_a_frame_with_other_columns_raises():
    vae = small().fit(FRAME)
    with pytest.raises(ValueError, match="feature names should match"):
        vae.transform(FRAME[FRAME.columns[::-1]])


def test_a_column_of_strings_and_numbers_raises():
    X = FRAME.astype({"job": object})
    X.loc[5, "job"] = 7
    with pytest.raises(ValueError, match="Column job mixes integers and strings"):
        small().fit(X)


# -- unseen and rare words --------------------------------------------------------


@pytest.mark.parametrize("likelihood", [Auto(handle_unknown="ignore"), "list"])
def test_unseen_words_and_codes_count_as_missing(likelihood):
    X = FRAME[["job", "income", "grade"]].astype({"grade": int})
    if likelihood == "list":
        codes = Codes(handle_unknown="ignore")
        likelihood = [(codes, ["job", "grade"]), ("gaussian", ["income"])]
    vae = small(likelihood=likelihood).fit(X)
    unseen = X.assign(job=["pilot", *X["job"][1:]], grade=[3, 9, *X["grade"][2:]])
    missing = unseen.astype({"grade": float})
    missing.loc[0, "job"] = None
    missing.loc[[0, 1], "grade"] = np.nan
    np.testing.assert_array_equal(vae.transform(unseen), vae.transform(missing))
    np.testing.assert_array_equal(vae.score_samples(unseen), vae.score_samples(missing))
    assert (vae.transform(unseen)[2:] == vae.transform(X)[2:]).all()


def test_an_unseen_word_of_two_may_count_as_missing():
    X = FRAME[["degree", "income"]]
    vae = small(likelihood=Auto(handle_unknown="ignore")).fit(X)
    X = X.assign(degree=["new", *X["degree"][1:]])
    assert np.isfinite(vae.score_samples(X)).all()


RARE = np.array(["a"] * 50 + ["b"] * 30 + ["c"] * 12 + ["d"] * 6 + ["e"] * 2, object)


def test_rare_levels_share_a_parameter():
    codes = Codes(max_categories=3).fit(
        np.repeat([0.0, 1, 2, 3, 4], [50, 30, 12, 6, 2])[:, None]
    )
    head = codes.head(4)
    assert head.linear.out_features == codes.n_features == head.n_features == 3
    p = head(torch.zeros(1, 4))
    levels = torch.arange(5.0)[:, None]
    # Untrained, each level has its frequency; trained, their ratios in the pool stay.
    shares = [0.5, 0.3, 0.12, 0.06, 0.02]
    np.testing.assert_allclose(p.log_prob(levels).exp().detach(), shares, rtol=1e-5)
    found = head(torch.ones(1, 4)).log_prob(levels).exp().detach()
    assert found.sum() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(found[2:] / found[2:].sum(), [0.6, 0.3, 0.1], rtol=1e-5)
    np.testing.assert_array_equal(head.features(levels), np.eye(3)[[0, 1, 2, 2, 2]])


def test_rare_words_come_back(tmp_path):
    X = np.column_stack([RARE, RANDOM.normal(size=100).astype(object)])
    vae = small(likelihood=Auto(max_categories=3)).fit(X)
    drawn = vae.sample(3000, random_state=0)
    assert {*drawn[:, 0]} == {*"abcde"}
    vae.save(tmp_path / "vae")
    assert (load(tmp_path / "vae").sample(3000, random_state=0) == drawn).all()


def test_many_levels_need_a_pool():
    X = np.array([[f"name {i}"] for i in range(1500)], dtype=object)
    with pytest.raises(ValueError, match=r"1500 different values, too many .* leave"):
        small().fit(X)
    assert small(likelihood=Auto(max_categories=50)).fit(X).transform(X).shape == (
        1500,
        2,
    )
