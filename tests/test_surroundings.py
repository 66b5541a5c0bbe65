"""Estimators under torch's modes, in threads and notebooks, and with own parts."""

import copy
import pickle
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from instances import fit, having, partial_fit, small
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

from skvae import (
    CVAETransformer,
    JMVAETransformer,
    VAETransformer,
    WakeSleepTransformer,
    load,
)
from skvae.discovery import all_estimators
from skvae.persistence import architecture

X = np.random.default_rng(0).random((40, 6))
FRAME = pd.DataFrame(X, columns=list("abcdef"))
CLASSES = [cls for _, cls in all_estimators()]
each_estimator = pytest.mark.parametrize("cls", CLASSES)
MODES = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
}


# -- modes of torch --------------------------------------------------------------------


def answers(estimator):
    """Return what an estimator answers, by method."""
    Z = estimator.transform(X)
    found = {
        "transform": Z,
        "inverse_transform": estimator.inverse_transform(Z),
        "reconstruct": estimator.reconstruct(X),
    }
    if hasattr(estimator, "sample"):
        found["sample"] = estimator.sample(3, random_state=0)
        found["score_samples"] = estimator.score_samples(X)
        found["elbo"] = estimator.log_likelihood(X, method="elbo")
    return found


@each_estimator
@pytest.mark.parametrize("mode", MODES)
def test_a_mode_of_torch_around_a_call_changes_nothing(cls, mode, tmp_path):
    expected = fit(small(cls), X)
    with MODES[mode]():
        estimator = fit(small(cls), X)
        found = answers(estimator)
        estimator.save(tmp_path / "model", training_state=True)
        loaded = load(tmp_path / "model")
    for name, values in answers(expected).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert found[name].dtype == values.dtype
    with MODES[mode]():
        partial_fit(estimator, X)
    for other in (expected, loaded):
        partial_fit(other, X)
        np.testing.assert_array_equal(other.transform(X), estimator.transform(X))


@pytest.mark.parametrize("cls", having("modalities"))
def test_modalities_are_filled_in_as_without_autocast(cls):
    halves = {"u": [0, 1, 2], "v": [3, 4, 5]}
    table = X.copy()
    table[::3, 3:] = np.nan
    model = small(cls, modalities=halves).fit(table)
    filled = model.impute(table)
    made = model.generate(table, "v", random_state=0)
    with MODES["autocast"]():
        np.testing.assert_array_equal(model.impute(table), filled)
        again = model.generate(table, "v", random_state=0)
        np.testing.assert_array_equal(again, made)


# -- threads ---------------------------------------------------------------------------


@each_estimator
def test_an_estimator_can_be_copied_while_another_thread_scores(cls):
    estimator, errors, stop = fit(small(cls), X), [], threading.Event()
    answer = getattr(estimator, "score_samples", estimator.transform)
    expected = answer(X)

    def work():
        while not stop.is_set():
            try:
                np.testing.assert_array_equal(answer(X), expected)
            except Exception as error:
                errors.append(error)
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(20):
            copy.deepcopy(estimator)
            restored = pickle.loads(pickle.dumps(estimator))
    finally:
        stop.set()
        thread.join()
    assert errors == []
    np.testing.assert_array_equal(restored.transform(X), estimator.transform(X))


# -- before and after fit --------------------------------------------------------------


@each_estimator
def test_names_of_latents_need_a_fit(cls):
    for method in ("latent_names", "get_feature_names_out"):
        with pytest.raises(NotFittedError):
            getattr(small(cls), method)()


@each_estimator
def test_an_estimator_can_be_shown_and_listed_at_any_time(cls):
    estimator = small(cls)
    for one in (estimator, fit(estimator, X)):
        assert "transform" in dir(one)
        assert cls.__name__ in one._repr_html_()
        assert cls.__name__ in repr(one)


@pytest.mark.parametrize("cls", having("condition_columns"))
def test_a_conditional_estimator_can_be_shown_too(cls):
    table = np.column_stack([X, np.arange(40) % 2])
    for model in (
        small(cls).fit(X, condition=table[:, -1]),
        small(cls, condition_columns=[6]).fit(table),
    ):
        assert "conditions_" in dir(model)
        assert cls.__name__ in model._repr_html_()


# -- own networks ----------------------------------------------------------------------


def lazy():
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU())


def test_lazy_modules_take_the_width_of_the_input(tmp_path):
    settings = {"encoder": lazy(), "decoder": lazy()}
    model = small(VAETransformer, **settings).fit(X)
    assert model.module_.encoder[0].weight.shape == (4, 6)
    built = small(VAETransformer, encoder=lambda n: lazy(), decoder=lambda n: lazy())
    np.testing.assert_array_equal(built.fit(X).transform(X), model.transform(X))
    np.testing.assert_array_equal(clone(model).fit(X).transform(X), model.transform(X))
    model.set_params(warm_start=True).fit(X)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model", encoder=lazy(), decoder=lazy())
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    assert architecture(small(VAETransformer, encoder=lazy())) != architecture(
        small(VAETransformer, encoder=nn.Linear(6, 4))
    )


@pytest.mark.parametrize("parameter", ["encoder", "decoder"])
@pytest.mark.parametrize("network", [nn.Linear, nn.Sequential, nn.Conv2d])
def test_a_class_in_place_of_a_network_is_refused_in_words(parameter, network):
    model = small(VAETransformer, **{parameter: network})
    with pytest.raises(ValueError, match=rf"'{parameter}' .*class {network.__name__}"):
        model.fit(X)


class Own(nn.Sequential):
    """A network that needs nothing but the width of its input."""

    def __init__(self, n_in):
        super().__init__(nn.Linear(n_in, 4), nn.ReLU())


def test_a_class_that_takes_the_width_is_a_function():
    assert small(VAETransformer, encoder=Own).fit(X).transform(X).shape == (40, 8)


# -- columns named by an Index or a Series ---------------------------------------------

LISTS = {
    "Index": pd.Index,
    "Series": pd.Series,
    "array": np.array,
    "polars": pl.Series,
}


@pytest.mark.parametrize("kind", LISTS)
def test_columns_may_be_named_by_an_index_or_a_series(kind, tmp_path):
    listed = LISTS[kind]
    frame = FRAME.assign(sex=["f", "m"] * 20)
    cases = {
        "condition": (CVAETransformer, frame, {"condition_columns": ["sex"]}),
        "modalities": (
            JMVAETransformer,
            FRAME,
            {"modalities": {"u": ["a", "b"], "v": [*"cdef"]}},
        ),
        "likelihood": (
            VAETransformer,
            FRAME,
            {"likelihood": [("gaussian", ["a", "b"]), ("bernoulli", [*"cdef"])]},
        ),
    }
    for cls, table, settings in cases.values():
        expected = small(cls, **settings).fit(table).transform(table)
        model = small(cls, **named_by(listed, settings)).fit(table)
        np.testing.assert_array_equal(model.transform(table), expected)
        # Parameters are compared when training resumes, and when a model is saved.
        model.set_params(warm_start=True, **named_by(listed, settings)).fit(table)
        model.partial_fit(table)
        model.save(tmp_path / "model")
        found = load(tmp_path / "model").transform(table)
        np.testing.assert_array_equal(found, model.transform(table))
        assert cls.__name__ in repr(clone(model))


def named_by(listed, settings):
    """Return settings with new containers of column names."""
    ((name, value),) = settings.items()
    if name == "condition_columns":
        return {name: listed(value)}
    if name == "modalities":
        return {name: {block: listed(columns) for block, columns in value.items()}}
    return {name: [(part, listed(columns)) for part, columns in value]}


def test_other_columns_in_an_index_are_another_architecture():
    frame = FRAME.assign(sex=["f", "m"] * 20, site=["u", "v"] * 20)
    model = small(CVAETransformer, condition_columns=pd.Index(["sex", "site"]))
    model.fit(frame).set_params(warm_start=True, condition_columns=pd.Index(["sex"]))
    with pytest.raises(ValueError, match=r"'condition_columns' parameter .* must stay"):
        model.fit(frame)


def test_a_table_does_not_name_columns():
    with pytest.raises(ValueError, match="'condition_columns' parameter"):
        small(CVAETransformer, condition_columns=FRAME).fit(FRAME)


# -- values that overflow --------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_counts_under_wake_sleep_are_an_error_in_words(dtype):
    model = small(WakeSleepTransformer, likelihood="poisson", dtype=dtype)
    table = np.full((60, 6), 1e30)
    with pytest.raises(FloatingPointError, match="became non-finite in batch"):
        model.fit(table)
    assert not hasattr(model, "net_")
