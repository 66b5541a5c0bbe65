"""Tables of every kind are read without loss, or refused in words of skvae's own."""

import traceback
from array import array
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from instances import fit, small

from skvae import AETransformer, CVAETransformer, JMVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.exceptions import SkvaeDataWarning, warn_data
from skvae.nets import Dense

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
TABLE = np.random.default_rng(0).random((12, 4))


# What holds the same numbers in another form.
SAME = {
    "tensors": list(torch.as_tensor(TABLE)),
    "tensors with gradients": [*torch.as_tensor(TABLE).requires_grad_()],
    "cells with gradients": [[*row] for row in torch.as_tensor(TABLE).requires_grad_()],
    "buffer": memoryview(TABLE),
    "big-endian": TABLE.astype(">f8"),
    "Fortran": np.asfortranarray(TABLE),
    "no mask": np.ma.array(TABLE),
    "no mask of a matrix": np.ma.array(TABLE.view(np.matrix)),
}
FAR = pl.DataFrame(1e9 * TABLE).cast(pl.Int32).cast(pl.Date)
LISTS = pl.DataFrame(TABLE).with_columns(column_0=pl.lit([1.0]))
REFUSED = {
    "class": (list, TypeError, "X must be an array.* Got a type instead"),
    "object": (object(), TypeError, "X must be an array.* Got a object instead"),
    "list of dicts": ([{"a": 1}] * 12, TypeError, "X must be an array"),
    "nothing": (None, ValueError, "Expected 2D array|X is not a table"),
    "a row": ([*range(1000)], ValueError, "got 1D array instead, of list"),
    "a range": (range(10**12), ValueError, "got 1D array instead, of range"),
    "a row of tensors": (list(torch.ones(4)), ValueError, "got 1D array"),
    "a buffer of one row": (array("d", range(1000)), ValueError, "got 1D .* of float"),
    "masked records": (
        np.ma.array(np.rec.fromarrays(TABLE.T)),
        TypeError,
        "array of records",
    ),
    "words": (["a"] * 12, ValueError, "got 1D array instead, of list"),
    "1-D objects": (np.array(["a", 1], object), ValueError, "instead, of object"),
    "0-D objects": (np.array(["a"], object)[0:1].reshape(()), ValueError, "got 0D"),
    "ragged": ([*TABLE.tolist(), [1.0]], ValueError, "X|rows"),
    "equal names": (
        pd.DataFrame(TABLE, columns=list("abca")),
        ValueError,
        "X has 2 columns named 'a'",
    ),
    "no datetimes": (TABLE[:0].astype("M8[s]"), ValueError, "x0 of X holds datetimes"),
    "dates that polars cannot show": (FAR, ValueError, "of X holds datetimes"),
    "lists": (LISTS, ValueError, "X is not a table|List"),
    "no columns": (pd.DataFrame(TABLE[:, :0]), ValueError, "X|0 columns"),
    "sparse columns": (
        pd.DataFrame(TABLE).astype(pd.SparseDtype(float)),
        TypeError,
        r"pass X.sparse.to_dense\(\)",
    ),
}


def assert_own(error):
    """Assert that an error was raised on purpose, by skvae or in scikit-learn."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    assert {"skvae", "sklearn"} & {*Path(last.filename).parts}
    assert last.line.startswith("raise ")


@pytest.fixture(scope="module")
def models():
    """One fitted model of each kind of columns."""
    blocks = {"left": slice(0, 2), "right": slice(2, 4)}
    return [
        small(VAETransformer).fit(TABLE),
        small(CVAETransformer).fit(TABLE),
        small(JMVAETransformer, modalities=blocks).fit(TABLE),
        small(CVAETransformer, condition_columns=[3]).fit(TABLE),
    ]


@pytest.mark.parametrize("X", SAME.values(), ids=SAME)
def test_the_same_numbers_in_another_form_give_the_same_answers(X, models):
    for model in models:
        np.testing.assert_array_equal(model.transform(X), model.transform(TABLE))
        assert model.score(X) == model.score(TABLE)


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize(("X", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_of_numbers_is_refused_in_words(X, error, message, models):
    for model in models:
        for ask in (model.transform, model.score, model.fit, model.partial_fit):
            with pytest.raises(error, match=message) as caught:
                ask(X)
            assert_own(caught.value)


@pytest.mark.parametrize(
    "value", [Fraction(1, 2), 10**400, np.bool_(True)], ids=["fraction", "huge", "bool"]
)
@pytest.mark.parametrize("name", ["lr", "weight_decay", "tol"])
def test_a_float_is_one_that_torch_can_compute_with(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        small(VAETransformer, **{name: value}).fit(TABLE)
    for number in (1, np.float32(0.5), np.int64(1)):
        small(VAETransformer, **{name: number}).fit(TABLE)


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
        ("get_feature_names_out", "input_features", range(10**12)),
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
    ids=["class", "arguments", "meta", "components", "layers", "recipe"],
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
