"""Tables of every kind are read without loss, or refused in words of skvae's own."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from instances import fit, small

from skvae import AETransformer, CVAETransformer, JMVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.exceptions import SkvaeDataWarning, warn_data
from skvae.nets import Dense

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
TABLE = np.random.default_rng(0).random((12, 4))


def holding(cell):
    """Return the table as objects, with another cell."""
    X = TABLE.astype(object)
    X[3, 2] = cell
    return X


# What holds the same numbers in another form.
SAME = {
    "lazy frame": pl.DataFrame(TABLE).lazy(),
    "dask frame": dask.dataframe.from_pandas(pd.DataFrame(TABLE), npartitions=2),
    "dask array": dask.array.from_array(TABLE),
    "pyarrow": pa.table(pd.DataFrame(TABLE)),
    "strings": TABLE.astype(str),
    "bytes": TABLE.astype("S25"),
    "StringDType": TABLE.astype(str).astype(np.dtypes.StringDType()),
    "list with strings": [[str(row[0]), *row[1:]] for row in TABLE.tolist()],
    "objects": TABLE.astype(object),
    "decimals": [[Decimal(v) for v in row] for row in TABLE.tolist()],
    "fractions": [[Fraction(v) for v in row] for row in TABLE.tolist()],
    "categories": pd.DataFrame(TABLE).astype("category"),
    "text columns": pd.DataFrame(TABLE).astype("string"),
    "polars text": pl.DataFrame(TABLE).cast(pl.String),
    "no mask": np.ma.array(TABLE),
    "tensors": list(torch.as_tensor(TABLE)),
    "tensors with gradients": [*torch.as_tensor(TABLE).requires_grad_()],
    "big-endian": TABLE.astype(">f8"),
    "Fortran": np.asfortranarray(TABLE),
    "negated tensor": torch._neg_view(torch.as_tensor(-TABLE)),
    "buffer": memoryview(TABLE),
}

REFUSED = {
    "text": (holding("a"), ValueError, "Row 3 of column x2 is 'a': could not convert"),
    "empty text": (holding(""), ValueError, "Row 3 of column x2 is ''"),
    "bytes": (holding(b"a"), ValueError, "Row 3 of column x2 is b'a'"),
    "huge int": (holding(10**400), ValueError, "Row 3 .* beyond the range of float64"),
    "signaling NaN": (holding(Decimal("sNaN")), ValueError, "Row 3 of column x2"),
    "complex cell": (
        holding(1j),
        TypeError,
        "Row 3 of column x2 .* type complex",
    ),
    "numpy complex cell": (holding(np.complex64(1j)), TypeError, "of type complex64"),
    "date": (holding(date(2020, 1, 1)), TypeError, "Row 3 of column x2 .* type date"),
    "datetime64": (holding(np.datetime64("2020")), TypeError, "of type datetime64"),
    "list": (holding([1, 2]), TypeError, "Row 3 of column x2 .* of type list"),
    "object": (holding(object()), TypeError, "Row 3 of column x2 .* of type object"),
    "times": (TABLE.astype("M8[s]"), TypeError, "Column x0 has dtype datetime64"),
    "durations": (TABLE.astype("m8[D]"), TypeError, "Column x0 has dtype timedelta64"),
    "records": (np.zeros((12, 4), "f8,i4"), TypeError, "Column x0 has dtype"),
    "record array": (np.rec.fromarrays(TABLE.T), ValueError, "Expected 2D array"),
    "void": (TABLE.astype("V8"), TypeError, "Column x0 has dtype"),
    "complex": (TABLE.astype(complex), ValueError, "Complex data not supported"),
    "time column": (
        pd.DataFrame(TABLE, columns=[*"abcd"]).assign(c=pd.Timestamp("2020")),
        TypeError,
        "Column c has dtype datetime64",
    ),
    "text column": (
        pd.DataFrame(TABLE, columns=[*"abcd"]).assign(c="red"),
        ValueError,
        "Row 0 of column c is 'red'.*OrdinalEncoder",
    ),
    "polars date": (
        pl.DataFrame(TABLE, [*"abcd"]).with_columns(c=pl.lit(date(2020, 1, 1))),
        TypeError,
        "Column c has dtype datetime64",
    ),
    "sparse columns": (
        pd.DataFrame(TABLE).astype(pd.SparseDtype(float)),
        TypeError,
        r"X.sparse.to_dense\(\)",
    ),
    "sparse": (sp.csr_array(TABLE), TypeError, "Sparse data was passed"),
    "ragged": ([*TABLE.tolist(), [1.0]], ValueError, "all of the same length"),
    "string": ("text", TypeError, "X must be an array.* Got 'text' instead"),
    "set": ({1, 2}, TypeError, r"X must be an array.* Got \{1, 2\} instead"),
    "dict": ({"a": [1]}, TypeError, "X must be an array"),
    "generator": ((row for row in TABLE), TypeError, "X must be an array"),
    "class": (list, TypeError, "X must be an array"),
    "none": (None, ValueError, "Expected 2D array"),
    "complex tensor": (
        torch.as_tensor(TABLE).to(torch.complex64),
        ValueError,
        "Complex data not supported: X has dtype torch.complex64",
    ),
    "sparse tensor": (
        torch.as_tensor(TABLE).to_sparse(),
        TypeError,
        r"layout torch.sparse_coo",
    ),
    "meta tensor": (torch.as_tensor(TABLE).to("meta"), TypeError, "device 'meta'"),
}


@pytest.fixture(scope="module")
def models():
    """One fitted model of each kind of columns."""
    blocks = {"left": slice(0, 2), "right": slice(2, 4)}
    return [
        small(VAETransformer).fit(TABLE),
        small(CVAETransformer).fit(TABLE),
        small(JMVAETransformer, modalities=blocks).fit(TABLE),
    ]


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("X", SAME.values(), ids=SAME)
def test_the_same_numbers_in_another_form_give_the_same_answers(X, models):
    for model in models:
        np.testing.assert_array_equal(model.transform(X), model.transform(TABLE))
        assert model.score(X) == model.score(TABLE)


@pytest.mark.parametrize(("X", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_of_numbers_is_refused_in_words(X, error, message, models):
    for model in models:
        for ask in (model.transform, model.score, model.fit, model.partial_fit):
            with pytest.raises(error, match=message):
                ask(X)


@pytest.mark.parametrize(("X", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_latents_are_checked_as_tables_are(X, error, message, models):
    for model in models:
        with pytest.raises(error, match=message):
            model.inverse_transform(X)


def test_a_column_beside_a_condition_is_checked_too():
    model = small(CVAETransformer, condition_columns=["c"])
    X = pd.DataFrame(TABLE, columns=[*"abcd"]).assign(c="red")
    model.fit(X)
    np.testing.assert_array_equal(model.transform(X), model.transform(pa.table(X)))
    with pytest.raises(ValueError, match="Row 0 of column b is 'red'"):
        model.transform(X.assign(b="red"))


def test_masked_cells_are_missing(models):
    X = np.ma.masked_less(TABLE, 0.1)
    assert X.mask.any()
    blocks = np.ma.array(TABLE, mask=[[True, True, False, False]] + [[False] * 4] * 11)
    with pytest.raises(ValueError, match="NaN"):
        models[1].transform(X)
    np.testing.assert_array_equal(
        models[2].impute(blocks), models[2].impute(blocks.filled(np.nan))
    )
    counts = np.ma.array(np.ones((12, 4), dtype=int), mask=blocks.mask)
    np.testing.assert_array_equal(
        models[2].transform(counts),
        models[2].transform(np.where(blocks.mask, np.nan, 1.0)),
    )


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, np.nan, Decimal("NaN")])
def test_every_kind_of_missing_is_nan(missing, models):
    X = holding(missing)
    X[3, 3] = missing
    there = TABLE.copy()
    there[3, 2:] = np.nan
    for as_kind in (np.asarray, pd.DataFrame, list):
        np.testing.assert_array_equal(
            models[2].impute(as_kind(X)), models[2].impute(there)
        )


def test_whole_numbers_of_a_tensor_are_not_rounded():
    X = 2**24 + np.arange(48).reshape(12, 4) % 5
    model = small(VAETransformer).fit(X)
    np.testing.assert_array_equal(model.transform(torch.tensor(X)), model.transform(X))


@each_estimator
def test_an_answer_that_overflows_is_an_error_that_names_its_row(cls):
    model = fit(small(cls, likelihood="gaussian-unit"), TABLE)
    X = TABLE.copy()
    X[5] = 3e38
    with pytest.raises(FloatingPointError, match="row 5 is not finite in float32"):
        model.score(X)
    Z = np.zeros((4, model.transform(TABLE).shape[1]))
    Z[2] = 1e300
    with pytest.raises(FloatingPointError, match=r"row 2 .* dtype='float64'"):
        model.inverse_transform(Z)
    assert np.isfinite(model.transform(TABLE)).all()


@each_estimator
@pytest.mark.parametrize(
    ("method", "argument", "value"),
    [
        ("sample", "random_state", -1),
        ("sample", "mean", pd.NA),
        ("sample", "n_samples", 2**63),
        ("log_likelihood", "return_std_error", np.array([True, False])),
        ("log_likelihood", "return_diagnostics", torch.tensor(1.0, device="meta")),
        ("log_likelihood", "n_samples", 10**400),
        ("get_feature_names_out", "input_features", "a"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(cls, method, argument, value):
    if not hasattr(cls, method):
        return
    model = fit(small(cls), TABLE)
    rows = (TABLE,) if method == "log_likelihood" else ()
    with pytest.raises(ValueError, match=argument):
        getattr(model, method)(*rows, **{argument: value})


def test_small_ints_of_numpy_do_not_overflow():
    model = small(VAETransformer).fit(TABLE)
    one, other = (model.log_likelihood(TABLE, n(100)) for n in (int, np.int8))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"encoder": torch.nn.Linear}, "The 'encoder' parameter .* failed: .*missing"),
        ({"decoder": lambda: None}, "The 'decoder' parameter must be"),
        ({"encoder": torch.nn.Linear(4, 3).to("meta")}, "'encoder' .* 'meta'"),
        ({"n_components": 2**63}, "cannot be built with these widths"),
        ({"hidden_layer_sizes": (10**18,)}, "cannot be built with these widths"),
        ({"encoder": Dense((2**63,))}, "The 'encoder' parameter must be"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_built_is_named(params, message):
    with pytest.raises(ValueError, match=message):
        small(AETransformer, **params).fit(TABLE)


def test_a_message_shows_at_most_200_characters_of_a_value():
    with pytest.raises(ValueError, match="'verbose'") as caught:
        small(AETransformer, verbose="a" * 10**6).fit(TABLE)
    assert len(str(caught.value)) < 400


def test_a_warning_reaches_code_without_a_module():
    with pytest.warns(SkvaeDataWarning, match="odd"):
        exec("warn('odd')", {"warn": warn_data, "__builtins__": {}})
