"""Tables that are not numbers are refused in words, with the column."""

import datetime

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from instances import small
from scipy.sparse import csr_array, dok_array

from skvae import CVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.inputs import as_numpy

X = np.random.default_rng(0).normal(size=(6, 3))
NAMED = pd.DataFrame(X, columns=["a", "b", "c"])
DAYS = pd.to_datetime(["2020-02-29"] * 6)


def with_(value, dtype=object):
    rows = X.astype(dtype)
    rows[2, 1] = value
    return rows


def quantized():
    return torch.quantize_per_tensor(torch.ones(6, 3), 0.1, 0, torch.quint8)


HOSTILE = {
    "datetimes": (X.astype("M8[s]"), ValueError, "Column x0 of X holds datetimes"),
    "durations": (X.astype("m8[s]"), ValueError, "Column x0 of X holds datetimes or d"),
    "a frame of days": (
        NAMED.assign(b=DAYS),
        ValueError,
        "Column b of X holds datetime",
    ),
    "only days": (
        pd.DataFrame({"b": DAYS}),
        ValueError,
        "Column b of X holds datetimes",
    ),
    "polars dates": (
        pl.DataFrame({"a": X[:, 0], "b": [datetime.date(2020, 1, 1)] * 6}),
        ValueError,
        "Column b of X holds datetimes",
    ),
    "pyarrow": (
        pa.table({"b": pa.array(DAYS)}),
        ValueError,
        "Column b of X holds datet",
    ),
    "datetime objects": (
        [[1.0, np.datetime64("2020")]] * 6,
        ValueError,
        "Column x1 of X holds datetimes",
    ),
    "a huge integer": (
        with_(10**400),
        ValueError,
        "Column x1 of X .* row 2, beyond the",
    ),
    "bytes": (with_(b"red"), (TypeError, ValueError), "real number"),
    "a dict": (
        with_({"a": 1}),
        TypeError,
        "Column x1 of X holds {'a': 1} in row 2: .* n",
    ),
    "infinity": (with_(-np.inf, float), ValueError, "column x1 of X is -inf in row 2"),
    "complex": (X + 1j, ValueError, "Complex data not supported"),
    "a complex tensor": (torch.from_numpy(X) + 1j, ValueError, "tensor X is complex"),
    "a quantized tensor": (quantized, ValueError, "tensor X is quantized: pass deq"),
    "a meta tensor": (
        torch.empty(6, 3, device="meta"),
        ValueError,
        "tensor X is on the",
    ),
    "a sparse tensor": (torch.eye(6).to_sparse(), ValueError, "tensor X is sparse"),
    "masked": (np.ma.array(X, mask=X > 1), ValueError, "X has a masked value in row"),
    "records": (np.zeros(6, dtype="f4,f4"), TypeError, "X is an array of records"),
    "a mapping": ({"a": X[:, 0]}, TypeError, "Got a dict instead"),
    "a generator": ((row for row in X), TypeError, "Got a generator instead"),
    "a path": ("table.csv", TypeError, "Got a str instead"),
    "ragged": ([[1.0], [1.0, 2.0]], ValueError, "rows of X have different lengths"),
}


@pytest.mark.filterwarnings("ignore:torch.quantize")
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
def test_a_table_that_is_not_numbers_is_refused_in_words(cls, name):
    table, error, match = HOSTILE[name]
    with pytest.raises(error, match=match) as caught:
        small(cls).fit(table() if callable(table) else table)
    assert name == "complex" or len(str(caught.value)) < 500


@pytest.fixture(scope="module")
def fitted():
    return small(VAETransformer).fit(X)


@pytest.mark.filterwarnings("ignore:torch.quantize")
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_a_fitted_model_refuses_it_too(fitted, name):
    table, error, _ = HOSTILE[name]
    table = table() if callable(table) else table
    before = fitted.transform(X)
    for method in (fitted.transform, fitted.score, fitted.inverse_transform):
        with pytest.raises(error):
            method(table)
    np.testing.assert_array_equal(fitted.transform(X), before)


def test_errors_name_a_column_beside_the_conditions():
    frame = NAMED.assign(site=["u", "v"] * 3).assign(b=np.nan)
    model = small(CVAETransformer, condition_columns=["site"])
    with pytest.raises(ValueError, match="Column b has no value"):
        model.fit(frame)
    table = frame.assign(b=np.inf).to_numpy()
    with pytest.raises(ValueError, match="column x1 of X is inf in row 0"):
        small(CVAETransformer, condition_columns=[0]).fit(table[:, [3, 1, 0]])


def test_integers_in_a_tensor_are_not_rounded():
    big = torch.tensor([[2**24 + 1, 2**53 - 1]])
    assert as_numpy(big).tolist() == big.tolist()
    assert as_numpy(big.to(torch.bfloat16)).dtype == np.float32
    assert as_numpy(torch.ones(2, dtype=torch.bool)).dtype == bool


def test_pyarrow_tables_may_have_condition_columns():
    frame = NAMED.assign(site=["u", "v"] * 3, run=[1, 2, 3] * 2)
    table = pa.Table.from_pandas(frame)
    model = small(CVAETransformer, condition_columns=["site", "run"])
    expected = model.fit(frame).transform(frame)
    np.testing.assert_array_equal(model.transform(table), expected)
    model.fit(table)
    assert list(model.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(model.transform(frame), expected)
    coded = table.set_column(3, "site", table["site"].dictionary_encode())
    np.testing.assert_array_equal(model.transform(coded), expected)


def test_lazy_collections_are_refused_where_they_are_not_read_in_blocks():
    frame = dask.dataframe.from_pandas(NAMED, npartitions=2)
    fitted = small(VAETransformer).fit(X)
    for table in (frame, dask.array.from_array(X), pl.LazyFrame({"a": X[:, 0]})):
        with pytest.raises(TypeError, match=r"collect\(\) or compute\(\)"):
            fitted.log_likelihood(table)
        with pytest.raises(TypeError, match="condition must be an array"):
            small(CVAETransformer).fit(X, condition=table)
    for table in (csr_array(X), dok_array(X)):
        with pytest.raises(TypeError, match="Sparse data was passed"):
            fitted.log_likelihood(table)


def test_a_nested_parameter_of_a_string_says_to_pass_an_object():
    with pytest.raises(ValueError, match=r"no parameter 'scale'.*skvae\.distributions"):
        VAETransformer().set_params(likelihood__scale="row")
    with pytest.raises(ValueError, match="is None, which has no parameter 'sizes'"):
        VAETransformer().set_params(encoder__sizes=(3,))


def test_fit_still_accepts_what_converts():
    for table in (X.astype(object), X.tolist(), np.ma.array(X)):
        assert small(VAETransformer).fit(table).transform(table).shape == (6, 8)
