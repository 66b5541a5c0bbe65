"""Which likelihood `Auto` chooses for a column."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skvae import VAETransformer
from skvae.conditional import CVAETransformer
from skvae.distributions import (
    Auto,
    Bernoulli,
    Categorical,
    Codes,
    Gaussian,
    NegativeBinomial,
    Poisson,
    as_likelihood,
)

N = 200
RANDOM = np.random.default_rng(0)
COLUMNS = {
    "fractions": (RANDOM.normal(size=N), Gaussian),
    "two values": (RANDOM.choice([0, 1], N), Bernoulli),
    "two other values": (RANDOM.choice([1, 2], N), Codes),
    "codes": (RANDOM.choice([-3, 5, 9, 10], N), Codes),
    "counts": (RANDOM.poisson(9, N) * RANDOM.choice([0, 1], N), NegativeBinomial),
    "counts with a rare one": (
        np.r_[RANDOM.choice([0, 1], N - 1), 2],
        NegativeBinomial,
    ),
    "whole numbers": (RANDOM.integers(1, 99, N), Gaussian),
    "negative ones": (RANDOM.integers(-50, 50, N), Gaussian),
    "row numbers": (np.arange(N), Gaussian),
    "a constant": (np.full(N, 7), Gaussian),
    "large codes": (RANDOM.choice([0, 2**24 + 1], N), NegativeBinomial),
}


def families(likelihood):
    """Return the class chosen for each column."""
    found = {}
    for part, columns in zip(likelihood.chosen_, likelihood.columns_, strict=True):
        found |= dict.fromkeys(columns.tolist(), type(part))
    return [found[j] for j in sorted(found)]


def chosen(X, kinds=None, **params):
    likelihood = as_likelihood(Auto(**params))
    return likelihood.fit(np.asarray(X, dtype=float), kinds=kinds)


@pytest.mark.parametrize("name", COLUMNS)
def test_numbers(name):
    values, expected = COLUMNS[name]
    assert families(chosen(values[:, None])) == [expected]


def test_all_columns_at_once():
    X = np.stack([values for values, _ in COLUMNS.values()], axis=1)
    assert families(chosen(X)) == [expected for _, expected in COLUMNS.values()]


def test_few_rows_do_not_show_what_a_number_is():
    assert families(chosen(np.eye(19))) == [Gaussian] * 19


def test_kinds_do_not_depend_on_the_number_of_rows():
    X = np.array([[0.0, 0, 0, 4], [1, 1, 1, 4], [1, 2, 0, 9]])
    found = chosen(X, ["words", "words", "bool", "category"])
    assert families(found) == [Bernoulli, Codes, Bernoulli, Codes]


def test_one_hot_columns_are_one_variable():
    one_hot = np.eye(4)[RANDOM.choice(4, N)]
    X = np.hstack([RANDOM.choice([0, 1], (N, 1)), one_hot, RANDOM.normal(size=(N, 1))])
    found = chosen(X)
    assert families(found) == [Bernoulli, *[Categorical] * 4, Gaussian]
    assert [c.tolist() for c in found.columns_] == [[0], [5], [1, 2, 3, 4]]


def test_words_and_overrides_are_not_part_of_one_hot_columns():
    X = np.eye(4)[RANDOM.choice(4, N)]
    assert families(chosen(X, ["number"] * 3 + ["words"]))[-1] is Bernoulli
    found = chosen(X, overrides={1: Poisson()})
    assert Categorical not in families(found)
    assert families(found)[1] is Poisson


def test_columns_of_a_family_share_a_part():
    X = np.hstack([RANDOM.normal(size=(N, 30)), RANDOM.choice([0, 1], (N, 30))])
    assert len(chosen(X[:, RANDOM.permutation(60)]).parts_) == 2


FRAME = pd.DataFrame({name: values for name, (values, _) in COLUMNS.items()})


def small(likelihood):
    return VAETransformer(2, likelihood=likelihood, max_epochs=1, random_state=0)


def test_any_column_can_be_overruled_by_name_or_position():
    auto = Auto({"counts": "poisson", 3: Gaussian(scale="row")}, numbers="gaussian")
    vae = small(auto).fit(FRAME)
    found = dict(zip(FRAME.columns, str(vae.likelihood_).splitlines(), strict=True))
    assert found["counts"] == "counts: Poisson()"
    assert found["codes"] == "codes: Gaussian(scale='row')"
    assert found["fractions"] == "fractions: Gaussian()"
    assert auto.overrides["counts"] == "poisson"  # the parameter stays as it was
    assert repr(clone(vae)) == repr(small(auto))


def test_overrides_of_a_conditional_model_are_columns_of_X():
    cvae = CVAETransformer(2, max_epochs=1, random_state=0, condition_columns=["codes"])
    for key in ("counts", 4):
        cvae.set_params(likelihood=Auto({key: "poisson"})).fit(FRAME)
        assert "counts: Poisson()" in repr(cvae.likelihood_)
    with pytest.raises(ValueError, match="names a condition column in \\['codes'\\]"):
        cvae.set_params(likelihood=Auto({"codes": "poisson"})).fit(FRAME)


def test_the_rest_of_a_list_may_be_auto():
    X = FRAME[["counts", "fractions", "codes"]]
    vae = small([("poisson", ["counts"]), ("auto", ["fractions", "codes"])]).fit(X)
    assert families(vae.likelihood_.parts_[1]) == [Gaussian, Codes]


def test_long_choices_are_cut():
    lines = repr(chosen(RANDOM.normal(size=(N, 70)))).splitlines()
    assert len(lines) == 61
    assert lines[-1] == "... and 10 more"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"overrides": {"size": "poisson"}}, "No column is named 'size'"),
        ({"overrides": {"codes": "categorical"}}, "likelihoods of single columns"),
        ({"overrides": {"codes": "normal"}}, "'likelihood' parameter"),
        ({"overrides": ["codes"]}, "'overrides' parameter of Auto must be a dict"),
        ({"numbers": "codes"}, "'numbers' parameter of Auto"),
    ],
)
def test_invalid_parameters_raise(params, message):
    with pytest.raises(ValueError, match=message):
        small(Auto(**params)).fit(FRAME)


def test_a_binary_table_can_be_binarised():
    X = RANDOM.choice([0.0, 1.0], (N, 5))
    vae = VAETransformer(2, likelihood="auto", binarize="dynamic", max_epochs=1)
    vae.fit(X)
    with pytest.raises(ValueError, match="'binarize' parameter"):
        vae.fit(FRAME)


def test_a_number_taken_for_a_label_may_be_new_later():
    random = np.random.default_rng(0)
    X = np.column_stack([random.normal(size=100), np.arange(100) % 4])
    vae = VAETransformer(2, likelihood="auto", max_epochs=2, random_state=0).fit(X)
    assert "x1: Codes" in repr(vae.likelihood_)
    new, hole = X[:5].copy(), X[:5].copy()
    new[2, 1], hole[2, 1] = 7, np.nan
    np.testing.assert_array_equal(vae.transform(new), vae.transform(hole))
    np.testing.assert_array_equal(vae.score_samples(new), vae.score_samples(hole))
